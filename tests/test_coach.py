"""The guided session: what is said, in what order, and what the coach puts into the stream."""

import dataclasses
import math
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import (
    RATE_HZ,
    STREAM,
    drill,
    guided,
    hip_angle,
    inputs_of,
    joined,
    of,
    prompts_of,
    regrouped,
    rng_of,
)
from hipturn.coach import Coach, Phase, Prompt, Show, marks, words
from hipturn.coach.scene import LATELY_NS, Lately
from hipturn.core.pipeline import CoreParams
from hipturn.core.verdict import Standard
from hipturn.model import (
    Calibrated,
    Direction,
    FloatArray,
    HipAngle,
    HostNs,
    Input,
    LinkDown,
    LinkUp,
    Mark,
    MarkKind,
    Overrun,
    Packets,
    Rep,
    SessionStart,
    Side,
)
from hipturn.session import Heard
from hipturn.sources import simulated
from hipturn.sources.body import (
    Element,
    Leg,
    Motion,
    Repetition,
    Rest,
    Script,
    Shift,
    calibration_elements,
    drill_script,
    simulate,
)
from hipturn.units import DEG_PER_RAD, NS_PER_S, RAD_PER_DEG

IR = Direction.INTERNAL
REP = Repetition(IR, 25.0 * RAD_PER_DEG)
SET: tuple[Element, ...] = (REP, Rest(0.6), REP, Rest(2.0))
ROTATIONS = calibration_elements()[1:]
"""What follows the hold."""
GUIDED = [
    "connected, right leg: keep still",
    "good: now turn the leg slowly, 3 times",
    "1",
    "2",
    "3",
    "calibrated, good: 2 repetitions, slow and controlled",
    "1",
    "2, done",
]
"""What is said where all goes well."""


def done(*elements: Element, side: Side = Side.RIGHT, seed: int = 0) -> Motion:
    return simulate(Leg.random(seed, side), Script(elements), RATE_HZ, seed)


def session(
    items: Iterable[Input], coach: Coach, params: CoreParams | None = None, samples: int = 5
) -> list[Heard]:
    return guided(regrouped(items, lambda: samples), coach, params)


def transcript(
    items: Iterable[Input], side: Side = Side.RIGHT, params: CoreParams | None = None
) -> list[str]:
    """Return what a coach for two repetitions says."""
    return prompts_of(session(items, Coach(STREAM, Side.RIGHT, 2), params))


# --- all goes well ------------------------------------------------------------------------------


def test_the_whole_session_word_for_word() -> None:
    """Every prompt with its sound and its second, between the marks, as one packet a sample would have it."""
    motion = done(Rest(6.0), *ROTATIONS, *SET)
    coach = Coach(STREAM, Side.RIGHT, 2)
    told: list[str] = []
    for each in session(simulated.inputs(motion), coach, samples=1):
        match each:
            case Prompt():
                told.append(f"{each.t_ns / NS_PER_S:4.1f} {each.say} ({each.earcon})")
            case Mark():
                told.append(f"--> {each.kind}")
    assert told == [
        " 0.0 connected, right leg: keep still (connected)",
        "--> side",
        "--> bias",
        " 5.7 good: now turn the leg slowly, 3 times (tare-done)",
        " 8.5 1 (tick)",
        "11.8 2 (tick)",
        "15.1 3 (tick)",
        "16.1 calibrated, good: 2 repetitions, slow and controlled (tare-done)",
        "--> calibration",
        "20.3 1 (counted)",
        "23.5 2, done (target)",
    ]
    assert coach.phase is Phase.DONE and coach.controlled == 2


def test_the_phases_follow_each_other() -> None:
    """What the person is to do is known at any moment."""
    coach = Coach(STREAM, Side.RIGHT, 2)
    seen = [coach.phase]

    motion = done(Rest(6.0), *ROTATIONS, *SET)
    for each in session(simulated.inputs(motion), Coach(STREAM, Side.RIGHT, 2)):
        if not isinstance(each, Prompt | Show):
            coach.push(each)
            if coach.phase is not seen[-1]:
                seen.append(coach.phase)
    assert seen == [Phase.WAITING, Phase.HOLD, Phase.ROTATIONS, Phase.DRILL, Phase.DONE]


@pytest.mark.parametrize("side", Side)
def test_either_leg(side: Side) -> None:
    """The left leg hears of the left leg; internal is internal for both."""
    motion = done(Rest(6.0), *ROTATIONS, *SET, side=side)
    heard = session(simulated.inputs(motion), Coach(STREAM, side, 2))
    assert prompts_of(heard) == [line.replace("right", side.value) for line in GUIDED]
    assert [(rep.side, rep.direction) for rep in of(Rep, heard)] == [(side, IR)] * 2


