// The page's voice: speaks prompts by Web Speech with their sound first, while this page is the speaker.

import { seconds } from "./earcons.js";
import { sound } from "./measures.js";
import { Turns, weight } from "./turns.js";

/** A browser that forgets to say that it has finished must not silence the rest. */
const LONGEST_MS = 15000;

/**
 * Return who is to say something in a language: a voice of this device, null for whatever the browser has
 * where it names none, undefined where nobody may. Voices of elsewhere send what is said to their makers.
 */
export function voiceFor(language, voices = window.speechSynthesis?.getVoices()) {
  if (!voices) return undefined;
  if (!voices.length) return null; // not told yet, or never
  const here = voices.filter((one) => one.localService);
  const same = here.filter((one) => one.lang.toLowerCase().startsWith(language));
  return same.find((one) => one.default) ?? same[0];
}

export class Voice {
  /** `sounds` makes the earcons. */
  constructor(sounds) {
    this.sounds = sounds;
    this.turns = new Turns();
    this.on = false;
    this.volume = 0.8;
  }

  /** Begin or end to be the one who speaks. */
  switch(on) {
    if (this.on === on) return;
    this.on = on;
    if (!on) this.hush();
  }

  hush() {
    this.turns.clear();
    this.utterance = null;
    clearTimeout(this.timer);
    clearTimeout(this.longest);
    window.speechSynthesis?.cancel();
    this.sounds.follow(null);
  }

  /** Hear a prompt that came at `prompt.at`. */
  hear(prompt) {
    if (!this.on || this.volume <= 0) return;
    const speaks = prompt.say && voiceFor(prompt.language) !== undefined;
    // where nothing here can speak, words without a sound get the one that stands for words
    const earcon = prompt.earcon ?? (prompt.say && !speaks ? "attention" : null);
    const sounds = earcon !== null && this.sounds.play(earcon);
    if (sounds) sound(`earcon ${earcon}`, performance.now() - prompt.at, false);
    if (!speaks) return;
    const now = performance.now();
    const after = now + (sounds ? seconds(earcon) * 1000 : 0);
    const waited = this.turns.speaking !== null || this.turns.waiting.length > 0;
    const saying = {
      text: prompt.say,
      language: prompt.language,
      weight: weight(prompt.key),
      key: prompt.key,
      at: now,
      after,
      heardAt: prompt.at,
      waited,
    };
    if (this.turns.add(saying)) this.stop();
    this.speak();
  }

  speak() {
    clearTimeout(this.timer);
    const next = this.turns.next(performance.now());
    if (next === null) return;
    if (typeof next === "number") {
      this.timer = setTimeout(() => this.speak(), Math.max(0, next - performance.now()));
      return;
    }
    const utterance = new SpeechSynthesisUtterance(next.text);
    utterance.voice = voiceFor(next.language) ?? null;
    utterance.lang = next.language === "de" ? "de-DE" : "en-GB";
    utterance.volume = this.volume;
    const over = () => {
      if (this.utterance !== utterance) return;
      clearTimeout(this.longest);
      this.utterance = null;
      this.turns.over();
      this.speak();
    };
    utterance.onend = over;
    utterance.onerror = over;
    this.utterance = utterance;
    this.longest = setTimeout(over, LONGEST_MS);
    window.speechSynthesis.speak(utterance);
    sound(`speech ${next.key}`, performance.now() - Math.max(next.heardAt, next.after), next.waited);
  }

  stop() {
    this.utterance = null;
    clearTimeout(this.longest);
    this.turns.over();
    window.speechSynthesis.cancel();
  }
}
