// The leg: turns with the shin over a dial that shows target, furthest, last and reference.

import { el, svg } from "./dom.js";
import { drawn } from "./frames.js";
import { number, t } from "./i18n.js";
import { at, bearing, pivot, pose } from "./poses.js";
import { marks } from "./marks.js";

const RADIUS = 252;
const WEDGE = 236;
/** Half the width of the target's zone, degrees: what one sensor on the shin is good for. */
export const ZONE_DEG = 5;

const SHIN = "M-25 6C-29-26-33-58-29-86C-26-118-17-146-15-172L15-172C17-146 24-120 27-90C30-60 29-26 25 6Z";
const SHADE = "M2 4C6-40 8-90 4-170L15-172C17-146 24-120 27-90C30-60 29-26 25 6Z";
const FOOT = "M-15-168C-26-180-33-196-30-208C-27-219-10-221 2-218C16-216 27-213 28-204C29-194 22-180 15-168Z";
const TOES = [
  [-20, -212, 8],
  [-7, -216, 6],
  [4, -215, 5.4],
  [14, -212, 5],
  [22, -207, 4.6],
];

/** Mount the drawing; it follows the store. */
export function leg(store) {
  const dial = svg("g", { class: "dial" });
  const around = svg("g", { class: "around" });
  const wedge = svg("path", { class: "wedge" });
  const zone = svg("path", { class: "zone" });
  const pointers = svg("g", { class: "pointers" });
  const limb = svg("g", { class: "limb" });
  const picture = svg(
    "svg",
    { viewBox: "-72 14 544 366", role: "img", class: "leg-picture" },
    dial,
    around,
    zone,
    wedge,
    limb,
    pointers,
  );
  const seenFrom = el("figcaption", { class: "seen-from" });
  const figure = el("figure", { class: "leg panel" }, picture, seenFrom);

  let drawnFor = "";
  let scene = { of: pose(null), side: "right", centre: pivot(pose(null), "right") };
  let shown = null;

  /** Draw what changes with the session: position, leg, language, marks. */
  function settle() {
    const show = store.coach;
    const side = show?.side ?? store.status?.session?.side ?? "right";
    const of = pose(show?.position);
    const key = `${of.view} ${of.points} ${of.turn} ${of.heel} ${side} ${document.documentElement.lang}`;
    if (key !== drawnFor) {
      drawnFor = key;
      scene = { of, side, centre: pivot(of, side) };
      dial.replaceChildren(...dialOf(scene));
      around.replaceChildren(...aroundOf(scene));
      limb.replaceChildren(...limbOf(scene));
      shown = null;
    }
    const here = marks(show);
    zone.setAttribute(
      "d",
      here.target === null ? "" : arc(scene, here.target - ZONE_DEG, here.target + ZONE_DEG, RADIUS - 8),
    );
    pointers.replaceChildren(...pointersOf(scene, here));
    seenFrom.textContent = `${t(`leg.${side}`)} · ${t(`view.${of.view}`)}`;
    describe();
  }

  /** Say in words what the picture shows; not sixty times a second. */
  function describe() {
    const angle = store.freshAngle();
    const where = angle
      ? `${number(Math.abs(angle.deg))}° ${t(angle.deg >= 0 ? "internal" : "external")}`
      : t("angle.none");
    picture.setAttribute("aria-label", `${seenFrom.textContent}: ${where}`);
  }

  function draw(now) {
    const angle = store.freshAngle(now);
    const known = store.angle ?? null;
    const deg = known ? Math.max(-100, Math.min(100, known.deg)) : 0;
    const state = known === null ? "none" : angle && angle.trusted ? "live" : "old";
    if (figure.dataset.angle !== state) figure.dataset.angle = state;
    const rounded = Math.round(deg * 10) / 10;
    if (rounded === shown) return;
    shown = rounded;
    const turned = bearing(scene.of, scene.side, rounded);
    limb.setAttribute(
      "transform",
      `translate(${scene.centre.x} ${scene.centre.y}) rotate(${turned.toFixed(1)})`,
    );
    wedge.setAttribute("d", sector(scene, rounded));
    const way = rounded >= 0 ? "internal" : "external";
    if (wedge.dataset.way !== way) wedge.dataset.way = way;
  }

  for (const topic of ["coach", "session", "state"]) store.on(topic, settle);
  store.on("reps", describe);
  settle();
  drawn(figure, draw);
  return { node: figure, settle };
}

