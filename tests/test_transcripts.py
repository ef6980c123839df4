"""Every drill led from its first word to its last, and what becomes of it when something goes wrong.

The transcripts are there to be read; after a change that is meant, HIPTURN_REWRITE=1 writes them anew.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from builders import inputs_of, of
from guided_runs import Guided, Told
from hipturn import config, drills, drivers
from hipturn.coach import Drill, Prompt, words
from hipturn.core import quaternion
from hipturn.core.pipeline import Pipeline
from hipturn.core.positions import POSITIONS
from hipturn.model import Calibrated, Direction, Gap, Mark, MarkKind, Rep, Side, Slip, Verdict
from hipturn.sources.body import Element, Repetition, Rest, Shift
from hipturn.units import RAD_PER_DEG

SHIPPED = drills.load().drills
FOLDER = Path(__file__).parent / "transcripts"
IR = Direction.INTERNAL
FULL = 31.0 * RAD_PER_DEG
SLOW = (Repetition(IR, FULL, 1.2, 0.3, 1.2), Rest(0.6))
"""What the simulated person does when asked for repetitions, without the variation."""


def shown(guided: Guided, step: str) -> bool:
    return guided.show is not None and guided.show.step == step


def reached(guided: Guided, count: int, set_: int = 1) -> bool:
    show = guided.show
    return show is not None and show.step == "reps" and show.count == count and show.set == set_


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("name", SHIPPED)
def test_the_whole_session_word_for_word(name: str, language: str) -> None:
    side = Side.LEFT if language == "de" else Side.RIGHT
    said = Guided(SHIPPED[name], side, language=language).run().transcript()
    path = FOLDER / f"{name}-{language}.txt"
    if os.environ.get("HIPTURN_REWRITE"):
        FOLDER.mkdir(exist_ok=True)
        path.write_text(said, encoding="utf-8")
    assert said == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.txt")), ids=lambda path: path.stem)
def test_who_sits_or_stands_is_not_told_to_lie(path: Path) -> None:
    """Nor who lies to sit: of the ways to keep still only that of the drill's position is ever said."""
    titles = {drill.said(language).title: drill for drill in SHIPPED.values() for language in words.LANGUAGES}
    drill: Drill | None = None
    for line in path.read_text(encoding="utf-8").splitlines():
        # a transcript begins with its drill's title
        drill = titles.get(line.rpartition(",")[0], drill)
        assert drill is not None
        for language in words.LANGUAGES:
            right = words.still(language, drill.position)
            ways = {words.still(language, position) for position in POSITIONS} - {right}
            assert not any(way in line for way in ways), line


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("name", [name for name, each in SHIPPED.items() if each.kind == "test"])
def test_a_test_finds_the_range_there_is(name: str, side: Side) -> None:
    """Both legs: three trials each way, the means within 1° of what the simulated hip did."""
    guided = Guided(SHIPPED[name], side).run()
    leg = guided.summary["legs"][side.value]
    for way, true_deg in (("internal", 30.0), ("external", 35.0)):
        assert leg[way]["mean_deg"] == pytest.approx(true_deg, abs=1.0)
        assert len(leg[way]["trials"]) == 3
    assert leg["arc_deg"] == pytest.approx(65.0, abs=2.0)


# --- what goes wrong ----------------------------------------------------------------------------

MOBILISE, PRONE, LYING = (
    SHIPPED[name] for name in ("seated-mobilisation", "prone-rotation", "lying-weighted")
)


def drilled(**options: Any) -> Guided:
    """Return a set of six repetitions."""
    return Guided(MOBILISE, reps=6, **options).run()


def test_who_moves_in_the_hold_holds_again() -> None:
    fidget: tuple[Element, ...] = (Shift(0.4, angle_rad=0.2), Shift(0.4, angle_rad=-0.2), Rest(0.5))
    guided = drilled(instead={"hold": [(Rest(2.0),), fidget]})
    assert guided.keys.count("tare-start") == 1 and guided.summary["controlled"] == 6
    assert guided.heard and guided.keys.count("rotations") == 1


def test_a_sloppy_calibration_is_refused_with_its_reason_and_repeated() -> None:
    wild = [
        (Repetition(IR, 0.35, 1.4, 0.2, 1.4, knee_rad=knee, kind="calibration"), Rest(0.8))
        for knee in (0.5, -0.4, 0.5)
    ]
    guided = drilled(instead={"rotations": wild})
    assert "again" in guided.keys and guided.summary["controlled"] == 6
    assert len(of(Calibrated, guided.heard)) == 1


