// The measuring view: choose, be led through a session, see what came out.

import { el } from "./dom.js";
import { choose } from "./choose.js";
import { controls } from "./controls.js";
import { figures } from "./figures.js";
import { leg } from "./leg.js";
import { onLanguage, language } from "./i18n.js";
import { prompts } from "./prompts.js";
import { fetchReferences } from "./references.js";
import { results } from "./results.js";
import { strip } from "./strip.js";
import * as prefs from "./prefs.js";

/** Mount the view; return `enter` and `leave`, as each view does, and whether there is a session to tell. */
export function mount(section, { store, orders, safety, sounds, claim }) {
  let choosing = false;
  let begun = false;
  let sending = false;
  /** How often somebody opened or left the choice: what was waited for meanwhile does not close it. */
  let turns = 0;

  const chooser = choose(store, begin, () => open(false));
  const parts = {
    prompts: prompts(store, orders),
    leg: leg(store),
    figures: figures(store),
    strip: strip(store),
    controls: controls(store, orders, () => open(true)),
  };
  const outcome = results(
    store,
    (side) => begin(again(side)),
    () => open(true),
  );
  const live = el(
    "div",
    { class: "live" },
    Object.values(parts).map((part) => part.node),
    parts.prompts.question,
  );
  section.append(chooser.node, live, outcome.node);

  /** Begin a session; before the first ever the safety words are shown. */
  async function begin(command) {
    if (sending) return;
    sending = true;
    const mine = turns;
    sounds.unlock();
    try {
      if (!(await safety.before())) return;
      claim();
      begun = true;
      if (!(await orders.send(command))) begun = false;
    } finally {
      sending = false;
    }
    if (mine === turns) open(false);
  }

  function again(side) {
    const { drill, kind, result } = store.coach ?? {};
    const person = prefs.get("person");
    prefs.set("side", side);
    return {
      command: "start",
      side,
      movement: kind === "test" ? (result?.conditions?.movement ?? prefs.get("movement")) : "active",
      language: language(),
      ...(drill ? { drill } : {}),
      ...(person ? { person } : {}),
    };
  }

  async function open(wanted) {
    const mine = ++turns;
    choosing = wanted;
    if (!wanted) chooser.leave();
    await settle();
    if (mine !== turns) return;
    // whoever is in the form already stays there: what they type must not go elsewhere
    if (wanted && !chooser.node.contains(document.activeElement))
      section.querySelector("input[name=choice]:checked")?.focus();
  }

  /** Show what there is: a session that runs or is about to, else what came out, else the choice. */
  function settle() {
    const show = store.coach;
    if (live.dataset.kind !== (show?.kind ?? "")) live.dataset.kind = show?.kind ?? "";
    const done = show?.step === "done" && !(show.parts > show.part);
    const over = outcome.any && (done || !store.running) && !begun;
    // a session that begins or ends elsewhere takes nothing out of anybody's hands
    const at = section.dataset.what === "choose" && chooser.inHand;
    const what =
      choosing || at
        ? "choose"
        : over
          ? "results"
          : store.running || begun || store.status === null
            ? "live"
            : "choose";
    if (section.dataset.what === what) return;
    section.dataset.what = what;
    document.documentElement.dataset.what = what;
    chooser.node.hidden = what !== "choose";
    live.hidden = what !== "live";
    outcome.node.hidden = what !== "results";
    // whoever reads the history, or is in a panel, is left there
    if (section.hidden) return what === "choose" ? chooser.fetchOffers() : undefined;
    scrollTo(0, 0);
    const free = document.activeElement === document.body || section.contains(document.activeElement);
    if (what === "results" && free) outcome.node.focus({ preventScroll: true });
    return what === "choose" ? chooser.fetchOffers() : undefined;
  }

  store.on("session", () => {
    begun = false;
    settle();
  });
  for (const topic of ["state", "coach"]) store.on(topic, settle);
  onLanguage(() => {
    for (const part of [...Object.values(parts), chooser, outcome]) part.settle();
    chooser.fetchOffers();
    compare();
  });
  function compare() {
    fetchReferences(() => [parts.leg, parts.figures, outcome].forEach((part) => part.settle()));
  }
  store.on("link", (open) => open && compare());
  compare();
  prefs.watch("reference", () => [parts.leg, parts.figures].forEach((part) => part.settle()));
  settle();

  return {
    enter: settle,
    leave() {},
    get active() {
      return !section.hidden && section.dataset.what === "live" && store.running;
    },
  };
}
