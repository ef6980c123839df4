"""Every drill × everything that goes wrong, as a table: each cell a session that comes to its end.

What is said and entered stands in transcripts/mishaps/, a file a mishap, to be read. After a change that is
meant, HIPTURN_REWRITE=1 writes them anew. The sessions are short (`SHORT`), so that they can be read.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from builders import of
from guided_runs import Guided, Told
from hipturn import drills
from hipturn.coach import Drill
from hipturn.core import quaternion
from hipturn.model import Calibrated, Direction, Gap, MarkKind, Side, Slip, Verdict
from hipturn.sources.body import Element, Leg, Repetition, Rest, Script, simulate
from hipturn.units import RAD_PER_DEG

FOLDER = Path(__file__).parent / "transcripts" / "mishaps"
IR, ER = Direction.INTERNAL, Direction.EXTERNAL
FULL = 31.0 * RAD_PER_DEG
KINDS = ("test", "drill", "stretch", "roll-out")
WORK = {"test": "trial", "drill": "reps", "stretch": "stretch", "roll-out": "timer"}
SHORT: Mapping[str, Mapping[str, Any]] = {
    "test": {"reps": 1, "hold_s": 2.0},
    "drill": {"reps": 4, "rest_s": 6.0},
    "stretch": {"reps": 1, "hold_s": 8.0},
    "roll-out": {"reps": 2, "hold_s": 8.0, "rest_s": 0.0},
}
SHIPPED: Mapping[str, Drill] = {
    name: replace(drill, **SHORT[drill.kind]) for name, drill in drills.load().drills.items()
}
WAITS: tuple[Element, ...] = (Rest(7.0),)


def once(drill: Drill, seconds: float = 0.5, step: str = "") -> Callable[[Guided], bool]:
    """Return what is true once, so long after the work, or another step, has begun."""
    since: list[float] = []

    def when(guided: Guided) -> bool:
        if not since and guided.show is not None and guided.show.step == (step or WORK[drill.kind]):
            since.append(guided.t_s)
        return bool(since) and guided.t_s >= since[0] + seconds

    return when


def said(key: str) -> Callable[[Guided], bool]:
    """Return what is true as soon as something was said."""
    return lambda guided: key in guided.keys


def slipped(drill: Drill) -> Mapping[str, Any]:
    """Return a strap that turns by 9° within half a second, while the person waits in the start pose."""
    begun = once(drill, 0.5)
    since: list[float] = []
    # about a level direction: of a turn about the vertical gravity shows nothing
    leg = Leg.random(1, Side.RIGHT, drill.position or "prone").without_errors()
    up = quaternion.up_in_sensor(simulate(leg, Script((Rest(0.1),))).q_earth_from_sensor[:1])[0]
    level = np.cross(up, np.eye(3)[int(np.abs(up).argmin())])
    axis = level / np.linalg.norm(level)

    def turn(guided: Guided) -> Any:
        if begun(guided) and not since:
            since.append(guided.t_s)
        if not since:
            return None
        share = min(1.0, (guided.t_s - since[0]) / 0.5)
        return quaternion.conjugate(quaternion.from_rotation_vector(share * 9.0 * RAD_PER_DEG * axis))

    return {"turn": turn, "instead": {WORK[drill.kind]: [WAITS]}}


def lost(drill: Drill) -> Mapping[str, Any]:
    begun = once(drill, 0.5)
    return {"drop": begun, "instead": {WORK[drill.kind]: [WAITS]}}


def marked(kind: MarkKind, value: Mapping[str, Any] | None = None) -> Callable[[Drill], Mapping[str, Any]]:
    return lambda drill: {"told": [Told(once(drill), kind, value or {})]}


def refused(_: Drill) -> Mapping[str, Any]:
    wild = [
        (Repetition(IR, 0.35, 1.4, 0.2, 1.4, knee_rad=knee, kind="calibration"), Rest(0.8))
        for knee in (0.6, -0.5, 0.6)
    ]
    return {"instead": {"rotations": wild}}


def not_moved(_: Drill) -> Mapping[str, Any]:
    return {"instead": {"switch": [(Rest(25.0),)]}, "options": {"other_leg": True}}


def pause_and_resume(drill: Drill) -> Mapping[str, Any]:
    told = [Told(once(drill), MarkKind.PAUSE), Told(once(drill, 2.5), MarkKind.RESUME)]
    return {"told": told}


def undo_and_redo(drill: Drill) -> Mapping[str, Any]:
    """Return both, after the first repetition or trial that counts."""
    first = said("trial.value") if drill.kind == "test" else said("count")
    if drill.kind in ("stretch", "roll-out"):
        first = once(drill)
    return {"told": [Told(first, MarkKind.UNDO), Told(lambda g: _undone(g), MarkKind.REDO)]}


def _undone(guided: Guided) -> bool:
    return any(key.startswith("undo") for key in guided.keys)


def instead(step: str, *movements: tuple[Element, ...]) -> Callable[[Drill], Mapping[str, Any]]:
    return lambda _: {"instead": {step: list(movements)}}


GOOD = (Repetition(IR, FULL, 1.2, 0.3, 1.2), Rest(0.6))
FAST = (Repetition(IR, FULL, 0.35, 0.0, 0.4), Rest(0.8))
BENT = 20.0 * RAD_PER_DEG
OTHER = (Repetition(ER, FULL, 1.2, 0.3, 1.2), Rest(0.8))
IN = (Repetition(IR, FULL, 1.8, 3.0, 1.8), Rest(1.0))
IN_LONG = (Repetition(IR, FULL, 1.8, 6.0, 1.8), Rest(1.0))
OTHER_HELD = (Repetition(ER, FULL, 1.8, 3.0, 1.8), Rest(1.0))


@dataclass(frozen=True)
class Mishap:
    """Something that goes wrong: in which drills, how, and what must have been said."""

    how: Callable[[Drill], Mapping[str, Any]]
    says: tuple[str, ...]
    kinds: tuple[str, ...] = KINDS
    without: tuple[str, ...] = field(default=())
    """Drills in which it cannot be seen."""


MEASURED = ("test", "drill", "stretch")
MISHAPS: Mapping[str, Mishap] = {
    # gravity shows nothing of a standing leg's rotation, nor of a strap that slips there
    "slip": Mishap(slipped, ("slip", "tared"), MEASURED, without=("standing",)),
    "loss-and-return": Mishap(lost, ("lost", "back")),
    "low-battery": Mishap(marked(MarkKind.BATTERY, {"percent": 9}), ("battery-low",)),
    "refused-calibration": Mishap(refused, ("again",), MEASURED),
    "strap-not-moved": Mishap(not_moved, ("switch.same", "switched")),
    "pain": Mishap(lambda _: {"answers": {"warm": True, "pain": 4}}, ("pain.gentle",), MEASURED),
    "strong-pain": Mishap(lambda _: {"answers": {"warm": True, "pain": 8}}, ("pain.stop",), MEASURED),
    "no-answer": Mishap(lambda _: {"answers": {}}, ("question.pain",), MEASURED),
    "undo-and-redo": Mishap(undo_and_redo, ()),
    "pause-and-resume": Mishap(pause_and_resume, ("paused", "resumed")),
    "button": Mishap(
        lambda drill: {"pressed": [once(drill, s) for s in (0.5, 2.5)]}, ("paused", "resumed"), MEASURED
    ),
    "stop": Mishap(marked(MarkKind.STOP), ("done",)),
    "skip": Mishap(marked(MarkKind.SKIP), ()),
    "too-fast": Mishap(instead("reps", GOOD, GOOD, GOOD, FAST), ("reject.too-fast",), ("drill",)),
    "other-way": Mishap(instead("reps", GOOD, OTHER), ("reject.direction",), ("drill",)),
    "wrong-leg": Mishap(instead("reps", OTHER, OTHER, OTHER), ("wrong-leg",), ("drill",)),
    "pose-pauses-and-goes-on": Mishap(
        lambda _: {
            "instead": {
                "reps": [GOOD, OTHER_HELD],
                "paused": [(Rest(2.0),), IN],
            }
        },
        ("paused.pose", "resumed"),
        ("drill",),
    ),
    "pose-takes-back": Mishap(
        lambda _: {"instead": {"reps": [GOOD, OTHER_HELD], "paused": [(Rest(2.0),), IN_LONG, IN]}},
        ("paused.pose", "undo", "resumed"),
        ("drill",),
    ),
    "pose-takes-back-and-brings-back": Mishap(
        lambda drill: {
            "told": [Told(said("trial.value" if drill.kind == "test" else "count"), MarkKind.PAUSE)],
            "instead": {"paused": [(Rest(2.0),), IN_LONG, IN_LONG, IN]},
        },
        ("paused", "resumed"),
        ("drill", "test"),
    ),
    "pose-ends-it": Mishap(
        lambda _: {"instead": {"reps": [GOOD, OTHER_HELD], "paused": [(Rest(2.0),), OTHER_HELD]}},
        ("paused.pose",),
        ("drill",),
    ),
    "not-held": Mishap(
        instead("trial", (Rest(0.5), Repetition(IR, FULL, 1.8, 0.3, 1.8), Rest(1.0))),
        ("trial.again",),
        ("test",),
    ),
    "knee-not-at-a-right-angle": Mishap(
        instead("trial", (Rest(0.5), Repetition(IR, FULL, 1.8, 4.5, 1.8, knee_rad=BENT), Rest(1.0))),
        ("knee",),
        ("test",),
    ),
    "no-standing": Mishap(
        lambda drill: {"told": [Told(once(drill, 1.0, "stand"), MarkKind.SKIP)]},
        ("stand.without",),
        ("test",),
    ),
    "left-early": Mishap(
        instead("stretch", (Repetition(IR, FULL, 2.0, 4.0, 2.0), Rest(1.0))), ("stretch.short",), ("stretch",)
    ),
}
TABLE = [
    (mishap, name)
    for mishap, about in MISHAPS.items()
    for name, drill in SHIPPED.items()
    if drill.kind in about.kinds and name not in about.without
]


def session(mishap: str, name: str) -> Guided:
    drill = SHIPPED[name]
    options = dict(MISHAPS[mishap].how(drill))
    return Guided(drill, Side.RIGHT, together=2, **options).run()


@pytest.mark.parametrize("mishap", MISHAPS)
def test_each_drill_comes_through_each_mishap(mishap: str) -> None:
    """The session ends by itself with a result, what must be said is said, and its transcript is as kept."""
    told = []
    for name in [drill for kind, drill in TABLE if kind == mishap]:
        guided = session(mishap, name)
        missing = set(MISHAPS[mishap].says) - set(guided.keys)
        assert not missing, f"{name}: {missing} never said\n{guided.transcript()}"
        assert guided.keys[-1] == "done", name
        _holds(mishap, name, guided)
        told.append(guided.transcript())
    path = FOLDER / f"{mishap}.txt"
    if os.environ.get("HIPTURN_REWRITE"):
        FOLDER.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(told), encoding="utf-8")
    assert "\n".join(told) == path.read_text(encoding="utf-8")


def _holds(mishap: str, name: str, guided: Guided) -> None:
    """Check what must be so of a result after each mishap."""
    drill, summary = SHIPPED[name], guided.summary
    whole = mishap not in ("stop", "skip", "strong-pain", "pose-ends-it")
    match drill.kind:
        case "drill" if whole:
            # a repetition taken back is done once more, so that the count is reached all the same
            assert summary["controlled"] == drill.reps * drill.sets, name
        case "test" if whole:
            leg = summary["legs"]["right"]
            assert {way: len(leg[way]["trials"]) for way in ("internal", "external")} == {
                "internal": 1,
                "external": 1,
            }, name
            # a knee that bends with the rotation is warned of because it does change what is measured
            wrong = 6.0 if mishap == "knee-not-at-a-right-angle" else 2.0
            assert leg["arc_deg"] == pytest.approx(65.0, abs=wrong), name
        case "stretch" if whole and mishap != "left-early":
            assert sum(hold["seconds"] for hold in summary["holds"]) > 0.8 * drill.hold_s, name
    match mishap:
        case "slip":
            # both calibrations are kept, and what was measured before stays as it was
            assert len(of(Slip, guided.heard)) == 1 and len(of(Calibrated, guided.heard)) == 2, name
            assert summary["slips"][0]["tilt_deg"] == pytest.approx(9.0, abs=1.0), name
        case "loss-and-return":
            gaps = [gap for gap in of(Gap, guided.heard) if gap.cause == "link"]
            assert len(gaps) == 1, name
            within = [
                rep
                for rep in guided.reps_found
                if rep.start_ns < gaps[0].start_ns and rep.end_ns > gaps[0].end_ns
            ]
            assert all(rep.verdict is Verdict.VOID for rep in within), name
        case "pose-takes-back":
            assert guided.keys.count("undo") == 1 and summary["reps"] > summary["controlled"], name
        case "pose-takes-back-and-brings-back":
            corrected = [key for key in guided.keys if key.split(".")[0] in ("undo", "redo")]
            assert [key.split(".")[0] for key in corrected] == ["undo", "redo"], name
            assert not any(key.endswith("nothing") for key in corrected), name
            assert summary["reps"] == len(guided.reps_found), name
        case "pose-ends-it":
            assert summary["controlled"] == 1, name
        case "strong-pain" if drill.sets > 1:
            assert summary["controlled"] < drill.reps * drill.sets, name
        case "pain" | "strong-pain":
            after = guided.keys[guided.keys.index("question.pain") :]
            assert "reject.short-range" not in after, name
