// Deutsch: history and replay.
export default {
  "history.title": "Verlauf",
};
