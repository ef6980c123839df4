// Language, colours, and which keys there are.

import { el } from "./dom.js";
import { LANGUAGES, language, t } from "./i18n.js";
import { icon } from "./icons.js";
import * as prefs from "./prefs.js";

/** What stands on the keys, by what they do; names in braces are other ones elsewhere. */
const KEYS = [
  ["␣ · P · B · .", "pause"],
  ["{down} · →", "skip"],
  ["{up} · ←", "undo"],
  ["R", "redo"],
  ["Z", "tare"],
  ["M", "beat"],
  ["Q", "stop"],
  ["0–9, X", "pain"],
  ["{yes} · N", "answer"],
  ["V", "mute"],
  ["H", "history"],
  ["?", "keys"],
];

/** Mount the panel behind its button; `safety()` shows the safety words again. */
export function settingsPanel(tools, safety) {
  const button = el(
    "button",
    {
      class: "button round",
      type: "button",
      popovertarget: "settings-panel",
      "data-t-label": "settings.title",
    },
    icon("settings"),
  );
  const languages = el("select", {
    id: "language",
    onchange: (event) => prefs.set("language", event.target.value),
  });
  const themes = el("select", { id: "theme", onchange: (event) => prefs.set("theme", event.target.value) });
  const keys = el("dl", { class: "keys" });
  const panel = el(
    "div",
    {
      id: "settings-panel",
      class: "popover panel",
      popover: "auto",
      role: "dialog",
      "data-t-label": "settings.title",
    },
    el("h2", { "data-t": "settings.title" }),
    el("div", { class: "field" }, el("label", { for: "language", "data-t": "settings.language" }), languages),
    el("div", { class: "field" }, el("label", { for: "theme", "data-t": "settings.theme" }), themes),
    el("h3", { class: "label", "data-t": "settings.keys" }),
    keys,
    el(
      "button",
      {
        class: "button",
        type: "button",
        onclick: () => {
          panel.hidePopover();
          safety();
        },
      },
      el("span", { "data-t": "settings.safety" }),
    ),
  );
  tools.append(button);
  document.body.append(panel);

  function settle() {
    languages.replaceChildren(
      ...LANGUAGES.map((one) =>
        el("option", { value: one, text: t(`language.${one}`), selected: one === language() }),
      ),
    );
    themes.replaceChildren(
      ...["auto", "dark", "light"].map((one) =>
        el("option", { value: one, text: t(`theme.${one}`), selected: one === prefs.get("theme") }),
      ),
    );
    keys.replaceChildren(
      ...KEYS.flatMap(([key, name]) => [
        el("dt", {}, el("kbd", { text: key.replace(/\{(\w+)\}/, (_, name) => t(`cap.${name}`)) })),
        el("dd", { text: t(`key.${name}`) }),
      ]),
    );
  }

  const light = matchMedia("(prefers-color-scheme: light)");
  function colour() {
    const chosen = prefs.get("theme");
    document.documentElement.dataset.theme = chosen === "auto" ? (light.matches ? "light" : "dark") : chosen;
  }
  prefs.watch("theme", colour);
  light.addEventListener("change", colour);
  settle();
  return { settle, show: () => panel.togglePopover() };
}
