// One loop for all that moves: drawn in step with the screen, and only what is seen.

import { frame } from "./measures.js";

const drawers = [];
let running = false;

/** Whether a person asked their system for less movement. */
export const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** Call `draw(now)` before each frame while `node` is seen. */
export function drawn(node, draw) {
  drawers.push({ node, draw });
  if (!running) {
    running = true;
    requestAnimationFrame(turn);
  }
}

function turn(now) {
  const began = performance.now();
  for (const { node, draw } of drawers) if (seen(node)) draw(now);
  frame(now, performance.now() - began);
  requestAnimationFrame(turn);
}

/** Without asking for a layout: hidden is what this page hides itself. */
function seen(node) {
  return node.closest("[hidden]") === null;
}
