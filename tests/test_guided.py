"""Guided sessions between coach and people: keys, display, routines in the daemon, and a whole one once."""

import asyncio
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from cli_runs import done, refused, run
from daemons import Seen, packets_of
from daemons import live as running
from hipturn import commands, drills
from hipturn.cli import guided, keys, live, obeying, remote
from hipturn.cli import running as running_command
from hipturn.cli.obeying import Obeying
from hipturn.coach import Prompt, Question, Show, Timer
from hipturn.commands import Begin, End
from hipturn.daemon.chain import Chain
from hipturn.daemon.plan import Plan
from hipturn.daemon.running import Running, coached
from hipturn.daemon.speaking import speaker, speaking
from hipturn.drivers.hipturn_gatt import Batch, encode
from hipturn.errors import UsageError
from hipturn.history import people
from hipturn.model import (
    Direction,
    HipAngle,
    HostNs,
    Mark,
    MarkKind,
    Orientation,
    Packets,
    SessionStart,
    Side,
    Verdict,
)
from hipturn.recording import Reader
from hipturn.session import Heard
from hipturn.sinks.digits import ROWS, large, width
from hipturn.sinks.guide import Guide
from hipturn.sinks.hub import Hub
from hipturn.sinks.results import print_guided
from hipturn.sinks.voice import Speaker
from hipturn.sources import body
from hipturn.sources.body.person import Person
from hipturn.units import NS_PER_S, RAD_PER_DEG

PAIN = {"id": "pain", "text": "Pain from 0 to 10?", "kind": "scale", "options": []}
WARM = {"id": "warm", "text": "Are you warmed up?", "kind": "yes-no", "options": []}
WHICH = {"id": "which", "text": "Which?", "kind": "choice", "options": ["a", {"value": "b", "text": "B"}]}


# --- keys ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "names"),
    [
        ("\x1b[5~", ["page-up"]),
        ("\x1b[6~\x1b[5~ ", ["page-down", "page-up", "space"]),
        ("Q7\r", ["q", "7", "enter"]),
        ("\x1b", ["escape"]),
        ("\x1b[15~x", ["x"]),
        ("\x01\x02", []),
    ],
)
def test_keys_have_names(sent: str, names: list[str]) -> None:
    """What terminals send for a key is one key, and one that is not known is none, not its letters."""
    assert keys.named(sent) == names


@given(st.text())
def test_whatever_is_typed_gives_keys(text: str) -> None:
    """Nothing typed raises, hangs or becomes something unprintable."""
    assert all(name.isprintable() for name in keys.named(text))


@pytest.mark.parametrize(
    ("key", "question", "command"),
    [
        ("page-up", None, {"command": "undo"}),
        ("page-down", None, {"command": "skip"}),
        ("space", None, {"command": "pause"}),
        ("r", None, {"command": "redo"}),
        ("m", None, {"command": "metronome", "bpm": remote.METRONOME_BPM}),
        ("7", None, None),
        ("7", PAIN, {"command": "answer", "question": "pain", "value": 7}),
        ("x", PAIN, {"command": "answer", "question": "pain", "value": 10}),
        ("space", PAIN, {"command": "pause"}),
        ("y", WARM, {"command": "answer", "question": "warm", "value": True}),
        ("n", WARM, {"command": "answer", "question": "warm", "value": False}),
        ("j", WARM, {"command": "answer", "question": "warm", "value": True}),
        ("2", WHICH, {"command": "answer", "question": "which", "value": "b"}),
        ("3", WHICH, None),
    ],
)
def test_what_a_key_means(key: str, question: Any, command: Any) -> None:
    """A question is answered first; every command is one that the session takes."""
    found = remote.command(key, {"question": question, "step": "reps"})
    assert found == command
    if found is not None:
        assert commands.parse(found, "shin", HostNs(0)) is not None


def test_space_goes_on_after_a_pause_and_m_ends_the_beat() -> None:
    assert remote.command("space", {"step": "paused"}) == {"command": "resume"}
    assert remote.command("m", {}, metronome=True) == {"command": "metronome", "bpm": 0}


