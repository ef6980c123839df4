// The wiring, and the only one: stream into store, views into sections, keys into orders, address to view.

import { get } from "./api.js";
import { byId } from "./dom.js";
import { language, onLanguage, translate } from "./i18n.js";
import * as history from "./history.js";
import { listen } from "./keys.js";
import * as measure from "./measure.js";
import * as measures from "./measures.js";
import { notices } from "./notices.js";
import { Orders } from "./orders.js";
import { safety } from "./safety.js";
import { sensor } from "./sensor.js";
import { settingsPanel } from "./settings_panel.js";
import { Socket } from "./socket.js";
import { soundPanel } from "./sound_panel.js";
import { Sounds } from "./sounds.js";
import { Store } from "./store.js";
import { Voice } from "./voice.js";
import { stayAwake } from "./wake.js";

const store = new Store();
const me = pageName();
const sounds = new Sounds();
const voice = new Voice(sounds);
const told = notices(byId("notices"), store);
const orders = new Orders(store, told.echo);
const words = safety();
const state = sensor(byId("sensor"), store);
const sound = soundPanel(byId("tools"), store, orders, voice, sounds, me);
const settings = settingsPanel(byId("tools"), words.show);

/** What each view is given. */
const app = { store, orders, sounds, safety: words, claim: sound.claim };
const sections = { measure: byId("measure"), history: byId("history") };
const views = {
  measure: measure.mount(sections.measure, app),
  history: history.mount(sections.history, app),
};
let shown = null;

/** Return a part of the address as it is meant, or as it stands where somebody wrote a % that means nothing. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Show what the address says: `#measure`, or `#history/…` with what the view makes of the rest. */
function route() {
  const [name, ...path] = location.hash.replace(/^#\/?/, "").split("/").map(decoded);
  const view = Object.hasOwn(views, name) ? name : "measure";
  if (shown && shown !== view) views[shown].leave();
  for (const [each, section] of Object.entries(sections)) {
    section.hidden = each !== view;
    if (each === view) byId(`to-${each}`).setAttribute("aria-current", "page");
    else byId(`to-${each}`).removeAttribute("aria-current");
  }
  shown = view;
  views[view].enter(path);
}

/**
 * Hear what was missed of the session: before the page was opened, or while the link was away. If another has
 * begun until the answer comes, that one was heard from its beginning on.
 */
async function catchUp() {
  try {
    const before = store.recording;
    const { lines } = await get("results");
    const overtaken = store.recording !== before && lines[0]?.recording !== store.recording;
    if (!overtaken) for (const line of lines) store.hear(line, performance.now());
  } catch {
    // the link is gone again: the next one catches up
  }
}

/** Return a name for this page that outlives being loaded anew, and that no copy of it in another tab has. */
function pageName() {
  const anew = performance.getEntriesByType("navigation")[0]?.type === "reload";
  const kept = anew ? sessionStorage.getItem("hipturn.name") : null;
  const name = kept ?? Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  sessionStorage.setItem("hipturn.name", name);
  return name;
}

const socket = new Socket(
  (line, at, bytes) => {
    measures.message(line, at, bytes);
    store.hear(line, at);
  },
  (open) => {
    if (!open) measures.measures.reconnects += 1;
    store.link(open);
    if (open) catchUp();
  },
  me,
);

listen(store, orders, () => views.measure.active, {
  v: sound.mute,
  h: () => (location.hash = /^#\/?history/.test(location.hash) ? "#measure" : "#history"),
  "?": settings.show,
});
onLanguage(() => [state, sound, settings, told].forEach((part) => part.settle()));
document.documentElement.lang = language();
translate();
if (new URLSearchParams(location.search).has("token")) {
  // the token is in a cookie now: it need not stand in the address, where somebody may read it
  window.history.replaceState(null, "", location.pathname + location.hash);
}
stayAwake(store);
addEventListener("hashchange", route);
route();
socket.open();
window.hipturn = { store, measures: measures.measures };