function sector(scene, deg) {
  if (Math.abs(deg) < 0.3) return "";
  const { centre } = scene;
  const from = at(centre, bearing(scene.of, scene.side, 0), WEDGE);
  const to = at(centre, bearing(scene.of, scene.side, deg), WEDGE);
  return `M${centre.x} ${centre.y}L${point(from)}${arcTo(scene, 0, deg, WEDGE, to)}Z`;
}

function arc(scene, from, to, radius) {
  const start = at(scene.centre, bearing(scene.of, scene.side, from), radius);
  const end = at(scene.centre, bearing(scene.of, scene.side, to), radius);
  return `M${point(start)}${arcTo(scene, from, to, radius, end)}`;
}

function arcTo(scene, from, to, radius, end) {
  const clockwise = bearing(scene.of, scene.side, to) > bearing(scene.of, scene.side, from) ? 1 : 0;
  return `A${radius} ${radius} 0 0 ${clockwise} ${point(end)}`;
}

function point({ x, y }) {
  return `${x.toFixed(1)} ${y.toFixed(1)}`;
}

function dialOf(scene) {
  const [low, high] = scene.of.range;
  const parts = [svg("path", { class: "rim", d: arc(scene, low, high, RADIUS) })];
  for (let deg = Math.ceil(low / 5) * 5; deg <= high; deg += 5) {
    const turned = bearing(scene.of, scene.side, deg);
    const long = deg % 30 === 0 ? 16 : deg % 10 === 0 ? 10 : 5;
    const inner = at(scene.centre, turned, RADIUS - long);
    const outer = at(scene.centre, turned, RADIUS);
    parts.push(
      svg("line", {
        class: long > 5 ? "mark" : "mark fine",
        x1: inner.x,
        y1: inner.y,
        x2: outer.x,
        y2: outer.y,
      }),
    );
    if (deg % 30 !== 0) continue;
    const text = at(scene.centre, turned, RADIUS + 17);
    parts.push(svg("text", { class: "degrees", x: text.x, y: text.y, text: `${Math.abs(deg)}°` }));
  }
  const zero = at(scene.centre, bearing(scene.of, scene.side, 0), RADIUS - 18);
  parts.push(svg("line", { class: "plumb", x1: scene.centre.x, y1: scene.centre.y, x2: zero.x, y2: zero.y }));
  for (const [way, deg] of [
    ["internal", 46],
    ["external", -46],
  ]) {
    if (deg < low || deg > high) continue;
    const text = at(scene.centre, bearing(scene.of, scene.side, deg), RADIUS + 16);
    const anchor = text.x < scene.centre.x - 20 ? "end" : text.x > scene.centre.x + 20 ? "start" : "middle";
    parts.push(
      svg("text", {
        class: `way ${way}`,
        x: text.x,
        y: text.y,
        "text-anchor": anchor,
        text: t(`${way}.short`),
      }),
    );
  }
  return parts;
}

