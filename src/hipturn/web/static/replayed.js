// What a recording's lines come to: repetitions with what became of them, holds, gaps and marks in time. Pure.

/** Return a recording as it is drawn and listed; times in seconds of its stream. */
export function told({ events, marks }) {
  const reps = new Map();
  for (const line of events) {
    if (line.type === "rep") reps.set(line.n, { ...line, taken: false });
    if (["undo", "redo", "restart"].includes(line.type)) for (const n of line.reps) if (reps.has(n)) reps.get(n).taken = line.type !== "redo";
  }
  const of = (type) => events.filter((line) => line.type === type);
  const corrected = events.filter((line) => ["undo", "redo", "restart"].includes(line.type));
  const moments = [
    ...of("calibration").map((line) => ({ t: line.t_s, key: "calibration", values: { grade: line.grade } })),
    ...of("set").map((line) => ({ t: line.end_s, key: "set", values: { n: line.n, controlled: line.controlled, reps: line.reps } })),
    ...of("slip").map((line) => ({ t: line.t_s, key: "slip", values: { deg: line.tilt_deg } })),
    ...of("drift").map((line) => ({ t: line.t_s, key: "drift", values: { deg: line.drift_deg } })),
    ...of("taps").map((line) => ({ t: line.t_s, key: "taps", values: { n: line.count } })),
    ...corrected.map((line) => ({ t: line.t_s, key: line.type, values: { n: line.reps.join(", ") } })),
    ...marks.map(({ t_s, kind, value }) => marked(t_s, kind, value)),
  ];
  return {
    reps: [...reps.values()].sort((a, b) => a.start_s - b.start_s),
    holds: of("hold"),
    gaps: of("gap"),
    moments: moments.sort((a, b) => a.t - b.t),
  };
}

function marked(t, kind, value) {
  if (kind === "note") return { t, key: "note", values: value };
  if (kind === "count") return { t, key: value.on ? "count.on" : "count.off", values: {} };
  if (kind !== "answer") return { t, key: kind, values: {} };
  if (value.question === "warm") return { t, key: value.value ? "warm.yes" : "warm.no", values: {} };
  return value.question === "pain" ? { t, key: "pain", values: { n: value.value } } : { t, key: "answer", values: value };
}

/** Return the place of the repetition at a time, or of the last one before it; -1 before the first. */
export function repAt(reps, t) {
  let found = -1;
  for (let i = 0; i < reps.length && reps[i].start_s <= t; i++) found = i;
  return found;
}