@pytest.mark.parametrize(
    ("done", "reason"),
    [
        (Repetition(IR, FULL, 0.35, 0.0, 0.4), "too-fast"),
        (Repetition(IR, 0.4 * FULL, 1.2, 0.3, 1.2), "short-range"),
        (Repetition(IR, FULL, 1.2, 0.3, 1.2, knee_rad=0.7), "off-axis"),
        (Repetition(IR, FULL, 1.2, 0.3, 0.7, return_error_rad=0.4 * FULL), "no-return"),
    ],
)
def test_a_repetition_not_done_well_is_told_why_and_not_counted(done: Repetition, reason: str) -> None:
    """After three that show what is usual; six are counted all the same, and one not."""
    guided = drilled(instead={"reps": [SLOW, SLOW, SLOW, SLOW, (done, Rest(0.8))]})
    assert f"reject.{reason}" in guided.keys
    assert guided.summary["controlled"] == 6 and guided.summary["reps"] >= 7


def test_a_repetition_the_other_way_is_none_of_the_drill() -> None:
    other = (Repetition(Direction.EXTERNAL, FULL, 1.2, 0.3, 1.2), Rest(0.8))
    guided = drilled(instead={"reps": [SLOW, other]})
    assert guided.keys.count("reject.direction") == 1 and guided.summary["controlled"] == 6


@pytest.mark.parametrize("name", [name for name, each in SHIPPED.items() if each.measured])
def test_a_lost_link_is_heard_and_the_session_goes_on(name: str) -> None:
    """Lost while the leg moves or holds: told at once, the gap marked, what it fell into does not count."""
    drill = SHIPPED[name]
    working = {"test": "trial", "drill": "reps", "stretch": "stretch"}[drill.kind]
    if drill.position == "standing":
        # gravity shows nothing there: the zero is asked for anew, which needs somebody who is not held out
        working = "rest"
    since: list[float] = []

    def drop(guided: Guided) -> bool:
        if shown(guided, working):
            since.append(guided.t_s)
        return bool(since) and guided.t_s > since[0] + 2.5

    reps = 4 if drill.kind == "drill" else 0
    guided = Guided(drill, reps=reps, drop=drop).run()
    assert guided.keys.index("lost") + 1 == guided.keys.index("back")
    gaps = [gap for gap in of(Gap, guided.heard) if gap.cause == "link"]
    assert len(gaps) == 1
    for rep in guided.reps_found:
        if rep.start_ns < gaps[0].start_ns and rep.end_ns > gaps[0].end_ns:
            assert rep.verdict is Verdict.VOID
    if drill.kind == "drill":
        assert guided.summary["controlled"] == 4 * drill.sets
    if drill.kind == "test":
        assert len(guided.summary["legs"]["right"]["internal"]["trials"]) == 3
    if drill.position == "standing":
        assert guided.keys.count("tare.back") == guided.keys.count("tared") == 1
    if drill.kind == "stretch":
        assert sum(hold["seconds"] for hold in guided.summary["holds"]) > 0.8 * drill.hold_s


@pytest.mark.parametrize("name", SHIPPED)
def test_nothing_counts_in_a_pause(name: str) -> None:
    """Paused early in the work for twenty seconds, in which the leg is moved about: nothing of it counts."""
    drill = SHIPPED[name]
    working = {"test": "trial", "drill": "reps", "stretch": "stretch", "roll-out": "timer"}[drill.kind]
    since: list[float] = []

    def pause(guided: Guided) -> bool:
        if shown(guided, working) and not since:
            since.append(guided.t_s)
        return bool(since) and guided.t_s > since[0] + 1.5

    told = [
        Told(pause, MarkKind.PAUSE),
        Told(lambda guided: bool(since) and guided.t_s > since[0] + 20.5, MarkKind.RESUME),
    ]
    reps = 3 if drill.kind == "drill" else 0
    guided = Guided(drill, reps=reps, told=told, instead={"paused": [SLOW, SLOW, (Rest(2.0),)]}).run()
    begin, end = guided.keys.index("paused"), guided.keys.index("resumed")
    assert end == begin + 1, "nothing is said in a pause"
    paused_ns = [round((since[0] + s) * 1e9) for s in (1.5, 20.5)]
    assert not [rep for rep in guided.reps_found if paused_ns[0] < rep.peak_ns < paused_ns[1]]
    if drill.kind == "drill":
        assert guided.summary["controlled"] == 3 * drill.sets


