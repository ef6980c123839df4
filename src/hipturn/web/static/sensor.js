// The sensor's state, in the same words as in terminal, API and log; and how long it has lasted where that matters.

import { el, say } from "./dom.js";
import { number, t } from "./i18n.js";

const AGEING = ["lost", "stale", "searching", "connecting"];

/** Mount the state into its place in the bar. */
export function sensor(place, store) {
  const dot = el("span", { class: "dot", "aria-hidden": "true" });
  const state = el("strong", { class: "state-word" });
  const more = el("span", { class: "state-more muted" });
  const battery = el("span", { class: "battery" });
  place.append(dot, el("span", { class: "sensor-words", role: "status" }, state), more, battery);

  function settle() {
    const status = store.status;
    const name = store.open && status ? status.state : "offline";
    if (place.dataset.state !== name) place.dataset.state = name;
    say(state, t(`state.${name}`));
    say(more, moreOf(status, name));
    const percent = status?.battery_percent ?? null;
    battery.hidden = percent === null;
    battery.dataset.low = String(Boolean(status?.battery_low));
    say(
      battery,
      percent === null ? "" : `${status.battery_low ? `${t("battery.low")} ` : ""}${number(percent)} %`,
    );
    battery.setAttribute("aria-label", percent === null ? "" : t("battery", { percent }));
  }

  function moreOf(status, name) {
    if (name === "offline" || !status) return "";
    if (AGEING.includes(name)) {
      const since = t("state.since", { seconds: number(store.stateFor()) });
      return status.retrying && name === "lost" ? `${since}, ${t("state.retrying")}` : since;
    }
    return status.sensor ?? "";
  }

  for (const topic of ["state", "link"]) store.on(topic, settle);
  setInterval(settle, 1000);
  settle();
  return { settle };
}
