// What the coach wants now, what it said last, and its questions with something to press.

import { el, say } from "./dom.js";
import { t } from "./i18n.js";

/** Mount the prompts; `orders` takes the answers. */
export function prompts(store, orders) {
  const title = el("h1", { class: "session-title" });
  const todo = el("p", { class: "todo" });
  const said = el("p", { class: "said", role: "status", "aria-live": "polite" });
  const warning = el("p", { class: "caution", role: "status", hidden: true });
  const question = el("div", { class: "question panel", role: "group", hidden: true });
  const node = el("div", { class: "prompts" }, title, todo, warning, said);
  let asked = "";

  function settle() {
    const show = store.coach;
    const side = store.status?.session?.side;
    const passive = store.status?.session?.movement === "passive";
    say(title, titleOf(show, passive) || (side ? `${t("title.counting")} · ${t(`leg.${side}`)}` : "hipturn"));
    say(todo, upper(todoOf(show)));
    warning.hidden = !show?.warning;
    say(warning, upper(show?.warning ?? ""));
    said.dataset.same = String(said.textContent === todo.textContent);
    // the same question is not put anew under somebody's finger
    const key = show?.question ? `${JSON.stringify(show.question)} ${document.documentElement.lang}` : "";
    if (key === asked) return;
    asked = key;
    question.hidden = !show?.question;
    question.setAttribute("aria-label", show?.question?.text ?? "");
    question.replaceChildren(...(show?.question ? choices(show.question) : []));
  }

  function todoOf(show) {
    if (show) return show.text;
    if (store.running) return store.prompt?.say ?? t("todo.waiting");
    return t("todo.waiting");
  }

  function choices(ask) {
    const button = (value, label, more = "") =>
      el("button", {
        class: `button choice ${more}`,
        type: "button",
        onclick: () => orders.answer(value),
        text: label,
      });
    if (ask.kind === "scale") {
      const scale = Array.from({ length: 11 }, (_, value) =>
        button(value, String(value), `pain-${value >= 7 ? "high" : value >= 1 ? "some" : "none"}`),
      );
      return [
        el("div", { class: "scale" }, scale),
        el(
          "p",
          { class: "scale-ends muted" },
          el("span", { text: t("pain.none") }),
          el("span", { text: t("pain.most") }),
        ),
      ];
    }
    if (ask.kind === "yes-no") return [button(true, t("yes")), button(false, t("no"))];
    return ask.options.map((option) => button(option, option));
  }

  store.on("prompt", (line) => {
    if (line.say) say(said, upper(line.say));
    settle(); // after the coach's line, which comes behind its prompt
  });
  for (const topic of ["coach", "session", "state"]) store.on(topic, settle);
  settle();
  return { node, question, settle };
}

/** Return where in what one is: title, leg, who turns it where that is somebody else, set, part. */
export function titleOf(show, passive = false) {
  if (!show) return "";
  const parts = [show.title || t("title.counting"), t(`leg.${show.side}`)];
  if (passive) parts.push(t("movement.passive"));
  if (show.sets > 1 && show.set) parts.push(t("title.set", show));
  if (show.parts > 1) parts.push(t("title.part", show));
  if (show.next) parts.push(t("title.next", show));
  return parts.join(" · ");
}

function upper(text) {
  return text ? text[0].toUpperCase() + text.slice(1) : "";
}
