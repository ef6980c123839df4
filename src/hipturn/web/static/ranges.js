// The ranges of tests: figures with their error, legs compared, and what a person chose to hold them against.

import { el, svg } from "./dom.js";
import { number, t } from "./i18n.js";
import * as prefs from "./prefs.js";
import * as references from "./references.js";
import { word } from "./written.js";

const WAYS = ["internal", "external"];
const FULL_DEG = 70;
const WIDE = 420;

/** Return the panel of the tests whose last words these are. */
export function ranges(tests) {
  const positions = [...new Set(tests.map((show) => show.position))];
  const head = ["leg", "direction", "mean", "sd", "best", "trials", "change"].map((key) =>
    el("th", { scope: "col", text: t(`column.${key}`) }),
  );
  const rows = tests.flatMap((show) =>
    Object.entries(show.result.legs).flatMap(([side, leg]) => rowsOf(side, leg, show.result.change)),
  );
  const difference = tests
    .map((show) => show.result.difference)
    .filter(Boolean)
    .at(-1);
  return el(
    "section",
    { class: "panel ranges" },
    el(
      "div",
      { class: "table-scroll", tabindex: 0, role: "region", "aria-label": t("results.table") },
      el(
        "table",
        {},
        el("caption", { class: "unseen", text: t("results.table") }),
        el("thead", {}, el("tr", {}, head)),
        el("tbody", {}, rows),
      ),
    ),
    difference ? differenceOf(difference, tests.at(-1).result.days_apart) : null,
    el(
      "div",
      { class: "field compare" },
      el("label", { for: "reference", text: t("results.compare") }),
      chooser(positions),
    ),
    el(
      "div",
      { class: "pictures" },
      WAYS.flatMap((way) =>
        tests.flatMap((show) =>
          Object.entries(show.result.legs)
            .filter(([, leg]) => leg[way])
            .map(([side, leg]) => picture(show, side, way, leg[way])),
        ),
      ),
    ),
    positions.map(sources),
  );
}

function rowsOf(side, leg, change) {
  const rows = WAYS.filter((way) => leg[way]).map((way) => row(side, way, leg[way], change?.[way]));
  if (leg.arc_deg !== undefined && leg.arc_deg !== null)
    rows.push(
      row(side, "arc", { mean_deg: leg.arc_deg, uncertainty_deg: leg.arc_uncertainty_deg }, change?.arc),
    );
  return rows;
}

function row(side, way, found, change) {
  const cell = (text, name = "") => el("td", { class: name, text });
  return el(
    "tr",
    { class: way },
    el("th", { scope: "row", text: t(`leg.${side}`) }),
    cell(t(way), "way"),
    cell(`${number(found.mean_deg, 1)} ± ${number(found.uncertainty_deg, 1)}°`, "figure"),
    cell(found.sd_deg === undefined ? "" : `${number(found.sd_deg, 1)}°`, "figure"),
    cell(found.best_deg === undefined ? "" : `${number(found.best_deg, 1)}°`, "figure"),
    cell((found.trials ?? []).map((value) => number(value, 0)).join("  "), "figure"),
    cell(change ? changeWords(change) : "–", `change ${change && !change.within_error ? "real" : ""}`),
  );
}

/** A change is told against the error: within it there is none. */
function changeWords(change) {
  const size = `${change.value_deg > 0 ? "+" : ""}${number(change.value_deg, 1)}°`;
  return t(change.within_error ? "change.within" : "change.real", { size, mdc: number(change.mdc_deg, 1) });
}

function differenceOf(difference, days) {
  const rows = Object.entries(difference)
    .filter(([, one]) => one && typeof one === "object")
    .map(([way, one]) => el("li", {}, el("strong", { text: t(way) }), ` ${changeWords(one)}`));
  return rows.length
    ? el(
        "div",
        { class: "difference" },
        el("h2", { text: t("results.difference") }),
        el("ul", { class: "plain" }, rows),
        days ? el("p", { class: "muted small", text: t("results.days", { days }) }) : null,
      )
    : null;
}

function chooser(positions) {
  const group = (one) =>
    el("option", { value: one.name, text: peopleOf(one), selected: one.name === prefs.get("reference") });
  return el(
    "select",
    { id: "reference", onchange: (event) => prefs.set("reference", event.target.value) },
    el("option", { value: "", text: t("results.scale") }),
    [...new Set(positions.flatMap(references.groups))].map(group),
  );
}

/** One range as a picture: the trials, their mean with its error, and what the person chose to hold it against. */
function picture(show, side, way, found) {
  const x = (deg) => 10 + (Math.max(0, Math.min(FULL_DEG, deg)) / FULL_DEG) * (WIDE - 20);
  const spread = references.reference(way, show.position);
  const scale = references.chosen(show.position)
    ? null
    : references.scales().find((one) => one.position === show.position && one.direction === way);
  const parts = [svg("rect", { class: "track", x: 10, y: 26, width: WIDE - 20, height: 12, rx: 6 })];
  if (spread?.sd_deg)
    parts.push(
      svg("rect", {
        class: "band",
        x: x(spread.mean_deg - spread.sd_deg),
        y: 20,
        width: x(spread.mean_deg + spread.sd_deg) - x(spread.mean_deg - spread.sd_deg),
        height: 24,
        rx: 4,
      }),
    );
  if (spread)
    parts.push(
      svg("line", { class: "reference", x1: x(spread.mean_deg), x2: x(spread.mean_deg), y1: 16, y2: 48 }),
    );
  for (const mark of scale?.marks ?? [])
    parts.push(
      svg("line", { class: "reference", x1: x(mark.deg), x2: x(mark.deg), y1: 16, y2: 48 }),
      svg("text", { class: "degrees", x: x(mark.deg), y: 62, text: `${number(mark.deg)}°` }),
    );
  parts.push(
    svg("rect", { class: `reach ${way}`, x: 10, y: 26, width: x(found.mean_deg) - 10, height: 12, rx: 6 }),
  );
  parts.push(
    svg("line", {
      class: "error",
      x1: x(found.mean_deg - found.uncertainty_deg),
      x2: x(found.mean_deg + found.uncertainty_deg),
      y1: 32,
      y2: 32,
    }),
  );
  for (const value of found.trials ?? [])
    parts.push(svg("circle", { class: "trial", cx: x(value), cy: 32, r: 4 }));
  const words = `${t(`leg.${side}`)}, ${t(way)}: ${number(found.mean_deg, 1)} ± ${number(found.uncertainty_deg, 1)}°`;
  return el(
    "figure",
    { class: "range" },
    el("figcaption", { text: words }),
    svg("svg", { viewBox: `0 12 ${WIDE} ${scale ? 56 : 40}`, role: "img", "aria-label": words }, parts),
  );
}

function peopleOf({ people, n, position }) {
  return `${people}, n = ${n}, ${position === references.UNTOLD ? t("results.untold") : word("position", position)}`;
}

function sources(position) {
  const group = references.chosen(position);
  const lines = group
    ? [`${peopleOf(group)}: ${group.source}`]
    : references
        .scales()
        .filter((scale) => scale.position === position)
        .map(
          (scale) =>
            `${scale.marks.map((mark) => `${number(mark.deg)}° ${mark.text}`).join("; ")} (${scale.source})`,
        );
  return el("p", { class: "muted small", text: lines.join(" ") });
}
