// A recording's repetitions and moments as lists, each a way to its place in time.

import { el } from "./dom.js";
import { has, number, t } from "./i18n.js";
import { SIGNS, standing } from "./verdicts.js";
import { clock, degrees, size, verdictOf, word } from "./written.js";

const COLUMNS = ["n", "start", "rom", "verdict", "direction", "peak", "speed.peak"];

/** Build them; `look(t)` shows a moment. Return `load` and `current(place)`, which marks a repetition. */
export function listed(look) {
  const reps = el("section", { class: "reps" });
  const moments = el("section", { class: "moments" });
  let rows = [];
  let marked = null;

  function load(found, drawn) {
    rows = found.reps.map((rep) => row(rep, drawn));
    marked = null;
    reps.replaceChildren(
      el("h2", { text: t("replay.reps") }),
      rows.length
        ? el("div", { class: "scrolls panel", tabindex: 0, role: "region", "aria-label": t("replay.reps") },
            el("table", {}, el("thead", {}, el("tr", {}, COLUMNS.map((name) => el("th", { scope: "col", text: t(`replay.${name}`) })))), el("tbody", {}, rows)),
          )
        : el("p", { class: "muted", text: t("history.nothing") }),
    );
    const lines = [
      ...found.holds.map((one) => ({ t: one.start_s, words: t("moment.hold", { seconds: number(one.end_s - one.start_s, 1), mean: size(one.mean_deg), sd: size(one.sd_deg) }) })),
      ...found.gaps.map((one) => ({ t: one.start_s, words: t("moment.gap", { seconds: number(one.end_s - one.start_s, 1), cause: has(`cause.${one.cause}`) ? t(`cause.${one.cause}`) : one.cause }) })),
      ...found.moments.map((one) => ({ t: one.t, words: momentWords(one) })),
    ].sort((a, b) => a.t - b.t);
    moments.hidden = !lines.length;
    moments.replaceChildren(el("h2", { text: t("replay.moments") }), el("ul", { class: "plain panel" }, lines.map((one) => moment(one, drawn))));
  }

  function row(rep, drawn) {
    const stands = standing(rep);
    const words = t("replay.go", { n: rep.n, time: clock(rep.start_s) });
    const number_ = drawn ? el("button", { class: "go", type: "button", "aria-label": words, text: rep.n, onclick: () => look(rep.start_s) }) : String(rep.n);
    const cell = (text) => el("td", { class: "figure", text });
    return el("tr", { "data-verdict": stands },
      el("th", { scope: "row" }, number_),
      cell(clock(rep.start_s, 1)),
      cell(size(rep.rom_deg)),
      el("td", { class: "verdict-cell" }, el("span", { "aria-hidden": "true", text: `${SIGNS[stands]} ` }), verdictOf(rep)),
      el("td", { text: t(rep.direction) }),
      cell(degrees(rep.peak_deg)),
      cell(`${number(rep.peak_speed_dps)}°/s`),
    );
  }

  function moment({ t: at, words }, drawn) {
    const when = drawn ? el("button", { class: "go", type: "button", "aria-label": t("replay.go.moment", { time: clock(at), words }), text: clock(at), onclick: () => look(at) }) : el("span", { text: clock(at) });
    return el("li", {}, when, el("span", { text: words }));
  }

  /** Mark the row of the repetition that is shown. */
  function current(place) {
    marked?.removeAttribute("aria-current");
    marked = rows[place] ?? null;
    marked?.setAttribute("aria-current", "true");
  }

  return { node: el("div", { class: "replay-lists" }, reps, moments), load, current };
}

function momentWords({ key, values }) {
  const shown = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, name === "deg" ? size(value) : name === "grade" ? word("grade", value) : value]));
  return has(`moment.${key}`) ? t(`moment.${key}`, shown) : key;
}
