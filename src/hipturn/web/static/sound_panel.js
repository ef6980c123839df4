// Who speaks, how loud, and the beat: one panel behind one button; and the rule that only one voice speaks.

import { el, say } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import * as prefs from "./prefs.js";

const BEATS = [0, 30, 40, 50, 60];

/**
 * Mount the panel behind its button; `me` is this page's name. The page speaks only where the program
 * names it: with two pages open, or the computer speaking, everything would be heard twice.
 */
export function soundPanel(tools, store, orders, voice, sounds, me) {
  const sign = el("span", { class: "swap" });
  const button = el(
    "button",
    { class: "button round", type: "button", popovertarget: "sound-panel", "data-t-label": "sound.title" },
    sign,
  );
  const who = ["page", "machine", "off"].map((where) =>
    el(
      "label",
      { class: "segment" },
      el("input", { type: "radio", name: "speaker", value: where, onchange: () => choose(where) }),
      el("span", { "data-t": `speaker.${where}` }),
    ),
  );
  const note = el("p", { class: "muted small", role: "status" });
  const volume = el("input", {
    type: "range",
    id: "volume",
    min: 0,
    max: 100,
    step: 5,
    oninput: (event) => prefs.set("volume", event.target.value / 100),
  });
  const muted = el("input", {
    type: "checkbox",
    id: "muted",
    onchange: (event) => prefs.set("muted", event.target.checked),
  });
  const pitch = el("input", {
    type: "checkbox",
    id: "pitch",
    onchange: (event) => prefs.set("pitch", event.target.checked),
  });
  const beat = el(
    "select",
    { id: "beat", onchange: (event) => setBeat(Number(event.target.value)) },
    BEATS.map((bpm) => el("option", { value: String(bpm) })),
  );
  let beaten = null;
  const panel = el(
    "div",
    {
      id: "sound-panel",
      class: "popover panel",
      popover: "auto",
      role: "dialog",
      "data-t-label": "sound.title",
    },
    el("h2", { "data-t": "sound.title" }),
    el(
      "fieldset",
      { class: "field" },
      el("legend", { class: "label", "data-t": "speaker.title" }),
      el("div", { class: "segments" }, who),
      note,
    ),
    el("div", { class: "field" }, el("label", { for: "volume", "data-t": "sound.volume" }), volume),
    el("label", { class: "check" }, muted, el("span", { "data-t": "sound.mute" })),
    el("label", { class: "check" }, pitch, el("span", { "data-t": "sound.pitch" })),
    el("div", { class: "field" }, el("label", { for: "beat", "data-t": "sound.beat" }), beat),
    el(
      "button",
      {
        class: "button",
        type: "button",
        onclick: () => {
          sounds.unlock();
          sounds.play("target");
        },
      },
      icon("play"),
      el("span", { "data-t": "sound.try" }),
    ),
  );
  tools.append(button);
  document.body.append(panel);

  function choose(where) {
    sounds.unlock();
    orders.send({ command: "speaker", where, ...(where === "page" ? { page: me } : {}) });
  }

  async function setBeat(bpm) {
    if (bpm) prefs.set("bpm", bpm);
    if (store.running) await orders.metronome(bpm);
    beat.value = String(orders.bpm); // the beat there is, not the one that was refused
  }

  /** Be the page that speaks: where nobody is it yet, or `over` another where somebody begins a session here. */
  function claim(over = false) {
    const { where, page } = store.speaker;
    if (where === "page" && (over ? page !== me : page === null && sounds.ready))
      orders.send({ command: "speaker", where: "page", page: me }, true);
  }

  function settle() {
    const { where, page } = store.speaker;
    const mine = where === "page" && page === me;
    const silent = prefs.get("muted") || prefs.get("volume") === 0;
    voice.switch(mine && !silent);
    for (const label of who) label.firstChild.checked = label.firstChild.value === where;
    const name = !mine
      ? where === "page"
        ? "other"
        : where
      : !sounds.ready
        ? "locked"
        : silent
          ? "muted"
          : "mine";
    say(note, t(`speaker.note.${where === "page" && page === null ? "locked" : name}`));
    const shown = mine && !silent ? "sound" : where === "machine" ? "sound" : "silent";
    if (sign.dataset.name !== shown) {
      sign.dataset.name = shown;
      sign.replaceChildren(icon(shown));
    }
    volume.value = Math.round(prefs.get("volume") * 100);
    muted.checked = prefs.get("muted");
    pitch.checked = prefs.get("pitch");
    for (const one of beat.options)
      say(one, one.value === "0" ? t("sound.nobeat") : t("sound.bpm", { bpm: one.value }));
    // a list that is open is not touched without need
    if (beaten !== orders.bpm) beat.value = String(orders.bpm);
    beaten = orders.bpm;
    voice.volume = prefs.get("volume");
    sounds.setVolume(prefs.get("volume"));
  }

  function touched() {
    sounds.unlock();
    // the context says a moment later that it runs
    sounds.context.onstatechange = () => {
      claim();
      settle();
    };
    claim();
  }

  addEventListener("pointerdown", touched, { once: true, capture: true });
  addEventListener("keydown", touched, { once: true, capture: true });
  store.on("speaker", () => {
    claim();
    settle();
  });
  for (const key of ["volume", "muted", "pitch"]) prefs.watch(key, settle);
  store.on("prompt", (line) => voice.hear(line));
  store.on("angle", (angle) => {
    if (prefs.get("pitch") && voice.on) sounds.follow(angle.trusted ? angle.deg : null);
  });
  prefs.watch("pitch", (on) => on || sounds.follow(null));
  settle();
  return { settle, claim: () => claim(true), mute: () => prefs.set("muted", !prefs.get("muted")) };
}
