"""What the tests of the core are built from: traces, samples, inputs of a simulated leg, random cuts."""

import dataclasses
import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from hypothesis import strategies as st

from hipturn import drivers
from hipturn.coach import Coach, Prompt
from hipturn.core.fusion import Fusion, FusionParams
from hipturn.core.pipeline import CoreParams, Pipeline
from hipturn.drivers import table
from hipturn.model import (
    FloatArray,
    HipAngle,
    HostNs,
    Input,
    IntArray,
    LinkUp,
    Orientation,
    Output,
    Packets,
    RawSamples,
    Samples,
    SessionStart,
    Side,
)
from hipturn.session import Heard, Recording, Session
from hipturn.sources import simulated
from hipturn.sources.body import (
    Element,
    Leg,
    Motion,
    Position,
    Script,
    drill_script,
    simulate,
)
from hipturn.sources.body.script import TrueRep, lay_out
from hipturn.units import NS_PER_S

STREAM = simulated.STREAM
HOLD_S = 5.5
"""Part of a script's still hold of 6 s that is surely still."""
RATE_HZ = 100.0
TILTED: tuple[Position, ...] = ("prone", "seated", "seated-floor", "side-lying")
"""Positions in which gravity shows the rotation."""
START = SessionStart("test", "2026-01-01T12:00:00+00:00")

Block = TypeVar("Block", RawSamples, Samples, Orientation, HipAngle, Packets)


# --- cutting and comparing ----------------------------------------------------------------------


def _arrays(block: object) -> dict[str, Any]:
    assert dataclasses.is_dataclass(block)
    values = {field.name: getattr(block, field.name) for field in dataclasses.fields(block)}
    return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}


def split(block: Block, cuts: Iterable[int]) -> list[Block]:
    """Return the block cut before the given rows."""
    arrays = _arrays(block)
    rows: int = len(next(iter(arrays.values())))
    edges = sorted({0, rows, *(cut for cut in cuts if 0 < cut < rows)})
    return [
        dataclasses.replace(block, **{name: values[a:b] for name, values in arrays.items()})
        for a, b in pairwise(edges)
    ]


def one_by_one(block: Block) -> list[Block]:
    return split(block, range(len(next(iter(_arrays(block).values())))))


def joined(blocks: Sequence[object]) -> dict[str, Any]:
    """Return the arrays of consecutive blocks, each as one."""
    columns = [_arrays(block) for block in blocks]
    return {name: np.concatenate([each[name] for each in columns]) for name in columns[0]}


def assert_same_bits(a: dict[str, Any], b: dict[str, Any]) -> None:
    """Equal to the last bit, so that no rounding depends on the cuts."""
    assert a.keys() == b.keys()
    for name in a:
        assert a[name].dtype == b[name].dtype and a[name].shape == b[name].shape, name
        # a difference is easier to read as numbers
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)
        assert a[name].tobytes() == b[name].tobytes(), f"{name} differs in the sign of a zero"


def cuts(rows: int) -> st.SearchStrategy[list[int]]:
    """Any places to cut so many rows: few, many, or everywhere."""
    places = st.lists(st.integers(1, max(1, rows - 1)), max_size=12)
    return places | st.just(list(range(rows))) | st.integers(2, 9).map(lambda n: list(range(0, rows, n)))


