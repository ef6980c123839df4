"""Two hundred sets as people do them when nothing goes by the book, with the count a good coach would give.

A variant is a script of the simulated body, what is to be counted, and what disturbs the signal. Half of
them go through the whole program as packets of a sensor on a simulated leg; the others, among them what
a script cannot say (trembling in motion, a pose that slides), are angle traces for the detector alone.
"""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from builders import TILTED, course, guided, of, regrouped
from hipturn.coach import Coach
from hipturn.model import Direction, HipAngle, Input, Rep
from hipturn.sources import simulated
from hipturn.sources.body import Element, Leg, Motion, Position, Repetition, Rest, Script, Shift, simulate
from hipturn.sources.body.routines import calibration_elements
from hipturn.units import RAD_PER_DEG

IR, ER = Direction.INTERNAL, Direction.EXTERNAL
Rng = np.random.Generator


@dataclass(slots=True)
class Variant:
    """One set: what is done, what is to be counted, and how the signal suffers."""

    theme: str
    seed: int
    rate_hz: float = 100.0
    elements: list[Element] = field(default_factory=list)
    expected: list[Direction] = field(default_factory=list)
    tremor_deg: float = 0.0
    """Amplitude of trembling all along, of a frequency that wanders about `tremor_hz`."""
    tremor_hz: float = 6.0
    drift_dps: float = 0.0
    """Speed at which the resting pose slides."""
    lost_share: float = 0.0
    outages_s: tuple[float, float] | None = None
    """Shortest and longest of the outages, one in about ten seconds."""

    @property
    def on_body(self) -> bool:
        """Whether it goes through the whole program."""
        return self.seed % 2 == 0 and self.tremor_deg == 0.0 and self.drift_dps == 0.0

    def count(self, *elements: Element, as_: Direction | None = None) -> None:
        """Append what is one repetition."""
        self.elements += elements
        reps = [each.direction for each in elements if isinstance(each, Repetition)]
        self.expected += [as_] if as_ else reps

    def rest(self, *elements: Element) -> None:
        """Append what is none."""
        self.elements += elements


def turn(
    rng: Rng, direction: Direction, low_deg: float = 20.0, high_deg: float = 38.0, **more: float
) -> Repetition:
    """Return a repetition of a range between the two, at any tempo but for what is asked."""
    tempo = {
        "out_s": rng.uniform(0.6, 2.0),
        "hold_s": rng.uniform(0.0, 1.0),
        "return_s": rng.uniform(0.6, 2.0),
    }
    rom_rad = rng.uniform(low_deg, high_deg) * RAD_PER_DEG
    return Repetition(direction, rom_rad, **{**tempo, **more})  # type: ignore[arg-type]


def shift(seconds: float, angle_deg: float, direction: Direction = IR) -> Shift:
    return Shift(seconds, angle_rad=angle_deg * RAD_PER_DEG * (1.0 if direction is IR else -1.0))


def either(rng: Rng) -> Direction:
    return IR if rng.random() < 0.5 else ER


def opposite(direction: Direction) -> Direction:
    return ER if direction is IR else IR


def fidget(rng: Rng, most_deg: float) -> list[Element]:
    short = turn(rng, either(rng), 0.5, most_deg, out_s=rng.uniform(0.3, 1.0), return_s=rng.uniform(0.3, 1.0))
    return [dataclasses.replace(short, kind="short"), Rest(rng.uniform(0.3, 1.0))]


def steps(rng: Rng, seconds: float, angle_deg: float, direction: Direction, slip_deg: float) -> list[Element]:
    """Return a way made in jerks with stops between, slipping back a little now and then."""
    count = int(rng.integers(4, 9))
    shares = rng.dirichlet(np.full(count, 8.0))
    out: list[Element] = []
    for n, share in enumerate(shares):
        slip = rng.uniform(0.0, slip_deg) if n and rng.random() < 0.3 else 0.0
        if slip:
            out.append(shift(0.15, -math.copysign(slip, angle_deg), direction))
        out += [
            shift(
                max(0.12, seconds * share * 0.7),
                angle_deg * share + math.copysign(slip, angle_deg),
                direction,
            ),
            Rest(rng.uniform(0.05, 0.4)),
        ]
    return out


