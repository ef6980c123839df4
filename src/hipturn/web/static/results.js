// What came out: one plain sentence, figures with their error, and where it lies.

import { get } from "./api.js";
import { el, steady } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { outcomes } from "./outcomes.js";
import * as prefs from "./prefs.js";
import { titleOf } from "./prompts.js";
import { ranges } from "./ranges.js";
import { told as recorded } from "./replayed.js";

/** Mount the results; `again(side)` begins the same once more, `choose()` something else. */
export function results(store, again, choose) {
  const node = el("div", { class: "results", tabindex: -1 });
  let told = [];
  const repetitions = new Map();

  /** Return the last words of the sessions that belong together: a routine's parts, or both legs of one test. */
  function gather(show) {
    const last = told.at(-1);
    const sameRoutine = last && show.part > 1 && last.parts === show.parts && last.part < show.part;
    const otherLeg =
      last && last.drill === show.drill && !show.parts && told.every((one) => one.side !== show.side);
    if (!sameRoutine && !otherLeg) told = [];
    told.push(show);
    // the next session begins with none
    if (show.result.recording === store.recording) repetitions.set(show, [...store.reps.values()]);
    if (show.kind === "drill" && !repetitions.get(show)?.length) fetchRepetitions(show);
  }

  function settle() {
    const show = told.at(-1);
    if (!show) return;
    const tests = told.filter((one) => Object.keys(one.result.legs ?? {}).length);
    const others = told.filter((one) => !tests.includes(one));
    const passive = show.result.conditions?.movement === "passive";
    const both = new Set(told.map((one) => one.side)).size > 1;
    const panels = [
      el(
        "header",
        { class: "results-head" },
        el("p", { class: "session-title", text: titleOf({ ...show, parts: null, next: null }, passive) }),
        el("h1", { text: t("results.title") }),
        el("p", { class: "sentence", text: show.result.sentence }),
        el(
          "div",
          { class: "row" },
          both || show.parts
            ? null
            : el(
                "button",
                { class: "button primary", type: "button", "data-is": "other", onclick: () => again(other(show.side)) },
                icon("other"),
                el("span", { text: t(`results.then.${other(show.side)}`) }),
              ),
          el(
            "button",
            { class: "button", type: "button", "data-is": "again", onclick: () => again(show.side) },
            icon("redo"),
            el("span", { text: t("results.again") }),
          ),
          el(
            "button",
            { class: "button", type: "button", "data-is": "choose", onclick: choose },
            icon("list"),
            el("span", { text: t("do.choose") }),
          ),
        ),
      ),
      ...(tests.length ? [ranges(tests)] : []),
      ...(others.length ? [outcomes(others, repetitions)] : []),
      el(
        "section",
        { class: "panel lies" },
        el("h2", { text: t("results.lies") }),
        el("ul", { class: "plain" }, told.map(lies)),
      ),
      el("p", { class: "muted small", text: t("results.caution") }),
    ];
    // who is at the choice of a group, or at a button, stays there
    steady(node, () => node.replaceChildren(...panels));
  }

  function known(show) {
    const { side, part, result } = show;
    return told.some((one) => one.result.recording === result.recording && one.side === side && one.part === part);
  }

  /** Take in parts that were done before this page was opened, or while nothing was heard. */
  function recall({ results }) {
    // one that another session followed belongs to none
    const missed = told.length ? results.filter((one) => one.part) : results;
    for (const { drill, title, kind, side, position, part, parts, ...result } of missed) {
      const show = { drill, title, kind, side, position, part, parts, result };
      if (known(show)) continue;
      gather(show);
      settle();
    }
  }

  /** Ask the recording of what was done before for its repetitions. */
  async function fetchRepetitions(show) {
    try {
      const { reps } = recorded(await get(`sessions/${encodeURIComponent(show.result.recording)}`));
      repetitions.set(show, reps);
    } catch {
      return; // its figures are there all the same
    }
    if (told.includes(show)) settle();
  }

  store.on("coach", (show) => {
    if (show?.step !== "done" || !show.result || known(show)) return;
    gather(show);
    settle();
  });
  store.on("state", recall);
  prefs.watch("reference", settle);
  return {
    node,
    settle,
    get any() {
      return told.length > 0;
    },
  };
}

function other(side) {
  return side === "left" ? "right" : "left";
}

function lies(show) {
  const name = show.result.recording;
  const where = `${show.title || t("title.counting")}, ${t(`leg.${show.side}`)}`;
  if (!name) return el("li", { text: `${where}: ${t("results.unrecorded")}` });
  return el("li", {}, `${where}: `, el("a", { href: `#history/${encodeURIComponent(name)}`, text: name }));
}
