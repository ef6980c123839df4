// What is said of a repetition: a word, a sign and a colour, so that none of them has to be seen alone.

import { has, t } from "./i18n.js";

export const SIGNS = { controlled: "✓", uncontrolled: "✗", void: "○", taken: "–" };

/** Return how a repetition stands now: its verdict, or that it was taken back. */
export function standing(rep) {
  return rep.taken ? "taken" : rep.verdict;
}

/** Return a reason in words. */
export function reasonWords(reason) {
  const key = `reason.${reason}`;
  return has(key) ? t(key) : reason;
}

/** Return the whole verdict in words. */
export function verdictWords(rep) {
  if (rep.taken) return t("verdict.taken");
  if (rep.verdict === "controlled") return t("verdict.controlled");
  return rep.reasons.map(reasonWords).join(", ") || t(`verdict.${rep.verdict}`);
}