@pytest.mark.parametrize("then", [[], [MarkKind.REDO]], ids=["taken", "brought"])
def test_in_a_pause_too_the_last_one_is_taken_back(then: list[MarkKind]) -> None:
    """Though the pause has closed its set: the count is one less, and is done once more."""
    told = [
        Told(lambda guided: reached(guided, 3), MarkKind.PAUSE),
        Told(lambda guided: guided.keys[-1:] == ["paused"], MarkKind.UNDO),
        *(Told(lambda guided: guided.keys[-1:] == ["undo"], kind) for kind in then),
        Told(lambda guided: guided.keys[-1:] in (["redo"], ["undo"]), MarkKind.RESUME),
    ]
    guided = drilled(told=told)
    assert guided.keys.count("undo") == 1 and guided.keys.count("redo") == len(then)
    assert guided.summary["controlled"] == 6 and guided.summary["reps"] == 6 + (not then)


def test_undo_and_redo_change_the_count() -> None:
    told = [
        Told(lambda guided: reached(guided, 4), MarkKind.UNDO),
        Told(lambda guided: guided.keys[-1:] == ["undo"], MarkKind.REDO),
        Told(lambda guided: guided.keys.count("redo") == 1 and reached(guided, 5), MarkKind.UNDO),
    ]
    guided = drilled(told=told)
    assert guided.keys.count("undo") == 2 and guided.keys.count("redo") == 1
    assert guided.summary["controlled"] == 6 and guided.summary["reps"] == 7


def turning(size_deg: float, guided_at: str) -> Any:
    """Return what turns the sensor in its strap from a step on."""
    state: dict[str, Any] = {}

    def turn(guided: Guided) -> Any:
        if shown(guided, guided_at) and "from" not in state:
            state["from"] = guided.t_s
        if "from" not in state:
            return None
        share = min(1.0, (guided.t_s - state["from"]) / 0.5)
        axis = np.array([0.6, 0.0, 0.8])
        return quaternion.conjugate(quaternion.from_rotation_vector(share * size_deg * RAD_PER_DEG * axis))

    return turn


def test_a_strap_that_slips_between_sets_is_told_and_zeroed_anew() -> None:
    """The new zero is taken by itself; the second set measures what the first did."""
    guided = Guided(SHIPPED["side-lying-activation"], reps=4, turn=turning(9.0, "rest")).run()
    assert guided.keys.count("slip") == 1 and guided.keys.count("tared") == 1
    assert len(of(Slip, guided.heard)) == 1 and len(of(Calibrated, guided.heard)) == 2
    assert guided.summary["controlled"] == 8
    controlled = [rep for rep in guided.reps_found if rep.verdict is Verdict.CONTROLLED]
    roms = np.degrees([rep.rom_rad for rep in controlled])
    assert roms.max() - roms.min() < 6.0


def test_strong_pain_ends_the_session() -> None:
    """Seven of ten after the first set: no second one."""
    guided = Guided(SHIPPED["side-lying-activation"], reps=3, answers={"warm": True, "pain": 7}).run()
    assert "pain.stop" in guided.keys and guided.summary["controlled"] == 3 and guided.summary["pain"] == 7


def test_with_pain_nothing_is_urged() -> None:
    """Three of ten: a short one is called smaller, not "further", and no best is shown to beat."""
    short = (Repetition(IR, 0.4 * FULL, 1.2, 0.3, 1.2), Rest(0.8))
    drill = SHIPPED["side-lying-activation"]
    guided = Guided(
        drill, reps=4, answers={"pain": 3}, instead={"reps": [SLOW] * 4 + [SLOW, short, SLOW]}
    ).run()
    assert "pain.gentle" in guided.keys
    after = guided.keys[guided.keys.index("pain.gentle") :]
    assert "reject.short-range" not in after and "reject.short-range.gentle" in after
    asked = min(n for n, each in enumerate(guided.heard) if getattr(each, "key", "") == "pain.gentle")
    later = [each for each in guided.heard[asked:] if getattr(each, "step", "") == "reps"]
    assert later and all(getattr(each, "best_rad", None) is None for each in later)


def test_who_does_not_answer_is_not_waited_for() -> None:
    guided = drilled(answers={})
    assert guided.summary["controlled"] == 6 and guided.summary["warmed_up"] is None


def test_a_step_can_be_left_out() -> None:
    """The question, the rest and a trial: skipped, told, and the session goes on."""
    told = [Told(lambda guided: shown(guided, "trial") and guided.show is not None, MarkKind.SKIP)]
    guided = Guided(PRONE, told=told).run()
    assert guided.keys.count("skipped") == 1
    trials = guided.summary["legs"]["right"]["internal"]["trials"]
    assert len(trials) == 2


