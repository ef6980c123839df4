// The last seconds of the angle, in two rings of numbers: nothing is allocated sixty times a second.

const ROOM = 4096; // 30 s at 120 a second, and then some
/** Samples further apart are not joined: nobody knows what lay between. */
const GAP_S = 0.35;

export class Trace {
  constructor() {
    this.t = new Float64Array(ROOM);
    this.angle = new Float32Array(ROOM);
    this.clear();
  }

  clear() {
    this.first = 0;
    this.length = 0;
    this.newest = -Infinity;
  }

  /** Take an angle, degrees, at a stream time, s; a time before the last one is of another session. */
  push(t, angle, trusted) {
    if (t < this.newest) this.clear();
    if (this.length && t - this.newest > GAP_S) this.put((t + this.newest) / 2, NaN);
    this.put(t, trusted ? angle : NaN);
    this.newest = t;
  }

  put(t, angle) {
    const at = (this.first + this.length) % ROOM;
    this.t[at] = t;
    this.angle[at] = angle;
    if (this.length < ROOM) this.length += 1;
    else this.first = (this.first + 1) % ROOM;
  }

  /** Call `each(t, angle)` for what is not older than `since`, oldest first; NaN breaks the line. */
  walk(since, each) {
    for (let i = 0; i < this.length; i++) {
      const at = (this.first + i) % ROOM;
      if (this.t[at] >= since) each(this.t[at], this.angle[at]);
    }
  }
}