def rng_of(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


unit_quaternions = (
    st.lists(st.floats(-1.0, 1.0), min_size=4, max_size=4)
    .filter(lambda q: math.hypot(*q) > 0.1)
    .map(lambda q: np.array(q) / math.hypot(*q))
)
unit_vectors = (
    st.lists(st.floats(-1.0, 1.0), min_size=3, max_size=3)
    .filter(lambda v: math.hypot(*v) > 0.1)
    .map(lambda v: np.array(v) / math.hypot(*v))
)


# --- angle over time, without a leg -------------------------------------------------------------


def hip_angle(angle_rad: FloatArray, rate_hz: float = RATE_HZ, start_ns: int = 0) -> HipAngle:
    """Return an angle trace as the core would; the rate is its gradient, off-axis nothing."""
    angle = np.asarray(angle_rad, np.float64)
    rows = len(angle)
    t_ns: IntArray = start_ns + np.rint(np.arange(rows) * NS_PER_S / rate_hz).astype(np.int64)
    rate = np.gradient(angle, 1.0 / rate_hz) if rows > 1 else np.zeros(rows)
    none = np.zeros(rows, np.int64)
    return HipAngle(STREAM, t_ns, angle, rate, np.zeros(rows), angle, none, np.ones(rows, np.bool_))


def course(*elements: Element, rate_hz: float = RATE_HZ) -> tuple[HipAngle, list[TrueRep]]:
    """Return minimum-jerk movements as a trace with its exact rate, and the repetitions in it."""
    timeline = lay_out(Script(elements))
    t_s = np.arange(int(timeline.duration_s * rate_hz + 1e-6) + 1) / rate_hz
    turning, trembling = timeline.angle.course(t_s), timeline.tremor(t_s)
    trace = hip_angle(turning.value + trembling.value, rate_hz)
    return dataclasses.replace(trace, rate_radps=turning.rate + trembling.rate), timeline.reps


# --- inputs of a simulated leg ------------------------------------------------------------------


def fused(motion: Motion) -> Orientation:
    """Return what the default filter makes of a motion; the bias of its hold is given to it after 5.5 s."""
    rows = len(motion.t_s)
    t_ns = np.rint(motion.t_s * NS_PER_S).astype(np.int64)
    none = np.zeros(rows, np.int64)
    hold = round(HOLD_S * motion.rate_hz)
    fusion = Fusion(simulated.info(motion), FusionParams())
    samples = Samples(t_ns, none, motion.acc_mps2, motion.gyr_radps, None)
    q: list[FloatArray] = []
    for part in split(samples, [hold]):
        q.append(fusion.push(part)[0])
        fusion.set_bias(motion.gyr_radps[:hold].mean(axis=0))
    return Orientation(STREAM, t_ns, np.concatenate(q), motion.gyr_radps, none, np.ones(rows, np.bool_))


@functools.cache
def drill(seed: int, side: Side | None = None, position: Position = "prone", reps: int = 5) -> Motion:
    """Return the usual motion: calibration and a set of a random leg."""
    return simulate(Leg.random(seed, side, position), drill_script(reps, seed), RATE_HZ, seed)


def regrouped(items: Iterable[Input], size: Callable[[], int]) -> list[Input]:
    """Return the inputs with packets that follow each other joined into groups of the sizes drawn."""
    out: list[Input] = []
    run: list[Packets] = []

    def close() -> None:
        if run:
            whole = Packets(run[0].stream, **joined(run))
            at = [0]
            while at[-1] < len(whole.at_ns):
                at.append(at[-1] + max(1, size()))
            out.extend(split(whole, at))
            run.clear()

    for item in items:
        if isinstance(item, Packets):
            if run and (item.stream != run[0].stream or item.data.shape[1] != run[0].data.shape[1]):
                close()
            run.append(item)
        else:
            close()
            out.append(item)
    close()
    return out


def whole(items: Iterable[Input]) -> list[Input]:
    """Return the inputs in the largest groups there can be, as a recording is read."""
    return regrouped(items, lambda: 1 << 30)


def guided(
    items: Iterable[Input],
    coach: Coach,
    params: CoreParams | None = None,
    recording: Recording | None = None,
    settings: Mapping[str, Any] | None = None,
    position: str | None = None,
) -> list[Heard]:
    """Return all that is heard of a session with a coach: inputs with its marks, outputs, prompts."""
    heard: list[Heard] = []
    session = Session(params or CoreParams(), coach, recording, heard.append)
    session.push(dataclasses.replace(START, settings=settings or {}, position=position))
    for item in items:
        session.push(item)
    session.finish()
    return heard


def inputs_of(heard: Iterable[Heard]) -> list[Input]:
    return [item for item in heard if isinstance(item, Input)]


def prompts_of(heard: Iterable[Heard]) -> list[str]:
    return [item.say for item in heard if isinstance(item, Prompt)]


@functools.cache
def calibrated(seed: int, side: Side | None = None, position: Position = "prone") -> tuple[Input, ...]:
    """Return the inputs of a drill, one packet a sample, with the marks its coach gave."""
    motion = drill(seed, side, position)
    coach = Coach(STREAM, motion.leg.side, 0)
    return tuple(inputs_of(guided(simulated.inputs(motion), coach)))


def run(items: Iterable[Input], params: CoreParams | None = None) -> list[Output]:
    """Return the outputs of a pipeline over the inputs, to the end."""
    pipeline = Pipeline(params or CoreParams(), drivers.decoder)
    out: list[Output] = []
    for item in items:
        out += pipeline.push(item)
    return out + pipeline.finish()


def of(kind: type[Any], items: Iterable[object], stream: str = STREAM) -> list[Any]:
    """Return the items of one kind and stream."""
    return [item for item in items if isinstance(item, kind) and item.stream == stream]


def table_inputs(motion: Motion, rows: int = 10) -> list[Input]:
    """Return the motion as packets of unrounded numbers, so many samples in each."""
    info = dataclasses.replace(simulated.info(motion), driver="table", tick_hz=1e9, tick_bits=0)
    tick = np.rint(motion.t_s * NS_PER_S).astype(np.int64)
    values = np.concatenate((motion.acc_mps2, motion.gyr_radps), axis=1)
    out: list[Input] = [LinkUp(STREAM, HostNs(0), info)]
    for start in range(0, len(tick), rows):
        part = slice(start, start + rows)
        data = np.frombuffer(table.encode(tick[part], values[part]), np.uint8)[None, :]
        out.append(Packets(STREAM, tick[part][-1:] + simulated.DELAY_NS, data))
    return out
