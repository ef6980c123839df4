// Elements without markup in strings: nothing that came over the wire is ever read as HTML.

const SVG = "http://www.w3.org/2000/svg";

/** Return an element: `props` are attributes, `on…` listeners, `class`, `text`; false and null leave one out. */
export function el(name, props = {}, ...children) {
  return filled(document.createElement(name), props, children);
}

/** The same in SVG. */
export function svg(name, props = {}, ...children) {
  return filled(document.createElementNS(SVG, name), props, children);
}

function filled(node, props, children) {
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "text") node.textContent = value;
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Set a node's text only where it differs: a layout less, and no live region that repeats itself. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Change what is in a node, and leave whoever is at it where they are: the focus stays on what is the same, and
 * who has scrolled sees it where it was.
 */
export function steady(node, change) {
  const focus = node.contains(document.activeElement) ? document.activeElement : null;
  const seen = scrollY > 0 ? [...node.querySelectorAll("a[href]")].find((one) => one.getBoundingClientRect().bottom > 0) : null;
  const [what, where] = [same(focus), same(seen)];
  const before = seen?.getBoundingClientRect().top;
  change();
  if (what && !document.activeElement?.matches(what)) node.querySelector(what)?.focus({ preventScroll: true });
  const after = where && node.querySelector(where)?.getBoundingClientRect().top;
  if (where && after !== undefined) scrollBy(0, after - before);
}

/** Return what finds an element again after it was made anew; null where nothing tells which it is. */
function same(one) {
  for (const name of ["id", "href", "value", "data-is"])
    if (one?.getAttribute(name)) return `${one.localName}[${name}="${CSS.escape(one.getAttribute(name))}"]`;
  return null;
}

/** Return the one element with this id. */
export function byId(id) {
  return document.getElementById(id);
}