def test_without_a_target_it_goes_on_until_stopped() -> None:
    motion = drill(1)
    coach = Coach(STREAM, motion.leg.side, 0)
    said = prompts_of(session(simulated.inputs(motion), coach))
    assert said[5:] == ["calibrated, good: begin, slow and controlled", "1", "2", "3", "4", "5"]
    assert coach.phase is Phase.DRILL


def test_the_marks_enter_by_the_same_door_right_behind_what_led_to_them() -> None:
    """In order, once each, with the arrival of the packet before them, and before any other input."""
    motion = done(Rest(6.0), *ROTATIONS, *SET)
    inputs = inputs_of(session(simulated.inputs(motion), Coach(STREAM, Side.RIGHT, 2)))
    at = [i for i, item in enumerate(inputs) if isinstance(item, Mark)]
    assert [inputs[i].kind for i in at] == [MarkKind.SIDE, MarkKind.BIAS, MarkKind.CALIBRATION]  # type: ignore[union-attr]
    assert isinstance(inputs[0], SessionStart) and isinstance(inputs[1], LinkUp) and at[0] == 2
    for i in at[1:]:
        mark, before = inputs[i], inputs[i - 1]
        assert isinstance(mark, Mark) and isinstance(before, Packets)
        assert mark.at_ns == before.at_ns[-1]
        assert mark.stream == STREAM


def test_a_replay_needs_no_coach() -> None:
    """The inputs with the marks in them give the outputs the guided session gave."""
    motion = drill(3)
    heard = session(simulated.inputs(motion), Coach(STREAM, motion.leg.side, 0))
    again = guided(inputs_of(heard)[1:], Coach("nobody's stream", Side.RIGHT, 0))
    for kind in (Calibrated, Rep):
        assert of(kind, again) == of(kind, heard) != []
    assert prompts_of(again) == []


# --- how good the calibration is ------------------------------------------------------------------


def errors_deg(heard: Iterable[Heard], motion: Motion) -> FloatArray:
    angle = joined(of(HipAngle, heard))
    true = np.interp(angle["t_ns"] / NS_PER_S, motion.t_s, motion.angle_rad)
    errors: FloatArray = (angle["angle_rad"] - true) * DEG_PER_RAD
    return errors


def test_axis_and_zero_of_a_guided_session() -> None:
    """Any mounting, either leg, gyro bias up to 1 °/s an axis: median axis error within 1.5°, and the zero
    within 0.15° of where the leg rested, because it is taken after the filter knows the bias."""
    axes_deg = []
    for seed in range(12):
        motion = simulate(Leg.random(seed), drill_script(1, seed), RATE_HZ, seed)
        heard = session(simulated.inputs(motion), Coach(STREAM, motion.leg.side, 0))
        (calibrated,) = of(Calibrated, heard)
        found = calibrated.calibration
        axes_deg.append(math.acos(min(1.0, np.dot(found.axis_sensor, motion.leg.axis_sensor))) * DEG_PER_RAD)
        assert abs(np.median(errors_deg(heard, motion))) < 0.15
        np.testing.assert_allclose(
            found.gyr_bias_radps, motion.leg.gyr_bias_radps, atol=0.06 * RAD_PER_DEG, err_msg=str(seed)
        )
    assert np.median(axes_deg) <= 1.5
    assert max(axes_deg) <= 3.0


# --- movement and refusal -------------------------------------------------------------------------


@pytest.mark.parametrize("moved_s", [0.5, 3.0, 4.9, 5.3])
def test_movement_during_the_hold_restarts_it(moved_s: float) -> None:
    """Until the leg has kept still for all of it nobody is asked to turn; zero is then the new pose."""
    motion = done(Rest(moved_s), Shift(1.0, angle_rad=0.3), Rest(6.5), *ROTATIONS, *SET)
    heard = session(simulated.inputs(motion), Coach(STREAM, Side.RIGHT, 2))
    assert prompts_of(heard) == GUIDED
    asked_s = next(p.t_ns for p in heard if isinstance(p, Prompt) and p.say == GUIDED[1]) / NS_PER_S
    # a bias known before the movement stays known; soft tissue swings on for a moment after it
    needed_s = 5.7 if moved_s < 5.0 else 0.7
    assert 0.0 < asked_s - (moved_s + 1.0 + needed_s) + 0.1 < 0.6
    assert np.median(errors_deg(heard, motion)) == pytest.approx(-0.3 * DEG_PER_RAD, abs=0.3)


def test_who_never_keeps_still_is_never_asked_to_turn() -> None:
    fidgets = [Shift(0.5, angle_rad=angle) for angle in (0.1, -0.1) * 20]
    heard = session(simulated.inputs(done(*fidgets)), Coach(STREAM, Side.RIGHT, 2))
    assert prompts_of(heard) == GUIDED[:1]
    assert [mark.kind for mark in of(Mark, heard)] == [MarkKind.SIDE]


