// A canvas that is as sharp as the screen and as wide as its place, and the page's colours for it.

/** Let a canvas follow its size; `drawn()` is called whenever it has to be drawn again. */
export function fitted(canvas, drawn) {
  const ink = canvas.getContext("2d");
  const size = { width: 0, height: 0 };
  new ResizeObserver(([{ contentRect }]) => {
    const ratio = Math.min(2, devicePixelRatio || 1);
    Object.assign(size, { width: contentRect.width, height: contentRect.height });
    canvas.width = Math.round(size.width * ratio);
    canvas.height = Math.round(size.height * ratio);
    ink.setTransform(ratio, 0, 0, ratio, 0, 0);
    drawn();
  }).observe(canvas);
  return { ink, size };
}

/** Return an object whose `name` is the colour `--name`, kept up with the theme. */
export function colours(changed) {
  const style = getComputedStyle(document.documentElement);
  let known = new Map();
  new MutationObserver(() => {
    known = new Map();
    changed();
  }).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  return (name) => {
    if (!known.has(name)) known.set(name, style.getPropertyValue(`--${name}`).trim());
    return known.get(name);
  };
}
