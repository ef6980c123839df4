// Signs for the buttons, drawn here: 24 × 24, one line thick.

import { svg } from "./dom.js";

const PATHS = {
  play: "M8 5.5v13l10.5-6.5z",
  pause: "M8.5 5v14M15.5 5v14",
  stop: "M6.5 6.5h11v11h-11z",
  undo: "M9 7 4.5 11.5 9 16M5 11.5h9a5 5 0 0 1 0 10h-2",
  redo: "m15 7 4.5 4.5L15 16M19 11.5h-9a5 5 0 0 0 0 10h2",
  skip: "M6 5.5v13l9-6.5zM18.5 5.5v13",
  tare: "M12 3v13M12 21v-1M5 20.5h14M8 12l4 4 4-4",
  sound: "M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM15.5 9a4.5 4.5 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11",
  silent: "M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM16 9.5l5 5M21 9.5l-5 5",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5",
  list: "M9 6h11M9 12h11M9 18h11M4.5 6h.01M4.5 12h.01M4.5 18h.01",
  keys: "M4 7h16v10H4zM8 14h8M7.5 10.5h.01M12 10.5h.01M16.5 10.5h.01",
  other: "M7 7h11l-3-3M17 17H6l3 3",
};

/** Return a sign; it says nothing to a screen reader, because words stand beside it. */
export function icon(name) {
  return svg(
    "svg",
    { viewBox: "0 0 24 24", "aria-hidden": "true", class: `icon icon-${name}` },
    svg("path", {
      d: PATHS[name],
      fill: "none",
      stroke: "currentColor",
      "stroke-width": 2,
      "stroke-linecap": "round",
      "stroke-linejoin": "round",
    }),
  );
}
