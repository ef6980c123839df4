// The recordings: a list, what changed over weeks, and each one's replay.

import { get } from "./api.js";
import { el } from "./dom.js";
import { t } from "./i18n.js";

/**
 * Mount the view into its section; return what the wiring calls: `enter(path)` when it is shown, with what
 * stands behind `#history/` in the address, and `leave()` when another is.
 */
export function mount(section, { store }) {
  const list = el("ul", { class: "plain" });
  section.append(el("h1", { "data-t": "history.title", text: t("history.title") }), list);
  store.on("event", (line) => line.type === "summary" && !section.hidden && enter());

  async function enter() {
    const { sessions } = await get("sessions");
    list.replaceChildren(...sessions.map((one) => el("li", { text: one.name })));
  }

  return { enter, leave() {} };
}
