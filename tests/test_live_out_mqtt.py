"""MQTT, by way of mosquitto, and read by mosquitto's own client."""

import itertools
import json
import math
import os
import queue
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hipturn.errors import UsageError
from hipturn.model import HipAngle, LinkDown, LinkUp, Rep, Verdict
from hipturn.sinks import mqtt
from hipturn.sinks.mqtt import Broker, MqttOut
from hipturn.sinks.mqtt_words import Words
from live_sessions import heard, of, thinned

aiomqtt = pytest.importorskip("aiomqtt", reason="speaks MQTT: pip install 'hipturn[mqtt]'")

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
installed = pytest.mark.skipif(
    not (MOSQUITTO and shutil.which("mosquitto_sub")),
    reason="a broker and its client: apt-get install mosquitto mosquitto-clients",
)
Start = Callable[[int], "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a broker at a port; it has begun when this returns."""
    running: list[tuple[subprocess.Popen[str], threading.Thread]] = []

    def begin(port: int) -> "subprocess.Popen[str]":
        conf = tmp_path / f"{port}.conf"
        conf.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
        broker = subprocess.Popen([str(MOSQUITTO), "-v", "-c", str(conf)], stderr=subprocess.PIPE, text=True)
        assert broker.stderr is not None
        for line in broker.stderr:
            if "running" in line:
                break
        # what it goes on to tell must not fill the pipe
        emptying = threading.Thread(target=broker.stderr.read)
        emptying.start()
        running.append((broker, emptying))
        return broker

    yield begin
    for broker, emptying in running:
        broker.kill()
        emptying.join()
        with broker:
            pass


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Reader:
    """mosquitto_sub, subscribed to everything when this is made."""

    def __init__(self, port: int) -> None:
        command = [
            "mosquitto_sub",
            "-h",
            "127.0.0.1",
            "-p",
            str(port),
            "-t",
            "#",
            "-q",
            "1",
            "-d",
            "-F",
            "%j",
        ]
        self._process = subprocess.Popen(["stdbuf", "-oL", *command], stdout=subprocess.PIPE, text=True)
        self._lines: queue.Queue[str] = queue.Queue()
        assert self._process.stdout is not None
        self._reading = threading.Thread(target=self._read, args=(self._process.stdout,))
        self._reading.start()
        while "Subscribed" not in self._lines.get(timeout=30):
            pass

    def _read(self, out: Any) -> None:
        for line in out:
            self._lines.put(line)

    def until(self, topic: str, found: Callable[[str], bool]) -> list[dict[str, Any]]:
        """Messages up to the one of this topic whose payload is the wanted one."""
        came = [self.next()]
        while not (came[-1]["topic"] == topic and found(str(came[-1].get("payload", "")))):
            came.append(self.next())
        return came

    def next(self) -> dict[str, Any]:
        """The next message."""
        while not (line := self._lines.get(timeout=30)).startswith("{"):
            pass
        message: dict[str, Any] = json.loads(line)
        return message

    def close(self) -> None:
        self._process.kill()
        self._reading.join()
        with self._process:
            pass


@pytest.fixture
def read() -> Iterator[Callable[[int], Reader]]:
    readers: list[Reader] = []

    def begin(port: int) -> Reader:
        readers.append(Reader(port))
        return readers[-1]

    yield begin
    for reader in readers:
        reader.close()


@installed
def test_a_session_arrives_at_a_subscriber(start: Start, read: Callable[[int], Reader], port: int) -> None:
    """Every event once and in order, angles at their rate, a state that agrees, online and offline."""
    start(port)
    reader = read(port)
    told: list[str] = []
    items = heard(lost=range(2000, 2050))
    with MqttOut(Broker("127.0.0.1", port), told.append, limit=100_000) as out:
        for item in items:
            out.hear(item)
    came = reader.until("hipturn/status", lambda payload: payload == "offline")
    assert (told, out.dropped) == ([], 0)

    def payloads(topic: str) -> list[Any]:
        return [json.loads(m["payload"]) for m in came if m["topic"] == topic]

    reps = [event for event in payloads("hipturn/shin/event") if event["type"] == "rep"]
    assert [(rep["n"], rep["rom_deg"]) for rep in reps] == [
        (rep.n, round(math.degrees(rep.rom_rad), 3)) for rep in of(Rep, items)
    ]
    last = payloads("hipturn/shin/state")[-1]
    assert (last["link"], last["reps"]) == ("down", len(reps))
    times = [angle["t_s"] for angle in payloads("hipturn/shin/angle")]
    assert len(times) > 20 and min(b - a for a, b in itertools.pairwise(times)) >= 0.2 - 1e-9
    assert {m["qos"] for m in came if m["topic"].endswith("/event")} == {1}


@installed
def test_who_comes_late_still_finds_everything_to_show(
    start: Start, read: Callable[[int], Reader], port: int
) -> None:
    """What Home Assistant needs after its own restart is retained: what there is, its state, offline."""
    start(port)
    with MqttOut(Broker("127.0.0.1", port), lambda _: None) as out:
        for item in thinned(heard()):
            out.hear(item)
    late = read(port)
    kept: dict[str, dict[str, Any]] = {}
    while len(kept) < 7:
        message = late.next()
        kept[message["topic"]] = message
    assert all(message["retain"] == 1 for message in kept.values())
    assert kept["hipturn/status"]["payload"] == "offline"
    configs = [json.loads(m["payload"]) for topic, m in kept.items() if topic.endswith("/config")]
    assert len({config["unique_id"] for config in configs}) == len(configs) == 5


@installed
def test_a_broker_that_comes_back_is_told_what_happened(
    start: Start, read: Callable[[int], Reader], port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Repetitions made while the broker was away are in its state when it is back; trouble is told once."""
    monkeypatch.setattr(mqtt, "RETRY_S", (0.05, 0.2))
    broker = start(port)
    reader = read(port)
    told: list[str] = []
    items = thinned(heard())
    (link,) = of(LinkUp, items)
    reps = of(Rep, items)
    with MqttOut(Broker("127.0.0.1", port), told.append) as out:
        out.hear(link)
        reader.until("hipturn/shin/state", lambda payload: '"link":"up"' in payload)
        broker.kill()
        broker.wait()
        for rep in reps:
            out.hear(rep)
        start(port)
        again = read(port)
        again.until("hipturn/shin/state", lambda payload: json.loads(payload)["reps"] == len(reps))
    assert len(told) <= 1


@installed
def test_a_program_that_dies_is_offline(start: Start, read: Callable[[int], Reader], port: int) -> None:
    start(port)
    reader = read(port)
    script = f"""
import sys, os
from hipturn.sinks.mqtt import Broker, MqttOut
out = MqttOut(Broker("127.0.0.1", {port}), print)
sys.stdin.read()
os._exit(1)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, env=os.environ) as dying:
        reader.until("hipturn/status", lambda payload: payload == "online")
        dying.communicate()
    reader.until("hipturn/status", lambda payload: payload == "offline")


def test_no_broker_holds_nothing_up(port: int) -> None:
    """A whole session without a broker: told once, samples dropped, and it ends."""
    told: list[str] = []
    with MqttOut(Broker("127.0.0.1", port), told.append, limit=50) as out:
        for item in heard():
            out.hear(item)
        assert out.dropped > 0
    assert len(told) == 1 and "measuring goes on" in told[0]


def test_the_words_need_no_broker() -> None:
    """Counts are of all repetitions, controlled ones apart; a lost link is told."""
    words = Words("n", None, 5.0)
    (link,), reps = of(LinkUp, heard()), of(Rep, heard())
    words.of(link)
    for rep in [*reps, replace(reps[0], verdict=Verdict.UNCONTROLLED)]:
        words.of(rep)
    (state,) = words.of(of(LinkDown, heard())[0])
    assert json.loads(state.payload) == {
        "link": "down",
        "reps": len(reps) + 1,
        "controlled": sum(rep.verdict is Verdict.CONTROLLED for rep in reps),
        "last_direction": "internal",
        "last_rom_deg": round(math.degrees(reps[0].rom_rad), 1),
        "last_verdict": "uncontrolled",
    }
    assert list(words.retained()) == [state]
    assert all(not words.of(replace(a, trusted=a.trusted & False)) for a in of(HipAngle, heard())[:50])


def test_the_next_session_is_told_from_its_beginning() -> None:
    """Its stream time begins at nothing again; that is no reason to wait until the last one's is reached."""
    words = Words("n", None, 5.0)
    session = of(LinkUp, heard())[0], *of(HipAngle, heard())
    first, second = ([message for item in session for message in words.of(item)] for _ in range(2))
    assert second == first and len(first) > 20


def test_discovery_has_what_home_assistant_asks_for() -> None:
    """Each entity: its own identifier, a topic that is served, a template for a key that is there."""
    words = Words("n", "homeassistant", 5.0)
    found = words.of(replace(of(LinkUp, heard())[0], stream="shin left/ü"))
    *configs, state = found
    served = {state.topic, state.topic.replace("/state", "/angle")}
    keys = {*json.loads(state.payload), "t_s", "angle_deg", "rate_dps"}
    for message in configs:
        config = json.loads(message.payload)
        prefix, component, unique, last = message.topic.split("/")
        assert (prefix, unique, last) == ("homeassistant", config["unique_id"], "config")
        assert component in ("sensor", "binary_sensor") and unique.isascii() and " " not in unique
        assert config["state_topic"] in served and config["availability_topic"] == "n/status"
        assert config["value_template"].split(".")[1].split()[0] in keys
        assert config["device"]["identifiers"] and config["origin"]["name"] == "hipturn"
        assert message.retain


@pytest.mark.parametrize("node", ["", "a/b", "a b", "#", "ä"])
def test_a_node_that_is_no_level_of_a_topic_is_refused(node: str) -> None:
    with pytest.raises(UsageError, match="letters"):
        MqttOut(Broker("127.0.0.1"), lambda _: None, node=node)


def test_a_password_is_not_in_what_is_printed() -> None:
    assert "secret" not in repr(Broker("h", username="u", password="secret"))
