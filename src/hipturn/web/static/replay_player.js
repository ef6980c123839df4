// The replay: leg, angle over time, and the scrubber that moves both.

import { el, say } from "./dom.js";
import { icon } from "./icons.js";
import { number, onLanguage, t } from "./i18n.js";
import { leg } from "./leg.js";
import { Player, SPEEDS } from "./player.js";
import { chart } from "./replay_chart.js";
import { repAt } from "./replayed.js";
import { SIGNS } from "./verdicts.js";
import { clock, degrees, verdictOf } from "./written.js";

const SPANS_S = [10, 30, 120, Infinity];
const KEYS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };

/** Build it, once; return `load`, `look(t)`, `pause`, and `rep`, the place of the repetition that is shown. */
export function theatre() {
  const stage = new Stage();
  const limb = leg(stage);
  const big = el("canvas", { role: "img" });
  const small = el("canvas", { "aria-hidden": "true" });
  const range = el("input", { type: "range", min: 0, step: 0.05, value: 0, "data-t-label": "replay.time", oninput: () => player.seek(Number(range.value)) });
  const scrubber = el("div", { class: "scrubber" }, small, range);
  const clockText = el("span", { class: "time" });
  const angleText = el("output", { class: "replay-angle", "aria-live": "off" });
  const repText = el("p", { class: "replay-rep" });
  const play = button("play", "replay.play", () => player.toggle());
  const speed = el("select", { id: "replay-speed", onchange: () => (player.speed = Number(speed.value)) }, SPEEDS.map((each) => el("option", { value: each, selected: each === 1 })));
  const span = el("select", { id: "replay-span", onchange: draw }, SPANS_S.map((each) => el("option", { value: each, selected: each === 30 })));
  const node = el("section", { class: "player panel", "data-t-label": "replay.title", onkeydown: keyed },
    el("div", { class: "replay-stage" },
      el("div", { class: "replay-leg" }, limb.node),
      el("div", { class: "replay-side" }, angleText, repText),
      el("figure", { class: "replay-chart" }, big),
    ),
    scrubber,
    el("div", { class: "replay-controls" },
      play,
      button("skip", "replay.before", () => step(-1), "mirrored"),
      button("skip", "replay.after", () => step(1)),
      clockText,
      field(speed, "replay.speed"),
      field(span, "replay.span"),
    ),
    el("ul", { class: "plain legend" }, ["controlled", "uncontrolled", "void", "hold", "gap", "mark"].map((name) => el("li", { class: `key ${name}` }, el("span", { class: "swatch", "aria-hidden": "true", text: SIGNS[name] ?? "" }), el("span", { "data-t": `legend.${name}` })))),
  );
  const whole = chart(small, { small: true });
  const part = chart(big);
  const player = new Player(moved, changed);
  let found = { reps: [], holds: [], gaps: [], moments: [] };
  let angles = null;
  let drawing = false;
  const self = { node, load, look, pause: () => player.pause(), rep: -1, onRep: () => {} };

  function load(session, what, measured, again) {
    found = what;
    angles = measured;
    stage.begin(session);
    self.rep = -1;
    range.max = angles.duration;
    label();
    // as the first thing to see, a leg that is turned
    player.load(angles.duration, again ? player.t : (found.reps[0]?.peak_s ?? 0));
    limb.settle();
  }

  function label() {
    for (const one of speed.options) one.textContent = `${number(Number(one.value), one.value < 1 ? 2 : 0).replace(/0$/, "")}×`;
    for (const one of span.options) one.textContent = one.value === "Infinity" ? t("replay.span.all") : t("replay.span.seconds", { n: one.value });
    changed();
  }

  function changed() {
    play.replaceChildren(icon(player.playing ? "pause" : "play"));
    const words = t(player.playing ? "replay.pause" : "replay.play");
    play.setAttribute("aria-label", words);
    play.title = words;
    if (!player.playing) spoken();
  }

  /** What moves with the time; drawn once a frame however often it is moved. */
  function moved(now) {
    if (!angles) return;
    stage.at(angles.at(now), now, found.reps);
    const at = repAt(found.reps, now);
    if (at !== self.rep) {
      self.rep = at;
      limb.settle();
      self.onRep(at);
    }
    if (drawing) return;
    drawing = true;
    requestAnimationFrame(() => {
      drawing = false;
      draw();
    });
  }

  function draw() {
    if (!angles) return;
    const now = player.t;
    const seconds = Math.min(Number(span.value), angles.duration);
    const from = Math.max(0, Math.min(angles.duration - seconds, now - seconds / 2));
    const view = { angles, ...found, t: now, from, to: from + seconds };
    angles.want(view.from, view.to, draw);
    part.draw(view);
    whole.draw({ ...view, from: 0, to: angles.duration, window: [view.from, view.to] });
    if (Math.abs(Number(range.value) - now) > 0.02) range.value = now;
    say(clockText, `${clock(now, 1)} / ${clock(angles.duration)}`);
    const angle = stage.freshAngle();
    say(angleText, degrees(angle?.deg));
    const rep = found.reps[self.rep];
    say(repText, rep ? t("strip.last", { n: rep.n, words: verdictOf(rep) }) : " ");
    // words for who does not see it: not sixty times a second
    if (!player.playing || Math.floor(now) !== spokenAt) spoken();
  }

  let spokenAt = -1;

  function spoken() {
    if (!angles) return;
    spokenAt = Math.floor(player.t);
    const words = t("replay.at", { time: clock(player.t), of: clock(angles.duration), angle: stage.freshAngle() ? degrees(stage.angle.deg, 0) : t("replay.gap") });
    range.setAttribute("aria-valuetext", words);
    const rep = found.reps[self.rep];
    big.setAttribute("aria-label", `${t("replay.title")}: ${words}${rep ? `. ${t("strip.last", { n: rep.n, words: verdictOf(rep) })}` : ""}`);
  }

  /** Show a moment, and where it is. */
  function look(t_s) {
    player.pause();
    player.seek(t_s);
    node.scrollIntoView({ block: "nearest" });
  }

  function step(by) {
    const { reps } = found;
    // a second after its beginning one goes back to the beginning of this one, as music players do
    const here = repAt(reps, player.t);
    const next = by < 0 && here >= 0 && player.t - reps[here].start_s > 1 ? here : here + by;
    if (reps[next]) player.seek(reps[next].start_s);
    else player.seek(by < 0 ? 0 : player.duration);
  }

  function keyed(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches("select")) return;
    if (event.key === " " && !event.target.matches("button")) player.toggle();
    else if (event.key in KEYS) player.seek(player.t + KEYS[event.key]);
    else if (event.key === "Home") player.seek(0);
    else if (event.key === "End") player.seek(player.duration);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** A finger or a mouse on the whole moves through it; on the part it pulls the paper. */
  function dragged(place, began, to) {
    place.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      place.setPointerCapture(event.pointerId);
      const start = began(event);
      const move = (next) => player.seek(to(next, start));
      const end = () => {
        place.removeEventListener("pointermove", move);
        spoken();
      };
      move(event);
      place.addEventListener("pointermove", move);
      for (const name of ["pointerup", "pointercancel"]) place.addEventListener(name, end, { once: true });
    });
  }

  dragged(scrubber, () => range.focus({ preventScroll: true }), (event) => whole.timeAt(event.clientX - small.getBoundingClientRect().left));
  dragged(
    big,
    (event) => ({ x: event.clientX, t: player.t, rate: part.timeAt(1) - part.timeAt(0) }),
    (event, start) => start.t - (event.clientX - start.x) * start.rate,
  );
  onLanguage(label);
  return self;
}