# --- the themes: each appends its set to a variant ------------------------------------------------

Theme = Callable[[Variant, Rng, Direction], None]


def simple(
    make: Callable[[Rng, Direction, int], list[Element]],
    *,
    least: int = 6,
    rests_s: tuple[float, float] = (0.3, 2.5),
) -> Theme:
    """Return a theme of the same thing again and again, each with one repetition in it."""

    def theme(v: Variant, rng: Rng, direction: Direction) -> None:
        for n in range(least + int(rng.integers(0, 7))):
            v.count(*make(rng, direction, n))
            v.rest(Rest(rng.uniform(*rests_s)))

    return theme


def paused_return(v: Variant, rng: Rng, direction: Direction) -> None:
    """Each stops once on the way back, anywhere from a quarter to three quarters of it."""
    for _ in range(8):
        rom_deg, share = rng.uniform(20.0, 38.0), rng.uniform(0.25, 0.75)
        v.count(
            shift(rng.uniform(0.7, 1.5), rom_deg, direction),
            Rest(rng.uniform(0.0, 1.0)),
            shift(rng.uniform(0.5, 1.0), -share * rom_deg, direction),
            Rest(rng.uniform(0.2, 3.0)),
            shift(rng.uniform(0.5, 1.0), -(1.0 - share) * rom_deg, direction),
            as_=direction,
        )
        v.rest(Rest(rng.uniform(0.5, 2.0)))


def ratchet(v: Variant, rng: Rng, direction: Direction) -> None:
    for _ in range(7):
        rom_deg = rng.uniform(20.0, 38.0)
        v.count(
            *steps(rng, rng.uniform(1.0, 3.0), rom_deg, direction, 2.0),
            *steps(rng, rng.uniform(1.0, 3.0), -rom_deg, direction, 2.0),
            as_=direction,
        )
        v.rest(Rest(rng.uniform(0.5, 2.0)))


def partial_returns(v: Variant, rng: Rng, direction: Direction) -> None:
    """Comes back 60 to 90 % of the way, then goes out again from there; once in a while all the way."""
    left_deg = 0.0
    for n in range(9):
        rom_deg = rng.uniform(28.0, 38.0) - left_deg
        back_deg = left_deg + rom_deg if n % 4 == 3 else rng.uniform(0.7, 0.9) * rom_deg
        v.count(
            shift(rng.uniform(0.7, 1.5), rom_deg, direction),
            Rest(rng.uniform(0.0, 0.6)),
            shift(rng.uniform(0.7, 1.5), -back_deg, direction),
            as_=direction,
        )
        left_deg += rom_deg - back_deg
        v.rest(Rest(rng.uniform(0.0, 0.3) + (0.6 if left_deg == 0.0 else 0.0)))


def trembling(v: Variant, rng: Rng, direction: Direction) -> None:
    v.tremor_deg, v.tremor_hz = rng.uniform(0.2, 1.0), rng.uniform(4.0, 8.0)
    PLAIN(v, rng, direction)


def trembling_holds(v: Variant, rng: Rng, direction: Direction) -> None:
    for _ in range(8):
        shaking = {"tremor_rad": rng.uniform(0.3, 1.5) * RAD_PER_DEG, "tremor_hz": rng.uniform(4.0, 8.0)}
        v.count(turn(rng, direction, hold_s=rng.uniform(1.0, 6.0), **shaking))
        v.rest(Rest(rng.uniform(1.0, 5.0), shaking["tremor_rad"] / 1.5, shaking["tremor_hz"]))


def sliding(v: Variant, rng: Rng, direction: Direction) -> None:
    v.drift_dps = float(rng.choice((-1.0, 1.0)) * rng.uniform(0.05, 0.4))
    PLAIN(v, rng, direction)


def losing(v: Variant, rng: Rng, direction: Direction) -> None:
    v.lost_share = rng.uniform(0.02, 0.3)
    PLAIN(v, rng, direction)


def interrupted(v: Variant, rng: Rng, direction: Direction) -> None:
    v.outages_s = (0.05, 0.6)
    PLAIN(v, rng, direction)


