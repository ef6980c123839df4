// English: bar, notices and measuring.
export default {
  "nav.skip": "Skip to the content",
  "nav.views": "Views",
  "nav.measure": "Measure",
  "nav.history": "History",
};
