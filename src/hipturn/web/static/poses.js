// How a leg is seen in each position: from where, about which point it turns, and what is around it. Pure.
//
// Everything is drawn for the right leg and mirrored for the left. `turn` is how the drawing turns, clockwise
// on the screen, for one degree of internal rotation of the right leg:
// - prone, from behind: the viewer stands at the feet; the shin stands up, the foot falls outwards, to the right.
// - seated, from in front: the right leg is on the left; the shin hangs down, the foot swings out, to the left.
// - on the floor, from in front: the heel stays, the knee drops inwards, to the right.
// - on the side, from the feet: the shin points backwards, to the left; the ankle rises.
// - on the back with hip and knee bent, from above, face up: the foot swings out, to the left.
// - standing, the shin laid on something, from above: the foot turns out, to the right.

const UP = 0;
const LEFT = -90;
const DOWN = 180;

export const POSES = {
  prone: { view: "behind", x: 200, y: 318, points: UP, turn: 1, range: [-65, 65] },
  seated: { view: "front", x: 200, y: 104, points: DOWN, turn: 1, range: [-65, 65] },
  "seated-floor": { view: "front", x: 200, y: 332, points: UP, turn: 1, range: [-50, 65], heel: true },
  "side-lying": { view: "feet", x: 318, y: 262, points: LEFT, turn: 1, range: [-15, 70] },
  "supine-90-90": { view: "above", x: 200, y: 104, points: DOWN, turn: 1, range: [-65, 65] },
  standing: { view: "above", x: 200, y: 104, points: DOWN, turn: -1, range: [-65, 65] },
};

/** Return the pose of a position; seated where it is not known, as most sensors are tried first. */
export function pose(position) {
  return POSES[position] ?? POSES.seated;
}

/** Return where on the screen an angle lies, degrees clockwise from up, for a leg. */
export function bearing(of, side, deg) {
  const mirror = side === "left" ? -1 : 1;
  return mirror * (of.points + of.turn * deg);
}

/** Return the pivot for a leg. */
export function pivot(of, side) {
  return { x: side === "left" ? 400 - of.x : of.x, y: of.y };
}

/** Return the point at a bearing and distance from the pivot. */
export function at(centre, degrees, radius) {
  const rad = (degrees * Math.PI) / 180;
  return { x: centre.x + radius * Math.sin(rad), y: centre.y - radius * Math.cos(rad) };
}
