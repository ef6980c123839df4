// A range over weeks: each test with its error, and the measuring error as a band about the line through them.

import { svg } from "./dom.js";
import { shortDay } from "./written.js";

const [WIDTH, HEIGHT] = [420, 190];
const [LEFT, RIGHT, TOP, FOOT] = [38, 12, 10, 26];
const S_PER_WEEK = 7 * 24 * 3600;

/** Return the picture; the line is level where there is no real change yet. `words` say what it shows. */
export function picture(trend, { low, high }, words) {
  const first = trend.tests[0].at_s;
  const last = trend.tests.at(-1).at_s;
  const x = (at) => LEFT + ((at - first) / Math.max(1, last - first)) * (WIDTH - LEFT - RIGHT);
  const y = (deg) => TOP + ((high - deg) / (high - low)) * (HEIGHT - TOP - FOOT);
  const line = through(trend);
  const error = trend.tests[0].uncertainty_deg;
  const edge = (at, by) => `${x(at).toFixed(1)} ${y(line(at) + by).toFixed(1)}`;
  const band = `M${edge(first, error)}L${edge(last, error)}L${edge(last, -error)}L${edge(first, -error)}Z`;
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": words, class: "trend-picture" },
    scale(low, high, y),
    svg("path", { class: "band", d: band }),
    svg("line", { class: "line", x1: x(first), x2: x(last), y1: y(line(first)), y2: y(line(last)) }),
    trend.tests.flatMap((one) => [
      svg("line", { class: "error", x1: x(one.at_s), x2: x(one.at_s), y1: y(one.value_deg - one.uncertainty_deg), y2: y(one.value_deg + one.uncertainty_deg) }),
      svg("circle", { class: `point ${trend.of}`, cx: x(one.at_s), cy: y(one.value_deg), r: 5 }),
    ]),
    day(first, LEFT, "start"),
    day(last, WIDTH - RIGHT, "end"),
  );
}

/** Return the line of least squares through the tests, level while the change is none that can be told. */
function through({ tests, real, per_week_deg: slope }) {
  const middle = tests.reduce((sum, one) => sum + one.at_s, 0) / tests.length;
  const mean = tests.reduce((sum, one) => sum + one.value_deg, 0) / tests.length;
  return (at) => mean + (real ? (slope * (at - middle)) / S_PER_WEEK : 0);
}

function scale(low, high, y) {
  const step = high - low > 40 ? 20 : 10;
  const parts = [];
  for (let deg = Math.ceil(low / step) * step; deg <= high; deg += step) {
    parts.push(svg("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(deg), y2: y(deg) }));
    parts.push(svg("text", { x: LEFT - 6, y: y(deg) + 4, "text-anchor": "end", text: `${deg}°` }));
  }
  return parts;
}

function day(at_s, x, anchor) {
  return svg("text", { x, y: HEIGHT - 6, "text-anchor": anchor, text: shortDay(new Date(at_s * 1000)) });
}
