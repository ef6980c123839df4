"""How well repetitions are counted, beside what else one would use: peak picking and a fixed threshold.

Run: ``make bench`` or ``python benchmarks/reps.py``. The same hip angles for all: 200 simulated sets
(tests/stress.py), simulated idling with six repetitions about it, and where they lie beside the project
the UCI Physical Therapy Exercises and the SPAR shoulder rotations. The others get the single setting
that does best on all of it together, found by trying; hipturn runs with its defaults.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from scipy.signal import find_peaks

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import stress
from builders import course, guided, joined, of, regrouped
from figures.real import DATA, UCI_IDLE_S, UCI_LAYOUT
from hipturn import offline, recording
from hipturn.coach import Coach
from hipturn.coach.posing import Poses
from hipturn.coach.scene import Scene
from hipturn.coach.steps import counting
from hipturn.core.excursions import DetectParams, Excursion
from hipturn.core.figures import figures
from hipturn.core.reps import Detector
from hipturn.core.trace import part
from hipturn.model import Calibration, FloatArray, HipAngle, Side
from hipturn.sources import body, simulated
from hipturn.sources.body import Rest
from hipturn.sources.importers import csv
from hipturn.units import DEG_PER_RAD, NS_PER_S
from replay import practised, record, timings

UCI, SPAR = DATA / "uci_physical_therapy", DATA / "spar"
SPAR_LAYOUT = csv.Layout(
    acc=("acc_x_g", "acc_y_g", "acc_z_g"),
    gyr=("gyr_x_radps", "gyr_y_radps", "gyr_z_radps"),
    acc_unit="g",
    time="t_s",
)
AT_THE_POSE = Calibration(
    (1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0), "pose", "auto", 1.0, 0.0,
    "assumed", (0.0, 0.0), "good",
)  # fmt: skip
"""Of which only matters that home is where the angle is zero."""
IDLE_SEEDS = 10
PROMINENCES_DEG = (3.0, 4.0, 6.0, 8.0, 10.0, 12.0, 15.0, 20.0, 25.0, 30.0)
DISTANCES_S = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
THRESHOLDS_DEG = (3.0, 4.0, 6.0, 8.0, 10.0, 12.0, 15.0, 20.0, 25.0, 30.0)
RELEASES = (0.2, 0.35, 0.5, 0.65, 0.8)


@dataclass(frozen=True, slots=True, eq=False)
class Set:
    """Angles with the count that is right: one number, or one for each part between some moments."""

    kind: str
    name: str
    rate_hz: float
    angle: HipAngle
    right: tuple[int, ...]
    edges_s: tuple[float, ...] = ()

    def errors(self, at_s: FloatArray) -> int:
        """Return by how many these moments of repetitions differ from what is right, part by part."""
        parts = np.bincount(np.searchsorted(self.edges_s, at_s), minlength=len(self.right))
        return int(np.abs(parts - self.right).sum())


# --- the data -----------------------------------------------------------------------------------


def one_block(blocks: list[HipAngle]) -> HipAngle:
    return HipAngle(blocks[0].stream, **joined(blocks))


def simulated_sets() -> Iterator[Set]:
    for v in stress.variants(200):
        angle = on_leg(v) if v.on_body else stress.trace(v)
        yield Set("200 simulated sets", f"{v.theme} {v.seed}", v.rate_hz, angle, (len(v.expected),))


def simulated_idling() -> Iterator[Set]:
    for what, seed in product(stress.IDLE, range(IDLE_SEEDS)):
        v = stress.idle(what, seed)
        yield Set("simulated idling", f"{what} {seed}", v.rate_hz, on_leg(v), (len(v.expected),))


def on_leg(v: stress.Variant) -> HipAngle:
    """Return the angles that the whole program measures."""
    done, inputs = stress.measured_inputs(v)
    return one_block(of(HipAngle, guided(inputs, Coach(simulated.STREAM, done.leg.side, 0))))


def real_sets() -> Iterator[Set]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "set.mcap"

        def read(path: Path, layout: csv.Layout) -> offline.Analysis:
            recording.write(out, csv.inputs(path, layout))
            return offline.analyse(out, offline.Request(calibration=offline.AUTO), keep_angles=True)

        for path in sorted(UCI.glob("s*/e*/u2/test.txt")):
            found = read(path, UCI_LAYOUT)
            name = f"{path.parts[-4]} {path.parts[-3]}"
            yield Set("UCI leg exercises", name, 25.0, one_block(found.angles), (10, 10, 10), UCI_IDLE_S)
        for path in sorted(SPAR.glob("*.csv")):
            found = read(path, SPAR_LAYOUT)
            yield Set(
                "SPAR shoulder rotations", path.stem, found.info.rate_hz, one_block(found.angles), (20,)
            )


# --- the rivals: each gives the moments of repetitions, s -----------------------------------------


def by_hipturn(each: Set) -> FloatArray:
    return np.array([e.decided_ns / NS_PER_S for e in excursions(each.angle, each.rate_hz)])


def excursions(angle: HipAngle, rate_hz: float) -> list[Excursion]:
    detector = Detector(DetectParams(), rate_hz)
    found = [*detector.push(angle), *detector.finish()]
    return [event for event in found if isinstance(event, Excursion)]


def by_peaks(sets: list[Set]) -> dict[str, list[FloatArray]]:
    """Return for each setting of scipy's peak finder what it finds in each set."""
    out: dict[str, list[FloatArray]] = {}
    for size, distance_s in product((False, True), DISTANCES_S):
        found = []
        for each in sets:
            x = each.angle.angle_rad * DEG_PER_RAD
            samples = max(1.0, distance_s * each.rate_hz)
            peaks, told = find_peaks(
                np.abs(x) if size else x, distance=samples, prominence=PROMINENCES_DEG[0]
            )
            found.append((each.angle.t_ns[peaks] / NS_PER_S, told["prominences"]))
        for least in PROMINENCES_DEG:
            name = f"{'|angle|' if size else 'angle'}, prominence {least:g}°, distance {distance_s:g} s"
            out[name] = [at_s[prominences >= least] for at_s, prominences in found]
    return out