@given(st.sampled_from([*keys.NAMES.values(), *"abcdefghijklmnopqrstuvwxyz0123456789.+"]))
def test_every_key_is_told_what_it_does_or_does_nothing(key: str) -> None:
    """No key gives a command that is refused, whatever is asked."""
    for question in (None, PAIN, WARM, WHICH):
        found = remote.command(key, {"question": question})
        assert found is None or commands.parse(found, "shin", HostNs(0)) is not None
        assert remote.hint(question)


@pytest.mark.skipif(os.name != "posix", reason="a pseudo-terminal")
def test_keys_are_read_from_a_terminal_and_it_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Single keys arrive in the loop without Enter; afterwards the terminal behaves as before."""
    import pty
    import termios

    main, terminal = pty.openpty()
    before = termios.tcgetattr(terminal)
    pressed: list[str] = []

    async def session() -> None:
        there = asyncio.Event()

        def press(key: str) -> None:
            pressed.append(key)
            there.set()

        async with keys.pressed(press) as keyboard:
            assert keyboard
            os.write(main, b"\x1b[5~")
            async with asyncio.timeout(10):
                await there.wait()

    with os.fdopen(terminal) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        asyncio.run(session())
        assert termios.tcgetattr(terminal) == before
    os.close(main)
    assert pressed == ["page-up"]


def test_without_a_keyboard_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)

    async def session() -> bool:
        async with keys.pressed(lambda _: None) as keyboard:
            return keyboard

    assert asyncio.run(session()) is False


# --- what a terminal shows ----------------------------------------------------------------------


@given(st.text("0123456789-°/: ", min_size=1, max_size=8))
def test_large_figures_are_even_blocks(text: str) -> None:
    """Seven lines of one width, and something to see for every figure."""
    lines = large(text)
    assert len(lines) == ROWS and {len(line) for line in lines} == {width(text)}
    assert text.isspace() or any("█" in line for line in lines)


def test_every_figure_has_a_shape_of_its_own() -> None:
    shapes = {tuple(large(sign)) for sign in "0123456789-°/:"}
    assert len(shapes) == 14


def show(step: Any = "reps", **more: Any) -> Show:
    fields = {"t_ns": 0, "text": "turn inwards", "drill": "d", "title": "Mobilise", "kind": "drill"}
    return Show(**{**fields, "step": step, "side": Side.LEFT, **more})


def picture(*heard: Heard, width: int = 100) -> str:
    console = Console(width=width, record=True, file=io.StringIO(), force_terminal=False)
    guide = Guide(console, remote.hint)
    guide.state("measuring", "SHIN-1, 100 Hz")
    for each in heard:
        guide.hear(each)
    console.print(guide.drawn())
    return console.export_text()


def angle(deg: float) -> HipAngle:
    one = np.array([deg * RAD_PER_DEG])
    t, none = np.array([NS_PER_S], np.int64), np.array([0], np.int64)
    return HipAngle("shin", t, one, one, one, one, none, np.array([True]))


def test_the_guide_shows_what_is_read_from_the_mat() -> None:
    """Angle and count as large figures; leg, set, instruction, last words, target and keys beside."""
    said = Prompt(0, "12", "counted", "count")
    shown = show(
        count=12, target=20, set=1, sets=2, target_rad=30.0 * RAD_PER_DEG, best_rad=33.0 * RAD_PER_DEG
    )
    text = picture(shown, said, angle(31.0))
    for row in (*large("31°"), *large("12/20")):
        assert row.strip() in text
    for word in (
        "Mobilise",
        "left leg",
        "set 1 of 2",
        "turn inwards",
        "“12”",
        "SHIN-1",
        "internal",
        "▒",
        "┃",
    ):
        assert word in text, word
    assert "PageUp undo" in text


def test_the_guide_shows_time_that_runs_and_what_is_asked() -> None:
    question = Question("pain", "Pain from 0 to 10?", "scale")
    text = picture(show("question", question=question))
    assert "Pain from 0 to 10?" in text and "x for 10" in text
    asked = picture(Prompt(0, "Pain from 0 to 10?"), show("question", text=question.text, question=question))
    assert asked.count("Pain from 0 to 10?") == 1, "asked, said and shown in the same words"
    text = picture(show("rest", timer=Timer("rest", 45.0, 45 * NS_PER_S)))
    assert large("45")[0].strip() in text


def test_the_time_that_is_left_is_by_the_clock_of_the_sensor_on_the_leg() -> None:
    """A second sensor's time is its own: it began earlier or later."""

    def oriented(stream: str, t_s: float) -> Orientation:
        t_ns = np.array([round(t_s * NS_PER_S)], np.int64)
        q = np.array([[1.0, 0.0, 0.0, 0.0]])
        return Orientation(stream, t_ns, q, None, np.zeros(1, np.int64), np.ones(1, np.bool_))

    rest = show("rest", timer=Timer("rest", 45.0, 145 * NS_PER_S))
    text = picture(rest, oriented("shin", 100.0), oriented("pelvis", 130.0))
    assert large("45")[0].strip() in text and large("15")[0].strip() not in text


