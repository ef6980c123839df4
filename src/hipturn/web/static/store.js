// What the page knows: lines of the live stream in, one picture of the session out. No DOM, no clock of its own.

import { Trace } from "./trace.js";

/** Angles older than this are not what the leg does now. */
export const OLD_ANGLE_MS = 700;
/** How fast the stream's clock is followed: delays of single packets are not the leg's. */
const FOLLOW = 0.05;

/**
 * Topics of `on`: "link", "state", "session" (a new one: what was known of the last is gone), "coach",
 * "prompt", "reps", "event" (any other line of results), "written" (a recording is begun, over or whole
 * now), "speaker", "mark", "angle" (60 a second: only to
 * follow the sound; views look at `angle` when they draw).
 */
export class Store {
  constructor() {
    this.watchers = new Map();
    this.open = false;
    /** When the link to the program came or went, as `performance.now()`. */
    this.openSince = performance.now();
    /** When anything was heard. */
    this.heardAt = null;
    this.status = null;
    this.stateAt = null;
    this.speaker = { where: "off", page: null };
    this.trace = new Trace();
    this.reset();
  }

  reset() {
    this.coach = null;
    this.prompt = null;
    this.angle = null;
    /** Repetitions by number: the line as it came, and `taken` where it was taken back. */
    this.reps = new Map();
    this.rep = null;
    this.offset = null;
    this.trace.clear();
  }

  on(topic, heard) {
    this.watchers.set(topic, [...(this.watchers.get(topic) ?? []), heard]);
  }

  tell(topic, value) {
    for (const heard of this.watchers.get(topic) ?? []) heard(value);
  }

  /** Hear that the link to the program stands, or no longer. */
  link(open) {
    if (open !== this.open) this.openSince = performance.now();
    this.open = open;
    this.tell("link", open);
  }

  /** Hear a line of the stream that came at `at`, as `performance.now()`. */
  hear(line, at) {
    this.heardAt = at;
    switch (line.type) {
      case "angle":
        return this.hearAngle(line, at);
      case "state":
        return this.hearState(line, at);
      case "coach":
        this.timed(line.t_s, at);
        this.coach = line;
        return this.tell("coach", line);
      case "prompt":
        this.timed(line.t_s, at);
        if (line.say) this.prompt = line;
        return this.tell("prompt", { ...line, at });
      case "speaker":
        this.speaker = line;
        return this.tell("speaker", line);
      case "mark":
        return this.tell("mark", line);
      case "session":
        if (line.recording && line.recording !== this.recording) this.begin(line.recording);
        return undefined;
      default:
        return this.hearEvent(line);
    }
  }

  hearAngle(line, at) {
    this.timed(line.t_s, at);
    this.angle = { deg: line.angle_deg, rate: line.rate_dps, trusted: line.trusted, t: line.t_s, at };
    this.trace.push(line.t_s, line.angle_deg, line.trusted);
    this.tell("angle", this.angle);
  }

  hearState(line, at) {
    const written = (status) => String([status?.session?.recording, ...(status?.closing ?? [])]);
    const changed = this.status !== null && written(this.status) !== written(line);
    this.status = line;
    this.stateAt = at;
    const session = line.session;
    if (session && session.recording !== this.recording) this.begin(session.recording);
    if (session && this.offset === null) this.timed(session.duration_s, at);
    if (line.coach && !this.coach) this.coach = line.coach;
    if (line.say && !this.prompt) this.prompt = { say: line.say, key: "", earcon: null };
    this.speaker = line.speaker;
    this.tell("state", line);
    this.tell("speaker", line.speaker);
    this.tell("coach", this.coach);
    if (changed) this.tell("written", line);
  }

  /** Hear a line of results; what is heard twice, after a reconnect, is known once. */
  hearEvent(line) {
    switch (line.type) {
      case "rep":
        this.reps.set(line.n, { ...line, taken: this.reps.get(line.n)?.taken ?? false });
        // what is caught up on may come behind the newest one
        if (this.rep && line.n < this.rep.n) this.reps = new Map([...this.reps].sort(([a], [b]) => a - b));
        this.rep = [...this.reps.values()].at(-1);
        return this.tell("reps", line);
      case "undo":
      case "redo":
      case "restart":
        for (const n of line.reps) {
          const rep = this.reps.get(n);
          if (rep) rep.taken = line.type !== "redo";
        }
        return this.tell("reps", line);
      default:
        return this.tell("event", line);
    }
  }

  begin(recording) {
    this.recording = recording;
    this.reset();
    this.tell("session", recording);
  }

  /** Take in a stream time that is now. */
  timed(t, at) {
    const offset = at / 1000 - t;
    const known = this.offset;
    this.offset =
      known === null || Math.abs(offset - known) > 0.5 ? offset : known + FOLLOW * (offset - known);
  }

  /** Return the stream time at a moment, s; null while there is none. */
  streamTime(at = performance.now()) {
    return this.offset === null ? null : at / 1000 - this.offset;
  }

  /** Return the angle while it is what the leg does now, else null. */
  freshAngle(at = performance.now()) {
    const angle = this.angle;
    return angle && this.open && at - angle.at < OLD_ANGLE_MS ? angle : null;
  }

  /** Return how old the sensor's state is that is told, s: it goes on ageing between two tellings. */
  stateFor(at = performance.now()) {
    return this.status === null ? 0 : this.status.for_s + (at - this.stateAt) / 1000;
  }

  /** Return whether a recording is still written: it runs, or is being closed. */
  writes(recording) {
    const { session, closing } = this.status ?? {};
    return recording === session?.recording || Boolean(closing?.includes(recording));
  }

  /** Return whether a session runs. */
  get running() {
    return Boolean(this.status?.session);
  }
}
