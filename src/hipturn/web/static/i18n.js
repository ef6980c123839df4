// Texts from catalogues: one file a language and part of the page. English stands in for what is missing.

import * as prefs from "./prefs.js";
import en from "./words/en.js";
import enHistory from "./words/en_history.js";
import de from "./words/de.js";
import deHistory from "./words/de_history.js";

/** All texts by language: a test holds the languages to the same keys and values. */
export const CATALOGUES = { en: { ...en, ...enHistory }, de: { ...de, ...deHistory } };
export const LANGUAGES = Object.keys(CATALOGUES);

const watchers = [];

/** Return the language of the page. */
export function language() {
  const chosen = prefs.get("language") ?? navigator.language.slice(0, 2);
  return LANGUAGES.includes(chosen) ? chosen : "en";
}

/** Return a text; `{name}` in it becomes the value of that name. */
export function t(key, values = {}) {
  const text = CATALOGUES[language()][key] ?? CATALOGUES.en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Return whether there is a text of that key. */
export function has(key) {
  return key in CATALOGUES.en;
}

/** Return a number as it is written in the language; an en dash where there is none. */
export function number(value, digits = 0) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const rounded = Number(value.toFixed(digits)) || 0; // no "-0"
  return rounded
    .toLocaleString(language(), { minimumFractionDigits: digits, maximumFractionDigits: digits })
    .replace("-", "−");
}

/** Fill what is marked in the page: `data-t` the text, `data-t-label` the accessible name, `data-t-title`. */
export function translate(root = document) {
  for (const node of root.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of root.querySelectorAll("[data-t-label]"))
    node.setAttribute("aria-label", t(node.dataset.tLabel));
  for (const node of root.querySelectorAll("[data-t-title]")) node.title = t(node.dataset.tTitle);
}

/** Call back after the language was changed and the page's marked texts are filled. */
export function onLanguage(heard) {
  watchers.push(heard);
}

prefs.watch("language", () => {
  document.documentElement.lang = language();
  translate();
  for (const heard of watchers) heard(language());
});
