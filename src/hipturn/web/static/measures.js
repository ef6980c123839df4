// What the page measures of itself, for tests and the curious: `hipturn.measures` in the console.

const WINDOW_MS = 1000;

/** Frames drawn, bytes that came, time to the first angle, and from a prompt to the request for its sound. */
export const measures = {
  frames: 0,
  framesPerSecond: null,
  longestFrameMs: 0,
  drawMs: { last: 0, longest: 0 },
  messages: 0,
  bytes: 0,
  bytesPerSecond: null,
  anglesPerSecond: null,
  firstAngleMs: null,
  firstStateMs: null,
  reconnects: 0,
  sounds: [],
};

const since = { at: null, frames: 0, bytes: 0, angles: 0, last: null };
let angles = 0;

/** Note a message of the stream. */
export function message(line, at, bytes) {
  measures.messages += 1;
  measures.bytes += bytes;
  if (line.type === "angle") {
    angles += 1;
    if (measures.firstAngleMs === null) {
      measures.firstAngleMs = at;
      performance.mark("hipturn:first-angle");
    }
  } else if (measures.firstStateMs === null && line.type === "state") {
    measures.firstStateMs = at;
    performance.mark("hipturn:first-state");
  }
}

/** Note that a frame was drawn, and what drawing took. */
export function frame(at, drawMs) {
  measures.frames += 1;
  measures.drawMs.last = drawMs;
  measures.drawMs.longest = Math.max(measures.drawMs.longest, drawMs);
  if (since.last !== null) measures.longestFrameMs = Math.max(measures.longestFrameMs, at - since.last);
  since.last = at;
  since.at ??= at;
  const past = at - since.at;
  if (past < WINDOW_MS) return;
  measures.framesPerSecond = ((measures.frames - since.frames) * 1000) / past;
  measures.bytesPerSecond = ((measures.bytes - since.bytes) * 1000) / past;
  measures.anglesPerSecond = ((angles - since.angles) * 1000) / past;
  Object.assign(since, { at, frames: measures.frames, bytes: measures.bytes, angles });
}

/** Note how long after it could sound, a prompt's sound was asked for; `waited`: for another's words to end. */
export function sound(what, ms, waited) {
  measures.sounds.push({ what, ms, waited, at: performance.now() });
  if (measures.sounds.length > 500) measures.sounds.shift();
}
