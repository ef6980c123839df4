// A phone that falls asleep would fall silent: it stays awake while a session runs and the page is seen.

/** Follow the store; without the browser's leave (a page over http) the phone sleeps as it always does. */
export function stayAwake(store) {
  let lock = null;

  async function settle() {
    const wanted = store.running && document.visibilityState === "visible";
    if (!navigator.wakeLock || wanted === (lock !== null && !lock.released)) return;
    if (!wanted) {
      const held = lock;
      lock = null;
      await held.release();
      return;
    }
    try {
      lock = await navigator.wakeLock.request("screen");
    } catch {
      lock = null; // an empty battery is a reason to refuse
    }
  }

  store.on("state", settle);
  document.addEventListener("visibilitychange", settle);
}
