// What a person must know before they believe what they see: no connection, old figures, what does not work.

import { el } from "./dom.js";
import { has, language, number, t } from "./i18n.js";

/** A program that tells its state every 5 s has fallen silent when nothing came for so long. */
const SILENT_MS = 6500;

/** Mount the notices. */
export function notices(place, store) {
  const offline = line("alarm");
  const sensor = line("alarm");
  const troubles = line("");
  const echo = el("p", { class: "echo", role: "status" });
  place.append(offline.node, sensor.node, troubles.node);
  document.body.append(echo);
  let timer;

  function settle() {
    const now = performance.now();
    const silent = store.heardAt === null ? 0 : (now - store.heardAt) / 1000;
    const cut = !store.open || silent > SILENT_MS / 1000;
    document.documentElement.dataset.stale = String(cut || ["lost", "stale"].includes(store.status?.state));
    const since = store.heardAt === null ? (now - store.openSince) / 1000 : silent;
    offline.show(
      cut && since >= 1
        ? t(store.heardAt === null ? "notice.unreached" : "notice.offline", { seconds: number(since) })
        : "",
    );
    const state = store.status?.state;
    const away = !cut && (state === "lost" || state === "stale");
    sensor.show(away ? t(`notice.${state}`, { seconds: number(store.stateFor(now)) }) : "");
    const wrong = cut ? [] : Object.entries(store.status?.troubles ?? {}).map(trouble);
    if (!cut && store.status?.battery_low)
      wrong.push(t("notice.battery", { percent: store.status.battery_percent }));
    troubles.show(wrong.join(" · "));
  }

  for (const topic of ["link", "state"]) store.on(topic, settle);
  setInterval(settle, 500);

  return {
    settle,
    /** Show what became of something a person pressed. */
    echo(text, bad) {
      clearTimeout(timer);
      echo.textContent = text;
      echo.dataset.bad = String(bad);
      echo.dataset.on = "true";
      timer = setTimeout(() => (echo.dataset.on = "false"), bad ? 8000 : 2500);
    },
  };
}

/** Return what does not work; the program's own line, which says why, is English. */
function trouble([part, line]) {
  if (language() === "en") return line;
  return has(`trouble.${part}`) ? t(`trouble.${part}`) : t("trouble", { part });
}

function line(kind) {
  const seen = el("p", { class: `notice ${kind}`, hidden: true, "aria-hidden": "true" });
  // said once when it begins, not again with each second that passes
  const heard = el("p", { class: "unseen", role: kind ? "alert" : "status" });
  return {
    node: el("div", {}, seen, heard),
    show(text) {
      if (seen.textContent !== text) seen.textContent = text;
      if (seen.hidden !== !text) {
        seen.hidden = !text;
        heard.textContent = text;
      }
    },
  };
}
