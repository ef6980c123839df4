// What is read from the mat, three metres away: the angle or the time that is left, the count, the verdict.

import { el, say } from "./dom.js";
import { drawn } from "./frames.js";
import { number, t } from "./i18n.js";
import { marks } from "./marks.js";
import { SIGNS, standing, verdictWords } from "./verdicts.js";
import { ZONE_DEG } from "./leg.js";

/** Digits that change more often cannot be read. */
const EVERY_MS = 100;
/** Repetitions shown as beads: the newest. */
const BEADS = 24;
const COUNTING = ["reps", "rotations", "direction"];
/** The way to the first angle; a test's or drill's own step follows. */
const STEPS = { waiting: 0, question: 0, stand: 0, switch: 0, setup: 0, hold: 1, rotations: 2, direction: 2 };

/** Mount the figures; they follow the store. */
export function figures(store) {
  const way = el("p", { class: "way" });
  const angle = el("p", { class: "angle" });
  const age = el("p", { class: "age", role: "status" });
  const facts = el("dl", { class: "facts" });
  const still = el("li");
  const step = (name) => el("li", { "data-t": `step.${name}` });
  const steps = el("ol", { class: "steps plain" }, step("setup"), still, step("rotations"), step("go"));
  const countLabel = el("p", { class: "count-label" });
  const count = el("p", { class: "count" });
  const verdict = el("p", { class: "verdict" });
  const beads = el("ol", { class: "beads plain", "data-t-label": "beads" });
  const node = el(
    "div",
    { class: "figures panel" },
    el("div", { class: "figure-angle" }, way, angle, age, facts, steps),
    el("div", { class: "figure-count" }, countLabel, count, verdict, beads),
  );
  let drawnAt = 0;

  let rested = null;

  /** Return the seconds that are left of the timer, which stands in a pause; null where none runs. */
  function left(now) {
    const timer = store.coach?.timer;
    const at = store.streamTime(now);
    if (!timer || at === null) rested = null;
    else if (store.coach.step !== "paused" || rested === null) rested = Math.max(0, timer.ends_s - at);
    return rested;
  }

  function draw(now) {
    if (now - drawnAt < EVERY_MS) return;
    drawnAt = now;
    const rest = left(now);
    const timer = store.coach?.timer?.kind;
    if (rest !== null && timer !== "hold") drawTime(rest, timer);
    else drawAngle(now);
    if (rest !== null && timer === "hold") say(count, clock(rest));
  }

  function drawTime(rest, kind) {
    put(node, "leading", "time");
    say(way, t(`timer.${kind}`));
    say(angle, clock(rest));
    say(age, "");
  }

  function drawAngle(now) {
    put(node, "leading", "angle");
    const known = store.angle;
    const fresh = store.freshAngle(now);
    const deg = known ? Math.round(known.deg) : 0;
    const name = known ? (deg < 0 ? "external" : "internal") : "none";
    put(node, "way", name);
    put(node, "fresh", String(Boolean(fresh?.trusted)));
    const target = marks(store.coach).target;
    const reached = fresh && target !== null && Math.sign(target) * known.deg >= Math.abs(target) - ZONE_DEG;
    put(node, "reached", String(Boolean(reached)));
    say(way, known ? t(name) : t("angle.none"));
    say(angle, known ? `${number(Math.abs(deg))}°` : "–");
    const old = known && !fresh ? (now - known.at) / 1000 : 0;
    say(
      age,
      old >= 1
        ? t("angle.old", { seconds: number(old) })
        : known && !known.trusted
          ? t("angle.untrusted")
          : "",
    );
  }

  /** Set what changes with coach and repetitions. */
  function settle() {
    const show = store.coach;
    const [label, text] = counted(show);
    say(countLabel, label);
    say(count, text);
    facts.replaceChildren(...factsOf(show));
    const at = store.angle ? null : (STEPS[show?.step] ?? (show === null && !store.coach ? 0 : null));
    steps.hidden = at === null || show?.kind === "roll-out";
    say(still, t(show?.position ? `still.${show.position}` : "still"));
    for (const [n, one] of [...steps.children].entries()) {
      one.dataset.done = String(n < at);
      if (n === at) one.setAttribute("aria-current", "step");
      else one.removeAttribute("aria-current");
    }
    put(node, "steps", String(!steps.hidden));
    put(node, "counting", String(text !== "" || show?.timer?.kind === "hold" || store.reps.size > 0));
    const rep = store.rep;
    const told =
      rep &&
      (show === null ||
        ["reps", "trial", "stretch", "paused", "question", "rest", "done"].includes(show.step));
    verdict.dataset.verdict = told ? standing(rep) : "";
    say(verdict, told ? `${SIGNS[standing(rep)]} ${verdictWords(rep)}` : "");
    const shown = [...store.reps.values()].slice(-BEADS);
    beads.replaceChildren(...shown.map(bead));
  }

  function counted(show) {
    if (!show) {
      const session = store.status?.session;
      return [t("count.controlled"), session ? number(controlled()) : ""];
    }
    if (show.timer?.kind === "hold") return [t("count.hold"), count.textContent];
    if (show.trial) return [t("count.trial"), `${show.trial}/${show.trials}`];
    if (show.count !== null && COUNTING.includes(show.step)) {
      const label =
        show.step !== "reps"
          ? t("count.turns")
          : show.sets > 1
            ? t("count.set", show)
            : t("count.controlled");
      return [label, show.target ? `${show.count}/${show.target}` : number(show.count)];
    }
    return store.reps.size ? [t("count.controlled"), number(controlled())] : ["", ""];
  }

  function controlled() {
    return [...store.reps.values()].filter((rep) => standing(rep) === "controlled").length;
  }

  for (const topic of ["coach", "reps", "session", "state"]) store.on(topic, settle);
  settle();
  drawn(node, draw);
  return { node, settle };
}

function factsOf(show) {
  const here = marks(show);
  const rows = [
    ["target", here.target],
    ["best", here.best],
    ["last", here.last],
    ["reference", here.reference],
  ];
  return rows
    .filter(([, deg]) => deg !== null)
    .map(([name, deg]) =>
      el(
        "div",
        { class: `fact ${name}` },
        el("dt", { text: t(`fact.${name}`) }),
        el("dd", { text: `${number(Math.abs(deg))}°` }),
      ),
    );
}

function bead(rep) {
  const now = standing(rep);
  return el(
    "li",
    { class: `bead ${now}`, title: verdictWords(rep) },
    el("span", { "aria-hidden": "true", text: SIGNS[now] }),
    el("span", { class: "unseen", text: `${rep.n}: ${verdictWords(rep)}` }),
  );
}

/** Return seconds as 45 or 1:05. */
export function clock(seconds) {
  const whole = Math.ceil(seconds);
  return whole < 60 ? String(whole) : `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function put(node, key, value) {
  if (node.dataset[key] !== value) node.dataset[key] = value;
}
