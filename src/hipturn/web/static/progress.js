// What a person's sessions come to over weeks: ranges with their measuring error, legs compared, practice.

import { get } from "./api.js";
import { el } from "./dom.js";
import { number, t } from "./i18n.js";
import { picture } from "./progress_chart.js";
import { counted, degrees, drillTitles, shortDay, size, time, word } from "./written.js";

const OF = ["internal", "external", "arc"];
const SIDES = ["left", "right"];

/** Mount the page; return `show(person)` and `leave`. */
export function mount(node) {
  let asked = 0;

  /** Ask for a person's weeks; an answer that was overtaken by another question is left. */
  async function show(person) {
    const mine = ++asked;
    const [{ lines }, titles] = await Promise.all([get(`people/${encodeURIComponent(person)}/progress`), drillTitles()]);
    if (mine !== asked) return;
    const trends = lines.filter((line) => line.type === "trend");
    node.replaceChildren(
      el("a", { class: "back", href: "#history", text: t("history.back") }),
      el("h1", { tabindex: -1, text: t("progress.title", { person }) }),
      el("p", { class: "muted lead", text: t(trends.length ? "progress.about" : "progress.none") }),
      ...grouped(trends, kindOf).map((group) => kind(group, lines.filter((line) => line.type === "comparison"))),
      practice(lines.filter((line) => line.type === "practice"), titles) ?? "",
      ...lines.filter((line) => line.type === "adherence").map(plan),
    );
  }

  return { show, leave() {} };
}

function kindOf(line) {
  return [line.position, line.movement, line.tool, line.zero].join(" ");
}

function grouped(lines, key) {
  const groups = new Map();
  for (const line of lines) groups.set(key(line), [...(groups.get(key(line)) ?? []), line]);
  return [...groups.values()];
}

/** Everything that may be compared: one position, movement, sensor and zero. */
function kind(trends, comparisons) {
  const { position, movement, tool, zero } = trends[0];
  const sorted = [...trends].sort((a, b) => OF.indexOf(a.of) - OF.indexOf(b.of) || SIDES.indexOf(a.side) - SIDES.indexOf(b.side));
  // one scale for all ranges and one for all arcs: a small change must look small
  const [arcs, ranges] = [true, false].map((arc) => span(sorted.filter((trend) => (trend.of === "arc") === arc)));
  const alike = comparisons.filter((line) => kindOf(line) === kindOf(trends[0]));
  const sides = alike.find((line) => line.of === "left-right");
  const balances = alike.filter((line) => line.of === "internal-external");
  return el("section", { class: "kind" },
    el("h2", { text: `${word("position", position)}, ${word("movement", movement)}` }),
    el("p", { class: "muted small", text: t("progress.kind", { tool, zero: word("zero", zero) }) }),
    el("div", { class: "trends" }, sorted.map((trend) => trendOf(trend, trend.of === "arc" ? arcs : ranges))),
    el("div", { class: "compared" }, sides ? legs(sides) : null, balances.length ? balance(balances) : null),
  );
}

function span(trends) {
  const values = trends.flatMap((trend) => trend.tests.flatMap((one) => [one.value_deg - one.uncertainty_deg, one.value_deg + one.uncertainty_deg]));
  return { low: Math.floor((Math.min(...values) - 2) / 10) * 10, high: Math.ceil((Math.max(...values) + 2) / 10) * 10 };
}

function trendOf(trend, reach) {
  const last = trend.tests.at(-1);
  const name = `${t(`leg.${trend.side}`)}, ${t(trend.of)}`;
  return el("article", { class: "trend panel", "data-real": String(trend.real) },
    el("h3", { text: name }),
    el("p", { class: "value" }, el("strong", { text: size(last.value_deg) }), el("span", { class: "muted", text: ` ± ${size(last.uncertainty_deg)}` })),
    el("p", { class: "change", text: changed(trend) }),
    trend.tests.length > 1 ? picture(trend, reach, `${name}: ${changed(trend)}`) : null,
    el("details", {}, el("summary", { text: counted("progress.tests", trend.tests.length) }), tests(trend)),
  );
}

/** A change is never told without its limit. */
function changed(trend) {
  if (trend.change_deg === null) return t("progress.single");
  const values = { change: degrees(trend.change_deg), limit: size(trend.mdc95_deg), week: degrees(trend.per_week_deg) };
  return t(trend.real ? "progress.real" : "progress.within", values);
}

function tests(trend) {
  const rows = [...trend.tests].reverse().map((one) => {
    const at = new Date(one.at_s * 1000);
    return el("tr", {},
      el("th", { scope: "row" }, el("a", { href: `#history/${encodeURIComponent(one.recording)}`, text: `${shortDay(at)}, ${time(at)}` })),
      el("td", { class: "figure", text: `${size(one.value_deg)} ± ${size(one.uncertainty_deg)}` }),
    );
  });
  return el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col", text: t("progress.when") }), el("th", { scope: "col", text: t("progress.range") }))), el("tbody", {}, rows));
}

function legs(line) {
  const rows = OF.filter((of) => line[of]).map((of) => difference(t(of), line[of]));
  return compared(t("progress.legs"), rows, line.days_apart ? t("progress.apart", { days: line.days_apart }) : null);
}

function balance(lines) {
  const rows = lines.filter((line) => line.balance).map((line) => difference(t(`leg.${line.side}`), line.balance));
  return compared(t("progress.balance"), rows, t("progress.bones"));
}

function difference(name, { value_deg, mdc95_deg, within_error }) {
  const key = within_error ? "progress.legs.within" : "progress.legs.real";
  return el("li", {}, el("strong", { text: name }), ` ${t(key, { size: degrees(value_deg), limit: size(mdc95_deg) })}`);
}

function compared(title, rows, more) {
  return el("div", { class: "panel legs-compared" }, el("h3", { text: title }), el("ul", { class: "plain" }, rows), more ? el("p", { class: "muted small", text: more }) : null);
}

function practice(lines, titles) {
  if (!lines.length) return null;
  const head = ["drill", "leg", "sessions", "reps", "controlled", "held"].map((name) => el("th", { scope: "col", text: t(`practice.${name}`) }));
  const rows = lines.map((line) =>
    el("tr", {},
      el("th", { scope: "row", text: titles.get(line.drill) ?? line.drill }),
      el("td", { text: t(`leg.${line.side}`) }),
      el("td", { class: "figure", text: number(line.sessions.length) }),
      el("td", { class: "figure", text: number(line.reps) }),
      el("td", { class: "figure", text: line.controlled_share === null ? "–" : `${number(line.controlled_share * 100)} %` }),
      el("td", { class: "figure", text: line.held_s ? `${number(line.held_s)} s` : "–" }),
    ),
  );
  return el("section", { class: "kind" }, el("h2", { text: t("practice.title") }),
    el("div", { class: "scrolls panel", tabindex: 0, role: "region", "aria-label": t("practice.title") }, el("table", {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, rows))));
}

function plan(line) {
  return el("p", { class: "panel plan", text: t("progress.plan", { planned: line.planned, reached: line.reached, of: line.of }) });
}