@pytest.mark.parametrize("width", [60, 80, 100])
def test_where_one_is_stands_whole_above_the_picture(width: int) -> None:
    """The longest title of all says leg, trial and part on every terminal."""
    longest = show("trial", title="Test: rotation lying on the front", direction=Direction.EXTERNAL, trials=3)
    longest = replace(longest, trial=3, part=10, parts=10)
    title = picture(longest, width=width).splitlines()[0]
    words = ("left leg", "3", "10") if width < 80 else ("front", "left leg", "external 3", "part 10")
    assert all(word in title for word in words) and "…" not in title
    assert title.rstrip("─╮ ").endswith("10"), "the number of parts, not cut"


def test_the_guide_fits_a_narrow_terminal() -> None:
    """Without room for large figures there are small ones, and no line is longer than the terminal."""
    text = picture(show(count=12, target=20), angle(31.0), width=40)
    assert "31°" in text and max(map(len, text.splitlines())) <= 40


def test_results_are_told_as_a_table_a_sentence_and_a_place(capsys: pytest.CaptureFixture[str]) -> None:
    leg = {
        "internal": {
            "mean_deg": 33.1,
            "sd_deg": 0.8,
            "best_deg": 34.0,
            "uncertainty_deg": 3.2,
            "trials": [1, 2, 3],
        },
        "arc_deg": 70.2,
        "arc_uncertainty_deg": 4.0,
    }
    result = {"sentence": "internal 33 degrees.", "legs": {"left": leg}, "recording": "x.mcap"}
    print_guided([show("done", result=result).line()], Path("/recordings"))
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert lines[0].strip() == "Mobilise"
    assert lines[2].split() == ["left", "internal", "33.1", "±", "0.8", "34.0", "3", "3.2"]
    assert lines[3].split() == ["left", "arc", "70.2", "4.0"]
    assert "internal 33 degrees." in out and f"recorded: {Path('/recordings') / 'x.mcap'}" in out


# --- routines -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", drills.routine_names())
@pytest.mark.parametrize("first", [None, *Side])
def test_a_routine_is_gone_through_in_order(name: str, first: Side | None) -> None:
    """Every part once, from the leg asked for; the strap moves once, where something is measured."""
    chain: Chain | None = Chain.of(name, first)
    assert chain is not None
    whole, seen, moved = chain, [], 0
    strapped: Side | None = None
    while chain is not None:
        seen.append(chain.part)
        assert chain.number == len(seen)
        measured = drills.drill(chain.part.drill).measured
        assert chain.other_leg == (measured and strapped not in (None, chain.part.side))
        moved += chain.other_leg
        strapped = chain.part.side if measured else strapped
        chain = chain.then
    assert tuple(seen) == whole.parts and len(seen) == len(drills.routine(name).parts)
    assert first is None or seen[0].side is first
    assert moved == 1, "the strap changes legs once"


