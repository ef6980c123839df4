// The list of recordings, newest first, chosen by person, leg and drill.

import { get } from "./api.js";
import { el, say, steady } from "./dom.js";
import { t } from "./i18n.js";
import { counted, day, drillTitles, size, time } from "./written.js";

/** So many are shown at first, and with each press more: a phone need not lay out a thousand. */
const FEW = 60;

/** Mount the list; return `show` and `leave`. */
export function mount(node, store) {
  const chosen = { person: "", side: "", drill: "" };
  const filters = Object.fromEntries(Object.keys(chosen).map((name) => [name, choice(name)]));
  const status = el("p", { class: "muted", role: "status" });
  const weeks = el("a", { class: "button", hidden: true });
  const list = el("div", { class: "days" });
  const more = el("button", { class: "button", type: "button", hidden: true, onclick: () => draw(shown + FEW) });
  const title = el("h1", { tabindex: -1 });
  node.append(
    el("header", { class: "history-head" }, title, el("form", { class: "filters", onsubmit: (event) => event.preventDefault() }, Object.values(filters).map((one) => one.field), weeks)),
    status,
    list,
    more,
  );
  let found = [];
  let titles = new Map();
  let shown = FEW;
  let asked = 0;

  function choice(name) {
    const label = el("label", { for: `filter-${name}` });
    const select = el("select", { id: `filter-${name}`, onchange: () => choose(name, select.value) });
    return { label, select, field: el("div", { class: "field" }, label, select) };
  }

  function choose(name, value) {
    chosen[name] = value;
    shown = FEW;
    const mine = asked + 1;
    load().catch((error) => mine === asked && say(status, t("history.failed", { why: error.message })));
  }

  /** Ask for what is chosen; an answer that was overtaken by another choice is left. */
  async function load() {
    const mine = ++asked;
    const query = new URLSearchParams(Object.entries(chosen).filter(([, value]) => value)).toString();
    const [answer, names] = await Promise.all([get(`sessions${query ? `?${query}` : ""}`), drillTitles()]);
    if (mine !== asked) return;
    found = answer.sessions;
    titles = names;
    fill("person", answer.people.map((name) => [name, name]));
    fill("side", ["left", "right"].map((side) => [side, t(`leg.${side}`)]));
    fill("drill", answer.drills.map((name) => [name, titles.get(name) ?? name]).sort((a, b) => a[1].localeCompare(b[1])));
    // what somebody looks at stays where it is
    steady(list, () => draw(shown));
  }

  function fill(name, options) {
    const { label, select } = filters[name];
    say(label, t(`history.${name}`));
    const all = [["", t(`history.${name}.any`)], ...options];
    // a list that is open is not touched without need
    if (String(all) === select.dataset.told) return;
    select.dataset.told = String(all);
    select.replaceChildren(...all.map(([value, text]) => el("option", { value, text })));
    select.value = chosen[name];
  }

  function draw(count) {
    shown = count;
    say(status, found.length ? counted("history.recordings", found.length) : t(Object.values(chosen).some(Boolean) ? "history.none.chosen" : "history.none"));
    weeks.hidden = !chosen.person;
    weeks.href = `#history/person/${encodeURIComponent(chosen.person)}`;
    say(weeks, t("history.progress.of", { person: chosen.person }));
    const days = [];
    for (const one of found.slice(0, shown)) {
      const at = new Date(one.wall_time ?? one.modified_s * 1000);
      const name = day(at);
      if (days.at(-1)?.name !== name) days.push({ name, items: [] });
      days.at(-1).items.push(item(one, at));
    }
    list.replaceChildren(...days.map(({ name, items }) => el("section", {}, el("h2", { text: name }), el("ul", { class: "plain" }, items))));
    more.hidden = found.length <= shown;
    say(more, t("history.more"));
  }

  function item(one, at) {
    const written = store.writes(one.name);
    if (!one.legs)
      return el("li", { class: "recording panel broken" }, el("span", { class: "when", text: time(at) }), el("span", { class: "what" }, one.name), el("span", { class: "muted", text: t("history.unreadable") }));
    const what = one.drill ? (titles.get(one.drill) ?? one.drill) : t("history.session");
    const link = el("a", { class: "recording panel", href: `#history/${encodeURIComponent(one.name)}` },
      el("span", { class: "when", text: time(at) }),
      el("span", { class: "what" }, el("strong", { text: what }), one.person ? el("span", { class: "who", text: one.person }) : null, written ? el("span", { class: "badge", text: t(one.name === store.status.session?.recording ? "history.running" : "history.closing") }) : null),
      el("span", { class: "legs" }, one.legs.length ? one.legs.map(leg) : el("span", { class: "muted", text: t("history.nothing") })),
      one.problem && !written ? el("span", { class: "badge bad", text: t("history.damaged") }) : null,
    );
    return el("li", {}, link);
  }

  function leg(one) {
    return el("span", { class: "leg-line" },
      el("span", { text: t(`leg.${one.side}`) }),
      el("span", { text: t("history.counted", { controlled: one.controlled, reps: one.reps }) }),
      el("span", { text: t("history.best", { best: size(one.best_deg) }) }),
    );
  }

  async function show() {
    say(title, t("history.title"));
    await load();
  }

  return { show, leave() {} };
}
