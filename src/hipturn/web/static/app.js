// The wiring, and the only one: stream into store, views into sections, address to view.

import { byId } from "./dom.js";
import { language, translate } from "./i18n.js";
import * as history from "./history.js";
import * as measure from "./measure.js";
import * as measures from "./measures.js";
import { Socket } from "./socket.js";
import { Store } from "./store.js";

const store = new Store();
/** What each view is given. */
const app = { store };
const sections = { measure: byId("measure"), history: byId("history") };
const views = {
  measure: measure.mount(sections.measure, app),
  history: history.mount(sections.history, app),
};
let shown = null;

/** Show what the address says: `#measure`, or `#history/…` with what the view makes of the rest. */
function route() {
  const [name, ...path] = location.hash.slice(1).split("/").map(decodeURIComponent);
  const view = name in views ? name : "measure";
  if (shown && shown !== view) views[shown].leave();
  for (const [each, section] of Object.entries(sections)) {
    section.hidden = each !== view;
    byId(`to-${each}`).toggleAttribute("aria-current", each === view);
  }
  shown = view;
  views[view].enter(path);
}

const socket = new Socket(
  (line, at, bytes) => {
    measures.message(line, at, bytes);
    store.hear(line, at);
  },
  (open) => store.link(open),
);

document.documentElement.lang = language();
translate();
if (new URLSearchParams(location.search).has("token")) {
  // the token is in a cookie now: it need not stand in the address, where somebody may read it
  window.history.replaceState(null, "", location.pathname + location.hash);
}
addEventListener("hashchange", route);
route();
socket.open();
window.hipturn = { store, measures: measures.measures };
