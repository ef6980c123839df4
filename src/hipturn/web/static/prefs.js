// What a person chose on this page, kept in this browser: nothing of a measurement.

const PLACE = "hipturn.page";

const DEFAULTS = {
  language: null, // null: the browser's
  theme: "auto", // auto, dark, light
  volume: 0.8,
  muted: false,
  pitch: false,
  bpm: 40,
  safetyRead: false,
  person: "",
  side: "right",
  movement: "active", // of tests: passive where somebody else turns the leg
  choice: "drill:seated-mobilisation",
  reference: "",
};

const watchers = new Map();
let kept = read();

function read() {
  try {
    return { ...DEFAULTS, ...JSON.parse(localStorage.getItem(PLACE) || "{}") };
  } catch {
    return { ...DEFAULTS }; // private windows keep nothing, and what is broken is forgotten
  }
}

/** Return what is chosen. */
export function get(key) {
  return kept[key];
}

/** Choose; whoever watches the key hears it. */
export function set(key, value) {
  if (kept[key] === value) return;
  kept = { ...kept, [key]: value };
  try {
    localStorage.setItem(PLACE, JSON.stringify(kept));
  } catch {
    // full or forbidden: it holds until the page is closed
  }
  for (const heard of watchers.get(key) ?? []) heard(value);
}

/** Call back with each new value of a key. */
export function watch(key, heard) {
  watchers.set(key, [...(watchers.get(key) ?? []), heard]);
}