/** What is around: ground, seat, pelvis, the other leg; in the background, and not to scale. */
function aroundOf(scene) {
  const { x, y } = scene.centre;
  const m = scene.side === "left" ? -1 : 1;
  const ground = (level) => svg("line", { class: "ground", x1: -40, y1: level, x2: 440, y2: level });
  const blob = (cx, cy, rx, ry, name = "body") => svg("ellipse", { class: name, cx, cy, rx, ry });
  switch (scene.of) {
    case pose("prone"):
      return [
        blob(x - m * 48, y - 6, 124, 52),
        blob(x - m * 108, y + 14, 36, 32, "body near"),
        ground(366),
        blob(x, y, 45, 45, "thigh"),
      ];
    case pose("seated"):
      return [
        svg("rect", { class: "seat", x: 40, y: 40, width: 320, height: 26, rx: 10 }),
        shape(x + m * 104, y, 180, m, "limb-other"),
        blob(x + m * 104, y, 40, 40, "body near"),
        ground(366),
        blob(x, y, 45, 45, "thigh"),
      ];
    case pose("seated-floor"):
      return [
        blob(x + m * 60, y - 34, 92, 62),
        shape(x + m * 122, y + 14, 0, m, "limb-other", true),
        ground(366),
      ];
    case pose("side-lying"):
      return [
        blob(x + m * 20, y + 6, 66, 92),
        shape(x, y + 66, -90 * m, m, "limb-other"),
        svg("circle", { class: "roller", cx: x - m * 14, cy: y + 34, r: 30 }),
        ground(366),
        blob(x, y, 40, 40, "thigh"),
      ];
    default:
      return [
        svg("rect", { class: "body", x: x - 36, y: -40, width: 72, height: 130, rx: 34 }),
        blob(x, y, 40, 40, "thigh"),
      ];
  }
}

function shape(x, y, turned, m, name, standing = false) {
  const inner = svg("g", { transform: `scale(${m} 1)` }, svg("path", { d: SHIN }), svg("path", { d: FOOT }));
  const placed = standing
    ? `translate(${x} ${y}) rotate(180) translate(0 205)`
    : `translate(${x} ${y}) rotate(${turned})`;
  return svg("g", { class: name, transform: placed }, inner);
}

/** The shin with foot and sensor, pointing up from the pivot; with the heel planted, the knee is what goes. */
function limbOf(scene) {
  const m = scene.side === "left" ? -1 : 1;
  const parts = [
    svg("path", { class: "skin", d: FOOT }),
    ...TOES.map(([cx, cy, r]) => svg("circle", { class: "skin toe", cx, cy, r })),
    svg("path", { class: "skin", d: SHIN }),
    svg("path", { class: "shade", d: SHADE }),
    svg("circle", { class: "skin knee", cx: 0, cy: 0, r: 31 }),
    svg("ellipse", { class: "kneecap", cx: 0, cy: -3, rx: 15, ry: 17 }),
    svg("path", { class: "strap", d: "M-20-138C-8-132 8-132 19-138L18-120C8-114-8-114-22-120Z" }),
    svg("rect", { class: "device", x: -13, y: -144, width: 26, height: 32, rx: 7 }),
    svg("circle", { class: "lamp", cx: 0, cy: -134, r: 3.4 }),
  ];
  const whole = svg("g", { transform: `scale(${m} 1)` }, ...parts);
  return scene.of.heel ? [svg("g", { transform: "rotate(180) translate(0 205)" }, whole)] : [whole];
}

function pointersOf(scene, here) {
  const parts = [];
  const line = (name, deg, from, to) => {
    const turned = bearing(scene.of, scene.side, deg);
    const a = at(scene.centre, turned, from);
    const b = at(scene.centre, turned, to);
    parts.push(svg("line", { class: name, x1: a.x, y1: a.y, x2: b.x, y2: b.y }));
    return turned;
  };
  if (here.reference !== null) line("reference", here.reference, 120, RADIUS - 2);
  if (here.last !== null) line("last", here.last, RADIUS - 26, RADIUS - 2);
  if (here.best !== null) {
    const turned = line("best", here.best, RADIUS - 34, RADIUS + 2);
    const tip = at(scene.centre, turned, RADIUS + 4);
    parts.push(
      svg("path", {
        class: "best-flag",
        d: "M0 0L-6-10H6Z",
        transform: `translate(${point(tip)}) rotate(${turned.toFixed(1)})`,
      }),
    );
  }
  return parts;
}
