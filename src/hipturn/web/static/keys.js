// Keys for those who have some: a keyboard within reach, or a presenter's remote. The same as in the terminal:
// a test holds the two to each other.

import * as prefs from "./prefs.js";

const ALWAYS = {
  PageUp: "undo",
  ArrowLeft: "undo",
  PageDown: "skip",
  ArrowRight: "skip",
  u: "undo",
  r: "redo",
  z: "tare",
  q: "stop",
};
const PAUSES = [" ", "p", "b", "."];

/** Listen to keys; `active()` says whether there is a session to tell, `more` are keys of the page itself. */
export function listen(store, orders, active, more) {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || busy(event)) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const body = active() ? command(key, store.coach, orders.bpm, prefs.get("bpm")) : null;
    if (!body && !more[key]) return;
    event.preventDefault();
    if (body) orders.send(body);
    else more[key]();
  });
}

/**
 * Return the command of a key, null where it means nothing now. Pure: `show` is what the coach shows, `beating`
 * the beat there is, `bpm` the one that is wanted. A question is answered first.
 */
export function command(key, show, beating, bpm) {
  const question = show?.question;
  const value = question ? answer(question, key) : null;
  if (value !== null) return { command: "answer", question: question.id, value };
  if (PAUSES.includes(key)) return { command: show?.step === "paused" ? "resume" : "pause" };
  if (key === "m") return { command: "metronome", bpm: beating ? 0 : bpm };
  return key in ALWAYS ? { command: ALWAYS[key] } : null;
}

function answer(question, key) {
  if (question.kind === "scale") return key === "x" ? 10 : /^[0-9]$/.test(key) ? Number(key) : null;
  if (question.kind === "yes-no") return ["y", "j"].includes(key) ? true : key === "n" ? false : null;
  return /^[1-9]$/.test(key) ? (question.options[Number(key) - 1] ?? null) : null;
}

/** Return whether the key belongs to what has the focus: text is typed, a space presses a button. */
function busy(event) {
  const target = event.target;
  if (document.querySelector("dialog[open]")) return true;
  if (target.matches("input[type=text], input[type=number], textarea, select")) return true;
  if (target.matches("input[type=range], input[type=radio]"))
    return event.key.startsWith("Arrow") || event.key.startsWith("Page") || event.key === " ";
  return (
    (event.key === " " || event.key === "Enter") &&
    target.closest("button, a, summary, input, label") !== null
  );
}
