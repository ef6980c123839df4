// The last 30 s of the angle as a strip of paper would show them, repetitions shaded by their verdict.

import { el } from "./dom.js";
import { calm, drawn } from "./frames.js";
import { t } from "./i18n.js";
import { marks } from "./marks.js";
import { verdictWords } from "./verdicts.js";

export const SPAN_S = 30;
const LEFT = 44;
const FOOT = 22;
const RIGHT = 10;
const COLOURS = [
  "text",
  "muted",
  "line",
  "edge",
  "internal",
  "external",
  "good",
  "bad",
  "void",
  "best",
  "reference",
];
const GROUNDS = ["good-ground", "bad-ground", "void-ground"];
const SIGNS = { controlled: "✓", uncontrolled: "✗", void: "○" };

/** Mount the strip; it follows the store. */
export function strip(store) {
  const canvas = el("canvas", { role: "img" });
  const figure = el(
    "figure",
    { class: "strip panel" },
    canvas,
    el("figcaption", { class: "unseen", "data-t": "strip.title" }),
  );
  const ink = canvas.getContext("2d");
  const size = { width: 0, height: 0, ratio: 1 };
  let colours = {};
  let low = -10;
  let high = 50;

  new ResizeObserver(([{ contentRect }]) => {
    size.ratio = Math.min(2, devicePixelRatio || 1);
    size.width = contentRect.width;
    size.height = contentRect.height;
    canvas.width = Math.round(size.width * size.ratio);
    canvas.height = Math.round(size.height * size.ratio);
  }).observe(canvas);
  new MutationObserver(readColours).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  readColours();

  function readColours() {
    const style = getComputedStyle(document.documentElement);
    colours = Object.fromEntries(
      [...COLOURS, ...GROUNDS].map((name) => [name, style.getPropertyValue(`--${name}`).trim()]),
    );
    colours.font = style.getPropertyValue("--font") || "sans-serif";
  }

  function describe() {
    const rep = store.rep;
    const last = rep ? t("strip.last", { n: rep.n, words: verdictWords(rep) }) : t("strip.none");
    canvas.setAttribute("aria-label", `${t("strip.title")}. ${last}`);
  }

  /** Let the scale grow at once and shrink never within a session: a jumping scale cannot be read. */
  function scaled(here) {
    const angle = store.angle?.deg ?? 0;
    const most = Math.max(angle, here.target ?? 0, here.best ?? 0) + 4;
    const least = Math.min(angle, here.target ?? 0, here.best ?? 0) - 4;
    if (most > high) high = Math.ceil(most / 10) * 10;
    if (least < low) low = Math.floor(least / 10) * 10;
  }

  function draw(now) {
    const { width, height, ratio } = size;
    if (!width || !height) return;
    const here = marks(store.coach);
    scaled(here);
    const newest = store.streamTime(now);
    let end = newest ?? 0;
    if (calm.matches) end = Math.ceil(end); // in steps, instead of scrolling
    const bottom = height - FOOT;
    const x = (t_s) => LEFT + ((t_s - end + SPAN_S) / SPAN_S) * (width - LEFT - RIGHT);
    const y = (deg) => 8 + ((high - deg) / (high - low)) * (bottom - 8);
    ink.setTransform(ratio, 0, 0, ratio, 0, 0);
    ink.clearRect(0, 0, width, height);
    ink.font = `12px ${colours.font}`;
    shade(x, y, end, bottom);
    scale(x, y, end, bottom, width);
    level(here.target, colours.good, [6, 5], y, width);
    level(here.reference, colours.reference, [2, 4], y, width);
    level(here.best, colours.best, [], y, width);
    curve(x, y, end);
  }

  function shade(x, y, end, bottom) {
    ink.textAlign = "center";
    for (const rep of store.reps.values()) {
      if (rep.end_s < end - SPAN_S) continue;
      const from = Math.max(LEFT, x(rep.start_s));
      const wide = Math.min(size.width - RIGHT, x(rep.end_s)) - from;
      const verdict = rep.taken ? "void" : rep.verdict;
      const name = { controlled: "good", uncontrolled: "bad", void: "void" }[verdict];
      ink.fillStyle = colours[`${name}-ground`];
      ink.fillRect(from, 8, wide, bottom - 8);
      ink.fillStyle = colours[name];
      ink.fillRect(from, bottom - 3, wide, 3);
      if (wide < 14) continue;
      ink.font = `700 13px ${colours.font}`;
      const words = rep.taken
        ? "–"
        : verdict === "controlled" && wide >= 40
          ? `${SIGNS[verdict]} ${rep.n}`
          : SIGNS[verdict];
      ink.fillText(words, from + wide / 2, 22);
    }
    ink.font = `12px ${colours.font}`;
  }

  function scale(x, y, end, bottom, width) {
    const step = high - low > 80 ? 20 : 10;
    ink.lineWidth = 1;
    ink.textAlign = "right";
    ink.textBaseline = "middle";
    for (let deg = Math.ceil(low / step) * step; deg <= high; deg += step) {
      const at = Math.round(y(deg)) + 0.5;
      ink.strokeStyle = deg === 0 ? colours.edge : colours.line;
      line(LEFT, at, width - RIGHT, at);
      if (deg % (step * 2)) continue;
      ink.fillStyle = colours.muted;
      ink.fillText(`${Math.abs(deg)}°`, LEFT - 8, at);
    }
    ink.textBaseline = "alphabetic";
    ink.textAlign = "center";
    ink.fillStyle = colours.muted;
    for (let back = 0; back <= SPAN_S; back += 10) {
      const at = x(end - back);
      ink.textAlign = back === 0 ? "right" : "center";
      ink.fillText(back === 0 ? t("strip.now") : `−${back} s`, back === 0 ? width - RIGHT : at, bottom + 16);
    }
  }

  function level(deg, colour, dash, y, width) {
    if (deg === null) return;
    ink.strokeStyle = colour;
    ink.lineWidth = 1.5;
    ink.setLineDash(dash);
    line(LEFT, y(deg), width - RIGHT, y(deg));
    ink.setLineDash([]);
  }

  function line(x1, y1, x2, y2) {
    ink.beginPath();
    ink.moveTo(x1, y1);
    ink.lineTo(x2, y2);
    ink.stroke();
  }

  /** Internal and external have a colour each: the line is drawn twice, above zero and below it. */
  function curve(x, y, end) {
    ink.lineWidth = 2.5;
    ink.lineJoin = "round";
    for (const [colour, from, to] of [
      [colours.internal, 0, y(0)],
      [colours.external, y(0), size.height],
    ]) {
      ink.save();
      ink.beginPath();
      ink.rect(LEFT, from, size.width - LEFT - RIGHT, to - from);
      ink.clip();
      ink.strokeStyle = colour;
      ink.beginPath();
      let broken = true;
      store.trace.walk(end - SPAN_S, (t_s, deg) => {
        if (Number.isNaN(deg)) broken = true;
        else if (broken) {
          ink.moveTo(x(t_s), y(deg));
          broken = false;
        } else ink.lineTo(x(t_s), y(deg));
      });
      ink.stroke();
      ink.restore();
    }
  }

  store.on("session", () => {
    low = -10;
    high = 50;
    describe();
  });
  store.on("reps", describe);
  describe();
  drawn(figure, draw);
  return { node: figure, settle: describe };
}