def test_the_stretch_that_works_takes_the_place_of_a_routines(tmp_path: Path) -> None:
    """For the person who keeps it, on both legs, and nothing else changes; what is no stretch is not kept."""
    plan = Plan(None, Side.RIGHT, 0, {}, tmp_path, person="A1")
    people.change(tmp_path, "A1", stretch="hurdle")
    people.change(tmp_path, "B2", stretch="seated-mobilisation")
    assert plan.stretch == "hurdle"
    usual = Chain.of("hip-internal-rotation").parts
    own = Chain.of("hip-internal-rotation", None, plan.stretch).parts
    for part, instead in zip(usual, own, strict=True):
        stretch = drills.drill(part.drill).kind == "stretch"
        assert (instead.drill, instead.side) == ("hurdle" if stretch else part.drill, part.side)
    assert [part.drill for part in own].count("hurdle") == 2
    for other in ("B2", "", "nobody"):
        assert replace(plan, person=other).stretch is None
    (tmp_path / people.FILE).write_text("{")
    assert replace(plan).stretch is None


def test_a_plan_takes_what_a_drill_asks_for(tmp_path: Path) -> None:
    """Position, repetitions and settings are the drill's, what somebody chose wins over them."""
    plan = Plan(None, Side.RIGHT, 0, {}, tmp_path, chosen={"reps.min_rep_s": 9.0})
    told = plan.asked(Begin(Side.LEFT, drill="seated-mobilisation", person="A1", language="de"))
    drill = drills.drill("seated-mobilisation")
    assert (told.side, told.reps, told.position) == (Side.LEFT, drill.reps, drill.position)
    assert (told.person, told.language, told.guided, told.once) == ("A1", "de", True, False)
    assert told.settings["reps.min_rep_s"] == 9.0 and told.settings["reps.min_return"] == 0.75
    assert told.asked(Begin(reps=5)).reps == 5 and told.asked(Begin()).drill == "seated-mobilisation"


SHORT = """
kind = "drill"
position = "prone"
directions = ["internal"]
sets = 1
reps = 2
[text.en]
title = "Short"
about = "Two repetitions."
setup = "Lie down."
internal = "let the foot fall outwards"
external = "let the foot fall inwards"
"""
PAIR = """
kind = "routine"
parts = [{ drill = "short", side = "right" }, { drill = "short", side = "left" }]
[text.en]
title = "Pair"
about = "One after the other."
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's own short drill and routine."""
    folder = tmp_path / "settings" / "drills"
    folder.mkdir(parents=True)
    (folder / "short.toml").write_text(SHORT, encoding="utf-8")
    (folder / "pair.toml").write_text(PAIR, encoding="utf-8")
    monkeypatch.setenv("HIPTURN_CONFIG", str(folder.parent / "config.toml"))
    return tmp_path / "recordings"


@dataclass
class Led(Seen):
    """A view that passes on what it hears."""

    led: list[Callable[[Heard], object]] = field(default_factory=list)

    def hear(self, heard: Heard) -> None:
        for each in self.led:
            each(heard)


def as_packets(person: Person, leg: body.Leg, seconds: float) -> Iterator[Packets]:
    """What a sensor on the person sends, as long as somebody asks; nothing waits."""
    tick_us, step = 0, 5
    for number in range(round(seconds * 100 / step)):
        acc, gyr, _ = person.rows(step)
        tick_us += step * 10_000
        data = encode(Batch(number % 65536, tick_us, 10_000, acc, gyr))
        at_ns = np.array([tick_us * 1000], np.int64)
        yield Packets("shin", at_ns, np.frombuffer(data, np.uint8)[None, :])


