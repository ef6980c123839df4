"""VQF with hindsight: over whole recordings only, told as such, closer to the truth than online."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import rng_of
from cli_runs import ENV, IMU, done, imu_columns, run, write_csv
from hipturn import config, lines, offline, offline_vqf
from hipturn.coach import Coach
from hipturn.core import quaternion
from hipturn.core.acausal import stretches, with_heading_of
from hipturn.core.fusion import ACAUSAL, FILTERS, Fusion, FusionParams, ran
from hipturn.errors import InputError, UsageError
from hipturn.model import FloatArray, Gap, Samples, SessionStart, StreamInfo
from hipturn.recording import Writer
from hipturn.session import Session
from hipturn.sources import simulated
from hipturn.sources.body import Leg, Motion, Position, drill_script, simulate
from hipturn.units import DEG_PER_RAD, NS_PER_S

BUNDLED = sorted((Path(__file__).parents[1] / "recordings").glob("*.mcap"))
FAILED = r"^fusion\.filter=vqf-offline failed \({}.*\): choose vqf$"
OFFLINE = ("--set", "fusion.filter=vqf-offline")


def recorded(path: Path, motion: Motion, lost: set[int]) -> Path:
    """Write the guided session of a motion, in packets of five samples of which some never came."""
    with Writer(path) as writer:
        coach = Coach(simulated.STREAM, motion.leg.side, 0, motion.leg.position)
        session = Session(config.core_params(config.defaults()), coach, writer, lambda _: None)
        session.push(SessionStart("test", "2026-01-01T12:00:00+00:00", dict(config.defaults())))
        for item in simulated.inputs(motion, samples_per_packet=5, lost=lost):
            session.push(item)
        session.finish()
    return path


def angles(path: Path, name: str) -> tuple[FloatArray, FloatArray, FloatArray, offline.Analysis]:
    """Return times, angle and twist, degrees, by a filter."""
    found = offline.analyse(path, offline.Request(settings={"fusion.filter": name}), keep_angles=True)
    columns = (("t_ns", 1.0 / NS_PER_S), ("angle_rad", DEG_PER_RAD), ("twist_rad", DEG_PER_RAD))
    t, angle, twist = (
        np.concatenate([getattr(block, key) for block in found.angles]) * factor for key, factor in columns
    )
    return t, angle, twist, found


@pytest.mark.parametrize("path", BUNDLED, ids=lambda p: p.stem)
def test_the_session_line_says_which_filter_ran_and_that_it_saw_the_future(path: Path) -> None:
    """Same repetitions, same gaps, another label; the default is causal."""
    plain, smooth = done("replay", path, "--json"), done("replay", path, "--json", *OFFLINE)
    assert (plain.lines[0]["filter"], plain.lines[0]["causal"]) == ("vqf", True)
    assert (smooth.lines[0]["filter"], smooth.lines[0]["causal"]) == ("vqf-offline", False)
    assert plain.lines[0]["config_hash"] != smooth.lines[0]["config_hash"]
    for one, other in zip(plain.of("rep"), smooth.of("rep"), strict=True):
        assert other["rom_deg"] == pytest.approx(one["rom_deg"], abs=0.7)
        assert other["direction"] == one["direction"]
    assert plain.of("gap") == smooth.of("gap")


@pytest.mark.parametrize("position", ["prone", "supine-90-90"])
def test_it_is_closer_to_the_truth_with_losses_and_a_long_gap(tmp_path: Path, position: Position) -> None:
    """By gravity closer than online; the twist, in the heading of the calibration, no worse; every sample has
    its place and every gap is told as online."""
    motion = simulate(Leg.random(21, position=position).without_errors(), drill_script(5, 21), seed=21)
    lost = set(rng_of(3).choice(np.arange(440, 700), 10, replace=False).tolist()) | set(range(500, 510))
    path = recorded(tmp_path / "a.mcap", motion, lost)
    t, online, _, before = angles(path, "vqf")
    t_smooth, smooth, twist, after = angles(path, "vqf-offline")
    np.testing.assert_array_equal(t_smooth, t)
    true = np.interp(t, motion.t_s, motion.angle_rad) * DEG_PER_RAD
    errors = [math.sqrt(float(((each - true) ** 2).mean())) for each in (online, smooth)]
    first = t < 500 * 5 / 100.0
    assert np.sqrt(((twist - true)[first] ** 2).mean()) < 0.5
    if position == "prone":
        assert errors[1] < 0.5 * errors[0] and errors[1] < 0.2
    assert [e for e in after.events if isinstance(e, Gap)] == [e for e in before.events if isinstance(e, Gap)]
    for a, b in zip(before.angles, after.angles, strict=True):
        np.testing.assert_array_equal(a.trusted, b.trusted)
        np.testing.assert_array_equal(a.lost_before, b.lost_before)


# --- never elsewhere ----------------------------------------------------------------------------


def test_it_does_not_run_live() -> None:
    """One line says where it does; it is no default; a stream of orientation only needs no filter at all."""
    with pytest.raises(UsageError, match=r"vqf-offline needs the whole recording: .* vqf elsewhere"):
        Fusion(StreamInfo("test", 100.0), FusionParams(filter="vqf-offline"))
    assert not set(ACAUSAL) & set(FILTERS)
    assert config.SETTINGS["fusion.filter"].default == "vqf"
    quaternions = StreamInfo("test", 100.0, has_imu=False, has_quaternion=True)
    assert Fusion(quaternions, FusionParams(filter="vqf-offline")).name == "device"


@pytest.mark.parametrize("name", [*FILTERS, *ACAUSAL])
@pytest.mark.parametrize("has_imu", [True, False])
def test_the_line_names_the_filter_that_ran(name: Any, has_imu: bool) -> None:
    """Not the one set: a device that sends orientation only is not filtered."""
    info = StreamInfo("test", 100.0, has_imu=has_imu, has_quaternion=True)
    head = lines.session(
        SessionStart("test", ""),
        info,
        recording="",
        side=None,
        samples=0,
        duration_ns=0,
        settings={"fusion.filter": name},
    )
    assert head["filter"] == ran(name, info) == (name if has_imu else "device")
    assert head["causal"] == (head["filter"] != "vqf-offline")


def test_calibrating_by_it_is_refused_in_one_line(tmp_path: Path) -> None:
    """Set in somebody's settings file for all their replays, it stops the commands that cannot have it."""
    chosen = tmp_path / "config.toml"
    chosen.write_text('[fusion]\nfilter = "vqf-offline"\n')
    source = write_csv(tmp_path / "a.csv", imu_columns(*at_rest(300)))
    done("import", source, "-o", tmp_path / "a.mcap", *IMU, "--rate", 100)
    result = run("calibrate", tmp_path / "a.mcap", env={**ENV, "HIPTURN_CONFIG": str(chosen)})
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("hipturn: fusion.filter vqf-offline needs the whole recording: use it with")


