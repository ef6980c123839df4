// Time that runs: played, paused, moved through. No DOM but the screen's own beat.

export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8];

export class Player {
  /** `moved(t)` is called whenever the time is another, `changed()` when it begins or ends to run. */
  constructor(moved, changed) {
    this.moved = moved;
    this.changed = changed;
    this.duration = 0;
    this.speed = 1;
    this.t = 0;
    this.playing = false;
  }

  /** Begin with another recording. */
  load(duration, at = 0) {
    this.pause();
    this.duration = duration;
    this.seek(at);
  }

  play() {
    if (this.playing || !this.duration) return;
    if (this.t >= this.duration) this.seek(0);
    this.playing = true;
    this.last = null;
    this.changed();
    this.beat = requestAnimationFrame((now) => this.step(now));
  }

  pause() {
    if (!this.playing) return;
    cancelAnimationFrame(this.beat);
    this.playing = false;
    this.changed();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  seek(t) {
    this.t = Math.max(0, Math.min(this.duration, t));
    this.moved(this.t);
  }

  step(now) {
    // a page that was in the background goes on where it was, and does not jump
    const past = this.last === null ? 0 : Math.min(100, now - this.last);
    this.last = now;
    this.seek(this.t + (past / 1000) * this.speed);
    if (this.t >= this.duration) this.pause();
    else this.beat = requestAnimationFrame((next) => this.step(next));
  }
}
