"""``hipturn calibrate``: axes and zero from part of a recording, or the reason why not."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from cli_runs import RATED, bundled, done, drill, imu_columns, record, refused, write_csv
from hipturn.calibrate import calibrate
from hipturn.core.calibration import from_dict
from hipturn.errors import CalibrationRefused
from hipturn.model import Calibration, Direction, Side
from hipturn.offline import Request, analyse
from hipturn.sources.body import (
    Leg,
    Motion,
    Repetition,
    Rest,
    Script,
    Shift,
    calibration_elements,
    simulate,
)
from hipturn.units import DEG_PER_RAD, NS_PER_S, RAD_PER_DEG

SEEDS = range(6)


def moved(*elements: Rest | Shift | Repetition, seed: int = 1, side: Side = Side.RIGHT) -> Motion:
    return simulate(Leg.random(seed, side=side), Script(elements), 100.0, seed)


def turn(rom_deg: float = 20.0, knee_rad: float = 0.0) -> Repetition:
    return Repetition(Direction.INTERNAL, rom_deg * RAD_PER_DEG, out_s=1.4, return_s=1.4, knee_rad=knee_rad)


def axis_error_deg(found: Calibration, leg: Leg) -> float:
    """With the sign: an axis that points the wrong way is 180° off."""
    cosine = sum(a * b for a, b in zip(found.axis_sensor, leg.axis_sensor))
    return math.acos(max(-1.0, min(1.0, cosine))) * DEG_PER_RAD


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("side", list(Side))
def test_any_mounting_gives_the_true_axis(tmp_path: Path, seed: int, side: Side) -> None:
    """From a recording without any mark, as an import is; the direction is the case normal's."""
    motion = drill(seed, side)
    path = record(tmp_path / "m.mcap", motion, coached=False)
    found = calibrate(path, to_s=motion.calibration_window_s[1], side=side)
    assert axis_error_deg(found, motion.leg) < 2.5
    assert found.grade == "good" and found.source == "file" and found.axis_share > 0.98


@pytest.mark.parametrize("side", list(Side))
def test_replay_with_the_file_measures_what_the_hip_did(tmp_path: Path, side: Side) -> None:
    motion = drill(3, side)
    path, file = record(tmp_path / "m.mcap", motion, coached=False), tmp_path / "c.json"
    end_s = motion.calibration_window_s[1]
    done("calibrate", path, "--to", end_s, "-o", file, "--side", side)
    result = done("replay", path, "--json", "--calibration", file, "--side", side)
    (calibration,) = result.of("calibration")
    assert calibration["source"] == "file" and calibration["t_s"] == 0.0
    reps = [rep for rep in result.of("rep") if rep["start_s"] > end_s - 0.5]
    assert len(reps) == len(motion.reps)
    for rep, true in zip(reps, motion.reps):
        assert rep["direction"] == true.direction and rep["side"] == side
        assert rep["rom_deg"] == pytest.approx(true.rom_rad * DEG_PER_RAD, abs=1.0)
        assert rep["peak_deg"] == pytest.approx(true.peak_rad * DEG_PER_RAD, abs=1.0)


def test_it_agrees_with_the_live_calibration(tmp_path: Path) -> None:
    """A recording of a guided session, calibrated again from the same movements."""
    motion = drill(2)
    path = record(tmp_path / "m.mcap", motion)
    again = calibrate(path, to_s=motion.calibration_window_s[1])
    plain = analyse(path, Request()).reps
    with_file = [
        rep
        for rep in analyse(path, Request(calibration=again)).reps
        if rep.start_ns > (motion.calibration_window_s[1] - 0.5) * NS_PER_S
    ]
    assert len(plain) == len(with_file)
    for a, b in zip(plain, with_file):
        assert a.rom_rad == pytest.approx(b.rom_rad, abs=0.5 * RAD_PER_DEG)


def test_the_file_is_the_record(tmp_path: Path) -> None:
    path, file = bundled("clean-drill", tmp_path / "m.mcap"), tmp_path / "c.json"
    told = done("calibrate", path, "--to", "15", "-o", file).out
    written = from_dict(json.loads(file.read_text(encoding="utf-8")))
    assert written == calibrate(path, to_s=15.0)
    assert told.startswith(f"{file}: good calibration from 0.0 to ") and told.count("\n") == 1
    assert "100% of the rotation about one axis, spread" in told and "elevation" in told


def test_without_a_name_the_file_lies_beside_the_recording(tmp_path: Path) -> None:
    path = bundled("clean-drill", tmp_path / "mein.test.mcap")
    done("calibrate", path, "--to", 15)
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "mein.test.calibration.json",
        "mein.test.mcap",
    ]