def sets(v: Variant, rng: Rng, direction: Direction) -> None:
    """Three sets with a change of pose, a scratch and a minute's rest between them."""
    for _ in range(3):
        for _ in range(int(rng.integers(5, 9))):
            v.count(turn(rng, direction))
            v.rest(Rest(rng.uniform(0.3, 1.5)))
        v.rest(
            shift(rng.uniform(1.0, 2.0), rng.uniform(-12.0, 12.0)),
            Rest(rng.uniform(18.0, 40.0)),
            *fidget(rng, 3.5),
            Rest(rng.uniform(10.0, 40.0)),
        )


def there_and_there(v: Variant, rng: Rng, direction: Direction) -> None:
    """Either way in turn, a moment at neutral between."""
    for n in range(10):
        v.count(turn(rng, direction if n % 2 == 0 else opposite(direction)))
        v.rest(Rest(rng.uniform(0.3, 1.5)))


def swinging(v: Variant, rng: Rng, direction: Direction) -> None:
    """Straight through neutral without a stop: one a cycle, as docs/decisions says."""
    for _ in range(10):
        rom_deg, over_deg = rng.uniform(22.0, 34.0), rng.uniform(8.0, 25.0)
        out_s = rng.uniform(0.7, 1.3)
        v.count(
            shift(out_s, rom_deg, direction),
            shift(out_s, -rom_deg - over_deg, direction),
            as_=direction,
        )
        v.rest(shift(out_s / 2.0, over_deg, direction))
    v.rest(Rest(1.0))


def tired(v: Variant, rng: Rng, direction: Direction) -> None:
    """The range falls to two fifths, slower and slower."""
    for n in range(12):
        slow = 1.0 + 0.1 * n
        v.count(turn(rng, direction, 34.0 - 1.8 * n, 36.0 - 1.8 * n, out_s=slow, return_s=slow, hold_s=0.2))
        v.rest(Rest(rng.uniform(0.4, 1.0 + 0.3 * n)))


def fidgety(v: Variant, rng: Rng, direction: Direction) -> None:
    for _ in range(8):
        v.count(turn(rng, direction, 26.0, 34.0))
        v.rest(Rest(rng.uniform(0.4, 1.0)))
        for _ in range(int(rng.integers(0, 3))):
            v.rest(*fidget(rng, 5.5))


def new_poses(v: Variant, rng: Rng, direction: Direction) -> None:
    """Between repetitions the leg is put down elsewhere, for good."""
    for _ in range(7):
        v.count(turn(rng, direction))
        v.rest(Rest(rng.uniform(0.5, 2.0)))
        if rng.random() < 0.4:
            v.rest(shift(rng.uniform(0.8, 2.0), rng.uniform(-20.0, 20.0)), Rest(rng.uniform(17.0, 25.0)))


def anything(v: Variant, rng: Rng, direction: Direction) -> None:
    """All of it mixed, as in a bad quarter of an hour."""
    both = rng.random() < 0.3
    for _ in range(12):
        way = either(rng) if both else direction
        match int(rng.integers(0, 7)):
            case 0:
                v.count(turn(rng, way, 16.0, 24.0))
            case 1:
                v.count(turn(rng, way, pause_s=rng.uniform(0.3, 3.0)))
            case 2:
                v.count(
                    turn(
                        rng,
                        way,
                        bounces=int(rng.integers(1, 4)),
                        bounce_rad=rng.uniform(1.0, 7.0) * RAD_PER_DEG,
                    )
                )
            case 3:
                v.count(turn(rng, way, return_error_rad=rng.uniform(-4.0, 4.0) * RAD_PER_DEG))
            case 4:
                v.count(
                    turn(
                        rng,
                        way,
                        hold_s=rng.uniform(3.0, 9.0),
                        tremor_rad=0.01,
                        tremor_hz=rng.uniform(4.0, 8.0),
                    )
                )
            case 5:
                v.count(turn(rng, way, out_s=rng.uniform(0.3, 0.5), return_s=rng.uniform(0.3, 0.5)))
            case _:
                v.count(turn(rng, way, out_s=rng.uniform(2.0, 4.0), return_s=rng.uniform(2.0, 4.0)))
        v.rest(Rest(rng.uniform(0.4, 2.0) if rng.random() < 0.85 else rng.uniform(20.0, 90.0)))