function button(name, key, pressed, more = "") {
  return el("button", { class: `button round ${more}`, type: "button", "data-t-label": key, onclick: pressed }, icon(name));
}

function field(select, key) {
  return el("div", { class: "field" }, el("label", { for: select.id, "data-t": key }), select);
}

/** What the leg's drawing looks at in place of the live store: the moment of the recording that is shown. */
class Stage {
  constructor() {
    this.coach = null;
    this.status = null;
    this.angle = null;
  }

  begin({ side, position }) {
    this.coach = { side: side ?? "right", position, direction: null, best_deg: null, last_deg: null };
    this.angle = null;
  }

  /** Take the angle of a moment, null in a gap, and what had been reached by then. */
  at(deg, now, reps) {
    this.fresh = deg !== null;
    if (this.fresh) this.angle = { deg, trusted: true };
    const way = reps[repAt(reps, now)]?.direction ?? reps[0]?.direction ?? "internal";
    const done = reps.filter((rep) => rep.end_s <= now && rep.direction === way && !rep.taken && rep.verdict !== "void");
    const reached = done.map((rep) => Math.abs(rep.peak_deg));
    this.coach.direction = way;
    this.coach.last_deg = reached.at(-1) ?? null;
    this.coach.best_deg = reached.length ? Math.max(...reached) : null;
  }

  freshAngle() {
    return this.fresh ? this.angle : null;
  }

  on() {}
}
