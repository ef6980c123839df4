// Stand in for a browser's voice and listen to its tones: headless ones have no voices.
(() => {
  const heard = [];
  const note = (kind, more) => heard.push({ kind, at_ms: performance.now(), ...more });
  Object.defineProperty(window, "__heard", { value: heard });
  let queue = [];
  const next = () => {
    const one = queue[0];
    if (!one) return;
    one.dispatchEvent(new Event("start"));
    one.ending = setTimeout(() => { queue.shift(); one.dispatchEvent(new Event("end")); next(); }, 30);
  };
  class Utterance extends EventTarget {
    constructor(text) { super(); Object.assign(this, { text, lang: "", rate: 1, pitch: 1, volume: 1, voice: null }); }
    dispatchEvent(event) { this["on" + event.type]?.(event); return super.dispatchEvent(event); }
  }
  const voices = ["en-GB", "de-DE"].map((lang) => ({ name: lang, lang, localService: true, default: lang === "en-GB" }));
  const speech = Object.assign(new EventTarget(), {
    get speaking() { return queue.length > 0; },
    get pending() { return queue.length > 1; },
    paused: false,
    getVoices: () => voices,
    speak(one) {
      note("speak", { text: one.text, lang: one.lang, volume: one.volume });
      queue.push(one);
      if (queue.length === 1) next();
    },
    cancel() { note("cancel"); queue.forEach((one) => clearTimeout(one.ending)); queue = []; },
    pause() {}, resume() {},
  });
  Object.defineProperty(window, "speechSynthesis", { value: speech });
  window.SpeechSynthesisUtterance = Utterance;
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...when) {
    note("tone", { hz: this.frequency.value, at_s: when[0] ?? 0 });
    return start.apply(this, when);
  };
  const play = AudioBufferSourceNode.prototype.start;
  AudioBufferSourceNode.prototype.start = function (...when) { note("sound", {}); return play.apply(this, when); };
})();