PLAIN = simple(lambda rng, d, n: [turn(rng, d)])
THEMES: dict[str, Theme] = {
    "plain": PLAIN,
    "small at first": simple(lambda rng, d, n: [turn(rng, d, 7.0 + 3.0 * n, 9.0 + 3.0 * n)]),
    "stiff": simple(lambda rng, d, n: [turn(rng, d, 5.5, 8.0)]),
    "partial": simple(lambda rng, d, n: [turn(rng, d, *((13.0, 18.0) if n % 3 == 2 else (28.0, 38.0)))]),
    "pause on the way out": simple(lambda rng, d, n: [turn(rng, d, pause_s=rng.uniform(0.3, 5.0))]),
    "pause on the way back": paused_return,
    "bounces": simple(
        lambda rng, d, n: [
            turn(rng, d, 25.0, 38.0, bounces=1 + n % 4, bounce_rad=rng.uniform(1.0, 10.0) * RAD_PER_DEG)
        ]
    ),
    "tremor in holds and rests": trembling_holds,
    "tremor all along": trembling,
    "ratchet": ratchet,
    "partial returns": partial_returns,
    "sliding pose": sliding,
    "creeping neutral": simple(
        lambda rng, d, n: [turn(rng, d, return_error_rad=rng.uniform(-5.0, 5.0) * RAD_PER_DEG)]
    ),
    "lost samples": losing,
    "outages": interrupted,
    "pauses of minutes": simple(lambda rng, d, n: [turn(rng, d)], least=4, rests_s=(40.0, 150.0)),
    "sets": sets,
    "either way in turn": there_and_there,
    "straight through neutral": swinging,
    "without rest": simple(lambda rng, d, n: [turn(rng, d)], least=10, rests_s=(1e-3, 0.02)),
    "fast": simple(
        lambda rng, d, n: [
            turn(rng, d, out_s=rng.uniform(0.25, 0.5), return_s=rng.uniform(0.25, 0.5), hold_s=0.0)
        ],
        rests_s=(0.2, 1.0),
    ),
    "slow": simple(
        lambda rng, d, n: [turn(rng, d, out_s=rng.uniform(3.0, 6.0), return_s=rng.uniform(3.0, 6.0))]
    ),
    "held long": simple(lambda rng, d, n: [turn(rng, d, hold_s=rng.uniform(5.0, 12.0))]),
    "tired": tired,
    "fidgets": fidgety,
    "new poses": new_poses,
    "anything": anything,
}


