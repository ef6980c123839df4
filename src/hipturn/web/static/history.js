// The recordings: a list, what changed over weeks, and each one's replay.

import { el } from "./dom.js";
import { onLanguage, t } from "./i18n.js";
import * as progress from "./progress.js";
import * as recordings from "./recordings.js";
import * as replay from "./replay.js";

/**
 * Mount the view into its section; return what the wiring calls: `enter(path)` when it is shown, with what
 * stands behind `#history/` in the address, and `leave()` when another is.
 *
 * `#history` lists, `#history/NAME.mcap` replays a recording, `#history/person/NAME` tells a person's progress.
 */
export function mount(section, { store }) {
  const pages = { recordings, progress, replay };
  const parts = {};
  for (const [name, page] of Object.entries(pages)) {
    const node = el("div", { class: `history-${name}`, hidden: true });
    section.append(node);
    parts[name] = { node, ...page.mount(node, store) };
  }
  let shown = null;
  let path = [];
  let asked = 0;

  /** Show one of them; what fails is said in its place. */
  async function enter(given, moved = true) {
    const mine = ++asked;
    path = given;
    const [name, value] = chosen(given);
    if (shown && shown !== name) parts[shown].leave();
    for (const [each, part] of Object.entries(parts)) part.node.hidden = each !== name;
    shown = name;
    const { node, show } = parts[name];
    const at = document.activeElement;
    node.setAttribute("aria-busy", "true");
    try {
      await show(value);
      node.querySelector(".failed")?.remove();
    } catch (error) {
      if (mine === asked) fail(node, error);
    }
    if (mine !== asked) return;
    node.removeAttribute("aria-busy");
    // whoever went on to something else while it was fetched is left there
    const waited = [at, document.body, null].includes(document.activeElement);
    if (moved && given.length && waited) node.querySelector("h1")?.focus({ preventScroll: true });
  }

  function fail(node, error) {
    const words = t("history.failed", { why: error.message });
    const told = node.querySelector(".failed") ?? el("p", { class: "notice alarm failed", role: "alert" });
    told.textContent = words;
    node.prepend(told);
  }

  function leave() {
    if (shown) parts[shown].leave();
    shown = null;
  }

  onLanguage(() => shown && enter(path, false));
  const again = () => shown === "recordings" && enter(path, false);
  store.on("written", again);
  // what was closed while nothing was heard
  store.on("link", (open) => open && again());
  return { enter, leave };
}

/** Return which page an address means, and of what. */
function chosen([first, second]) {
  if (first === "person" && second) return ["progress", second];
  return first?.endsWith(".mcap") ? ["replay", first] : ["recordings", null];
}
