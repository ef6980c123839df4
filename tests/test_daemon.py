"""The daemon: sessions, states, commands, and that nothing beside the loop can stop it."""

import asyncio
import io
import json
import logging
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.sync.client import connect

from cli_runs import drill
from daemons import PATIENCE_S, Seen, live, packets_of
from disks import full_disk
from hipturn.cli import running
from hipturn.coach import Prompt
from hipturn.commands import COMMANDS, Begin, End, parse
from hipturn.daemon import Ended
from hipturn.daemon.door import QUEUE as QUEUE_OF_THE_DOOR
from hipturn.daemon.door import Door
from hipturn.daemon.running import Running
from hipturn.errors import HipturnError, UsageError
from hipturn.host import lock, logs
from hipturn.host.notify import Notifier
from hipturn.model import HostNs, LinkDown, Mark, MarkKind, Overrun, Packets, Rep, Side
from hipturn.offline import Request, analyse
from hipturn.recording import Reader
from hipturn.sinks.hub import Hub
from hipturn.sinks.standing import STALE_NS
from hipturn.sinks.viewers import QUEUE, Viewer
from hipturn.status import MEANINGS, State
from hipturn.supervise import Fan, kept_up, pause_s
from hipturn.web.server import Address

SECOND = 1_000_000_000


def use(session: Coroutine[Any, Any, None]) -> None:
    asyncio.run(session)