def wobbly(*knees_deg: float) -> list[Element]:
    turns = [
        Repetition(IR, 20.0 * RAD_PER_DEG, out_s=1.4, return_s=1.4, knee_rad=knee_deg * RAD_PER_DEG)
        for knee_deg in knees_deg
    ]
    return [element for turn in turns for element in (turn, Rest(0.3))]


def test_a_refused_calibration_is_repeated_with_its_reason() -> None:
    """Hold and rotations begin again, and the calibration is then the second attempt's alone."""
    motion = done(Rest(6.0), *wobbly(8.0, -8.0, 8.0), Rest(8.0), *ROTATIONS, *SET)
    heard = session(simulated.inputs(motion), Coach(STREAM, Side.RIGHT, 2))
    said = prompts_of(heard)
    assert said[:5] == GUIDED[:5]
    assert said[5].startswith("again, please: the rotations differ by ")
    assert said[5].endswith("% of the movement was about one axis: keep the knee still and repeat")
    assert said[6:] == GUIDED[1:]
    (calibrated,) = of(Calibrated, heard)
    assert calibrated.calibration.grade == "good"
    assert [mark.kind for mark in of(Mark, heard)] == [
        MarkKind.SIDE,
        MarkKind.BIAS,
        MarkKind.BIAS,
        MarkKind.CALIBRATION,
    ]


def test_the_calibration_waits_for_the_leg_to_rest() -> None:
    """A fourth rotation, or a pause out at its end, is no end of the calibration."""
    fourth = Repetition(IR, 20.0 * RAD_PER_DEG, out_s=1.4, hold_s=2.0, return_s=1.4)
    motion = done(Rest(6.0), *ROTATIONS[:-1], Rest(0.3), fourth, Rest(2.0), *SET)
    said = prompts_of(session(simulated.inputs(motion), Coach(STREAM, Side.RIGHT, 2)))
    assert said == [*GUIDED[:5], "4", *GUIDED[5:]]


# --- losses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_random_losses_do_not_hold_up_the_calibration(seed: int) -> None:
    """5 % of the packets lost, several in a row among them: bridged, so nobody is asked to begin again."""
    motion = done(Rest(6.0), *ROTATIONS, *SET, seed=seed)
    lost = set(np.flatnonzero(rng_of(seed).random(len(motion.t_s)) < 0.05).tolist()) - {0}
    assert any(i + 1 in lost for i in lost)
    assert transcript(simulated.inputs(motion, lost=lost)) == GUIDED


def test_a_long_loss_in_the_hold_restarts_it() -> None:
    """What happened meanwhile nobody knows."""
    motion = done(Rest(9.5), *ROTATIONS, *SET)
    said = transcript(simulated.inputs(motion, lost=range(200, 260)))
    assert said == [GUIDED[0], "data was lost: again, keep still", *GUIDED[1:]]


def test_a_long_loss_in_the_rotations_goes_back_to_the_hold() -> None:
    motion = done(Rest(6.0), *ROTATIONS[:1], Rest(8.0), *ROTATIONS, *SET)
    said = transcript(simulated.inputs(motion, lost=range(700, 740)))
    assert said == [*GUIDED[:2], "data was lost: again, keep still", *GUIDED[1:]]


def with_lost_link(motion: Motion, from_s: float, to_s: float, reason: str = "lost") -> list[Input]:
    items: list[Input] = []
    down_ns, up_ns = HostNs(round(from_s * NS_PER_S)), HostNs(round(to_s * NS_PER_S))
    up: Input | None = LinkUp(STREAM, up_ns, simulated.info(motion))
    for item in simulated.inputs(motion):
        if isinstance(item, Packets) and item.at_ns[0] >= down_ns and up is not None:
            if item.at_ns[0] < up_ns:
                continue
            items += [LinkDown(STREAM, down_ns, reason), up]
            up = None
        items.append(item)
    return items


@pytest.mark.parametrize(("from_s", "said_before"), [(3.0, 1), (7.0, 2)])
def test_a_link_lost_in_the_calibration_begins_it_anew(from_s: float, said_before: int) -> None:
    """Told once when it is lost and once when it is back."""
    motion = done(Rest(6.0), *ROTATIONS[:1], Rest(9.0), *ROTATIONS, *SET)
    if from_s < 6.0:
        motion = done(Rest(10.5), *ROTATIONS, *SET)
    said = transcript(with_lost_link(motion, from_s, from_s + 1.0))
    assert said == [*GUIDED[:said_before], "sensor lost, keep still, I am reconnecting", *GUIDED]


