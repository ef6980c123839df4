// Published values a person may choose to look at; each with its source, none of them a verdict.

import { get } from "./api.js";
import { language } from "./i18n.js";
import * as prefs from "./prefs.js";

/** The position of a group whose publication names none. */
export const UNTOLD = "not told";

const known = { groups: [], scales: [] };
let told = "";

/** Fetch them in the language of the page; call `then` when they are there. */
export async function fetchReferences(then) {
  const now = language();
  try {
    const there = await get(`references?language=${now}`);
    if (now !== language() || JSON.stringify(there) === told) return; // asked for again meanwhile, or known
    told = JSON.stringify(there);
    Object.assign(known, there);
  } catch {
    return; // the program is away: asked again when it is back
  }
  then();
}

/** Return the groups of people whose hips were measured in this position, or in one nobody told. */
export function groups(position) {
  return known.groups.filter((group) => [position, UNTOLD].includes(group.position));
}

/** Return the scales with marks. */
export function scales() {
  return known.scales;
}

/** Return the chosen group, null where none is chosen or the one that is was measured in another position. */
export function chosen(position) {
  return groups(position).find((group) => group.name === prefs.get("reference")) ?? null;
}

/** Return mean and SD of the chosen group in a direction, null where there is none. */
export function reference(direction, position) {
  return chosen(position)?.[direction] ?? null;
}