def variant(theme: str, seed: int) -> Variant:
    """Return the variant of a theme with that seed; internal first for every other pair of seeds."""
    rng = np.random.default_rng((list(THEMES).index(theme), seed))
    v = Variant(theme, seed, rate_hz=float(rng.choice((50.0, 100.0, 200.0))))
    THEMES[theme](v, rng, IR if seed // 2 % 2 == 0 else ER)
    return v


def variants(count: int = 200) -> list[Variant]:
    """Return so many, the themes in turn."""
    themes = list(THEMES)
    return [variant(themes[n % len(themes)], n // len(themes)) for n in range(count)]


# --- from a variant to angles -------------------------------------------------------------------


def trace(v: Variant) -> HipAngle:
    """Return the variant as an angle trace, disturbed as it asks."""
    rng = np.random.default_rng(v.seed)
    angle, _ = course(Rest(1.5), *v.elements, Rest(1.0), rate_hz=v.rate_hz)
    t_s = angle.t_ns / 1e9
    rows = len(t_s)
    wander = np.cumsum(rng.standard_normal(rows)) * 0.3 / math.sqrt(v.rate_hz)
    shake = v.tremor_deg * np.sin(2.0 * math.pi * v.tremor_hz * t_s + wander)
    slide = v.drift_dps * t_s
    noise = 0.05 * rng.standard_normal(rows)
    moved = angle.angle_rad + (shake + slide + noise) * RAD_PER_DEG
    rate = np.gradient(moved, t_s)
    return kept(dataclasses.replace(angle, angle_rad=moved, rate_radps=rate), ~lost(v, rows))


def lost(v: Variant, rows: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which samples never come, shape (rows,)."""
    rng = np.random.default_rng(v.seed + 1)
    out = rng.random(rows) < v.lost_share
    if v.outages_s is not None:
        at_s = rng.uniform(3.0, 12.0)
        while at_s < rows / v.rate_hz:
            length_s = rng.uniform(*v.outages_s)
            out[round(at_s * v.rate_hz) : round((at_s + length_s) * v.rate_hz)] = True
            at_s += length_s + rng.uniform(5.0, 15.0)
    out[0] = out[-1] = False
    return out


def kept(block: HipAngle, rows: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> HipAngle:
    """Return the samples that came, the others counted."""
    at = np.flatnonzero(rows)
    arrays = {
        f.name: getattr(block, f.name)[at]
        for f in dataclasses.fields(HipAngle)
        if isinstance(getattr(block, f.name), np.ndarray)
    }
    arrays["lost_before"] = np.diff(at, prepend=-1) - 1
    return dataclasses.replace(block, **arrays)


def motion(v: Variant) -> Motion:
    """Return the variant done by a simulated leg after its calibration."""
    before: list[Element] = []
    if v.theme in IDLE:
        rng = np.random.default_rng(v.seed)
        before = [*strapping_on(rng), *gone_for_a_walk(rng), Rest(1.0)]
    script = Script((*v.elements, Rest(2.0)), (*before, *calibration_elements()))
    # in a walk the thigh swings about the knee's hinge: for these that is what elevation is
    positions: tuple[Position, ...] = ("prone", "seated") if v.theme in IDLE else TILTED
    leg = Leg.random(v.seed, position=positions[v.seed // 2 % len(positions)])
    return simulate(leg, script, v.rate_hz, v.seed)


# --- where nothing is to be counted ---------------------------------------------------------------

UP_DEG, WALK_S = 90.0, 0.55
"""From the mat to standing the femur turns by this; time of a step."""


def bend(seconds: float, *, elevation_deg: float = 0.0, knee_deg: float = 0.0, **more: float) -> Shift:
    turned = {name.replace("_deg", "_rad"): value * RAD_PER_DEG for name, value in more.items()}
    return Shift(
        seconds, elevation_rad=elevation_deg * RAD_PER_DEG, knee_rad=knee_deg * RAD_PER_DEG, **turned
    )


def there_and_back(*shifts: Shift) -> list[Element]:
    """Return the shifts and then one that undoes them all."""
    total = {
        name: -sum(getattr(each, name) for each in shifts)
        for name in ("angle_rad", "knee_rad", "elevation_rad", "heading_rad")
    }
    return [*shifts, Shift(shifts[0].seconds, **total)]


def steps_walked(rng: Rng, count: int) -> list[Element]:
    """Return a walk: the thigh swings, the knee bends, the leg turns a little, and the person turns about."""
    out: list[Element] = []
    for _ in range(count):
        thigh, knee, twist = rng.uniform(15.0, 28.0), rng.uniform(30.0, 60.0), rng.uniform(-6.0, 6.0)
        swing_s = WALK_S * rng.uniform(0.8, 1.2)
        out += [
            bend(swing_s / 2.0, elevation_deg=-thigh, knee_deg=knee, angle_deg=twist),
            bend(
                swing_s / 2.0,
                elevation_deg=-0.3 * thigh,
                knee_deg=-knee,
                heading_deg=rng.uniform(-10.0, 10.0),
            ),
            bend(swing_s, elevation_deg=1.3 * thigh, angle_deg=-twist),
        ]
    return out


def gone_for_a_walk(rng: Rng, knee_deg: float = 90.0) -> list[Element]:
    """Return getting up, walking, and lying down again where one lay."""
    up_s = rng.uniform(1.0, 2.5)
    way = [
        bend(up_s, elevation_deg=0.5 * UP_DEG, knee_deg=-0.3 * knee_deg, angle_deg=rng.uniform(-8.0, 8.0)),
        bend(up_s, elevation_deg=0.5 * UP_DEG, knee_deg=-0.6 * knee_deg, angle_deg=rng.uniform(-8.0, 8.0)),
    ]
    walk = steps_walked(rng, int(rng.integers(3, 40)))
    return [*way, Rest(rng.uniform(0.1, 2.0)), *walk, Rest(0.5), *there_and_back(*way, *walk)[-1:], Rest(2.0)]  # type: ignore[arg-type]


def lying_idle(rng: Rng) -> list[Element]:
    out: list[Element] = []
    for _ in range(int(rng.integers(4, 12))):
        out += [Rest(rng.uniform(1.0, 12.0)), *fidget(rng, 3.0)]
    return out


def strapping_on(rng: Rng) -> list[Element]:
    """Return the leg being handled: lifted, bent, turned and put down, all ways at once."""
    ways = [
        bend(
            rng.uniform(0.3, 1.5),
            elevation_deg=rng.uniform(-40.0, 60.0),
            knee_deg=rng.uniform(-40.0, 20.0),
            angle_deg=rng.uniform(-30.0, 30.0),
            heading_deg=rng.uniform(-40.0, 40.0),
        )
        for _ in range(int(rng.integers(4, 15)))
    ]
    return [*there_and_back(*ways), Rest(1.0)]


def tapped(done: Motion, rng: Rng, from_s: float) -> Motion:
    """Return the motion with a finger tapping on the case now and then: up to 3 g, and it rings."""
    acc, gyr = done.acc_mps2.copy(), done.gyr_radps.copy()
    at_s = from_s
    while at_s < done.t_s[-1] - 1.0:
        for _ in range(int(rng.integers(1, 6))):
            t = done.t_s - at_s
            ring = np.where(t >= 0.0, np.exp(-np.maximum(t, 0.0) / 0.03), 0.0)
            acc += np.outer(ring * np.cos(2.0 * math.pi * 30.0 * t), rng.uniform(-30.0, 30.0, 3))
            gyr += np.outer(ring * np.sin(2.0 * math.pi * 25.0 * t), rng.uniform(-3.0, 3.0, 3))
            at_s += rng.uniform(0.15, 0.4)
        at_s += rng.uniform(1.0, 8.0)
    return dataclasses.replace(done, acc_mps2=acc, gyr_radps=gyr)


IDLE: dict[str, Callable[[Rng], list[Element]]] = {
    "lying idle": lying_idle,
    "tapping": lambda rng: [Rest(rng.uniform(20.0, 40.0))],
    "gone for a walk": gone_for_a_walk,
    "gone twice": lambda rng: [*gone_for_a_walk(rng), *lying_idle(rng), *gone_for_a_walk(rng)],
}


def idle(what: str, seed: int) -> Variant:
    """Return three repetitions, something that is none, and three more."""
    rng = np.random.default_rng((list(IDLE).index(what), seed))
    v = Variant(what, seed)
    direction = IR if seed % 2 else ER
    for part in range(2):
        for _ in range(3):
            v.count(turn(rng, direction, 25.0, 35.0))
            v.rest(Rest(rng.uniform(0.5, 1.5)))
        if part == 0:
            v.rest(Rest(1.0), *IDLE[what](rng), Rest(3.0))
    return v


def measured_inputs(v: Variant) -> tuple[Motion, list[Input]]:
    """Return the variant done by a simulated leg, and the packets that come of it, disturbed as it asks."""
    done = motion(v)
    after_s = done.calibration_window_s[1]
    if v.theme == "tapping":
        done = tapped(done, np.random.default_rng(v.seed), after_s)
    gone = lost(v, len(done.t_s))
    gone[: round(after_s * v.rate_hz)] = False
    return done, regrouped(simulated.inputs(done, lost=np.flatnonzero(gone).tolist()), lambda: 20)


def heard_reps(v: Variant) -> list[Rep]:
    """Return what the whole program counts in the variant done by a simulated leg."""
    done, items = measured_inputs(v)
    reps: list[Rep] = of(Rep, guided(items, Coach(simulated.STREAM, done.leg.side, 0)))
    return reps
