// What a person tells the session, by button or key: sent, echoed in words, and a refusal said plainly.

import { command } from "./api.js";
import { t } from "./i18n.js";

export class Orders {
  /** `echo(text, bad)` shows what became of it. */
  constructor(store, echo) {
    this.store = store;
    this.echo = echo;
    this.bpm = 0;
  }

  async send(body, quiet = false) {
    try {
      await command(body);
      if (!quiet) this.echo(t(`told.${body.command}`), false);
      return true;
    } catch (error) {
      const offline = error instanceof TypeError;
      this.echo(offline ? t("told.offline") : error.message, true);
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
    return question ? this.send({ command: "answer", question: question.id, value }, true) : Promise.resolve(false);
  }

  metronome(bpm) {
    this.bpm = bpm;
    return this.send({ command: "metronome", bpm });
  }
}