def test_a_routine_runs_from_start_to_finish_by_itself(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Started by a command as the page does, on a person who obeys: two sessions, two legs, two recordings.

    The strap is moved in between and that is noticed; afterwards the daemon waits for the next session, and
    late comers still see the result.
    """
    monkeypatch.setattr(obeying, "THINKS_S", 0.0)
    motion = body.simulate(body.Leg.random(1, side=Side.RIGHT), body.drill_script(1, 1))
    person = Person(motion.leg, 100.0, 1)
    shown: list[Show] = []

    async def main() -> None:
        view = Led()
        async with running(own, side=Side.RIGHT, view=view) as one:
            hears = Obeying(person.hear, one.daemon.tell)
            one.hub.watch(hears.look)
            view.led = [hears.hear, lambda heard: shown.append(heard) if isinstance(heard, Show) else None]
            one.daemon.tell(commands.parse({"command": "start", "routine": "pair"}, "shin", HostNs(0)))
            one.source.link(motion)
            for packets in as_packets(person, motion.leg, 240.0):
                await one.source.send([packets])
                # one packet at a time: the person must hear what it led to before the next movement
                while one.daemon._door._queue.qsize():  # noqa: ASYNC110
                    await asyncio.sleep(0)
                if one.hub.status.session is None and one.hub.counters.sessions == 2:
                    break
            status = one.hub.status
            assert status.session is None and status.coach is not None
            assert status.coach["step"] == "done" and status.coach["result"]["controlled"] == 2
            assert not one.task.done(), "the daemon waits for the next session"

    asyncio.run(main())
    results = [each.result for each in shown if each.result is not None]
    # in the order they were made: both may be of the same second, and then names sort otherwise
    recordings = [own / str(each["recording"]) for each in results]
    assert len(recordings) == 2 and set(recordings) == set(own.glob("*.mcap"))
    sides = []
    for path in recordings:
        items = list(Reader(path).inputs())
        sides += [
            item.value["side"] for item in items if isinstance(item, Mark) and item.kind is MarkKind.SIDE
        ]
        assert any(isinstance(item, Mark) and item.kind is MarkKind.ANSWER for item in items)
    assert sides == ["right", "left"]
    steps = [each.step for each in shown]
    assert "switch" in steps and steps.count("done") == 2
    assert {(each.part, each.parts) for each in shown} == {(1, 2), (2, 2)}
    assert shown[0].next == "Short, left" and shown[-1].next is None


def test_a_routine_ends_when_it_is_stopped(own: Path) -> None:
    """Stop ends the session and what would have come after it, with a result of what there is."""
    motion = body.simulate(body.Leg.random(1, side=Side.RIGHT), body.drill_script(1, 1))

    async def main() -> None:
        async with running(own) as one:
            one.daemon.tell(commands.parse({"command": "start", "routine": "pair"}, "shin", HostNs(0)))
            one.source.link(motion)
            await one.source.send(packets_of(motion)[:100])
            await one.until(lambda: one.hub.status.session is not None)
            one.daemon.tell(End())
            await one.until(lambda: one.hub.status.session is None)
            assert one.daemon._chain is None and one.hub.status.coach is not None
            assert one.hub.status.coach["step"] == "done"
            assert one.hub.status.coach["result"]["sentence"].startswith("0 of 0")

    asyncio.run(main())


# --- who speaks ---------------------------------------------------------------------------------


def test_this_computer_is_silent_while_another_speaks() -> None:
    """The voice hears all the time, and speaks exactly while the hub says so; its failure reaches the hub."""
    made: list[Any] = []

    class Quiet:
        def __init__(self, tell: Any, *, volume: float, pitch: bool) -> None:
            self.tell, self.on, self.opened, self.closed = tell, False, 0, False
            made.append(self)

        def open(self) -> None:
            self.opened += 1

        def hear(self, heard: Heard) -> None: ...

        def close(self, finish_s: float = 0.0) -> None:
            self.closed = True

    async def main() -> None:
        hub = Hub(speaker=Speaker("auto", audible=True))
        settings = {"voice.volume": 0.5, "voice.pitch": False}
        async with speaking(hub, settings, Quiet):  # type: ignore[arg-type]
            (voice,) = made
            assert voice.on and voice.opened == 1
            hub.speak("page", "abc")
            assert not voice.on
            hub.speak("machine")
            assert voice.on
            voice.tell("no loudspeaker")
            await asyncio.sleep(0)
            assert hub.status.troubles == {"voice": "no loudspeaker"}
        assert made[0].closed

    asyncio.run(main())


@pytest.mark.parametrize(
    ("chosen", "volume", "where"), [("off", 1.0, "off"), ("page", 1.0, "page"), ("auto", 0.0, "page")]
)
def test_the_settings_say_who_speaks_at_first(chosen: str, volume: float, where: str) -> None:
    assert speaker({"voice.speaker": chosen, "voice.volume": volume}).where == where


# --- commands -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("flags", "movement"), [((), ""), (("--passive",), "passive")])
def test_who_turns_the_leg_is_in_the_recording(
    flags: tuple[str, ...], movement: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the flag to the first input of the session, where the coach and the history find it."""
    asked: list[guided.Asked] = []
    monkeypatch.setattr(guided, "start", asked.append)
    done("test", "prone-rotation", "--side", "left", *flags)
    before = Plan(None, Side.LEFT, 0, {}, tmp_path)
    plan = live.Guided(drill=asked[0].drill, passive=asked[0].passive).plan(before, 0)
    heard: list[Heard] = []
    session = Running.of(plan, heard.append, lambda *_: None)
    session.begin()
    (start,) = [item for item in heard if isinstance(item, SessionStart)]
    assert start.movement == movement
    assert session.coach._scene.movement == (movement or "active")
    session.close()


def test_who_turns_the_leg_can_be_told_when_a_session_begins() -> None:
    """By command as by flag; what is not told is as before."""

    def parsed(**given: str) -> Begin:
        told = commands.parse({"command": "start", "drill": "prone-rotation", **given}, "shin", HostNs(0))
        assert isinstance(told, Begin)
        return told

    plan = Plan(None, Side.LEFT, 0, {}, Path())
    passive = plan.asked(parsed(movement="passive"))
    assert passive.passive and not plan.asked(parsed(movement="active")).passive
    assert passive.asked(parsed()).passive and not plan.asked(parsed()).passive
    with pytest.raises(UsageError, match="movement must be active or passive"):
        parsed(movement="idle")


def test_what_there_is_to_do_is_listed_and_shown() -> None:
    listed = run("drills").out
    for name in (*drills.names(), *drills.routine_names()):
        assert name in listed
        assert run("drills", "show", name).code == 0
    told = json.loads(run("drills", "--json", "--language", "de").out)
    assert {each["name"] for each in told["drills"]} == set(drills.names())
    assert "name one of" in refused("drills", "show", "nonsense", code=2)


def test_the_wrong_command_names_the_right_one() -> None:
    assert "hipturn drill seated-mobilisation" in refused("test", "seated-mobilisation", code=2)
    assert "hipturn test prone-rotation" in refused("drill", "prone-rotation", code=2)
    assert "seated-mobilisation" in refused("drill", "seated-mobilisatoin", code=2)
    assert "toaster" in refused("drill", "--sensor", "virtual:toaster", code=2)
    assert "choose one" in refused("run", "--drill", "hurdle", "--routine", "hip-internal-rotation", code=2)


def test_a_drill_in_the_terminal_from_start_to_finish(tmp_path: Path) -> None:
    """The real virtual sensor in its own process, over the GATT stack, on a person who hears the coach."""
    env = {**os.environ, "HIPTURN_CONFIG": os.devnull, "HIPTURN_STATE": str(tmp_path / "state")}
    command = [
        sys.executable,
        "-m",
        "hipturn",
        "drill",
        "seated-mobilisation",
        "--side",
        "left",
        "--reps",
        "2",
    ]
    command += ["--sensor", "virtual", "--person", "A1", "--json", "--recordings", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=170, check=False)
    assert done.returncode == 0, done.stderr
    (line,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert line["type"] == "coach" and line["result"]["controlled"] == 2 and line["side"] == "left"
    recording = tmp_path / line["result"]["recording"]
    start = Reader(recording).session
    assert (start.person, start.drill, start.position) == ("A1", "seated-mobilisation", "seated-floor")
    assert "Never force the end of the range" in done.stderr, "the safety words come before the first session"
    reps = [event for event in Reader(recording).events() if event["type"] == "rep"]
    assert [rep["verdict"] for rep in reps] == [Verdict.CONTROLLED] * 2


def test_when_a_count_is_said_is_a_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """From the settings to the coach, with a drill and without."""
    monkeypatch.setenv("HIPTURN_CONFIG", str(tmp_path / "config.toml"))
    for at in ("end", "turn"):
        (tmp_path / "config.toml").write_text(f'[coach]\ncount = "{at}"\n')
        for drill in ("seated-mobilisation", None):
            chosen = running_command._guided(running_command.Chosen.of({}), drill, None, False)
            plan = chosen.plan(Plan(None, Side.LEFT, 0, {}, tmp_path), 0)
            assert coached(plan)._scene.at_turn is (at == "turn")
