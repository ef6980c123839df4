// Deutsch: Leiste, Hinweise und Messen.
export default {
  "nav.skip": "Zum Inhalt",
  "nav.views": "Ansichten",
  "nav.measure": "Messen",
  "nav.history": "Verlauf",
};
