// What a person tells the session, by button or key: sent, echoed in words, and a refusal said plainly.

import { command } from "./api.js";
import { t } from "./i18n.js";

export class Orders {
  /** `echo(text, bad)` shows what became of it. */
  constructor(store, echo) {
    this.store = store;
    this.echo = echo;
    /** The beat there is, 0 for none: a session begins without, and whoever ends it says so. */
    this.bpm = 0;
    store.on("session", () => (this.bpm = 0));
    store.on("prompt", (line) => line.key === "metronome.off" && (this.bpm = 0));
  }

  async send(body, quiet = false) {
    try {
      await command(body);
      if (body.command === "metronome") this.bpm = body.bpm;
      if (!quiet) this.echo(t(`told.${body.command}`), false);
      return true;
    } catch (error) {
      const offline = error instanceof TypeError;
      this.echo(offline ? t("told.offline") : t("told.refused", { why: error.message }), true);
      return false;
    }
  }

  get paused() {
    return this.store.coach?.step === "paused";
  }

  pause() {
    return this.send({ command: this.paused ? "resume" : "pause" });
  }

  answer(value) {
    const question = this.store.coach?.question;
    return question
      ? this.send({ command: "answer", question: question.id, value }, true)
      : Promise.resolve(false);
  }

  metronome(bpm) {
    return this.send({ command: "metronome", bpm });
  }
}
