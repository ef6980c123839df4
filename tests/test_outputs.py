"""Live outputs of the daemon: a whole session arrives; one that fails is told and opened again."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli_runs import drill
from daemons import live, packets_of
from hipturn import config, supervise
from hipturn.daemon.outputs import Output, chosen
from hipturn.errors import UsageError
from hipturn.model import HipAngle, LinkUp, Rep
from hipturn.session import Heard
from hipturn.sinks import outbox

server = pytest.importorskip("pythonosc.osc_server", reason="receives OSC: pip install 'hipturn[osc]'")
dispatcher = pytest.importorskip("pythonosc.dispatcher")
pylsl = pytest.importorskip("pylsl", reason="reads LSL: pip install 'hipturn[lsl]'")
pytest.importorskip("aiomqtt", reason="speaks MQTT: pip install 'hipturn[mqtt]'")

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Mistakes are survived; nothing pauses for long."""
    monkeypatch.delenv("HIPTURN_DEBUG", raising=False)
    monkeypatch.setenv("HIPTURN_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("HIPTURN_CONFIG", os.devnull)
    monkeypatch.setattr(supervise, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(outbox, "WELL_S", 0.01)


def settings(**given: Any) -> dict[str, config.Value]:
    """What is set by default, and what a test asks for."""
    defaults = {key: setting.default for key, setting in config.SETTINGS.items()}
    return {**defaults, **{f"live.{key}": value for key, value in given.items()}}


PACED = 25
"""Packets sent before the receiver has to have got them."""


class OscReceiver:
    """python-osc's server, and what came to it."""

    def __init__(self, port: int = 0) -> None:
        self.came: list[tuple[str, tuple[Any, ...]]] = []
        self._counts: Counter[str] = Counter()
        handlers = dispatcher.Dispatcher()
        handlers.set_default_handler(self._take)
        self._server = server.BlockingOSCUDPServer(("127.0.0.1", port), handlers)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def _take(self, address: str, *values: Any) -> None:
        self.came.append((address, values))
        self._counts[address.rpartition("/")[2]] += 1

    def of(self, what: str) -> list[tuple[Any, ...]]:
        return [values for address, values in list(self.came) if address.endswith("/" + what)]

    def has(self, what: str, count: int) -> bool:
        return self._counts[what] >= count

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[OscReceiver]:
    one = OscReceiver()
    yield one
    one.close()


class Broker:
    """mosquitto, and a subscriber to everything."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._conf = folder / "mosquitto.conf"
        passwords = folder / "passwords"
        subprocess.run(
            ["mosquitto_passwd", "-b", "-c", str(passwords), "leg", "s3cret/@"],
            check=True,
            capture_output=True,
        )
        self._conf.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\nuser root\n"
        )
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [str(MOSQUITTO), "-c", str(self._conf)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        limit = time.monotonic() + 30
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert time.monotonic() < limit

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def retained(self, topic: str) -> Any:
        """What the broker keeps under a topic."""
        command = ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(self.port), "-u", "leg", "-P", "s3cret/@"]
        got = subprocess.run(
            [*command, "-t", topic, "-C", "1", "-W", "10"], capture_output=True, text=True, check=True
        )
        return got.stdout.strip()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    if not (MOSQUITTO and shutil.which("mosquitto_sub")):
        pytest.skip("a broker and its client: apt-get install mosquitto mosquitto-clients")
    one = Broker(tmp_path)
    yield one
    one.stop()


# --- whole sessions -----------------------------------------------------------------------------


def test_a_session_reaches_osc_to_its_last_event(tmp_path: Path, receiver: OscReceiver) -> None:
    """What the coach says, the link and every repetition, also those found when the session is ended."""
    motion = drill(reps=4)
    (out,) = chosen(settings(osc=f"127.0.0.1:{receiver.port}"))

    async def main() -> list[Heard]:
        async with live(tmp_path, side=motion.leg.side, outputs=[out]) as one:
            await one.until(lambda: out._sink is not None)
            one.source.link(motion)
            packets = packets_of(motion)
            for first in range(0, len(packets), PACED):
                # datagrams that nobody has read yet are few before the system drops them
                await one.source.send(packets[first : first + PACED])
                upto = min(first + PACED, len(packets))
                await one.until(partial(receiver.has, "orientation", upto))
            await one.until(lambda: one.hub.counters.reps >= 3)
            await one.end()
            return one.view.heard

    heard = asyncio.run(main())
    limit = time.monotonic() + 10
    reps = [rep.n for rep in heard if isinstance(rep, Rep)]
    while len(receiver.of("rep")) < len(reps) and time.monotonic() < limit:
        time.sleep(0.01)
    assert [values[1] for values in receiver.of("rep")] == reps
    assert receiver.of("link")[0] == (1,) and receiver.of("say") and receiver.of("angle")


def test_a_session_reaches_a_broker_that_asks_for_a_password(tmp_path: Path, broker: Broker) -> None:
    motion = drill(reps=4)
    address = f"mqtt://leg:s3cret%2F%40@127.0.0.1:{broker.port}"
    (out,) = chosen(settings(mqtt=address, mqtt_node="mat"))

    async def main() -> int:
        async with live(tmp_path, side=motion.leg.side, outputs=[out]) as one:
            await one.until(lambda: out._sink is not None)
            one.source.link(motion)
            await one.source.send(packets_of(motion))
            await one.until(lambda: one.hub.counters.reps >= 3)
            assert "MQTT" not in one.hub.status.troubles
            await one.end()
            return sum(isinstance(heard, Rep) for heard in one.view.heard)

    reps = asyncio.run(main())
    assert json.loads(broker.retained("mat/shin/state"))["reps"] == reps
    assert broker.retained("mat/status") == "offline"
    assert json.loads(broker.retained("homeassistant/sensor/+/config"))


def test_a_session_reaches_lsl_with_the_sensor_that_was_there_before(tmp_path: Path) -> None:
    """Opened while the sensor is linked already, it has its outlets and the samples from then on."""
    motion = drill(reps=4)
    packets = packets_of(motion)
    (out,) = chosen(settings(lsl=True))

    async def main() -> None:
        async with live(tmp_path, outputs=[out]) as one:
            one.source.link(motion)
            await one.until(lambda: out._sink is not None)
            await one.source.send(packets[:100])
            found = await asyncio.to_thread(pylsl.resolve_byprop, "name", "hipturn-shin-orientation", 1, 30)
            inlet = pylsl.StreamInlet(found[0])
            await asyncio.to_thread(inlet.open_stream, 30)
            await one.source.send(packets[100:200])
            row, _ = await asyncio.to_thread(inlet.pull_sample, 30)
            assert sum(part * part for part in row) == pytest.approx(1.0)

    asyncio.run(main())


# --- what fails ---------------------------------------------------------------------------------


def test_a_receiver_that_comes_late_is_told_of_and_found(tmp_path: Path) -> None:
    """Nobody listens: a trouble everybody sees. Somebody does: it is gone, and the rest arrives."""
    motion = drill(reps=4)
    packets = packets_of(motion)
    first = OscReceiver()
    first.close()
    (out,) = chosen(settings(osc=f"127.0.0.1:{first.port}"))

    async def main() -> None:
        async with live(tmp_path, outputs=[out]) as one:
            await one.until(lambda: out._sink is not None)
            one.source.link(motion)
            sent = iter(packets)
            while "OSC" not in one.hub.status.troubles:
                await one.source.send([next(sent)])
                await asyncio.sleep(0.005)
            assert "measuring goes on" in one.hub.status.troubles["OSC"]
            assert one.hub.counters.samples > 0
            second = OscReceiver(first.port)
            try:
                while "OSC" in one.hub.status.troubles:
                    await one.source.send([next(sent)])
                    await asyncio.sleep(0.005)
                assert second.came
            finally:
                second.close()

    asyncio.run(main())


def test_a_broker_that_goes_and_comes_is_told_of_both(
    tmp_path: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hipturn.sinks.mqtt.RETRY_S", (0.05, 0.2))
    motion = drill(reps=4)
    (out,) = chosen(settings(mqtt=f"mqtt://leg:s3cret%2F%40@127.0.0.1:{broker.port}"))

    async def main() -> None:
        async with live(tmp_path, outputs=[out]) as one:
            one.source.link(motion)
            await one.source.send(packets_of(motion)[:500])
            for _ in range(2):
                broker.stop()
                await one.until(lambda: "no connection" in one.hub.status.troubles.get("MQTT", ""))
                assert "s3cret" not in one.hub.status.words
                broker.start()
                await one.until(lambda: "MQTT" not in one.hub.status.troubles)

    asyncio.run(main())


class Frail:
    """A sink that breaks in one of the ways there are."""

    def __init__(self, how: str, trouble: Callable[[str], None]) -> None:
        self.how, self._trouble = how, trouble
        self.heard: list[Heard] = []
        self.closed = False

    def hear(self, heard: Heard) -> None:
        self.heard.append(heard)
        if isinstance(heard, HipAngle | LinkUp):
            return
        if self.how == "raises":
            raise RuntimeError("it broke")
        if self.how == "tells":
            threading.Thread(target=self._trouble, args=("it broke in its thread",)).start()

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("how", ["raises", "tells", "opening"])
def test_one_that_fails_is_opened_again_and_stops_nobody(how: str, tmp_path: Path) -> None:
    """However it fails: told, the measurement and the others go on, and a new one knows the sensor."""
    motion = drill(reps=4)
    packets = packets_of(motion)
    made: list[Frail] = []
    opened: list[str] = []
    others: list[Heard] = []

    def make(trouble: Callable[[str], None], _: Callable[[], None]) -> Frail:
        opened.append(how)
        if how == "opening" and len(opened) == 1:
            raise OSError("it broke")
        made.append(Frail(how if len(opened) == 1 else "works", trouble))
        return made[-1]

    class Other(Frail):
        def hear(self, heard: Heard) -> None:
            others.append(heard)

    frail = Output("frail", make, mends_itself=False)
    other = Output("other", lambda trouble, _: Other("", trouble), mends_itself=False)
    told: list[str] = []

    async def main() -> None:
        async with live(tmp_path, outputs=[frail, other]) as one:
            one.hub.watch(lambda status: told.extend(status.troubles.values()))
            await one.until(lambda: opened and other._sink)
            one.source.link(motion)
            await one.source.send(packets[:300])
            await one.until(lambda: one.hub.counters.samples >= 299 and made and made[-1].how == "works")
            await one.until(lambda: frail._sink is not None)
            await one.source.send(packets[300:400])
            await one.until(lambda: one.hub.counters.samples >= 399 and not one.hub.status.troubles)

    asyncio.run(main())
    assert any(line.startswith("frail is down") and "it broke" in line for line in told)
    assert len(opened) == 2 and isinstance(made[-1].heard[0], LinkUp)
    assert all(one.closed for one in made)
    assert sum(type(one).__name__ == "Orientation" for one in others) >= 399


# --- what is asked for --------------------------------------------------------------------------


def test_nothing_is_sent_unless_it_is_asked_for() -> None:
    assert chosen(settings()) == []


@pytest.mark.parametrize("address", ["x", "x:", ":9", "x:0", "x:99999", "x:９", "x:y", "[::1]"])
def test_an_osc_address_that_is_none_is_refused_with_the_right_form(address: str) -> None:
    with pytest.raises(UsageError, match="HOST:PORT"):
        chosen(settings(osc=address))


@given(st.text(min_size=1, max_size=20))
def test_any_address_of_a_broker_is_taken_or_refused_without_showing_it(text: str) -> None:
    for address in (text, f"mqtt://{text}", f"mqtts://u:{text}@h:1", f"mqtt://h:{text}"):
        try:
            chosen(settings(mqtt=address))
        except UsageError as error:
            assert str(error).startswith("live.mqtt is no address of a broker") and "\n" not in str(error)


@pytest.mark.parametrize(
    ("flag", "package", "extra"),
    [
        ("--lsl", "pylsl", "lsl"),
        ("--osc=127.0.0.1:9", "pythonosc", "osc"),
        ("--mqtt=mqtt://h", "aiomqtt", "mqtt"),
    ],
)
def test_a_missing_package_is_one_line_before_anything_starts(
    flag: str, package: str, extra: str, tmp_path: Path
) -> None:
    hidden = [package, f"{package}.osc_message_builder"]
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({hidden!r}))\n"
        "from hipturn.cli.main import cli\n"
        f"cli(['run', '--no-web', '--recordings', sys.argv[1], {flag!r}])"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert f"pip install 'hipturn[{extra}]'" in ended.stderr and ended.stderr.count("\n") == 1


def test_the_whole_program_sends_over_all_three(
    tmp_path: Path, receiver: OscReceiver, broker: Broker
) -> None:
    """``hipturn run`` with the virtual sensor in its own process: each receiver gets what is its."""
    command = [sys.executable, "-m", "hipturn", "run", "--sensor", "virtual", "--no-web", "--headless"]
    command += ["--recordings", str(tmp_path / "r"), "--lsl", "--osc", f"127.0.0.1:{receiver.port}"]
    env = {**os.environ, "HIPTURN_LIVE_MQTT": f"mqtt://leg:s3cret%2F%40@127.0.0.1:{broker.port}"}
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env, text=True
    ) as run:
        try:
            found = pylsl.resolve_byprop("name", "hipturn-shin-orientation", timeout=60)
            inlet = pylsl.StreamInlet(found[0])
            row, _ = inlet.pull_sample(60)
            assert len(row) == 4
            assert json.loads(broker.retained("hipturn/shin/state"))["link"] == "up"
            limit = time.monotonic() + 60
            while not receiver.of("orientation"):
                assert time.monotonic() < limit
        finally:
            run.terminate()
            told = run.communicate(timeout=60)[1]
    assert run.returncode == 0 and "Traceback" not in told and "s3cret" not in told
    assert broker.retained("hipturn/status") == "offline"
