// English: history and replay.
export default {
  "history.title": "History",
};