def test_a_link_lost_in_the_drill_goes_on_with_the_same_calibration() -> None:
    """Nobody calibrates again: the strap has not moved; what fell into it does not count."""
    motion = done(Rest(6.0), *ROTATIONS, REP, Rest(0.6), REP, Rest(8.0), REP, Rest(2.0))
    in_second_s = 6.0 + sum(s.seconds if isinstance(s, Rest) else 3.0 for s in ROTATIONS) + 2.7 + 0.6 + 1.0
    heard = session(with_lost_link(motion, in_second_s, in_second_s + 0.5), Coach(STREAM, Side.RIGHT, 2))
    assert prompts_of(heard) == [
        *GUIDED[:7],
        "sensor lost, keep still, I am reconnecting",
        "sensor back, go on",
        "data lost",
        "2, done",
    ]
    assert len(of(Calibrated, heard)) == 1


def test_after_the_end_nothing_more_is_said() -> None:
    """Neither of further repetitions nor of the link."""
    motion = done(Rest(6.0), *ROTATIONS, *SET, REP, Rest(1.0), REP, Rest(1.0))
    end_s = float(motion.t_s[-1]) - 1.0
    assert transcript(with_lost_link(motion, end_s, end_s + 0.5)) == GUIDED


def test_a_link_that_was_meant_to_end_is_not_lamented() -> None:
    motion = done(Rest(3.0))
    assert transcript(with_lost_link(motion, 2.0, 2.5, "stopped")) == [GUIDED[0], GUIDED[0]]


def test_another_sensor_is_none_of_its_business() -> None:
    """Inputs and outputs of other streams change nothing."""
    coach = Coach(STREAM, Side.RIGHT, 2)
    other = simulated.inputs(done(Rest(1.0)), stream="other")
    assert coach.push(next(other)) == [] and coach.phase is Phase.WAITING
    assert coach.push(LinkDown("other", HostNs(0), "lost")) == []
    assert coach.push(Overrun(STREAM, HostNs(0), 3)) == []


def test_a_sensor_left_lying_is_not_kept_for_ever_and_the_session_goes_on_where_it_was() -> None:
    """Between the hold and the rotations nobody comes for longer than is looked back on."""
    away_s = LATELY_NS / NS_PER_S + 20.0
    assert transcript(simulated.inputs(done(Rest(6.0 + away_s), *ROTATIONS, *SET))) == GUIDED


@given(st.lists(st.floats(0.01, 200.0), min_size=1, max_size=40))
def test_lately_is_minutes_whatever_the_blocks(lengths_s: list[float]) -> None:
    """What is kept is the newest, in order, and no more of it than one block beyond the time."""
    lately: Lately[HipAngle] = Lately()
    blocks, start_ns = [], 0
    for length_s in lengths_s:
        blocks.append(hip_angle(np.zeros(max(1, round(length_s * 10))), 10.0, start_ns))
        start_ns = int(blocks[-1].t_ns[-1]) + NS_PER_S // 10
        lately.push(blocks[-1])
    kept = lately.take()
    assert kept == blocks[-len(kept) :] and not lately.take()
    last_ns = int(kept[-1].t_ns[-1])
    assert last_ns - int(kept[0].t_ns[-1]) <= LATELY_NS
    assert len(kept) == len(blocks) or last_ns - int(blocks[-len(kept) - 1].t_ns[-1]) > LATELY_NS


# --- what counts --------------------------------------------------------------------------------


def test_only_controlled_repetitions_count_and_others_hear_why() -> None:
    """In a word or two, and the count waits."""
    fast = dataclasses.replace(REP, out_s=0.4, return_s=0.4)
    short = dataclasses.replace(REP, rom_rad=12.0 * RAD_PER_DEG)
    bad = [element for rep in (fast, short) for element in (rep, Rest(0.8))]
    motion = done(Rest(6.0), *ROTATIONS, REP, Rest(0.6), *bad, REP, Rest(2.0))
    standard = Standard(target_rad=25.0 * RAD_PER_DEG, min_rep_s=1.5)
    said = transcript(simulated.inputs(motion), params=CoreParams(standard=standard))
    assert said == [*GUIDED[:7], "too fast", "further", "2, done"]


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_every_reason_has_words(language: str) -> None:
    """At most two, as one can take in while moving."""
    told = {key.partition(".")[2]: text for key, text in words.names(language, "reject").items()}
    told.pop("short-range.gentle")
    assert {"too-fast", "short-range", "no-hold", "off-axis", "no-return", "data-gap"} <= told.keys()
    assert all(1 <= len(text.split()) <= 2 for text in told.values())


def test_marks_are_stamped_with_the_arrival() -> None:
    said: list[Prompt | Mark] = [Prompt(5, "1"), Mark(STREAM, HostNs(0), MarkKind.NOTE, {"text": "x"})]
    assert marks(said, HostNs(7)) == [Mark(STREAM, HostNs(7), MarkKind.NOTE, {"text": "x"})]
