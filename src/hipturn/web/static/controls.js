// The buttons of a running session, with the keys that do the same.

import { el, say } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";

const ROWS = [
  ["undo", "up"],
  ["skip", "down"],
  ["redo", "R"],
  ["tare", "Z"],
  ["stop", "Q"],
];

/** Mount the buttons; `choose()` opens the choice of another session. */
export function controls(store, orders, choose) {
  const pauseWords = el("span");
  const pauseIcon = el("span", { class: "swap" });
  const pause = el(
    "button",
    { class: "button primary pause", type: "button", onclick: () => orders.pause() },
    pauseIcon,
    pauseWords,
    el("kbd", { "aria-hidden": "true", text: "␣" }),
  );
  const others = ROWS.map(([name, shortcut]) =>
    el(
      "button",
      { class: `button order-${name}`, type: "button", onclick: () => orders.send({ command: name }) },
      icon(name),
      el("span", { "data-t": `do.${name}` }),
      el("kbd", { "aria-hidden": "true", ...cap(shortcut) }),
    ),
  );
  const other = el(
    "button",
    { class: "button order-choose", type: "button", onclick: choose },
    icon("list"),
    el("span", { "data-t": "do.choose" }),
  );
  const node = el(
    "div",
    { class: "controls", role: "group", "data-t-label": "controls" },
    pause,
    others,
    other,
  );

  function settle() {
    const name = orders.paused ? "play" : "pause";
    if (pauseIcon.dataset.name !== name) {
      pauseIcon.dataset.name = name;
      pauseIcon.replaceChildren(icon(name));
    }
    say(pauseWords, t(orders.paused ? "do.resume" : "do.pause"));
    for (const button of [pause, ...others]) button.disabled = !store.running || !store.open;
  }

  for (const topic of ["coach", "state", "session", "link"]) store.on(topic, settle);
  settle();
  return { node, settle };
}

/** Return what stands on a key: letters are the same everywhere. */
function cap(name) {
  return name.length === 1 ? { text: name } : { "data-t": `cap.${name}` };
}
