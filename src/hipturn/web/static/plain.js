// The plainest page over /api/v1/live: state, what the coach says, angle, count.
const show = (id, text) => { document.getElementById(id).textContent = text; };
let controlled = 0;

function heard(line) {
  if (line.type === "state") {
    show("state", line.words + (line.detail ? ` (${line.detail})` : ""));
    controlled = line.session ? line.session.controlled : controlled;
    show("count", controlled);
  } else if (line.type === "angle") {
    show("angle", `${line.angle_deg > 0 ? "+" : ""}${line.angle_deg.toFixed(1)}°`);
  } else if (line.type === "prompt") {
    show("say", line.say);
  } else if (line.type === "rep" && line.verdict === "controlled") {
    show("count", ++controlled);
  }
}

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/api/v1/live`);
  socket.onmessage = (message) => heard(JSON.parse(message.data));
  socket.onclose = () => { show("state", "the program does not answer, trying again"); setTimeout(connect, 1000); };
}

if (new URLSearchParams(location.search).has("token")) history.replaceState(null, "", "/");
connect();
