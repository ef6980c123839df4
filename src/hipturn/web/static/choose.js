// What to do next: whose hip, which leg, which test, drill, stretch or routine.

import { get } from "./api.js";
import { el, say, steady } from "./dom.js";
import { language, t } from "./i18n.js";
import { icon } from "./icons.js";
import * as prefs from "./prefs.js";

/** Who touched the form so lately is still at it. */
const HANDS_MS = 15000;
const GROUPS = ["test", "drill", "stretch", "roll-out"];

/** Mount the choice; `begin(command)` starts a session, `back()` leads back to one that runs. */
export function choose(store, begin, back) {
  const people = el("datalist", { id: "people" });
  const person = el("input", {
    type: "text",
    id: "person",
    list: "people",
    maxlength: 200,
    autocomplete: "off",
    oninput: (event) => prefs.set("person", event.target.value.trim()),
  });
  const legs = ["left", "right"].map((side) =>
    el(
      "label",
      { class: "segment" },
      el("input", {
        type: "radio",
        name: "side",
        value: side,
        onchange: () => {
          prefs.set("side", side);
          settle();
        },
      }),
      el("span", { "data-t": `leg.${side}` }),
    ),
  );
  const movements = ["active", "passive"].map((movement) =>
    el(
      "label",
      { class: "segment" },
      el("input", { type: "radio", name: "movement", value: movement, onchange: () => prefs.set("movement", movement) }),
      el("span", { "data-t": `movement.${movement}` }),
    ),
  );
  const turning = el(
    "fieldset",
    { class: "field turning" },
    el("legend", { class: "label", "data-t": "choose.movement" }),
    el("div", { class: "segments" }, movements),
    el("p", { class: "muted small", "data-t": "choose.movement.why" }),
  );
  const offers = el("div", { class: "offers", role: "radiogroup", "data-t-label": "choose.what" });
  const about = el("div", { class: "about", "aria-live": "polite" });
  const start = el(
    "button",
    { class: "button primary start", type: "submit" },
    icon("play"),
    el("span", { "data-t": "choose.start" }),
  );
  const cancel = el(
    "button",
    { class: "button", type: "button", onclick: back },
    el("span", { "data-t": "choose.back" }),
  );
  const ready = el("p", { class: "muted ready", role: "status" });
  const node = el(
    "form",
    {
      class: "choose",
      onsubmit: (event) => {
        event.preventDefault();
        begin(command());
      },
    },
    el(
      "div",
      { class: "choose-who" },
      el("h1", { "data-t": "choose.title" }),
      el(
        "div",
        { class: "field" },
        el("label", { for: "person", "data-t": "choose.person" }),
        person,
        people,
      ),
      el(
        "fieldset",
        { class: "field" },
        el("legend", { class: "label", "data-t": "choose.leg" }),
        el("div", { class: "segments" }, legs),
      ),
      turning,
    ),
    offers,
    about,
    el("div", { class: "choose-go" }, el("div", { class: "row" }, start, cancel), ready),
  );
  let offered = { drills: [], routines: [] };
  let asked = 0;
  let touchedAt = -Infinity;
  for (const what of ["focusin", "input", "pointerdown", "keydown"])
    node.addEventListener(what, () => (touchedAt = performance.now()));

  function command() {
    const [kind, name] = chosen();
    return {
      command: "start",
      [kind]: name,
      side: prefs.get("side"),
      movement: found()?.kind === "test" ? prefs.get("movement") : "active",
      language: language(),
      ...(prefs.get("person") ? { person: prefs.get("person") } : {}),
    };
  }

  function chosen() {
    return prefs.get("choice").split(":");
  }

  function found() {
    const [kind, name] = chosen();
    return (kind === "routine" ? offered.routines : offered.drills).find((one) => one.name === name) ?? null;
  }

  /** Fetch what there is, in the language of the page; what was asked for again meanwhile is left. */
  async function fetchOffers() {
    const mine = ++asked;
    try {
      const [there, known] = await Promise.all([get(`drills?language=${language()}`), get("people")]);
      if (mine === asked) steady(offers, () => draw(there, known));
    } catch {
      // the program is away, which is said: asked again when it is back
    }
  }

  function draw(there, known) {
    offered = there;
    people.replaceChildren(...known.people.map((name) => el("option", { value: name })));
    const groups = GROUPS.map((kind) => [kind, offered.drills.filter((one) => one.kind === kind), "drill"]);
    groups.unshift(["routine", offered.routines, "routine"]);
    offers.replaceChildren(
      ...groups
        .filter(([, ones]) => ones.length)
        .map(([kind, ones, key]) =>
          el(
            "section",
            { class: "offer-group" },
            el("h2", { text: t(`kind.${kind}`) }),
            el(
              "div",
              { class: "offer-list" },
              ones.map((one) => card(key, one)),
            ),
          ),
        ),
    );
    settle();
  }

  function card(key, one) {
    const value = `${key}:${one.name}`;
    return el(
      "label",
      { class: "offer panel" },
      el("input", {
        type: "radio",
        name: "choice",
        value,
        checked: prefs.get("choice") === value,
        onchange: () => {
          prefs.set("choice", value);
          settle();
        },
      }),
      el("span", { class: "offer-title", text: one.title }),
      el("span", { class: "offer-dose muted", text: dose(one) }),
    );
  }

  function settle() {
    person.value = document.activeElement === person ? person.value : prefs.get("person");
    for (const label of legs) label.firstChild.checked = label.firstChild.value === prefs.get("side");
    for (const label of movements) label.firstChild.checked = label.firstChild.value === prefs.get("movement");
    const one = found();
    turning.hidden = one?.kind !== "test";
    // it is read out when it changes, and only then
    if (about.told !== one) about.replaceChildren(...(one ? aboutOf(one) : []));
    about.told = one;
    start.disabled = !one || !store.open;
    cancel.hidden = !store.running;
    const state = store.status?.state;
    say(
      ready,
      !store.open
        ? t("choose.offline")
        : ["searching", "connecting", "lost"].includes(state)
          ? t("choose.searching")
          : store.running
            ? t("choose.running")
            : "",
    );
  }

  for (const topic of ["state", "link"]) store.on(topic, settle);
  store.on("link", (open) => open && !node.hidden && fetchOffers());
  return {
    node,
    settle,
    fetchOffers,
    /** Whether somebody was at it a moment ago. */
    get inHand() {
      return performance.now() - touchedAt < HANDS_MS;
    },
    leave: () => (touchedAt = -Infinity),
  };
}

/** Return how much of it there is to do. */
function dose(one) {
  if (one.parts) return t("dose.parts", { parts: one.parts.length });
  if (one.kind === "test") return t("dose.test", one);
  if (one.kind === "drill") return t("dose.reps", one);
  return t("dose.hold", { reps: Math.max(1, one.reps), seconds: one.hold_s });
}

function aboutOf(one) {
  const parts = (one.parts ?? []).map((part) =>
    el("li", { text: `${part.title}, ${t(`leg.${part.side}`)}` }),
  );
  return [
    el("h2", { text: one.title }),
    el("p", { text: one.about }),
    one.setup ? el("p", { class: "muted", text: one.setup }) : null,
    one.safety ? el("p", { class: "caution", text: one.safety }) : null,
    parts.length ? el("ol", { class: "parts" }, parts) : null,
  ].filter(Boolean);
}
