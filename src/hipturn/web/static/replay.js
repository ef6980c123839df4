// A recording: what came out of it, and its replay.

import { Angles } from "./angles.js";
import { get } from "./api.js";
import { el, say } from "./dom.js";
import { number, t } from "./i18n.js";
import { theatre } from "./replay_player.js";
import { told } from "./replayed.js";
import { listed } from "./replay_lists.js";
import { clock, day, drillTitles, size, time, word } from "./written.js";

const WAYS = ["internal", "external"];

/** Mount the page; return `show(name)` and `leave`. */
export function mount(node, store) {
  const back = el("a", { class: "back", href: "#history" });
  const title = el("h1", { tabindex: -1 });
  const about = el("p", { class: "muted lead" });
  const notes = el("div", { class: "replay-notes" });
  const facts = el("dl", { class: "facts panel" });
  const player = theatre();
  player.node.hidden = true;
  const lists = listed((t_s) => player.look(t_s));
  node.append(back, title, about, notes, facts, player.node, lists.node);
  let shown = null;
  let asked = 0;

  /** Ask for a recording; an answer that was overtaken by another question is left: measuring takes seconds. */
  async function show(name) {
    const mine = ++asked;
    say(back, t("history.back"));
    const [session, angles, titles] = await Promise.all([
      get(`sessions/${encodeURIComponent(name)}`),
      // whatever cannot be drawn has results all the same
      Angles.of(name).catch((error) => error),
      drillTitles(),
    ]);
    if (mine !== asked) return;
    head(session, titles);
    facts.replaceChildren(...factsOf(session).map(([key, text]) => el("div", { class: "fact" }, el("dt", { text: key }), el("dd", { text }))));
    const drawn = angles instanceof Angles ? angles : null;
    const found = told(session);
    // what is still being written is no damaged recording
    const whole = store.writes(name) ? { ...session, problem: null } : session;
    notes.replaceChildren(...notesOf(whole, drawn ? null : angles));
    player.node.hidden = !drawn;
    if (drawn) player.load(session, found, drawn, shown === name);
    lists.load(found, Boolean(drawn));
    player.onRep = lists.current;
    lists.current(player.rep);
    shown = name;
  }

  function head(session, titles) {
    const what = session.drill ? (titles.get(session.drill) ?? session.drill) : t("history.session");
    say(title, session.side ? `${what}, ${t(`leg.${session.side}`)}` : what);
    const at = new Date(session.wall_time);
    const person = session.person && el("a", { href: `#history/person/${encodeURIComponent(session.person)}`, text: session.person });
    const parts = [`${day(at)}, ${time(at)}`, person, session.position && word("position", session.position), session.driver];
    about.replaceChildren(...parts.filter(Boolean).flatMap((part, i) => (i ? [" · ", part] : [part])));
  }

  return { show, leave: () => player.pause() };
}

function notesOf(session, error) {
  const lines = [
    [session.problem && t("replay.problem", { why: session.problem }), "alarm"],
    [error && t("replay.undrawn", { why: error.message }), "alarm"],
    [session.note && t("replay.note", { text: session.note }), "plain-note"],
    [session.said && t("replay.note", { text: session.said }), "plain-note"],
  ];
  return lines.filter(([text]) => text).map(([text, kind]) => el("p", { class: `notice ${kind}`, text }));
}

/** Return names and values: of a test ranges with their error, of a drill counts. */
function factsOf(session) {
  const rows = session.tests.flatMap((test) => [
    ...WAYS.filter((way) => test[way]).map((way) => [t(way), measured(test[way])]),
    ...(test.arc ? [[t("arc"), measured(test.arc)]] : []),
  ]);
  for (const leg of session.legs) {
    rows.push([t("replay.controlled"), t("history.counted.short", { controlled: leg.controlled, reps: leg.reps })]);
    if (!leg.trials) rows.push([t("replay.best"), size(leg.best_deg)], [t("replay.median"), size(leg.median_deg)]);
  }
  rows.push([t("replay.duration"), clock(session.duration_s)]);
  if (session.holds) rows.push([t("replay.holds"), number(session.holds)]);
  if (session.gaps) rows.push([t("replay.gaps"), number(session.gaps)]);
  if (session.pain !== null && session.pain !== undefined) rows.push([t("replay.pain"), number(session.pain)]);
  return rows;
}

function measured({ value_deg, uncertainty_deg }) {
  return `${number(value_deg, 1)} ± ${number(uncertainty_deg, 1)}°`;
}