def test_a_trial_that_is_not_held_is_repeated() -> None:
    hasty = (Repetition(IR, FULL, 1.8, 0.4, 1.8), Rest(1.0))
    guided = Guided(PRONE, instead={"trial": [(Rest(0.5),), hasty]}).run()
    assert guided.keys.count("trial.again") == 1
    assert len(guided.summary["legs"]["right"]["internal"]["trials"]) == 3


def test_the_strap_must_really_have_moved() -> None:
    """Told to move it, the person lies there for a while: told again, and only then it goes on."""
    lazy: Mapping[str, list[tuple[Element, ...]]] = {"switch": [(Rest(25.0),)]}
    guided = Guided(MOBILISE, reps=3, instead=lazy, options={"other_leg": True}).run()
    keys = guided.keys
    assert keys.index("switch") < keys.index("switch.same") < keys.index("switched") < keys.index("hold")


def test_leaving_a_stretch_early_is_told_and_ends_it() -> None:
    early = (Repetition(IR, FULL, 2.5, 8.0, 2.5), Rest(1.0))
    guided = Guided(LYING, instead={"stretch": [early]}).run()
    assert guided.keys.count("stretch.short") == 1 and guided.keys.count("stretch.back") == 1


def test_three_taps_end_a_rest() -> None:
    """Listened to only in the rest: three taps there, and the next set begins at once."""
    drill = SHIPPED["side-lying-activation"]
    without = Guided(drill, reps=3).run()
    skip = [Told(lambda guided: shown(guided, "rest"), MarkKind.SKIP)]
    with_skip = Guided(drill, reps=3, told=skip).run()
    assert with_skip.t_s < without.t_s - 30.0 and with_skip.summary["controlled"] == 6
    listening = [each.value["on"] for each in of(Mark, without.heard) if each.kind is MarkKind.LISTEN]
    assert listening == [True, False]


def test_the_beat_is_kept_while_asked_for() -> None:
    told = [
        Told(lambda guided: reached(guided, 1), MarkKind.METRONOME, {"bpm": 60}),
        Told(lambda guided: reached(guided, 4), MarkKind.METRONOME, {"bpm": 0}),
    ]
    guided = drilled(told=told)
    prompts = [each for each in guided.heard if isinstance(each, Prompt)]
    beats = [each.t_ns / 1e9 for each in prompts if each.key == "metronome"]
    assert len(beats) > 5 and np.diff(beats) == pytest.approx(1.0, abs=0.06)


def test_a_replay_needs_no_coach() -> None:
    """Everything that changed a result is a mark in the stream: the same repetitions come out."""
    guided = Guided(SHIPPED["side-lying-activation"], reps=3, turn=turning(8.0, "rest")).run()
    pipeline = Pipeline(
        config.core_params({**config.defaults(), **SHIPPED["side-lying-activation"].settings}),
        drivers.decoder,
    )
    again = [out for item in inputs_of(guided.heard) for out in pipeline.push(item)] + pipeline.finish()
    assert of(Rep, again) == guided.reps_found


FAST = (Repetition(IR, FULL, 0.35, 0.0, 0.4), Rest(0.8))


@pytest.mark.parametrize("fast", [False, True], ids=["well", "one-too-fast"])
def test_counted_at_the_turn_the_same_is_said_earlier(fast: bool) -> None:
    """The same repetitions come out; each number is said between turn and end, the last once more as done.

    One that is rejected afterwards is told why, and its number is said again with the next.
    """
    instead = {"reps": [SLOW, SLOW, SLOW, FAST]} if fast else {}
    at_end, at_turn = (drilled(instead=instead, options={"at_turn": each}) for each in (False, True))
    assert at_turn.reps_found == at_end.reps_found
    assert at_turn.summary == at_end.summary
    assert ("reject.too-fast" in at_turn.keys) is fast

    def counted(guided: Guided) -> list[tuple[int, int]]:
        prompts = [each for each in guided.heard if isinstance(each, Prompt) and each.key.startswith("count")]
        return [(int(each.say.partition(",")[0]), each.t_ns) for each in prompts]

    ends = dict(counted(at_end))
    assert list(ends) == [1, 2, 3, 4, 5, 6]
    *turns, done = counted(at_turn)
    assert done == (6, ends[6])
    assert [n for n, _ in turns] == ([1, 2, 3, 4, 4, 5, 6] if fast else [1, 2, 3, 4, 5, 6])
    for (_, t_ns), rep in zip(turns, at_turn.reps_found, strict=True):
        assert rep.peak_ns <= t_ns < rep.end_ns