def test_the_first_hold_in_the_part_is_taken(tmp_path: Path) -> None:
    """Two calibrations in one recording, the strap moved between them: each part has its own zero."""
    motion = moved(*calibration_elements(), Shift(3.0, angle_rad=0.4), *calibration_elements())
    path = record(tmp_path / "m.mcap", motion, coached=False)
    first, second = calibrate(path, to_s=17.0), calibrate(path, from_s=20.7)
    assert first.window_s[0] == pytest.approx(0.0, abs=0.2)
    assert second.window_s[0] == pytest.approx(20.7, abs=0.2)
    turned = math.acos(np.dot(first.up0_sensor, second.up0_sensor)) * DEG_PER_RAD
    assert turned == pytest.approx(0.4 * DEG_PER_RAD, abs=1.5)
    for found in (first, second):
        assert axis_error_deg(found, motion.leg) < 2.5


def test_a_hold_too_short_is_passed_over_for_the_next(tmp_path: Path) -> None:
    motion = moved(Rest(1.5), turn(), Rest(3.0), *(turn(), Rest(0.5)) * 3)
    found = calibrate(record(tmp_path / "m.mcap", motion, coached=False))
    assert 4.0 < found.window_s[0] < 5.0


def test_a_biased_gyroscope_does_not_look_like_movement(tmp_path: Path) -> None:
    """3.3 °/s, more than the gate of a hold; imported, so nothing has removed it."""
    motion = drill(4)
    bias_dps = np.array([1.9, -1.9, 1.9])
    gyr = motion.gyr_radps - motion.leg.gyr_bias_radps + bias_dps * RAD_PER_DEG
    source = write_csv(tmp_path / "b.csv", imu_columns(motion.acc_mps2, gyr))
    done("import", source, "-o", tmp_path / "b.mcap", *RATED)
    found = calibrate(tmp_path / "b.mcap", to_s=motion.calibration_window_s[1])
    np.testing.assert_allclose(np.array(found.gyr_bias_radps) * DEG_PER_RAD, bias_dps, atol=0.15)
    assert axis_error_deg(found, motion.leg) < 2.5


def test_a_recording_of_quaternions_alone(tmp_path: Path) -> None:
    motion = drill(5)
    source = write_csv(tmp_path / "q.csv", dict(zip("wxyz", motion.q_earth_from_sensor.T)))
    options = ("--quat", "w,x,y,z", "--quat-direction", "earth-from-sensor", "--rate", "100")
    done("import", source, "-o", tmp_path / "q.mcap", *options)
    found = calibrate(tmp_path / "q.mcap", to_s=motion.calibration_window_s[1])
    assert found.sign == "assumed" and axis_error_deg(found, motion.leg) < 2.5
    done("calibrate", tmp_path / "q.mcap", "--to", motion.calibration_window_s[1], "-o", tmp_path / "c.json")
    done("replay", tmp_path / "q.mcap", "--calibration", tmp_path / "c.json")


def test_where_the_direction_is_assumed_the_line_says_so(tmp_path: Path) -> None:
    motion = drill(4)
    source = write_csv(tmp_path / "b.csv", imu_columns(motion.acc_mps2, motion.gyr_radps))
    done("import", source, "-o", tmp_path / "b.mcap", *RATED)
    told = done("calibrate", tmp_path / "b.mcap", "--to", 15).out
    assert "which way is internal is assumed" in told


# --- what is refused ----------------------------------------------------------------------------


def test_a_part_without_hold_is_refused(tmp_path: Path) -> None:
    motion = moved(*(turn(), Rest(1.0)) * 4)
    path = record(tmp_path / "m.mcap", motion, coached=False)
    line = refused("calibrate", path, "-o", tmp_path / "c.json")
    assert "never still for 2 s" in line and "--from" in line
    assert not (tmp_path / "c.json").exists()


@pytest.mark.parametrize(
    ("elements", "says"),
    [
        ((Rest(4.0),), "too few samples"),
        ((Rest(4.0), turn(5.0), Rest(1.0)), "turn further"),
        (
            (Rest(4.0), turn(knee_rad=0.6), Rest(0.5), turn(knee_rad=-0.6), Rest(0.5), turn()),
            "keep the knee still",
        ),
    ],
)
def test_movements_no_axis_can_be_taken_from_are_refused(
    tmp_path: Path, elements: tuple[Rest | Repetition, ...], says: str
) -> None:
    path = record(tmp_path / "m.mcap", moved(*elements), coached=False)
    with pytest.raises(CalibrationRefused, match=says) as refusal:
        calibrate(path)
    assert "--from and --to" in str(refusal.value)


