// A recording's angle: the whole of it coarsely, and finely where somebody looks. No DOM.

import { get } from "./api.js";

/** Rows in one answer: five minutes at the 20 a second that show every movement of a hip. */
const ROWS = 6000;
const FINE_HZ = 19;
const PIECE_S = 300;
/** Fine pieces kept. */
const MOST_PIECES = 6;

/** One answer of the program: an even grid of angles with the extremes of each cell. */
class Grid {
  constructor({ t_s, angle_deg, low_deg, high_deg }) {
    this.from = t_s[0] ?? 0;
    this.count = t_s.length;
    this.step = this.count > 1 ? (t_s.at(-1) - this.from) / (this.count - 1) : 1;
    Object.assign(this, { angle_deg, low_deg, high_deg });
  }

  get to() {
    return this.from + this.count * this.step;
  }

  /** Return the angle at a time, between two cells in proportion; null where nothing was measured. */
  at(t) {
    const place = (t - this.from) / this.step - 1; // a cell's angle is that at its end
    const cell = Math.floor(place);
    const [before, after] = [this.angle_deg[cell] ?? null, this.angle_deg[cell + 1] ?? null];
    if (before === null || after === null) return before ?? after;
    return before + (place - cell) * (after - before);
  }

  /** Call `each(t, angle, low, high)` for the cells between two times; all three are null in a gap. */
  walk(from, to, each) {
    const last = Math.min(this.count - 1, Math.ceil((to - this.from) / this.step));
    for (let i = Math.max(0, Math.floor((from - this.from) / this.step) - 1); i <= last; i++)
      each(this.from + (i + 1) * this.step, this.angle_deg[i], this.low_deg[i], this.high_deg[i]);
  }
}

export class Angles {
  /** Ask for a recording's angle; the whole of it, however long, in `ROWS` rows. */
  static async of(name) {
    return new Angles(name, await ask(name, {}));
  }

  constructor(name, told) {
    this.name = name;
    this.duration = told.duration_s;
    this.whole = new Grid(told);
    this.fine = told.rate_hz >= FINE_HZ;
    this.pieces = new Map();
    const known = (values) => values.filter((value) => value !== null);
    this.low = known(told.low_deg).reduce((a, b) => Math.min(a, b), Infinity);
    this.high = known(told.high_deg).reduce((a, b) => Math.max(a, b), -Infinity);
  }

  /** Return the finest grid that is here for a time. */
  grid(t) {
    return this.pieces.get(Math.floor(t / PIECE_S))?.grid ?? this.whole;
  }

  at(t) {
    return this.grid(t).at(t);
  }

  walk(from, to, each) {
    if (this.fine) return this.whole.walk(from, to, each);
    for (let t = from; t < to; ) {
      const next = Math.min(to, (Math.floor(t / PIECE_S) + 1) * PIECE_S);
      this.grid(t).walk(t, next, each);
      t = next;
    }
  }

  /** Ask for what is not yet fine between two times; `there()` is called when it is. */
  want(from, to, there) {
    if (this.fine) return;
    for (let n = Math.floor(Math.max(0, from) / PIECE_S); n <= Math.floor(to / PIECE_S); n++) {
      if (this.pieces.has(n)) continue;
      const piece = { grid: null };
      this.pieces.set(n, piece);
      ask(this.name, { from_s: n * PIECE_S, to_s: (n + 1) * PIECE_S }).then(
        (told) => {
          piece.grid = told.t_s.length ? new Grid(told) : null;
          there();
        },
        () => this.pieces.delete(n), // asked again when it is looked at again
      );
      if (this.pieces.size > MOST_PIECES) this.pieces.delete(this.pieces.keys().next().value);
    }
  }
}

function ask(name, stretch) {
  const query = new URLSearchParams({ rows: ROWS, ...stretch });
  return get(`sessions/${encodeURIComponent(name)}/angles?${query}`);
}
