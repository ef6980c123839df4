"""The CSV import: numbers arrive unchanged in SI units, gaps stay gaps, the rest is refused in one line."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cli_runs import ACC, GYR, IMU, QUAT, RATED, done, drill, imu_columns, read_table, refused, write_csv
from hipturn import recording
from hipturn.core import quaternion
from hipturn.errors import InputError, UsageError
from hipturn.model import FloatArray
from hipturn.offline import AUTO, Request, analyse
from hipturn.recording import Reader
from hipturn.sources.importers import cells, csv
from hipturn.units import ACC_UNITS_MPS2, GYR_UNITS_RADPS, NS_PER_S, TIME_UNITS_NS

RNG = np.random.default_rng(7)
N = 200
ACC_MPS2 = RNG.normal((0.0, 1.0, 9.7), 0.5, (N, 3))
GYR_RADPS = RNG.normal(0.0, 1.0, (N, 3))
T_NS = np.arange(N) * 10_000_000


def table() -> dict[str, FloatArray]:
    return imu_columns(ACC_MPS2, GYR_RADPS)


# --- the round trip -----------------------------------------------------------------------------


@pytest.mark.parametrize("acc_unit", ACC_UNITS_MPS2)
@pytest.mark.parametrize("gyr_unit", GYR_UNITS_RADPS)
@pytest.mark.parametrize("time_unit", [None, *TIME_UNITS_NS])
def test_numbers_come_back_within_rounding(
    tmp_path: Path, acc_unit: str, gyr_unit: str, time_unit: str | None
) -> None:
    columns: dict[str, FloatArray] = imu_columns(
        ACC_MPS2 / ACC_UNITS_MPS2[acc_unit], GYR_RADPS / GYR_UNITS_RADPS[gyr_unit]
    )
    options: tuple[str, ...] = ("--rate", "100")
    if time_unit is not None:
        # clocks do not begin at zero
        columns["t"] = (T_NS + 5 * NS_PER_S) / TIME_UNITS_NS[time_unit]
        options = ("--time", "t", "--time-unit", time_unit)
    source = write_csv(tmp_path / "a.csv", columns)
    out = tmp_path / "a.mcap"
    done("import", source, "-o", out, *IMU, "--acc-unit", acc_unit, "--gyr-unit", gyr_unit, *options)
    back = read_table(out)
    assert back.rate_hz == pytest.approx(100.0)
    np.testing.assert_allclose(back.tick_ns, T_NS, atol=1000)
    np.testing.assert_allclose(back.acc_mps2, ACC_MPS2, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(back.gyr_radps, GYR_RADPS, rtol=1e-8, atol=1e-9)
    assert Reader(out).problem is None


@pytest.mark.parametrize("order", ["wxyz", "xyzw"])
@pytest.mark.parametrize("direction", ["earth-from-sensor", "sensor-from-earth"])
def test_quaternions_come_back_in_our_order_and_direction(tmp_path: Path, order: str, direction: str) -> None:
    truth = drill().q_earth_from_sensor[:N]
    told = truth if direction == "earth-from-sensor" else quaternion.conjugate(truth)
    columns = dict(zip(QUAT, told.T))
    names = [f"q{letter}" for letter in order]
    source = write_csv(tmp_path / "q.csv", columns)
    out = tmp_path / "q.mcap"
    options = ("--quat", ",".join(names), "--quat-order", order, "--quat-direction", direction)
    done("import", source, "-o", out, *options, "--rate", "100")
    back = read_table(out)
    assert back.acc_mps2 is None and back.gyr_radps is None
    np.testing.assert_allclose(back.q_earth_from_sensor, truth, atol=1e-8)


def test_imu_and_quaternion_in_one_file(tmp_path: Path) -> None:
    q = drill().q_earth_from_sensor[:N]
    source = write_csv(tmp_path / "b.csv", {**dict(zip(QUAT, q.T)), **table()})
    out = tmp_path / "b.mcap"
    done(
        "import", source, "-o", out, *RATED, "--quat", ",".join(QUAT), "--quat-direction", "earth-from-sensor"
    )
    back = read_table(out)
    np.testing.assert_allclose(back.acc_mps2, ACC_MPS2, atol=1e-7)
    np.testing.assert_allclose(back.q_earth_from_sensor, q, atol=1e-8)


def test_a_wrong_direction_is_never_guessed(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "q.csv", dict(zip(QUAT, drill().q_earth_from_sensor.T)))
    line = refused("import", source, "-o", tmp_path / "q", "--quat", ",".join(QUAT), "--rate", "100", code=2)
    assert "--quat-direction earth-from-sensor or sensor-from-earth" in line


@pytest.mark.parametrize("missing", ["", "NaN", "nan", "NA", "null", "inf"])
def test_a_missing_cell_is_a_gap_and_never_a_zero(tmp_path: Path, missing: str) -> None:
    columns: dict[str, list[object]] = {name: list(values) for name, values in table().items()}
    columns["gy"][50:53] = [missing] * 3
    columns["az"][100] = missing
    out = tmp_path / "m.mcap"
    told = done("import", write_csv(tmp_path / "m.csv", columns), "-o", out, *RATED).out
    assert "2 gaps with 4 samples missing" in told
    back = read_table(out)
    kept = [i for i in range(N) if i not in (50, 51, 52, 100)]
    np.testing.assert_array_equal(back.tick_ns, T_NS[kept])
    np.testing.assert_allclose(back.gyr_radps, GYR_RADPS[kept], atol=1e-7)


def test_gaps_in_the_times_are_gaps_of_the_recording(tmp_path: Path) -> None:
    motion = drill()
    keep = np.ones(len(motion.t_s), np.bool_)
    keep[300:320] = keep[1000] = False
    columns = {"t": motion.t_s[keep], **imu_columns(motion.acc_mps2[keep], motion.gyr_radps[keep])}
    out = tmp_path / "g.mcap"
    told = done("import", write_csv(tmp_path / "g.csv", columns), "-o", out, *IMU, "--time", "t").out
    assert "2 gaps with 21 samples missing" in told
    gaps = done("replay", out, "--json", "--calibration", "auto").of("gap")
    assert [(gap["start_s"], gap["lost"]) for gap in gaps] == [(2.99, 20), (9.99, 1)]


def test_times_rounded_to_milliseconds_show_the_true_rate(tmp_path: Path) -> None:
    """At 60 Hz the rounded steps are 16 and 17 ms: neither is the period."""
    columns = {"t": [round(i * 1000 / 60) for i in range(N)], **table()}
    out = tmp_path / "r.mcap"
    done(
        "import", write_csv(tmp_path / "r.csv", columns), "-o", out, *IMU, "--time", "t", "--time-unit", "ms"
    )
    assert read_table(out).rate_hz == pytest.approx(60.0, rel=2e-3)


def test_rows_that_come_late_or_twice_are_told_and_left_out(tmp_path: Path) -> None:
    order = [0, 1, 2, 2, 3, 5, 4, *range(6, N)]
    columns = {"t": T_NS[order] / NS_PER_S, **imu_columns(ACC_MPS2[order], GYR_RADPS[order])}
    out = tmp_path / "l.mcap"
    told = done("import", write_csv(tmp_path / "l.csv", columns), "-o", out, *IMU, "--time", "t").out
    assert "2 rows late or twice" in told


def test_a_row_no_sensor_can_have_measured_is_a_gap(tmp_path: Path) -> None:
    columns: dict[str, list[object]] = {name: list(values) for name, values in table().items()}
    columns["ax"][20], columns["gz"][40], columns["gz"][41] = 1e300, -1e9, "1e999"
    out = tmp_path / "w.mcap"
    told = done("import", write_csv(tmp_path / "w.csv", columns), "-o", out, *RATED).out
    assert "2 gaps with 3 samples missing" in told and "2 rows damaged" in told
    assert read_table(out).tick_ns.tolist() == [t for i, t in enumerate(T_NS) if i not in (20, 40, 41)]


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_side_is_in_the_recording(tmp_path: Path, side: str) -> None:
    motion = drill()
    source = write_csv(tmp_path / "s.csv", imu_columns(motion.acc_mps2, motion.gyr_radps))
    done("import", source, "-o", tmp_path / "s.mcap", *RATED, "--side", side)
    lines = done("replay", tmp_path / "s.mcap", "--json", "--calibration", "auto").lines
    assert lines[0]["side"] == side


def variants() -> dict[str, tuple[bytes, tuple[str, ...]]]:
    text = "\n".join([",".join((*ACC, *GYR)), *("0.5,0,9.75,0,0.25,-1" for _ in range(20))])
    return {
        "semicolons": (text.replace(",", ";").encode(), ("--delimiter", ";")),
        "tabs": (text.replace(",", "\t").encode(), ("--delimiter", "\\t")),
        "spaces": (text.replace(",", " ").encode(), ("--delimiter", " ")),
        "decimal commas": (
            text.replace(",", ";").replace(".", ",").encode(),
            ("--delimiter", ";", "--decimal", ","),
        ),
        "quoted decimal commas": (
            text.replace("0.5", '"0,5"').replace("9.75", '"9,75"').replace("0.25", '"0,25"').encode(),
            ("--decimal", ","),
        ),
        "byte order mark": (b"\xef\xbb\xbf" + text.encode(), ()),
        "Windows line ends": (text.replace("\n", "\r\n").encode(), ()),
        "old Mac line ends": (text.replace("\n", "\r").encode(), ()),
        "no last line end, blank lines": (text.replace("\n", "\n\n").encode(), ()),
        "a delimiter too many": (text.replace("\n", ",\n").encode(), ()),
        "spaces around": (text.replace(",", " , ").encode(), ()),
        "text above the header": (b"made by,a logger\nin 2026\n" + text.encode(), ("--skip-rows", "2")),
        "columns that are not asked for": (
            "\n".join(f"{line},°,{i}" for i, line in enumerate(text.splitlines())).encode(),
            (),
        ),
    }


@pytest.mark.parametrize("variant", variants())
def test_a_table_may_be_written_in_many_ways(tmp_path: Path, variant: str) -> None:
    data, options = variants()[variant]
    source, out = tmp_path / "ümlaut 中.csv", tmp_path / "ö ut.mcap"
    source.write_bytes(data)
    done("import", source, "-o", out, *RATED, *options)
    back = read_table(out)
    assert back.acc_mps2 is not None and back.gyr_radps is not None
    np.testing.assert_array_equal(back.acc_mps2, [[0.5, 0.0, 9.75]] * 20)
    np.testing.assert_array_equal(back.gyr_radps, [[0.0, 0.25, -1.0]] * 20)


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize("true_unit", ACC_UNITS_MPS2)
@pytest.mark.parametrize("told_unit", ACC_UNITS_MPS2)
def test_a_wrong_unit_is_refused_with_the_right_one(tmp_path: Path, true_unit: str, told_unit: str) -> None:
    if true_unit == told_unit:
        return
    columns = imu_columns(ACC_MPS2 / ACC_UNITS_MPS2[true_unit], GYR_RADPS)
    source = write_csv(tmp_path / "u.csv", columns)
    line = refused("import", source, "-o", tmp_path / "u.mcap", *RATED, "--acc-unit", told_unit)
    assert f"try --acc-unit {true_unit}" in line


def test_rates_no_leg_reaches_are_refused_with_the_right_unit(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "u.csv", imu_columns(ACC_MPS2, GYR_RADPS / GYR_UNITS_RADPS["dps"]))
    assert "try --gyr-unit dps" in refused("import", source, "-o", tmp_path / "u.mcap", *RATED)


HEADER = ",".join((*ACC, *GYR))
ROW = "0,0,9.8,0,0,0"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "empty"),
        (b"\n", "empty"),
        (HEADER.encode(), "no rows below the header"),
        (f"{HEADER}\n\n".encode(), "no rows below the header"),
        (b"\x89MCAP0\r\n\x00\xff\xfe", "not UTF-8 text"),
        (f"{HEADER}\n{ROW}\n".encode("utf-16"), "not UTF-8 text"),
        (HEADER.encode() + b"\n\x00\x01", "is not a number"),
        (f"{HEADER}\n{ROW}\n0,0,9.8,0,0,fast".encode(), "line 3: 'fast' is not a number"),
        (f"{HEADER}\n0,0,9.8,0,0,1_5".encode(), "'1_5' is not a number"),
        (f"{HEADER}\n0,0,9.8,0,0,0x10".encode(), "is not a number"),
        (f"{HEADER.replace('az', 'acc z')}\n{ROW}".encode(), "no column is called 'az'"),
        (f"{HEADER.replace('az', 'ay')}\n{ROW}".encode(), "2 columns are called 'ay'"),
        (f"{HEADER}\n0,0,9.8,0,0,0,0.5".encode(), "line 2: 7 cells below a header of 6"),
        (f"{HEADER}\n,,,,,\n,,,,,".encode(), "no row has all of"),
        (f"{HEADER}\n0,0,0,0,0,0".encode(), "has gravity been removed"),
        (f"{HEADER}\n1e300,0,0,0,0,0".encode(), "--acc-unit"),
        (f"{HEADER}\n'{'x' * 200_000}".encode(), "not CSV"),
        (f'{HEADER}\n"{"x" * 200_000}'.encode(), "not CSV"),
    ],
)
def test_what_is_no_table_is_refused_in_one_line(tmp_path: Path, text: bytes, says: str) -> None:
    source = tmp_path / "x.csv"
    source.write_bytes(text)
    line = refused("import", source, "-o", tmp_path / "x.mcap", *RATED)
    assert says in line and "x.csv" in line
    assert [each.name for each in tmp_path.iterdir()] == ["x.csv"]


def test_a_mistyped_column_is_answered_with_the_nearest(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "x.csv", {"acc_x": [0.0], "acc_y": [0.0], "acc_z": [9.8], "gx": [0.0]})
    line = refused(
        "import", source, "-o", tmp_path / "x", "--acc", "acc_x,acc_y,accz", "--gyr", "a,b,c", "--rate", 9
    )
    assert "did you mean 'acc_z'?" in line


@pytest.mark.parametrize(("delimiter", "shown"), [(";", "';'"), ("\t", r"'\t'"), ("|", "'|'"), (" ", "' '")])
def test_a_wrong_delimiter_is_answered_with_the_right_one(tmp_path: Path, delimiter: str, shown: str) -> None:
    source = write_csv(tmp_path / "x.csv", table(), delimiter)
    assert f"try --delimiter {shown}" in refused("import", source, "-o", tmp_path / "x", *RATED)


def test_a_decimal_comma_is_recognised(tmp_path: Path) -> None:
    source = tmp_path / "x.csv"
    source.write_text(f"{HEADER}\n{ROW}".replace(",", ";").replace(".", ","))
    line = refused("import", source, "-o", tmp_path / "x.mcap", *RATED, "--delimiter", ";")
    assert "try --decimal ," in line


@pytest.mark.parametrize(
    ("times", "options", "says"),
    [
        ([5.0] * 20, (), "no increasing times"),
        ([math.nan] * 20, (), "no increasing times"),
        ([1e300] * 20, (), "no increasing times"),
        (list(range(20, 0, -1)), (), "no increasing times"),
        ([*range(19), 1e300], (), "do not fit s"),
        ([i * 1000.0 for i in range(20)], (), "check --time-unit"),
        ([i * 1e-6 for i in range(20)], (), "check --time-unit"),
        ([i * 0.01 for i in range(20)], ("--rate", "50"), "leave out --time"),
        (
            [*(i * 0.01 for i in range(500)), *(i * 0.01 for i in range(20))],
            (),
            "line 502: the time goes back by 4.99 s",
        ),
    ],
)
def test_times_that_cannot_be_are_refused(
    tmp_path: Path, times: list[float], options: tuple[str, ...], says: str
) -> None:
    n = len(times)
    columns = {"t": times, **imu_columns(np.tile([0.0, 0.0, 9.8], (n, 1)), np.zeros((n, 3)))}
    source = write_csv(tmp_path / "t.csv", columns)
    assert says in refused("import", source, "-o", tmp_path / "t.mcap", *IMU, "--time", "t", *options)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((*IMU, "--rate", "0"), "--rate must be from 1"),
        ((*IMU, "--rate", "nan"), "--rate must be from 1"),
        ((*IMU, "--rate", "-25"), "--rate must be from 1"),
        (IMU, "give --rate HZ or --time COLUMN"),
        (("--rate", "25"), "name the columns"),
        ((*IMU[:2], "--rate", "25"), "belong together"),
        (("--acc", "a,b", "--gyr", "c,d,e", "--rate", "25"), "--acc needs 3 column names"),
        (("--acc", "a,b,b", "--gyr", "c,d,e", "--rate", "25"), "'b' is named twice"),
        ((*RATED, "--delimiter", ""), "one character"),
        ((*RATED, "--delimiter", "ab"), "one character"),
        ((*RATED, "--delimiter", '"'), "one character"),
        ((*RATED, "--delimiter", "\n"), "one character"),
    ],
)
def test_wrong_usage_is_told(tmp_path: Path, options: tuple[str, ...], says: str) -> None:
    source = write_csv(tmp_path / "x.csv", table())
    assert says in refused("import", source, "-o", tmp_path / "x.mcap", *options, code=2)


def test_more_lines_skipped_than_there_are(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "x.csv", table())
    assert "empty" in refused("import", source, "-o", tmp_path / "x", *RATED, "--skip-rows", 10**15)


def test_a_folder_or_nothing_as_input(tmp_path: Path) -> None:
    assert "Is a directory" in refused("import", tmp_path, "-o", tmp_path / "x.mcap", *RATED)
    assert "No such file" in refused("import", tmp_path / "none", "-o", tmp_path / "x.mcap", *RATED)


# --- what is written ----------------------------------------------------------------------------


def test_a_failed_import_leaves_what_was_there(tmp_path: Path) -> None:
    good, bad = write_csv(tmp_path / "good.csv", table()), tmp_path / "bad.csv"
    bad.write_text(f"{HEADER}\n{ROW}\n0,0,9.8,0,0,oops\n")
    out = tmp_path / "out.mcap"
    done("import", good, "-o", out, *RATED)
    before = out.read_bytes()
    refused("import", bad, "-o", out, *RATED)
    assert out.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["bad.csv", "good.csv", "out.mcap"]
    done("import", good, "-o", out, *RATED)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["bad.csv", "good.csv", "out.mcap"]


def test_a_disk_that_refuses_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, out = write_csv(tmp_path / "x.csv", table()), tmp_path / "out.mcap"
    out.write_bytes(b"precious")

    def full(path: Path, inputs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert "No space left" in refused("import", source, "-o", out, *RATED)
    assert out.read_bytes() == b"precious"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["out.mcap", "x.csv"]


@pytest.mark.parametrize("place", ["folder", "nowhere/x.mcap", "x.csv/x.mcap", "", ".", "/", "n" * 300])
def test_a_place_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    source = write_csv(tmp_path / "x.csv", table())
    refused("import", source, "-o", place, *RATED)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["folder", "x.csv"]


def test_a_device_is_never_replaced_by_a_file(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "x.csv", table())
    assert "not a file" in refused("import", source, "-o", "/dev/null", *RATED)
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("name", ["x.csv", "./x.csv", "link.csv", "x.mcap"])
def test_the_input_is_never_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    source = write_csv(tmp_path / ("x.mcap.part" if name == "x.mcap" else "x.csv"), table())
    (tmp_path / "link.csv").symlink_to(source)
    before = source.read_bytes()
    assert "overwrite" in refused("import", source, "-o", name, *RATED, code=2)
    assert source.read_bytes() == before


# --- any bytes at all ---------------------------------------------------------------------------


def good_lines() -> list[str]:
    """The lines of a table that gives results: a drill at 25 Hz with times."""
    motion = drill()
    rows = np.column_stack((motion.acc_mps2, motion.gyr_radps, motion.t_s))[::4]
    return [f"{HEADER},t", *(",".join(f"{x:.4f}" for x in row) for row in rows.tolist())]


GOOD = good_lines()
places = st.integers(0, len(GOOD) - 1)


def mostly(usual: object, *others: object) -> st.SearchStrategy[Any]:
    """Draw what is right most of the time, or hardly anything would be read."""
    return st.sampled_from([usual] * (4 + 4 * len(others)) + list(others))


nasty = st.sampled_from(
    [
        "",
        "nan",
        "NA",
        "0",
        "1e308",
        "-1e308",
        "1e-320",
        "-inf",
        "9" * 400,
        "٣",
        "1e5",
        "x",
        "1,5",
        "\x00",
        '"',
    ]
)


@dataclass(frozen=True)
class Spoiled:
    """What has happened to a good table."""

    cells: list[tuple[int, int, str]]
    moves: list[tuple[int, int, int, str]]
    flips: list[tuple[float, int]]
    cut: int | None

    def data(self) -> bytes:
        lines = list(GOOD)
        for at, column, text in self.cells:
            row = lines[at].split(",")
            row[column % len(row)] = text
            lines[at] = ",".join(row)
        for a, b, n, how in self.moves:
            lost = lines[a : a + n]
            lines[a : a + n] = {"lost": [], "twice": lost * 2, "other": lines[b : b + n]}[how]
        data = bytearray("\n".join(lines).encode())
        for share, byte in self.flips:
            data[int(share * (len(data) - 1))] = byte
        return bytes(data[: self.cut])


spoiled = st.builds(
    Spoiled,
    cells=st.lists(st.tuples(places, st.integers(0, 6), nasty), max_size=3),
    moves=st.lists(
        st.tuples(places, places, st.integers(0, 40), mostly("lost", "twice", "other")), max_size=2
    ),
    flips=st.lists(st.tuples(st.floats(0.0, 1.0), st.integers(0, 255)), max_size=1),
    cut=mostly(None, 1000, 30),
)


common: dict[str, Any] = {
    "time": mostly("t", None),
    "time_unit": mostly("s", "ms", "ns"),
    "rate_hz": mostly(25.0, None, math.nan, 1e-9, 1e300),
    "form": st.builds(cells.Form, mostly(",", ";", "\t"), mostly(".", ","), mostly(0, 3)),
}
imu_layouts = st.builds(
    csv.Layout,
    acc=st.just(ACC),
    gyr=st.just(GYR),
    acc_unit=mostly("mps2", "g"),
    gyr_unit=mostly("radps", "dps"),
    **common,
)
quaternion_layouts = st.builds(
    csv.Layout,
    quat=st.just((*GYR, "az")),
    quat_order=mostly("xyzw", "wxyz"),
    quat_direction=mostly("earth-from-sensor", "sensor-from-earth", None),
    **common,
)


@given(
    data=st.binary(max_size=300) | spoiled | spoiled | spoiled,
    layout=imu_layouts | imu_layouts | quaternion_layouts,
)
@example(
    data=f"{HEADER},t\n0,0,9.8,0,0,0,1\n0,0,9.8,0,0,0,101".encode(), layout=csv.Layout(ACC, GYR, time="t")
)
@settings(max_examples=300)
def test_any_bytes_give_inputs_or_one_clear_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes | Spoiled, layout: csv.Layout
) -> None:
    """And what an import accepts, a replay reads: with results, or with one line why there are none."""
    folder = tmp_path_factory.getbasetemp()
    source, out = folder / "any.csv", folder / "any.mcap"
    source.write_bytes(data.data() if isinstance(data, Spoiled) else data)
    try:
        inputs = csv.inputs(source, layout)
    except (InputError, UsageError) as error:
        assert str(error) and "\n" not in str(error)
        return
    recording.write(out, inputs)
    try:
        result = analyse(out, Request(calibration=AUTO), keep_angles=True)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert all(np.isfinite(block.angle_rad).all() for block in result.angles)