@pytest.fixture(autouse=True)
def as_in_the_field(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Mistakes are survived, not raised; locks are the test's own."""
    monkeypatch.delenv("HIPTURN_DEBUG", raising=False)
    monkeypatch.setenv("HIPTURN_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("HIPTURN_CONFIG", os.devnull)


# --- sessions -----------------------------------------------------------------------------------


def test_a_session_ends_at_its_target_and_replays_as_it_was_live(tmp_path: Path) -> None:
    motion = drill(reps=4)

    async def main() -> None:
        async with live(tmp_path, side=motion.leg.side, reps=3) as one:
            one.source.link(motion)
            await one.source.send(packets_of(motion))
            ended = await one.task
            assert ended.finished and ended.trouble is None
            (path,) = ended.recordings
            told = [
                line
                for line in map(json.loads, one.hub.results())
                if line["type"] in ("rep", "calibration", "gap")
            ]
            head, events, _ = analyse(path, Request()).lines(path.name)
            assert [e for e in events if e["type"] in ("rep", "calibration", "gap")] == told
            assert Reader(path).problem is None and head["side"] == motion.leg.side
            assert [s for s in one.view.states if s != "stale"] == [
                "connecting",
                "settling",
                "ready",
                "measuring",
                "ready",
            ]

    use(main())


def test_without_a_sensor_nothing_is_left_behind(tmp_path: Path) -> None:
    async def main() -> None:
        async with live(tmp_path / "folder") as one:
            ended = await one.end()
            assert ended.recordings == [] and not (tmp_path / "folder").exists()

    use(main())


def test_a_sensor_that_stays_away_ends_the_session_and_its_return_begins_the_next(tmp_path: Path) -> None:
    motion = drill(reps=4)

    async def main() -> None:
        async with live(tmp_path, end_after_s=0.0) as one:
            for round_ in (1, 2):
                one.source.link(motion)
                await one.source.send(packets_of(motion)[:300])
                one.source.lose()
                await one.until(lambda: one.hub.status.session is None)
                assert one.hub.counters.sessions == round_
            await one.until(lambda: len(list(tmp_path.glob("*.mcap"))) == 2)
        assert one.hub.counters.links == 2

    use(main())
    assert all(Reader(path).problem is None for path in tmp_path.glob("*.mcap"))


def test_a_short_loss_goes_on_in_the_same_session_and_is_told(tmp_path: Path) -> None:
    motion = drill(reps=4)
    packets = packets_of(motion)

    async def main() -> None:
        async with live(tmp_path) as one:
            one.source.link(motion)
            await one.source.send(packets[:800])
            await one.until(lambda: one.hub.status.state is State.READY)
            one.source.lose(at_ns=8 * SECOND)
            await one.until(lambda: one.hub.status.state is State.LOST)
            assert one.hub.status.retrying and "since" in one.hub.status.words
            one.source.link(motion, at_ns=9 * SECOND)
            await one.source.send(packets[900:1000])
            await one.until(lambda: one.hub.counters.lost > 0)
            assert one.hub.counters.sessions == 1
            ended = await one.end()
            assert len(ended.recordings) == 1

    use(main())


def test_commands_end_begin_and_change_the_leg(tmp_path: Path) -> None:
    """Stop closes the recording while the sensor stays; side begins a new session that says so."""
    motion = drill(reps=4)
    packets = packets_of(motion)

    async def main() -> None:
        async with live(tmp_path, side=Side.RIGHT) as one:
            one.source.link(motion)
            await one.source.send(packets[:200])
            one.daemon.tell(End())
            await one.until(lambda: one.hub.status.session is None)
            await one.source.send(packets[200:400])
            await one.until(lambda: one.hub.status.detail == "no session: start one")
            one.daemon.tell(Begin(Side.LEFT))
            await one.source.send(packets[400:600])
            await one.until(lambda: (one.hub.status.session or {}).get("samples", 0) >= 199)
            one.daemon.tell(parse({"command": "note", "text": "warm"}, "shin", HostNs(1)))
            ended = await one.end()
            (path,) = ended.recordings
            marks = [item for item in Reader(path).inputs() if isinstance(item, Mark)]
            assert [mark.value for mark in marks if mark.kind is MarkKind.SIDE] == [{"side": "left"}]
            assert [mark.value for mark in marks if mark.kind is MarkKind.NOTE] == [{"text": "warm"}]

    use(main())
    assert len(list(tmp_path.glob("*.mcap"))) == 2


def test_what_is_told_at_the_end_is_of_the_last_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though a slow disk closes the recording before it later than its own."""
    motion = drill(reps=4)
    packets = packets_of(motion)
    order: list[Running] = []
    last_is_closed = threading.Event()
    close = Running.close

    def slow(running: Running) -> Ended:
        order.append(running)
        if len(order) == 1:
            assert last_is_closed.wait(PATIENCE_S)
        ended = close(running)
        last_is_closed.set()
        return ended

    monkeypatch.setattr(Running, "close", slow)

    async def main() -> None:
        async with live(tmp_path, side=Side.RIGHT) as one:
            one.source.link(motion)
            await one.source.send(packets[:200])
            await one.until(lambda: one.hub.counters.samples >= 200)
            one.daemon.tell(Begin(Side.LEFT))
            await one.until(lambda: one.hub.counters.sessions == 2 and order)
            await one.source.send(packets[200:400])
            await one.until(lambda: one.hub.counters.samples >= 400)
            (path,) = (await one.end()).recordings
        assert path == order[1].path and len(order) == 2

    use(main())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_takes(name: str) -> None:
    """What the schema requires is asked for by name, what it forbids refused by name."""
    schema = COMMANDS[name].schema(name)
    values = {"side": "left", "on": False, "text": "x", "last": 3, "question": "pain", "value": 3, "bpm": 40}
    values |= {"drill": "prone-rotation", "reps": 5, "person": "A1", "language": "de"}
    values |= {"where": "page", "page": "abc", "movement": "passive"}
    fields = [key for key in schema["properties"] if key not in ("command", "routine")]
    whole = {"command": name} | {key: values[key] for key in fields}
    assert parse(whole, "shin", HostNs(0)) is not None
    for key in schema["required"]:
        if key != "command":
            with pytest.raises(UsageError, match=key):
                parse({k: v for k, v in whole.items() if k != key}, "shin", HostNs(0))
    with pytest.raises(UsageError, match="bogus"):
        parse({**whole, "bogus": 1}, "shin", HostNs(0))
    for key in fields:
        with pytest.raises(UsageError, match=key):
            parse({**whole, key: 999}, "shin", HostNs(0))
    # 3.0 is 3 in JSON, and what comes of it is a whole number, not only equal to one
    as_floats = {key: float(value) if type(value) is int else value for key, value in whole.items()}
    assert repr(parse(as_floats, "shin", HostNs(0))) == repr(parse(whole, "shin", HostNs(0)))


# --- what may fail ------------------------------------------------------------------------------


def test_a_full_disk_is_told_everywhere_and_measuring_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Page, metrics, log, service status and the voice tell it; later all is in the file."""
    motion = drill(reps=4)
    packets = packets_of(motion)
    spoken: list[str] = []

    class Manager(Notifier):
        def status(self, words: str) -> None:
            spoken.append(words)

    async def main() -> None:
        async with live(tmp_path, notifier=Manager()) as one:
            one.source.link(motion)
            await one.source.send(packets[:100])
            await one.until(lambda: one.hub.counters.samples >= 99)
            viewer = one.hub.viewers.join()
            with full_disk(0), caplog.at_level(logging.ERROR):
                for number in range(100, len(packets)):
                    await one.source.send(packets[number : number + 1])
                    if "recording" in one.hub.status.troubles and number > 1900:
                        break
                    await asyncio.sleep(0.001)
                status = one.hub.status
                assert "make room" in status.troubles["recording"] and "make room" in status.words
                await one.until(lambda: any("make room" in words for words in spoken))
                assert "make room" in caplog.text
                assert any(isinstance(h, Prompt) and "stopped" in h.say for h in one.view.heard)
                assert one.hub.counters.samples > 1000, "measuring went on"
            await one.until(lambda: not one.hub.status.troubles)
            told = [await viewer.get() for _ in range(3)]
            assert any("make room" in line for line in told)
            ended = await one.end()
            (path,) = ended.recordings
            reader = Reader(path)
            assert analyse(path, Request()).samples == one.hub.counters.samples
            list(reader.inputs())
            assert reader.problem is None

    use(main())


def test_a_display_that_fails_is_left_alone_and_told(tmp_path: Path) -> None:
    motion = drill(reps=4)

    async def main() -> None:
        view = Seen(fails=True)
        async with live(tmp_path, side=motion.leg.side, reps=2, view=view) as one:
            one.source.link(motion)
            await one.source.send(packets_of(motion))
            ended = await one.task
            assert ended.finished
            assert "the display broke" in one.hub.status.troubles["display"]

    use(main())


def test_a_service_that_fails_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hipturn.supervise.FIRST_PAUSE_S", 0.0)
    runs: list[int] = []
    up = asyncio.Event()

    async def service() -> None:
        runs.append(len(runs))
        if len(runs) < 3:
            raise OSError("no")
        up.set()
        await asyncio.Event().wait()

    async def main() -> None:
        async with live(tmp_path, services={"web": service}) as one:
            await one.until(up.is_set)
            assert "web" not in one.hub.status.troubles

    use(main())
    assert len(runs) == 3


@pytest.mark.parametrize("by", ["target", "stop", "limit"])
def test_who_watches_hears_how_the_session_ends_before_the_program_does(tmp_path: Path, by: str) -> None:
    motion = drill(reps=4)
    told: list[dict[str, Any]] = []

    async def main() -> None:
        async def watching() -> None:
            viewer = seen.viewers.join()
            while True:
                told.append(json.loads(await viewer.get()))

        seen = Hub()
        reps, limit_s = 2 if by == "target" else 0, 0.5 if by == "limit" else None
        services = {"page": watching}
        opened = live(tmp_path, hub=seen, side=motion.leg.side, reps=reps, limit_s=limit_s, services=services)
        async with opened as one:
            one.source.link(motion)
            await one.source.send(packets_of(motion))
            if by == "stop":
                await one.until(lambda: any(line["type"] == "rep" for line in told))
                one.stop.set()
            assert (await one.task).recordings

    use(main())
    (summary,) = [n for n, line in enumerate(told) if line["type"] == "summary"]
    states = [line["closing"] for line in told[summary:] if line["type"] == "state"]
    assert states[-1] == [] and any(states), "its recording is kept, and that is told"


def test_a_mistake_in_the_measurement_costs_the_session_and_not_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    motion = drill(reps=4)
    packets = packets_of(motion)
    from hipturn.core.pipeline import Pipeline

    push = Pipeline.push
    broken = [False]

    def sometimes(self: Pipeline, item: Any) -> Any:
        if broken[0]:
            broken[0] = False
            raise ZeroDivisionError("a mistake")
        return push(self, item)

    monkeypatch.setattr(Pipeline, "push", sometimes)

    async def main() -> None:
        async with live(tmp_path) as one:
            one.source.link(motion)
            await one.source.send(packets[:200])
            await one.until(lambda: one.hub.counters.samples >= 199)
            broken[0] = True
            await one.source.send(packets[200:500])
            await one.until(lambda: one.hub.counters.samples >= 498)
            assert "ZeroDivisionError" in one.hub.status.troubles["measuring"]
            assert one.hub.counters.sessions == 2

    use(main())
    assert all(Reader(path).problem is None for path in tmp_path.glob("*.mcap"))


def test_a_listener_is_tried_again_after_a_while_and_its_recovery_told() -> None:
    now = [0]
    told: list[tuple[str, str | None]] = []
    calls: list[int] = []
    fails = [True]

    def listener(_heard: Any) -> None:
        calls.append(now[0])
        if fails[0]:
            raise ValueError("no")

    fan = Fan({"one": listener}, lambda part, text: told.append((part, text)), lambda: now[0])
    for step in range(100):
        now[0] = step * SECOND // 10
        fails[0] = step < 30
        fan.hear(Overrun("shin", HostNs(0), 1))
    assert calls[:3] == [0, SECOND, 3 * SECOND], "the pause doubles"
    assert told[0][1] is not None and told[-1] == ("one", None)
    assert fan.failures == 2
    assert [pause_s(n) for n in (1, 2, 3, 100)] == [1.0, 2.0, 4.0, 60.0]


def test_what_is_kept_up_ends_with_its_task() -> None:
    async def main() -> None:
        task = asyncio.create_task(kept_up("x", asyncio.Event().wait, lambda *_: None))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    use(main())


# --- the hub and its viewers --------------------------------------------------------------------


def test_a_slow_viewer_loses_its_oldest_and_is_told_how_many() -> None:
    async def main() -> None:
        viewer = Viewer()
        for number in range(QUEUE + 40):
            viewer.put(str(number))
        for number in range(5):
            viewer.put_angle(f"angle {number}")
        assert json.loads(await viewer.get()) == {"v": 1, "type": "dropped", "count": 44}
        got = [await viewer.get() for _ in range(QUEUE + 1)]
        assert got == [*map(str, range(40, QUEUE + 40)), "angle 4"]
        assert viewer.dropped == 44

    use(main())


def test_an_angle_that_waits_is_not_told_in_the_next_session() -> None:
    """A viewer gets lines before angles: one of the last session would come behind the new one's head."""

    async def main() -> None:
        hub = Hub()
        viewer = hub.viewers.join()
        viewer.put_angle("angle of the last session")
        hub.begin("next.mcap", Side.LEFT, lambda: None)
        viewer.put("line of the next")
        assert await viewer.get() == "line of the next"
        waiting = asyncio.create_task(viewer.get())
        await asyncio.sleep(0)
        assert not waiting.done()
        viewer.put_angle("angle of the next")
        assert await waiting == "angle of the next" and viewer.dropped == 0

    use(main())


def test_silence_on_a_standing_link_is_stale_and_ends_with_the_next_sample(tmp_path: Path) -> None:
    motion = drill(reps=4)
    packets = packets_of(motion)

    async def main() -> None:
        async with live(tmp_path) as one:
            one.source.link(motion)
            await one.source.send(packets[:500])
            await one.until(lambda: one.hub.status.state is State.STALE)
            assert (one.hub.status.last_sample_s or 0.0) > STALE_NS / SECOND
            await one.source.send(packets[500:900])
            await one.until(lambda: one.hub.status.state is not State.STALE)

    use(main())


def test_a_low_battery_is_told_in_words(tmp_path: Path) -> None:
    motion = drill(reps=4)

    async def main() -> None:
        async with live(tmp_path) as one:
            one.source.link(motion)
            one.source.vitals(9)
            assert "battery low (9 %)" in one.hub.status.words
            assert one.hub.status.line()["battery_low"] is True
            one.source.vitals(80)
            assert "battery low" not in one.hub.status.words

    use(main())


def test_a_battery_that_became_low_without_a_session_is_told_to_the_next(tmp_path: Path) -> None:
    """Told while nothing was measured; the sensor then stays away, and its return begins a session."""
    motion = drill(reps=4)

    async def main() -> None:
        async with live(tmp_path, end_after_s=0.0) as one:
            one.source.link(motion)
            one.daemon.tell(End())
            one.source.vitals(9)
            one.source.lose()
            one.source.link(motion)
            await one.source.send(packets_of(motion)[:200])
            await one.until(lambda: one.hub.counters.samples >= 199)
            ended = await one.end()
            (path,) = ended.recordings
            marks = [item for item in Reader(path).inputs() if isinstance(item, Mark)]
            assert [mark.value for mark in marks if mark.kind is MarkKind.BATTERY] == [{"percent": 9}]

    use(main())


def test_a_test_that_waits_for_earlier_ones_does_not_keep_their_recording_from_being_closed(
    tmp_path: Path,
) -> None:
    """Ended while the recording before is still being catalogued: it is, and it is told."""
    motion = drill(reps=4)
    gate = threading.Event()
    catalogued: list[list[Path]] = []

    def slowly(paths: list[Path]) -> None:
        gate.wait()
        catalogued.append(paths)

    async def main() -> None:
        async with live(tmp_path, on_closed=slowly) as one:
            try:
                one.source.link(motion)
                await one.source.send(packets_of(motion)[:300])
                one.daemon.tell(Begin(drill="prone-rotation"))
                await one.until(lambda: one.daemon._recalling is not None)
                one.stop.set()
                await one.until(lambda: one.daemon._recalling is None or one.daemon._recalling.cancelled())
            finally:
                gate.set()
            (path,) = (await one.end()).recordings
            assert catalogued == [[path]]

    use(main())


def test_what_the_door_drops_is_told_before_whatever_comes_next_of_its_stream() -> None:
    """Counted for each stream by itself; the end of a link does not take the count to the next link."""

    def packet(stream: str, number: int) -> Packets:
        return Packets(stream, np.array([number], np.int64), np.zeros((1, 4), np.uint8))

    door = Door()
    for number in range(QUEUE_OF_THE_DOOR):
        door.put(packet("shin", number))
    for number in range(3):
        door.put(packet("shin", QUEUE_OF_THE_DOOR + number))
    door.put(packet("pelvis", 7))
    door.put(LinkDown("shin", HostNs(5000), "lost"))
    waiting = door.drain()
    assert waiting[QUEUE_OF_THE_DOOR:] == [
        Overrun("shin", HostNs(5000), 3),
        LinkDown("shin", HostNs(5000), "lost"),
    ]
    door.put(packet("shin", 6000))
    last = packet("pelvis", 6001)
    door.put(last)
    assert door.drain()[1:] == [Overrun("pelvis", HostNs(6001), 1), last]


def test_every_state_has_a_meaning() -> None:
    assert set(MEANINGS) == set(State)
    assert Hub().status.line()["state"] == "searching"


# --- the computer around it ---------------------------------------------------------------------


def test_one_program_a_folder_and_a_dead_one_does_not_count(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    with lock.only_one(folder, page="http://x/"):
        with pytest.raises(HipturnError, match=r"runs already.*page http://x/"), lock.only_one(folder):
            pass
        assert (lock.holder(folder) or {})["pid"] == os.getpid()
        with lock.only_one(tmp_path / "another"):
            pass
    assert lock.holder(folder) is None
    code = (
        "import os, sys; from pathlib import Path; from hipturn.host import lock\n"
        "with lock.only_one(Path(sys.argv[1])): os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(folder)], check=False)
    assert killed.returncode == -signal.SIGKILL
    with lock.only_one(folder):
        pass


def test_the_service_manager_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """READY, STATUS and WATCHDOG as sd_notify(3) has them."""
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        monkeypatch.setenv("WATCHDOG_USEC", "400000")
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
        assert Notifier.watchdog_s() == 0.4

        async def main() -> None:
            async with live(tmp_path / "r", notifier=Notifier()):
                seen = ""
                while not all(word in seen for word in ("READY=1", "STATUS=searching", "WATCHDOG=1")):
                    seen += (await asyncio.to_thread(manager.recv, 4096)).decode() + "\n"

        use(main())
        last = b""
        while b"STOPPING=1" not in last:
            last = manager.recv(4096)


def test_without_a_service_manager_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    Notifier().ready()
    assert Notifier.watchdog_s() is None
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/at/all")
    Notifier().status("x")


@pytest.fixture
def clean_log() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("hipturn")
    before = root.level, ours.level
    yield
    for handler in [h for h in root.handlers if isinstance(h.formatter, logs.JsonLines | logs.Words)]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(before[0])
    ours.setLevel(before[1])


def test_the_log_is_lines_or_json_and_cannot_steer_a_terminal(
    clean_log: None, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    log = logging.getLogger("hipturn.test")
    logs.set_up("info", as_json=True)
    log.info("lost \x1b[2J", extra={"state": "lost"})
    log.debug("not this")
    logging.getLogger("foreign").info("nor this")
    line = json.loads(capsys.readouterr().err)
    assert line["level"] == "info" and line["state"] == "lost" and line["logger"] == "hipturn.test"
    logs.set_up("info", as_json=False)
    log.warning("lost \x1b[2J\n")
    told = capsys.readouterr().err
    assert "warning: lost \\x1b[2J\\n" in told and told.count("\n") == 1
    logs.set_up("debug", as_json=False, file=tmp_path / "log" / "x.log")
    log.debug("into the file")
    assert "into the file" in (tmp_path / "log" / "x.log").read_text()
    with pytest.raises(UsageError, match=r"log\.file"):
        logs.set_up("info", as_json=False, file=tmp_path)


def test_settings_are_read_again_and_a_wrong_file_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clean_log: None, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "config.toml"
    monkeypatch.setenv("HIPTURN_CONFIG", str(file))

    async def main() -> None:
        async with live(tmp_path) as one:
            file.write_text('[reps]\nmin_rom_deg = 7\n[run]\nside = "left"\n')
            running.reload({}, [one.daemon])
            assert one.daemon.plan.settings["reps.min_rom_deg"] == 7.0
            assert one.daemon.plan.side is Side.LEFT
            file.write_text("[reps]\nmin_rim_deg = 9\n")
            with caplog.at_level(logging.ERROR):
                running.reload({}, [one.daemon])
            assert one.daemon.plan.settings["reps.min_rom_deg"] == 7.0
            assert "did you mean reps.min_rom_deg?" in caplog.text

    use(main())


# --- the whole program --------------------------------------------------------------------------


class Program:
    """``hipturn run`` with the virtual sensor, as a process."""

    def __init__(self, folder: Path, *args: str) -> None:
        self.folder = folder
        self.env = {**os.environ, "HIPTURN_CONFIG": str(folder / "config.toml")}
        command = [sys.executable, "-m", "hipturn", "run", "--sensor", "virtual", "--port", "0", "--headless"]
        self.command = [*command, "--recordings", str(folder / "recordings"), "--log-json", *args]
        self.err = folder / "stderr"
        with self.err.open("wb") as err:
            self.process = subprocess.Popen(
                self.command, stdout=subprocess.PIPE, stderr=err, stdin=subprocess.DEVNULL, env=self.env
            )

    def until(self, words: str, count: int = 1) -> str:
        limit = time.monotonic() + 60
        while (told := self.err.read_text()).count(words) < count:
            assert time.monotonic() < limit and self.process.poll() is None, told
            time.sleep(0.02)
        return told


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    one = Program(tmp_path)
    yield one
    one.process.kill()
    one.process.communicate()


def test_the_program_serves_records_reloads_and_ends_cleanly(program: Program) -> None:
    told = program.until("sit still")
    page = told.split("page: ", 1)[1].split()[0]
    with urllib.request.urlopen(page + "api/v1/state", timeout=20) as answer:
        assert json.load(answer)["state"] in ("settling", "ready")
    with connect(page.replace("http", "ws") + "api/v1/live", open_timeout=20) as viewer:
        assert json.loads(viewer.recv(timeout=20))["type"] == "state"
        request = urllib.request.Request(
            page + "api/v1/commands",
            json.dumps({"command": "note", "text": "hello"}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.status == 202
        while (line := json.loads(viewer.recv(timeout=20)))["type"] != "mark":
            pass
        assert line["value"] == {"text": "hello"}
    second = subprocess.run(
        program.command, env=program.env, capture_output=True, text=True, timeout=60, check=False
    )
    assert second.returncode == 1 and "runs already" in second.stderr
    (program.folder / "config.toml").write_text("[reps]\nmin_rom_deg = 6\n")
    program.process.send_signal(signal.SIGHUP)
    program.until("settings read again")
    program.process.send_signal(signal.SIGTERM)
    assert program.process.wait(60) == 0
    (path,) = (program.folder / "recordings").glob("*.mcap")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    reader = Reader(path)
    notes = [item.value for item in reader.inputs() if isinstance(item, Mark) and item.kind is MarkKind.NOTE]
    assert reader.problem is None and notes == [{"text": "hello"}]
    told = program.err.read_text()
    assert "Traceback" not in told and "failed" not in told
    for line in told.splitlines():
        if line.startswith("{"):
            assert {"at", "level", "logger", "text"} <= json.loads(line).keys()


def test_a_taken_port_is_told_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "hipturn", "run", "--port", str(port), "--recordings", str(tmp_path)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert f"port {port} of 127.0.0.1 is taken" in ended.stderr and ended.stderr.count("\n") == 1


def test_without_the_web_extra_it_is_said_how_to_get_it(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['uvicorn'] = None\n"
        "from hipturn.cli.main import cli\n"
        "cli(['run', '--recordings', sys.argv[1]])"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "pip install 'hipturn[web]'" in ended.stderr and "--no-web" in ended.stderr


def test_the_way_to_the_page_is_shown_as_a_code_where_a_token_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for token, shown in (("a" * 24, True), (None, False)):
        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        running._show_address(Address("192.168.1.5", 8710, token, frozenset()))
        monkeypatch.undo()
        assert "page: http://192.168.1.5:8710/" in terminal.getvalue()
        assert ("█" in terminal.getvalue()) is shown


def test_no_rep_is_announced_that_is_not_recorded(tmp_path: Path) -> None:
    """At the moment a repetition is told it is on disk already, so that no crash can take it back."""
    motion = drill(reps=4)

    told: list[int] = []

    class Watching(Seen):
        def hear(self, heard: Any) -> None:
            if isinstance(heard, Rep):
                told.append(heard.n)
                assert _reps_on_disk(tmp_path) == len(told)

    async def main() -> None:
        async with live(tmp_path, side=motion.leg.side, view=Watching()) as one:
            one.source.link(motion)
            await one.source.send(packets_of(motion))
            await one.until(lambda: one.hub.counters.reps >= 3)
            assert not one.hub.status.troubles, "a failed check would be a trouble of the display"

    use(main())


def _reps_on_disk(folder: Path) -> int:
    return sum(event["type"] == "rep" for path in folder.glob("*.mcap") for event in Reader(path).events())
