// The live stream: connects, and connects again for ever; tells when nothing is heard any more.

const FIRST_MS = 500;
const LONGEST_MS = 5000;
/** The program tells its state every 5 s at least: silence of this length means that nobody is there. */
export const SILENT_MS = 8000;

/** Call `hear(line, at, bytes)` for each message and `linked(open)` when the link comes or goes; `page` names it. */
export class Socket {
  constructor(hear, linked, page) {
    this.hear = hear;
    this.linked = linked;
    this.page = page;
    this.tries = 0;
    this.heardAt = performance.now();
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/api/v1/live?page=${this.page}`);
    this.socket = socket;
    this.heardAt = performance.now();
    socket.onopen = () => {
      this.tries = 0;
      this.linked(true);
    };
    socket.onmessage = (message) => {
      this.heardAt = performance.now();
      this.hear(JSON.parse(message.data), this.heardAt, message.data.length);
    };
    socket.onclose = () => {
      if (this.socket === socket) this.again();
    };
    this.watch ??= setInterval(() => this.look(), 1000);
    // a phone that wakes up need not wait for its turn
    this.woken ??= addEventListener("online", () => this.now());
  }

  /** Try again, a little later each time. */
  again() {
    this.socket = null;
    this.linked(false);
    const wait = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.tries++);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(), wait);
  }

  now() {
    if (this.socket) return;
    clearTimeout(this.timer);
    this.open();
  }

  /** Give up a link over which nothing comes: a network that went away closes nothing. */
  look() {
    if (!this.socket || performance.now() - this.heardAt < SILENT_MS) return;
    const socket = this.socket;
    this.again();
    socket.close();
  }
}
