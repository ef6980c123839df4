// The angle over time: repetitions shaded by verdict, holds, gaps and marks. Drawn when something changes, only then.

import { colours, fitted } from "./canvas.js";
import { number } from "./i18n.js";
import { SIGNS, standing } from "./verdicts.js";
import { clock } from "./written.js";

const NAMES = { controlled: "good", uncontrolled: "bad", void: "void", taken: "void" };
const STEPS_S = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600];

/**
 * Draw on a canvas; return `draw(view)`. A view: `angles`, `reps`, `holds`, `gaps`, `moments`, the time `t`, the
 * stretch `from`–`to`, and `window` where another picture shows a part. `small` is the whole without words.
 */
export function chart(canvas, { small = false } = {}) {
  const [left, right, top, foot] = small ? [0, 0, 3, 3] : [44, 10, 26, 24];
  let view = null;
  const { ink, size } = fitted(canvas, redraw);
  const colour = colours(() => {
    hatches.clear();
    redraw();
  });
  const hatches = new Map();

  function draw(given) {
    view = given;
    redraw();
  }

  function redraw() {
    const { width, height } = size;
    ink.clearRect(0, 0, width, height);
    if (!view || !width || !height) return;
    const { angles, from, to } = view;
    const [low, high] = reach(angles);
    const place = {
      left, top, bottom: height - foot, right: width - right,
      x: (t) => left + ((t - from) / Math.max(0.001, to - from)) * (width - left - right),
      y: (deg) => top + ((high - deg) / (high - low)) * (height - foot - top),
    };
    ink.save();
    ink.beginPath();
    ink.rect(left, 0, width - left - right, height);
    ink.clip();
    shade(place);
    lost(place);
    ink.restore();
    if (!small) scale(place, low, high);
    ink.save();
    ink.beginPath();
    ink.rect(left, 0, width - left - right, height);
    ink.clip();
    held(place);
    curve(place);
    told(place);
    ink.restore();
    now(place);
  }

  function shade({ x, top: above, bottom }) {
    for (const rep of view.reps) {
      if (rep.end_s < view.from || rep.start_s > view.to) continue;
      const name = NAMES[standing(rep)];
      const [at, wide] = [x(rep.start_s), Math.max(1, x(rep.end_s) - x(rep.start_s))];
      ink.fillStyle = colour(`${name}-ground`);
      ink.fillRect(at, above, wide, bottom - above);
      if (name !== "good") {
        ink.fillStyle = hatch(name);
        ink.fillRect(at, above, wide, bottom - above);
      }
      ink.fillStyle = colour(name);
      ink.fillRect(at, bottom - 3, wide, 3);
      if (small || wide < 16) continue;
      ink.font = `700 13px ${colour("font")}`;
      ink.textAlign = "center";
      ink.fillText(wide < 34 ? rep.n : `${SIGNS[standing(rep)]} ${rep.n}`, at + wide / 2, above - 8);
    }
  }

  /** Lines for what does not count, so that it is not told by colour alone. */
  function hatch(name) {
    if (!hatches.has(name)) {
      const tile = new OffscreenCanvas(9, 9);
      const pen = tile.getContext("2d");
      pen.strokeStyle = colour(name);
      pen.globalAlpha = 0.4;
      pen.beginPath();
      for (const by of [-9, 0, 9]) {
        pen.moveTo(by, 9);
        pen.lineTo(by + 9, 0);
        if (name !== "void") continue;
        pen.moveTo(by, 0);
        pen.lineTo(by + 9, 9);
      }
      pen.stroke();
      hatches.set(name, ink.createPattern(tile, "repeat"));
    }
    return hatches.get(name);
  }

  function lost({ x, top: above, bottom }) {
    ink.fillStyle = colour("alarm-ground");
    for (const gap of view.gaps) ink.fillRect(x(gap.start_s), above, Math.max(1.5, x(gap.end_s) - x(gap.start_s)), bottom - above);
    ink.fillStyle = colour("alarm");
    for (const gap of view.gaps) ink.fillRect(x(gap.start_s), above, Math.max(1.5, x(gap.end_s) - x(gap.start_s)), 3);
  }

  function held({ x, y }) {
    ink.strokeStyle = colour("best");
    ink.lineWidth = small ? 2 : 4;
    ink.lineCap = "round";
    for (const hold of view.holds) line(x(hold.start_s), y(hold.mean_deg), x(hold.end_s), y(hold.mean_deg));
    ink.lineCap = "butt";
  }

  /** The line; where many cells share a pixel, from their least to their greatest. */
  function curve({ x, y }) {
    ink.strokeStyle = colour("text");
    ink.lineWidth = small ? 1 : 1.8;
    ink.lineJoin = "round";
    ink.beginPath();
    let column = null;
    let joined = false;
    const put = () => {
      if (!column) return;
      if (joined) ink.lineTo(column.x, y(column.first));
      else ink.moveTo(column.x, y(column.first));
      if (column.many) {
        ink.lineTo(column.x, y(column.high));
        ink.lineTo(column.x, y(column.low));
        ink.lineTo(column.x, y(column.last));
      }
      joined = true;
    };
    view.angles.walk(view.from, view.to, (t, angle, low, high) => {
      if (angle === null) {
        put();
        column = null;
        joined = false;
        return;
      }
      const at = Math.round(x(t));
      if (column && at === column.x) {
        column.many = true;
        column.last = angle;
        column.low = Math.min(column.low, low);
        column.high = Math.max(column.high, high);
      } else {
        put();
        column = { x: at, first: angle, last: angle, low, high, many: false };
      }
    });
    put();
    ink.stroke();
  }

  function told({ x, top: above, bottom }) {
    ink.strokeStyle = ink.fillStyle = colour("reference");
    ink.lineWidth = 1;
    for (const moment of view.moments) {
      const at = Math.round(x(moment.t)) + 0.5;
      ink.setLineDash([3, 4]);
      line(at, above, at, bottom);
      ink.setLineDash([]);
      ink.beginPath();
      ink.moveTo(at - 4, above);
      ink.lineTo(at + 4, above);
      ink.lineTo(at, above + 6);
      ink.fill();
    }
  }

  function scale({ x, y, left: edge, right: end, bottom }, low, high) {
    ink.font = `12px ${colour("font")}`;
    ink.lineWidth = 1;
    ink.textBaseline = "middle";
    ink.textAlign = "right";
    const step = high - low > 80 ? 20 : 10;
    for (let deg = Math.ceil(low / step) * step; deg <= high; deg += step) {
      const at = Math.round(y(deg)) + 0.5;
      ink.strokeStyle = colour(deg === 0 ? "edge" : "line");
      line(edge, at, end, at);
      ink.fillStyle = colour("muted");
      ink.fillText(`${number(deg)}°`, edge - 8, at);
    }
    ink.textBaseline = "alphabetic";
    ink.textAlign = "center";
    const seconds = STEPS_S.find((each) => ((end - edge) / (view.to - view.from)) * each >= 70) ?? 3600;
    for (let t = Math.ceil(view.from / seconds) * seconds; t <= view.to; t += seconds) {
      const at = Math.round(x(t)) + 0.5;
      if (at < edge + 12 || at > end - 12) continue;
      ink.strokeStyle = colour("line");
      line(at, bottom, at, bottom + 4);
      ink.fillText(clock(t), at, bottom + 17);
    }
  }

  function now({ x, top: above, bottom, left: edge, right: end }) {
    if (view.window) {
      const [from, to] = view.window.map((t) => Math.max(edge, Math.min(end, x(t))));
      ink.strokeStyle = colour("edge");
      ink.lineWidth = 1;
      ink.strokeRect(from + 0.5, 0.5, Math.max(3, to - from - 1), size.height - 1);
    }
    const at = Math.max(edge + 1, Math.min(end - 1, x(view.t)));
    ink.strokeStyle = ink.fillStyle = colour("accent");
    ink.lineWidth = 2;
    line(at, small ? 0 : above - 4, at, small ? size.height : bottom);
    const angle = small ? null : view.angles.at(view.t);
    if (angle === null) return;
    const [low, high] = reach(view.angles);
    ink.beginPath();
    ink.arc(at, above + ((high - angle) / (high - low)) * (bottom - above), 5, 0, 7);
    ink.fill();
  }

  function line(x1, y1, x2, y2) {
    ink.beginPath();
    ink.moveTo(x1, y1);
    ink.lineTo(x2, y2);
    ink.stroke();
  }

  return { draw, timeAt: (x) => view.from + ((x - left) / Math.max(1, size.width - left - right)) * (view.to - view.from) };
}

/** Return the lowest and highest of the scale: all that was measured, in tens. */
function reach({ low, high }) {
  if (!Number.isFinite(low)) return [-10, 40];
  return [Math.floor((Math.min(0, low) - 2) / 10) * 10, Math.ceil((Math.max(0, high) + 2) / 10) * 10];
}
