// How dates, durations, degrees and names are written.

import { get } from "./api.js";
import { has, language, number, t } from "./i18n.js";

/** Return the language's form that the browser prefers: a British browser is not shown American dates. */
function place() {
  return navigator.languages.find((each) => each.slice(0, 2) === language()) ?? language();
}

/** Return a moment's day in words, and its time; a dash where there is none. */
export function day(at) {
  return valid(at) ? new Intl.DateTimeFormat(place(), { dateStyle: "full" }).format(at) : "–";
}

export function shortDay(at) {
  return valid(at) ? new Intl.DateTimeFormat(place(), { dateStyle: "medium" }).format(at) : "–";
}

export function time(at) {
  return valid(at) ? new Intl.DateTimeFormat(place(), { timeStyle: "short" }).format(at) : "–";
}

function valid(at) {
  return at instanceof Date && !Number.isNaN(at.getTime());
}

/** Return a stretch of time as 1:23 or 1:02:03; with tenths where one looks closely. */
export function clock(seconds, digits = 0) {
  const scale = 10 ** digits;
  const whole = Math.round(Math.max(0, seconds) * scale);
  const rest = whole % (60 * scale);
  const minutes = Math.floor(whole / (60 * scale));
  const tail = `${Math.floor(rest / scale)}`.padStart(2, "0") + (digits ? number((rest % scale) / scale, digits).slice(1) : "");
  return minutes < 60 ? `${minutes}:${tail}` : `${Math.floor(minutes / 60)}:${`${minutes % 60}`.padStart(2, "0")}:${tail}`;
}

/** Return an angle with its sign, as `+12.3°`. */
export function degrees(value, digits = 1) {
  if (value === null || value === undefined) return "–";
  return `${value > 0 ? "+" : ""}${number(value, digits)}°`;
}

/** Return a size in degrees, as `12.3°`. */
export function size(value, digits = 1) {
  return value === null || value === undefined ? "–" : `${number(value, digits)}°`;
}

/** Return a text with a number in it, in the singular where that is 1. */
export function counted(key, n, values = {}) {
  return t(n === 1 && has(`${key}.one`) ? `${key}.one` : key, { n: number(n), ...values });
}

/** Return a word of a small catalogue, or what was recorded where there is none. */
export function word(kind, value) {
  if (value === null || value === undefined || value === "") return "–";
  return has(`${kind}.${value}`) ? t(`${kind}.${value}`) : String(value);
}

/** Return a repetition's verdict for who looks back at it: what was, where the coach says what to do. */
export function verdictOf(rep) {
  if (rep.taken) return t("verdict.taken");
  return rep.reasons.map((reason) => word("why", reason)).join(", ") || word("verdict", rep.verdict);
}

const titles = new Map();

/** Return what drills are called in the language of the page; asked for once a language. */
export async function drillTitles() {
  const now = language();
  if (!titles.has(now)) {
    const asked = get(`drills?language=${now}`).then(({ drills }) => new Map(drills.map((one) => [one.name, one.title])));
    titles.set(now, asked);
    asked.catch(() => titles.delete(now)); // a program that was away is asked again
  }
  return titles.get(now);
}
