// Sounds by Web Audio: earcons, and where it is wanted a quiet tone that follows the angle.

import { EARCONS, EDGE_S, LOUDEST } from "./earcons.js";

/** The pitch at neutral, and the angle that raises it by an octave: as the computer's own voice has it. */
const PITCH_HZ = 262;
const OCTAVE_DEG = 45;
/** Well below earcons and voice. */
const PITCH_GAIN = 0.12;
const GLIDE_S = 0.03;

export class Sounds {
  constructor() {
    this.context = null;
    this.volume = 0.8;
  }

  /** Browsers let a page sound only once somebody has touched it: call it from a click or a key. */
  unlock() {
    this.context ??= new AudioContext({ latencyHint: "interactive" });
    if (this.context.state === "suspended") this.context.resume();
    this.out ??= new GainNode(this.context, { gain: this.volume });
    this.out.connect(this.context.destination);
  }

  /** Whether anything can be heard. */
  get ready() {
    return this.context !== null && this.context.state === "running";
  }

  setVolume(volume) {
    this.volume = volume;
    this.out?.gain.setTargetAtTime(volume, this.context.currentTime, 0.01);
  }

  /** Begin an earcon; return whether it sounds. */
  play(name) {
    const tones = EARCONS[name];
    if (!tones || !this.ready) return false;
    const now = this.context.currentTime;
    for (const tone of tones) this.tone(tone, now + tone.at_s);
    return true;
  }

  tone({ seconds, frequency_hz, gain, overtones, ringing }, at) {
    const partials = [1, overtones, 0.6 * overtones];
    const whole = partials.reduce((sum, each) => sum + each, 0);
    const wave = this.context.createPeriodicWave(
      new Float32Array([0, 0, 0, 0]),
      new Float32Array([0, ...partials]),
      { disableNormalization: true },
    );
    const oscillator = new OscillatorNode(this.context, { frequency: frequency_hz, periodicWave: wave });
    const shape = new GainNode(this.context, { gain: 0 });
    const peak = (LOUDEST * gain) / whole;
    shape.gain.setValueAtTime(0, at);
    shape.gain.linearRampToValueAtTime(peak, at + EDGE_S);
    if (ringing) shape.gain.setTargetAtTime(0, at + EDGE_S, seconds / 4);
    else shape.gain.setValueAtTime(peak, at + seconds - EDGE_S);
    shape.gain.linearRampToValueAtTime(0, at + seconds);
    oscillator.connect(shape).connect(this.out);
    oscillator.start(at);
    oscillator.stop(at + seconds);
  }

  /** Let a tone follow the angle, degrees; null lets it fade. */
  follow(angle) {
    if (!this.ready) return;
    if (angle === null) {
      this.pitch?.gain.gain.setTargetAtTime(0, this.context.currentTime, GLIDE_S);
      return;
    }
    this.pitch ??= this.pitched();
    const hz = PITCH_HZ * 2 ** (Math.min(90, Math.abs(angle)) / OCTAVE_DEG);
    this.pitch.oscillator.frequency.setTargetAtTime(hz, this.context.currentTime, GLIDE_S);
    this.pitch.gain.gain.setTargetAtTime(PITCH_GAIN, this.context.currentTime, GLIDE_S);
  }

  pitched() {
    const oscillator = new OscillatorNode(this.context, { frequency: PITCH_HZ });
    const gain = new GainNode(this.context, { gain: 0 });
    oscillator.connect(gain).connect(this.out);
    oscillator.start();
    return { oscillator, gain };
  }
}
