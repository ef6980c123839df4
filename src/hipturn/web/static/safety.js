// The safety words: shown once before the first session on this device, and whenever somebody asks.

import { el } from "./dom.js";
import { t } from "./i18n.js";
import * as prefs from "./prefs.js";

const WORDS = ["safety.what", "safety.stop", "safety.ask", "safety.bone"];

/** Return what shows them; its promise resolves with whether they were read. */
export function safety() {
  const read = el("button", { class: "button primary", value: "read", "data-t": "safety.read" });
  const dialog = el(
    "dialog",
    { class: "panel safety", "aria-labelledby": "safety-title" },
    el(
      "form",
      { method: "dialog" },
      el("h1", { id: "safety-title", "data-t": "safety.title" }),
      WORDS.map((key) => el("p", { "data-t": key })),
      el(
        "div",
        { class: "row" },
        read,
        el("button", { class: "button", value: "later", "data-t": "safety.later" }),
      ),
    ),
  );
  document.body.append(dialog);
  let answered = () => {};
  dialog.addEventListener("close", () => {
    const done = dialog.returnValue === "read";
    if (done) prefs.set("safetyRead", true);
    answered(done);
  });

  function show() {
    for (const node of dialog.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
    dialog.returnValue = "";
    dialog.showModal();
    read.focus();
    return new Promise((resolve) => (answered = resolve));
  }

  return { show, before: () => (prefs.get("safetyRead") ? Promise.resolve(true) : show()) };
}