def by_threshold(sets: list[Set]) -> dict[str, list[FloatArray]]:
    """Return for each threshold and release what they find in each set."""
    out: dict[str, list[FloatArray]] = {}
    for high, release in product(THRESHOLDS_DEG, RELEASES):
        name = f"above {high:g}°, then below {release * high:g}°"
        out[name] = [crossings(each.angle, high, release * high) for each in sets]
    return out


def crossings(angle: HipAngle, high_deg: float, low_deg: float) -> FloatArray:
    """Return when the angle's size fell below `low_deg` after it had been above `high_deg`."""
    x = np.abs(angle.angle_rad) * DEG_PER_RAD
    state = np.where(x > high_deg, 1, np.where(x < low_deg, -1, 0))
    at = np.flatnonzero(state)
    falls = at[1:][np.diff(state[at]) < 0]
    return np.asarray(angle.t_ns[falls] / NS_PER_S)


# --- what is told -------------------------------------------------------------------------------


def best(sets: list[Set], settings: dict[str, list[FloatArray]]) -> str:
    """Return the setting with the most sets right, of equals the one with fewest miscounts.

    Each kind of data weighs the same.
    """
    weight = {kind: 1.0 / sum(s.kind == kind for s in sets) for kind in {s.kind for s in sets}}

    def score(name: str) -> tuple[float, int]:
        errors = [each.errors(at_s) for each, at_s in zip(sets, settings[name])]
        exact = sum(weight[each.kind] for each, error in zip(sets, errors) if not error)
        return exact, -sum(errors)

    return max(settings, key=score)


def compare() -> None:
    """Print the table."""
    sets = [*simulated_sets(), *simulated_idling(), *real_sets()]
    kinds = list(dict.fromkeys(each.kind for each in sets))
    peaks, threshold = by_peaks(sets), by_threshold(sets)
    rivals = {
        "hipturn": [by_hipturn(each) for each in sets],
        "find_peaks": peaks[best(sets, peaks)],
        "threshold with hysteresis": threshold[best(sets, threshold)],
    }
    print(f"find_peaks: {best(sets, peaks)}; threshold: {best(sets, threshold)}")
    print("sets counted exactly (miscounted repetitions)")
    print("| |" + "|".join(kinds) + "|\n|---|" + "---|" * len(kinds))
    for name, found in rivals.items():
        cells = []
        for kind in kinds:
            errors = [each.errors(at_s) for each, at_s in zip(sets, found) if each.kind == kind]
            cells.append(f" {errors.count(0)} of {len(errors)} ({sum(errors)}) ")
        print(f"| {name} |" + "|".join(cells) + "|")
    wrong = [f"{each.name} ({len(at_s)})" for each, at_s in zip(sets, rivals["hipturn"]) if each.errors(at_s)]
    print("hipturn is wrong in:", ", ".join(wrong) or "none")


