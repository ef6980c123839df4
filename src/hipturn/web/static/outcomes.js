// What drills, stretches and rolling came to: facts, and each repetition as a bar.

import { el, svg } from "./dom.js";
import { number, t } from "./i18n.js";
import { SIGNS, standing, verdictWords } from "./verdicts.js";

/** Return the panel of sessions whose last words these are, with their repetitions by session. */
export function outcomes(shows, repetitions) {
  return el(
    "section",
    { class: "panel outcomes" },
    shows.map((show) =>
      el(
        "article",
        { class: "outcome" },
        el("h2", { text: `${show.title || t("title.counting")}, ${t(`leg.${show.side}`)}` }),
        shows.length > 1 ? el("p", { text: show.result.sentence }) : null,
        el(
          "dl",
          { class: "facts" },
          factsOf(show).map(([name, text]) =>
            el("div", { class: "fact" }, el("dt", { text: t(`fact.${name}`) }), el("dd", { text })),
          ),
        ),
        show.kind === "drill" ? bars(repetitions.get(show) ?? []) : null,
      ),
    ),
  );
}

/** Each repetition as a bar: how far, and by colour and sign whether it counted. */
function bars(reps) {
  if (!reps.length) return null;
  const most = Math.max(...reps.map((rep) => rep.rom_deg), 1);
  const wide = 600 / Math.max(12, reps.length);
  const each = reps.flatMap((rep, n) => {
    const high = (rep.rom_deg / most) * 80;
    const x = n * wide;
    return [
      svg("rect", {
        class: `bar ${standing(rep)}`,
        x: x + wide * 0.15,
        y: 92 - high,
        width: wide * 0.7,
        height: high,
        rx: 3,
      }),
      svg("text", { class: "sign", x: x + wide / 2, y: 108, text: SIGNS[standing(rep)] }),
    ];
  });
  const words = reps.map((rep) => `${rep.n}: ${number(rep.rom_deg)}°, ${verdictWords(rep)}`).join("; ");
  return el(
    "figure",
    { class: "bars" },
    el("figcaption", { class: "muted small", text: `${t("results.each")}, ${number(most)}°` }),
    svg("svg", { viewBox: "0 0 600 114", role: "img", "aria-label": words }, each),
  );
}

function factsOf({ kind, result }) {
  const best = Object.entries(result.best_deg ?? {}).map(([way, deg]) => [
    "best",
    `${number(deg, 1)}° ${t(`${way}.short`)}`,
  ]);
  const rows = kind === "drill" ? [["controlled", `${result.controlled}/${result.reps}`], ...best] : best;
  for (const hold of result.holds ?? [])
    rows.push([
      "held",
      t("results.held", { seconds: number(hold.seconds), creep: number(hold.creep_deg, 1) }),
    ]);
  if (kind !== "roll-out") rows.push(["pain", String(result.pain)]);
  if (result.warmed_up !== null && result.warmed_up !== undefined)
    rows.push(["warm", t(result.warmed_up ? "yes" : "no")]);
  return rows;
}
