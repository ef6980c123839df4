// Who speaks next: one voice at a time, never one behind the movement. Pure: time comes with the calls.
// The same rules as the computer's own voice has.

const MOST_WAITING = 4;
/** A count that could not be spoken within this time belongs to a repetition that is over. */
const COUNT_FRESH_MS = 1000;
const TOLD_FRESH_MS = 12000;

const URGENT = ["lost", "back", "slip", "trouble", "stopped", "paused", "pain"];
const MOMENTARY = ["count", "reject", "tick", "turn", "metronome"];

/** Return how a prompt stands to others, by its key: "urgent", "count" or "tell". */
export function weight(key) {
  const stem = key.split(".")[0];
  return URGENT.includes(stem) ? "urgent" : MOMENTARY.includes(stem) ? "count" : "tell";
}

export class Turns {
  constructor() {
    this.waiting = [];
    this.speaking = null;
  }

  /** Take `{text, language, weight, key, at, after}`; return whether what is spoken has to stop for it. */
  add(saying) {
    if (saying.weight === "urgent") {
      this.waiting = [saying];
      return this.speaking !== null;
    }
    if (saying.weight === "count") {
      this.waiting = [...this.waiting.filter((one) => one.weight !== "count"), saying];
      return this.speaking?.weight === "count";
    }
    this.waiting = [...this.waiting.filter((one) => one.key !== saying.key), saying];
    while (this.waiting.filter((one) => one.weight !== "count").length > MOST_WAITING)
      this.waiting.splice(
        this.waiting.findIndex((one) => one.weight !== "count"),
        1,
      );
    return false;
  }

  /** Return what is to be spoken now, the time to ask again at, or null while there is nothing. */
  next(now) {
    if (this.speaking) return null;
    this.waiting = this.waiting.filter(
      (one) => now - one.at <= (one.weight === "count" ? COUNT_FRESH_MS : TOLD_FRESH_MS),
    );
    const first = this.waiting.find((one) => one.weight === "count") ?? this.waiting[0];
    if (!first) return null;
    if (first.after > now) return first.after;
    this.waiting.splice(this.waiting.indexOf(first), 1);
    this.speaking = first;
    return first;
  }

  over() {
    this.speaking = null;
  }

  clear() {
    this.waiting = [];
    this.speaking = null;
  }
}
