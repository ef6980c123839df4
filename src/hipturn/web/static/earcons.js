// The sounds, note for note those of the computer's own voice: a test holds the two tables to each other.

/** Peak of an earcon at full volume: two at once do not clip hard. */
export const LOUDEST = 0.8;
/** Each tone swells and fades so long, s: an edge is heard as a click. */
export const EDGE_S = 0.004;

const [C5, D5, E5, G5, A5, C6, E6, G6] = [523.25, 587.33, 659.26, 783.99, 880.0, 1046.5, 1318.5, 1568.0];

function tone(at_s, seconds, frequency_hz, gain = 1.0, overtones = 0.2, ringing = false) {
  return { at_s, seconds, frequency_hz, gain, overtones, ringing };
}

/** What each is made of; told apart by rhythm and direction, not by pitch alone. */
export const EARCONS = {
  connected: [tone(0, 0.09, C5), tone(0.1, 0.09, E5), tone(0.2, 0.16, G5)],
  lost: [tone(0, 0.14, G5), tone(0.15, 0.14, E5), tone(0.3, 0.26, C5 / 2, 1.0, 0.5)],
  "tare-start": [tone(0, 0.09, A5), tone(0.2, 0.09, A5), tone(0.4, 0.09, A5)],
  "tare-done": [tone(0, 0.14, G5), tone(0.15, 0.24, C6)],
  counted: [tone(0, 0.09, E6, 0.9, 0.1, true)],
  rejected: [tone(0, 0.22, 155, 1.0, 0.9)],
  target: [tone(0, 0.08, C6), tone(0.08, 0.08, E6), tone(0.16, 0.22, G6, 1.0, 0.2, true)],
  tick: [tone(0, 0.03, 2000, 0.6, 0, true)],
  "set-done": [tone(0, 0.1, G5), tone(0.13, 0.1, G5), tone(0.26, 0.3, D5 * 2, 1.0, 0.2, true)],
  "battery-low": [tone(0, 0.2, E5, 0.8), tone(0.35, 0.2, C5, 0.8)],
  trouble: [
    tone(0, 0.11, 330, 1.0, 0.7),
    tone(0.12, 0.11, 247, 1.0, 0.7),
    tone(0.24, 0.11, 330, 1.0, 0.7),
    tone(0.36, 0.11, 247, 1.0, 0.7),
  ],
  metronome: [tone(0, 0.045, 1175, 0.8, 0.4, true)],
  attention: [tone(0, 0.1, D5, 0.8), tone(0.14, 0.16, A5, 0.8)],
};

/** Return how long one lasts, s; 0 for none. */
export function seconds(name) {
  return Math.max(0, ...(EARCONS[name] ?? []).map((one) => one.at_s + one.seconds));
}
