// Runs before the first paint: colours as the person or else their system chose them, and the language.
(() => {
  const kept = JSON.parse(localStorage.getItem("hipturn.page") || "{}");
  const light = matchMedia("(prefers-color-scheme: light)").matches;
  const theme = kept.theme === "dark" || kept.theme === "light" ? kept.theme : light ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
})();
