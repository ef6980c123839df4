"""The imports of devices' own formats: the same samples come out of every dialect, losses as gaps."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cli_runs import done, read_table
from foreign import Dot, Truth, Wit, bursts, dots, same_rotation, truth, wits, write_xio
from hipturn.core import quaternion
from hipturn.errors import UsageError
from hipturn.model import FloatArray, IntArray
from hipturn.sources.importers import detect, witmotion, xio, xsens_dot
from hipturn.sources.importers.imported import Imported

ROWS = 80
SAMPLES = truth(ROWS)


def check_values(found: Imported, wanted: Truth, imu: bool, quat: bool, atol: float = 1e-6) -> None:
    """Assert that the rows are the samples, in SI units."""
    assert (found.has_imu, found.has_quaternion) == (imu, quat)
    if imu:
        np.testing.assert_allclose(found.values[:, :3], wanted.acc_mps2, atol=1e-6)
        np.testing.assert_allclose(found.values[:, 3:6], wanted.gyr_radps, atol=1e-8)
    if quat:
        same_rotation(found.values[:, -4:], wanted.q, atol)


# --- Xsens DOT ----------------------------------------------------------------------------------


@given(dot=dots, lost=st.sets(st.integers(1, ROWS - 2), max_size=40))
def test_a_dot_export_in_any_dialect_gives_the_same_samples_and_gaps(
    tmp_path_factory: pytest.TempPathFactory, dot: Dot, lost: set[int]
) -> None:
    """Through wraps of counter and clock, whatever the delimiter, and however many packets were lost."""
    kept = [i for i in range(ROWS) if i not in lost]
    path = dot.write(tmp_path_factory.getbasetemp() / "dot.csv", SAMPLES, kept)
    assert detect.kind(path) == "xsens-dot"
    found = xsens_dot.read(path)
    check_values(found, SAMPLES.rows(kept), "imu" in dot.content, dot.content != ("imu",))
    assert found.rate_hz == pytest.approx(60.0, rel=1e-4)
    np.testing.assert_allclose(found.t_ns, np.array(kept) * 1e9 / 60, atol=2000)
    assert found.gaps[1] == len(lost) and found.gaps[0] == sum(i - 1 not in lost for i in lost)


def test_the_lines_above_a_dot_export_are_understood(tmp_path: Path) -> None:
    found = xsens_dot.read(Dot().write(tmp_path / "a.csv", SAMPLES, range(ROWS)))
    assert (found.name, found.firmware, found.wall_time) == (
        "Shank",
        "2.0.0",
        "2021-08-20T20:21:13.835+08:00",
    )


def test_a_packet_that_came_twice_is_told_and_not_counted_as_lost(tmp_path: Path) -> None:
    kept = [*range(40), 39, *range(40, ROWS)]
    found = xsens_dot.read(Dot().write(tmp_path / "a.csv", SAMPLES, kept))
    assert (found.late, found.gaps) == (1, (0, 0))


def test_samples_past_the_range_are_told(tmp_path: Path) -> None:
    text = Dot().text(SAMPLES, range(ROWS)).splitlines()
    text[-3] = text[-3].removesuffix("0") + "8"
    (tmp_path / "a.csv").write_text("\n".join(text), encoding="utf-8")
    assert "1 rows past the range of the sensor" in xsens_dot.read(tmp_path / "a.csv").notes


def test_without_times_or_a_rate_the_rate_is_asked_for(tmp_path: Path) -> None:
    path = Dot(times=False, preamble=False).write(tmp_path / "a.csv", SAMPLES, range(ROWS))
    with pytest.raises(UsageError, match="--format xsens-dot --rate HZ"):
        xsens_dot.read(path)
    assert xsens_dot.read(path, rate_hz=120.0).rate_hz == 120.0


# --- WitMotion ----------------------------------------------------------------------------------


@given(wit=wits, seed=st.integers(0, 99))
@example(wit=Wit(style="own", unfilled="gyr", rates=False, acc_unit="mps2", device=True), seed=1)
@example(wit=Wit(style="chinese", delimiter="\t", encoding="gb18030", clock="date"), seed=2)
def test_a_witmotion_log_in_any_dialect_gives_the_same_samples(
    tmp_path_factory: pytest.TempPathFactory, wit: Wit, seed: int
) -> None:
    """Whatever the names, the units, the way times are written, and values that the header only promises."""
    rows = 300
    samples = truth(rows)
    path = wit.write(
        tmp_path_factory.getbasetemp() / "wit.csv", [("one", samples, bursts(rows, 100.0, seed))]
    )
    assert detect.kind(path) == "witmotion"
    found = witmotion.read(path)
    check_values(found, samples, wit.rates, True)
    assert found.rate_hz == pytest.approx(100.0, rel=0.03)
    assert found.gaps == (0, 0) and (np.diff(found.t_ns) > 0).all()


def test_two_devices_in_one_log_are_told_apart(tmp_path: Path) -> None:
    one, other = truth(ROWS, 600), truth(ROWS, 900)
    parts = [("F3:89:79", one, bursts(ROWS, 100.0, 1)), ("C3:16:82", other, bursts(ROWS, 100.0, 2))]
    path = Wit(style="own", acc_unit="mps2", device=True).write(tmp_path / "two.csv", parts)
    with pytest.raises(
        UsageError, match=r"holds 2 devices: choose by --device one of 'F3:89:79', 'C3:16:82'"
    ):
        witmotion.read(path)
    for name, samples in (("F3:89:79", one), ("c3", other)):
        check_values(witmotion.read(path, name), samples, True, True)
    for name, says in (("82", "'C3"), ("XX", "no device"), (":", "2 devices"), ("", "no device")):
        if name == "82":
            assert witmotion.read(path, name).name == "C3:16:82"
            continue
        with pytest.raises(UsageError, match=says):
            witmotion.read(path, name)


def test_a_chip_time_that_runs_is_the_time(tmp_path: Path) -> None:
    """It shows a lost sample, which arrivals in bursts cannot; one that stands still is not used."""
    for runs in (True, False):
        at = bursts(ROWS, 100.0, 3)
        text = Wit(clock="date").text([("", SAMPLES, at)]).splitlines()
        out = [text[0].replace("Time,", "Time,Chip Time(),", 1)]
        for i, line in enumerate(text[1:]):
            if i == 40:
                continue
            stamp, rest = line.split(",", 1)
            chip = f"2000-01-01 00:00:{i / 100:06.3f}" if runs else "2000-01-01 00:00:00.000"
            out.append(f"{stamp},{chip},{rest}")
        (tmp_path / "chip.csv").write_text("\n".join(out), encoding="utf-8")
        found = witmotion.read(tmp_path / "chip.csv")
        assert found.gaps == ((1, 1) if runs else (0, 0))
        assert ("times by the sensor's clock" in found.notes) == runs


def test_angles_are_used_where_the_quaternion_is_older(tmp_path: Path) -> None:
    """A logger asks for the quaternion a few times a second, the angles come with every frame."""
    stale = np.arange(300) // 25 * 25
    samples = truth(300)
    old = Truth(samples.acc_mps2, samples.gyr_radps, samples.q[stale])
    fresh = Wit().text([("", samples, bursts(300, 100.0, 4))]).splitlines()
    late = Wit().text([("", old, bursts(300, 100.0, 4))]).splitlines()
    mixed = [",".join((*a.split(",")[:-4], *b.split(",")[-4:])) for a, b in zip(fresh, late)]
    (tmp_path / "a.csv").write_text("\n".join(mixed), encoding="utf-8")
    found = witmotion.read(tmp_path / "a.csv")
    assert "orientation from its angles" in found.notes
    same_rotation(found.values[:, -4:], samples.q, 1e-6)


def test_rows_that_repeat_are_kept_and_told(tmp_path: Path) -> None:
    """They are how many samples came: without them the ones behind would come too early."""
    still = SAMPLES.rows([0] * ROWS)
    path = Wit(clock="zero").write(tmp_path / "a.csv", [("", still, np.floor(np.arange(ROWS) / 4) * 0.04)])
    found = witmotion.read(path)
    assert len(found.t_ns) == ROWS and "60 rows repeat the one before" in found.notes
    assert found.rate_hz == pytest.approx(100.0, rel=0.03)


# --- x-io ---------------------------------------------------------------------------------------

US = 917_000_000 + np.arange(ROWS) * 20_004


@given(lost=st.sets(st.integers(1, ROWS - 2), max_size=10))
def test_an_xio_folder_gives_its_samples_and_gaps(
    tmp_path_factory: pytest.TempPathFactory, lost: set[int]
) -> None:
    kept = [i for i in range(ROWS) if i not in lost]
    folder = write_xio(tmp_path_factory.getbasetemp() / "xio" / "dev", SAMPLES, US, kept)
    for path in (folder, folder.parent, folder.parent.parent / "xio", folder / "Inertial.csv"):
        assert detect.kind(path) == "xio"
        found = xio.read(path)
        check_values(found, SAMPLES.rows(kept), True, True)
        np.testing.assert_array_equal(found.t_ns, (US[kept] - US[0]) * 1000)
        assert found.gaps[1] == len(lost)
        assert (found.name, found.serial, found.wall_time[:19]) == (
            "Shank",
            "0123ABCD",
            "2023-09-16T02:06:24",
        )


@given(
    shift=st.integers(1, 20_003),
    at=st.floats(-3.0, 3.0),
    rate=st.floats(-6.0, 6.0).filter(lambda r: abs(r) > 0.01),
    flips=st.lists(st.booleans(), min_size=ROWS, max_size=ROWS),
)
def test_orientation_stamped_otherwise_is_put_between(
    tmp_path_factory: pytest.TempPathFactory, shift: int, at: float, rate: float, flips: list[bool]
) -> None:
    """An even turn about any axis is met exactly, whatever the sign its quaternions were written with."""
    axis = np.array([0.6, 0.0, 0.8])

    def turned(us: IntArray) -> FloatArray:
        return quaternion.from_rotation_vector((at + rate * (us - US[0])[:, None] * 1e-6) * axis)

    later = US - 20_004 + shift
    written = turned(later) * np.where(flips, -1.0, 1.0)[:, None]
    folder = write_xio(tmp_path_factory.getbasetemp() / "shift", SAMPLES, US, None, (written, later))
    found = xio.read(folder)
    whole = [all(row) for row in np.isfinite(found.values).tolist()]
    assert all(whole[:-1]) and not whole[-1]
    same_rotation(found.values[:-1, -4:], turned(US)[:-1], 1e-9)


@pytest.mark.parametrize(("each", "kept"), [(2, True), (10, False)])
def test_orientation_that_came_too_seldom_is_left_out_and_told(tmp_path: Path, each: int, kept: bool) -> None:
    some = np.arange(0, ROWS, each)
    folder = write_xio(tmp_path / "dev", SAMPLES, US, None, (SAMPLES.q[some], US[some]))
    found = xio.read(folder)
    assert found.has_quaternion == kept
    assert any("Quaternion.csv left out" in note for note in found.notes) != kept


@pytest.mark.parametrize("missing", ["Inertial.csv", "Quaternion.csv", "Command.json"])
def test_any_one_file_may_be_missing(tmp_path: Path, missing: str) -> None:
    folder = write_xio(tmp_path / "dev", SAMPLES, US)
    (folder / missing).unlink()
    check_values(xio.read(folder), SAMPLES, missing != "Inertial.csv", missing != "Quaternion.csv")


def test_one_of_several_devices_is_chosen_by_its_name_or_part_of_it(tmp_path: Path) -> None:
    for i, name in enumerate(
        ("Left Shank 1A (UDP)", "Right Shank 2B (UDP)", "Right Shank 2B (UDP)/no device")
    ):
        write_xio(tmp_path / "logged" / name, truth(ROWS, 600 + 100 * i), US)
    (tmp_path / "logged" / "Right Shank 2B (UDP)" / "no device" / "Inertial.csv").unlink()
    (tmp_path / "logged" / "Right Shank 2B (UDP)" / "no device" / "Quaternion.csv").unlink()
    with pytest.raises(UsageError, match="holds 2 devices: choose by --device one of 'Left Shank 1A"):
        xio.read(tmp_path)
    check_values(xio.read(tmp_path, "right"), truth(ROWS, 700), True, True)
    with pytest.raises(UsageError, match="2 devices of that name"):
        xio.read(tmp_path, "shank")


# --- all ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["xsens-dot", "witmotion", "xio"])
def test_auto_gives_what_the_format_gives_and_says_what_it_took_it_for(tmp_path: Path, kind: str) -> None:
    """And the recording replays with a calibration of its own."""
    rows = 3000
    samples = truth(rows, 0)
    match kind:
        case "xsens-dot":
            source = Dot(content=("imu", "quat")).write(tmp_path / "a.csv", samples, range(rows))
        case "witmotion":
            source = Wit().write(tmp_path / "a.csv", [("", samples, bursts(rows, 100.0, 1))])
        case _:
            source = write_xio(tmp_path / "a", samples, np.arange(rows) * 10_000)
    told = [
        done("import", source, "-o", tmp_path / f"{i}.mcap", "--side", "left", *options).out.split(": ", 1)[1]
        for i, options in enumerate(((), ("--format", kind)))
    ]
    assert told[0].replace("0.mcap", "1.mcap") == told[1] and "taken for " in told[0]
    a, b = (read_table(tmp_path / f"{i}.mcap") for i in (0, 1))
    np.testing.assert_array_equal(a.acc_mps2, b.acc_mps2)
    np.testing.assert_array_equal(a.q_earth_from_sensor, b.q_earth_from_sensor)
    lines = done("replay", tmp_path / "0.mcap", "--json", "--calibration", "auto").lines
    assert lines[0]["samples"] == rows and lines[0]["side"] == "left" and lines[-1]["reps"] > 0