def test_lost_data_during_the_rotations_is_refused_and_during_the_hold_restarts_it(tmp_path: Path) -> None:
    motion = drill(1)
    end_s = motion.calibration_window_s[1]
    path = record(tmp_path / "late.mcap", motion, coached=False, lost=range(800, 850))
    with pytest.raises(CalibrationRefused, match=r"data was lost just before 8\.5 s"):
        calibrate(path, to_s=end_s)
    # what came before the gap and the settling after it is enough on its own
    path = record(tmp_path / "early.mcap", motion, coached=False, lost=range(30, 80))
    assert calibrate(path, to_s=end_s).window_s[0] > 0.79


@pytest.mark.parametrize(
    ("options", "says", "code"),
    [
        (("--from", "10", "--to", "5"), "ends before it begins", 2),
        (("--from", "nan"), "ends before it begins", 2),
        (("--from", "1000"), "goes from 0 to", 1),
        (("--to", "0.001"), "goes from 0 to", 1),
        (("--to", "15", "-o", "m.mcap"), "overwrite", 2),
        (("--to", "15", "-o", "."), "not a file", 1),
        (("--to", "15", "-o", "nowhere/c.json"), "no folder", 1),
        (("--to", "15", "-o", "/dev/null"), "not a file", 1),
    ],
)
def test_wrong_parts_and_places_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], says: str, code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    bundled("clean-drill", Path("m.mcap"))
    before = Path("m.mcap").read_bytes()
    assert says in refused("calibrate", "m.mcap", *options, code=code)
    assert Path("m.mcap").read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["m.mcap"]


@pytest.mark.parametrize("name", ["none.mcap", "", "."])
def test_no_recording_no_calibration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    refused("calibrate", name)
    assert not list(tmp_path.iterdir())


# --- quiet standing ---------------------------------------------------------------------------------


def stood_up(side: Side, seed: int) -> Motion:
    """A person who stands for 5 s, lies down, turns the hip by 12° and is calibrated there."""
    leg = Leg(side, "prone", gyr_bias_radps=Leg.random(seed).gyr_bias_radps)
    up = math.pi / 2
    elements = (
        *(Rest(6.0), Shift(2.0, knee_rad=-up, elevation_rad=up), Rest(6.0)),
        *(Shift(2.0, knee_rad=up, elevation_rad=-up), Rest(4.0), Shift(1.0, angle_rad=12.0 * RAD_PER_DEG)),
        *calibration_elements(),
    )
    return simulate(leg, Script(elements), 100.0, seed)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("seed", range(3))
def test_standing_makes_the_zero_where_the_shin_is_plumb(tmp_path: Path, side: Side, seed: int) -> None:
    """Calibrated in a pose turned by 12°, the angle of the hold is 12° and not 0; without it is 0."""
    path = record(tmp_path / "m.mcap", stood_up(side, seed), coached=False)
    part = ("--from", 21.5, "--side", side)
    at_hold = {}
    for name, more in (("pose", ()), ("gravity", ("--standing", "9:13.5"))):
        file = tmp_path / f"{name}.json"
        told = done("calibrate", path, *part, *more, "-o", file).out
        assert ("gravity zero, the pose held is 1" in told) == (name == "gravity")
        record_of = from_dict(json.loads(file.read_text()))
        assert record_of.zero == name and (record_of.shank_axis_sensor is None) == (name == "pose")
        table = tmp_path / f"{name}.csv"
        done("replay", path, "--calibration", file, "--side", side, "--angles", table)
        t_s, angle = np.loadtxt(table, delimiter=",", skiprows=1, usecols=(0, 1)).T
        at_hold[name] = float(angle[(t_s > 23.0) & (t_s < 26.0)].mean())
    assert at_hold["pose"] == pytest.approx(0.0, abs=0.3)
    assert at_hold["gravity"] == pytest.approx(12.0, abs=0.7)


@pytest.mark.parametrize("text", ["5", "a:b", "6:3", "3:3", "-1:4", "nan:4", "1:inf"])
def test_a_stretch_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path = bundled("test-right", tmp_path / "a.mcap")
    line = refused("calibrate", path, f"--standing={text}", code=2)
    assert "write it as FROM:TO in seconds, like 2:6" in line


def test_standing_that_was_none_is_refused(tmp_path: Path) -> None:
    """In the middle of the rotations nobody stood still: the reason, and no file."""
    path = record(tmp_path / "m.mcap", drill(1), coached=False)
    line = refused("calibrate", path, "--to", 17, "--standing", "6:12", "-o", tmp_path / "c.json")
    assert "the leg moved while standing: stand still on both legs and repeat" in line
    assert not (tmp_path / "c.json").exists()
