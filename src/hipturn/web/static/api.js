// What the page asks of the program and tells it; a refusal is an Error with the program's own line.

/** Return the JSON at a path under /api/v1. */
export async function get(path) {
  return answer(await fetch(`/api/v1/${path}`, { headers: { Accept: "application/json" } }));
}

/** Tell the session something: `{command: "pause"}`; resolves when it is on its way. */
export async function command(body) {
  return answer(
    await fetch("/api/v1/commands", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    }),
  );
}

async function answer(response) {
  const told = await response.json().catch(() => null);
  if (!response.ok) throw new Error(told?.detail ?? `${response.status} ${response.statusText}`);
  return told;
}