def bounds() -> None:
    """Print how far starts and ends are from what people labelled and from what the leg did."""
    start, end, late = [], [], []
    for seed in range(20):
        motion = body.simulate(body.Leg.random(seed, Side.RIGHT), body.drill_script(8, seed), 100.0, seed)
        heard = guided(regrouped(simulated.inputs(motion), lambda: 1), Coach(simulated.STREAM, Side.RIGHT, 0))
        found = excursions(one_block(of(HipAngle, heard)), 100.0)
        reps = figures(found, stream="", first=1, side=None, rate_hz=100.0)
        for excursion, rep, true in zip(found, reps, motion.reps, strict=True):
            start.append(abs(rep.start_ns / NS_PER_S - true.start_s))
            end.append(abs(rep.end_ns / NS_PER_S - true.end_s))
            late.append(excursion.decided_ns / NS_PER_S - true.end_s)
    print(f"simulated leg: start ±{np.median(start):.2f} s, end ±{np.median(end):.2f} s (medians, aim 0.1)")
    scripted = []
    for v in stress.variants(200):
        trace, truth = course(Rest(1.5), *v.elements, Rest(1.0), rate_hz=v.rate_hz)
        found = excursions(trace, v.rate_hz)
        if len(truth) == len(found):
            scripted += [f.decided_ns / NS_PER_S - true.end_s for f, true in zip(found, truth)]
    for what, values in (("simulated leg", late), ("simulated sets", scripted)):
        p = np.percentile(values, (50, 99, 100)) * 1e3
        print(
            f"decided after the return, {what}: p50 {p[0]:.0f}, p99 {p[1]:.0f}, most {p[2]:.0f} ms (aim 150)"
        )
    labelled()


def labelled() -> None:
    """Print the errors against the labels of the UCI template sessions."""
    start, end = [], []
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "template.mcap"
        for path in sorted(UCI.glob("s*/e*/u2/template_session.txt")):
            recording.write(out, csv.inputs(path, UCI_LAYOUT))
            reps = offline.analyse(out, offline.Request(calibration=offline.AUTO)).reps
            for line in (path.parents[1] / "template_times.txt").read_text().splitlines()[1:]:
                from_s, to_s = (float(sample) / UCI_LAYOUT.rate_hz for sample in line.split(";")[1:])  # type: ignore[operator]
                inside = [r for r in reps if r.start_ns / NS_PER_S < to_s and r.end_ns / NS_PER_S > from_s]
                if len(inside) == 1:
                    start.append(abs(inside[0].start_ns / NS_PER_S - from_s))
                    end.append(abs(inside[0].end_ns / NS_PER_S - to_s))
    if start:
        print(
            f"UCI labels, {len(start)} of 36 with one repetition in them: start ±{np.median(start):.2f} s, "
            f"end ±{np.median(end):.2f} s (medians, aim 0.4)"
        )


def cost() -> None:
    """Print what finding repetitions costs of replaying an hour, as it is typed and without the start-up."""
    scripts = {
        "an hour of practice": practised(1),
        "an hour of nothing but repetitions": body.drill_script(950, 1),
    }
    for name, script in scripts.items():
        motion = body.simulate(body.Leg.random(1, side=Side.RIGHT), script, 100.0, 1)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "hour.mcap"
            record(path, motion, 360_000)
            found = offline.analyse(path, offline.Request(), keep_angles=True)

            def detect(angles: list[HipAngle] = found.angles) -> None:
                detector = Detector(DetectParams(), 100.0)
                for block in angles:
                    detector.push(block)

            def typed(path: Path = path) -> None:
                command = [sys.executable, "-m", "hipturn", "replay", str(path), "--json"]
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

            def bare(path: Path = path) -> None:
                offline.analyse(path, offline.Request())

            took = timings({"alone": detect, "bare": bare, "typed": typed})
        alone_s, bare_s, typed_s = (took[key].wall_s for key in ("alone", "bare", "typed"))
        print(
            f"cost in {name}, {len(found.reps)} repetitions: {alone_s * 1e3:.1f} ms, "
            f"{alone_s / typed_s:.1%} of 'hipturn replay FILE --json', {typed_s * 1e3:.0f} ms (aim 5 %); "
            f"without its start-up {alone_s / bare_s:.1%} of {bare_s * 1e3:.0f} ms"
        )


def poses() -> None:
    """Print how often a movement would be taken for the pose that pauses a set, listened to all the time."""
    for kind in ("simulated idling", "UCI leg exercises", "SPAR shoulder rotations"):
        sets = [each for each in [*simulated_idling(), *real_sets()] if each.kind == kind]
        found = sum(map(paused, sets))
        print(f"{kind}: {found} pauses by mistake in {len(sets)} recordings (aim 0)")


def paused(each: Set) -> int:
    """Return how many poses there are against the way of the set."""
    found = excursions(each.angle, each.rate_hz)
    against = "out" if sum(excursion.sign for excursion in found) > 0 else "in"
    scene = Scene("", Side.RIGHT, counting(0, None), calibration=AT_THE_POSE)
    watched, step = Poses(), max(1, round(each.rate_hz / 20.0))
    blocks = [slice(i, i + step) for i in range(0, len(each.angle.t_ns), step)]
    return sum(watched.push(part(each.angle, rows), scene) == against for rows in blocks)


def timed(action: Callable[[], None]) -> None:
    begun = time.perf_counter()
    action()
    print(f"({time.perf_counter() - begun:.0f} s)\n")


if __name__ == "__main__":
    for each in (compare, bounds, poses, cost):
        timed(each)