def at_rest(rows: int) -> tuple[FloatArray, FloatArray]:
    return np.tile((0.0, 0.0, 9.81), (rows, 1)), np.zeros((rows, 3))


def test_a_process_that_fails_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it said last, when it is asked nonsense, and when there is no Python to start."""
    parts = stretches(block([0, 0, 0]), 3)
    with monkeypatch.context() as patched:
        patched.setattr(offline_vqf, "NAMES", ("acc_mps2", "real"))
        with pytest.raises(InputError, match=FAILED.format("KeyError")):
            offline_vqf.in_another_process(parts, 0.01)
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(InputError, match=FAILED.format("No such file")):
        offline_vqf.in_another_process(parts, 0.01)


# --- its parts ----------------------------------------------------------------------------------


def block(lost_before: Any) -> Samples:
    """Return samples whose values are their own numbers, lost ones left out."""
    number = np.cumsum(np.asarray(lost_before) + 1.0) - 1.0
    values = np.stack([number, 2.0 * number, -number], axis=1)
    return Samples(number.astype(np.int64) * 10_000_000, np.asarray(lost_before), values, 0.5 * values, None)


@settings(max_examples=60)
@given(st.lists(st.sampled_from([0, 0, 0, 1, 2, 5, 30, 31, 90]), min_size=1, max_size=60))
def test_stretches_hold_every_sample_once_and_bridge_what_can_be_bridged(lost: list[int]) -> None:
    """Values on a line are bridged by that line; nothing is invented before the first or in a long gap."""
    samples = block(lost)
    parts = stretches(samples, 30)
    assert samples.acc_mps2 is not None and samples.gyr_radps is not None
    np.testing.assert_array_equal(np.concatenate([p.acc_mps2[p.real] for p in parts]), samples.acc_mps2)
    np.testing.assert_array_equal(np.concatenate([p.gyr_radps[p.real] for p in parts]), samples.gyr_radps)
    assert len(parts) == 1 + sum(n > 30 for n in lost[1:])
    for part in parts:
        assert part.real[0] and part.real[-1]
        np.testing.assert_allclose(np.diff(part.acc_mps2[:, 0]), 1.0)
    assert sum(len(p.real) for p in parts) == len(lost) + sum(n for n in lost[1:] if n <= 30)


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 20))
def test_the_heading_is_taken_and_nothing_else(seed: int, rows: int) -> None:
    """Inclination stays in every row; in the one chosen the heading is that of the other filter."""
    rng = rng_of(seed)
    q = rng.standard_normal((rows, 4))
    q /= np.linalg.norm(q, axis=1)[:, None]
    row = int(rng.integers(rows))
    yaw = quaternion.from_rotation_vector(np.array([0.0, 0.0, float(rng.uniform(-3.0, 3.0))]))
    other = quaternion.multiply(yaw, q[row])
    turned = with_heading_of(q, row, other)
    np.testing.assert_allclose(quaternion.up_in_sensor(turned), quaternion.up_in_sensor(q), atol=1e-9)
    assert abs(float(turned[row] @ other)) == pytest.approx(1.0)


def test_upside_down_to_each_other_there_is_no_heading_to_take() -> None:
    q = np.array([[1.0, 0.0, 0.0, 0.0]])
    assert with_heading_of(q, 0, np.array([0.0, 1.0, 0.0, 0.0])) is q
