// What an angle is held against: target, furthest so far, last, and a reference of the person's choice. Pure.

import { reference } from "./references.js";

/** Return the marks of what is shown, degrees with the sign of their direction, null where there is none. */
export function marks(show) {
  const sign = show?.direction === "external" ? -1 : 1;
  const signed = (value) => (value === null || value === undefined ? null : sign * value);
  return {
    target: signed(show?.target_deg),
    best: signed(show?.best_deg),
    last: signed(show?.last_deg),
    reference: signed(show?.reference_deg ?? reference(show?.direction ?? "internal", show?.position)?.mean_deg),
  };
}
