"""Exports and logs by others of real sensors, through the commands as a person would run them.

They lie in a folder beside the project and are no part of it: see `test_real_data`.
"""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest

from cli_runs import done, read_table, refused, run
from hipturn import drivers, recording
from hipturn.core import quaternion
from hipturn.core.fusion import FusionParams
from hipturn.core.pipeline import Front
from hipturn.errors import InputError
from hipturn.model import HostNs, LinkUp, Mark, MarkKind, Orientation, Tapped
from hipturn.sources.importers import cells, csv

DATA = Path(__file__).parents[2] / "shared" / "data"
MUST_BE_THERE = os.environ.get("CI") and not os.environ.get("HIPTURN_NO_SHARED_DATA")

if not DATA.is_dir() and not MUST_BE_THERE:
    pytest.skip(f"the recordings of others are not at {DATA}", allow_module_level=True)

DOTS = sorted((DATA / "xsens_dot").glob("*.csv"))
LOGS = sorted((DATA / "witmotion").glob("*.csv"))
TWO = DATA / "witmotion" / "multi_device.csv"
XIO = DATA / "xio" / "logged_lower_body"
XIO_DEVICES = sorted(each.name for each in XIO.iterdir()) if XIO.is_dir() else []


@pytest.fixture(autouse=True)
def _there() -> None:
    if not DATA.is_dir():
        pytest.fail(f"{DATA} is missing: put it there, or set HIPTURN_NO_SHARED_DATA", pytrace=False)


@pytest.mark.parametrize("path", DOTS, ids=lambda path: path.stem)
def test_a_dot_export_is_imported_and_replayed(path: Path, tmp_path: Path) -> None:
    """The thigh on the left lost 157 of 352 packets, the others none; the legs bent three times."""
    told = done("import", path, "-o", tmp_path / "x.mcap").out
    assert "taken for an Xsens DOT export" in told and "at 60 Hz" in told
    lost = "LFemur" in path.name
    assert ("138 gaps with 157 samples missing" in told) == lost and ("gaps" in told) == lost
    result = done("replay", tmp_path / "x.mcap", "--json", "--calibration", "auto")
    assert sum(gap["lost"] for gap in result.of("gap")) == (157 if lost else 0)
    reps = result.of("rep")
    assert [rep["verdict"] for rep in reps] == (["void"] * len(reps) if lost else ["controlled"] * 3)


def test_the_bones_of_one_take_agree_in_time(tmp_path: Path) -> None:
    """All sensors were synchronised: the knees bend in the same moments, by either leg's sensors."""
    peaks = []
    for path in DOTS:
        if "LFemur" not in path.name:
            done("import", path, "-o", tmp_path / "x.mcap")
            reps = done("replay", tmp_path / "x.mcap", "--json", "--calibration", "auto").of("rep")
            peaks.append([rep["peak_s"] for rep in reps])
    assert len(peaks) == 4 and np.ptp(np.array(peaks), axis=0).max() < 0.2


@pytest.mark.parametrize("path", [path for path in LOGS if path != TWO], ids=lambda path: path.stem)
def test_a_witmotion_log_is_imported_and_replayed(path: Path, tmp_path: Path) -> None:
    """Every row is a sample; bursts are spread, and no loss is made of a stall."""
    told = done("import", path, "-o", tmp_path / "x.mcap").out
    rows = len(path.read_text(encoding="utf-8").splitlines()) - 1
    assert f"taken for a WitMotion log, {rows} rows at " in told and "gaps" not in told
    back = read_table(tmp_path / "x.mcap")
    assert back.rate_hz == pytest.approx(10.0 if rows < 30 else 100.0, rel=0.03)
    head, *_, tail = done("replay", tmp_path / "x.mcap", "--json", "--calibration", "auto").lines
    assert (head["samples"], tail["gaps"]) == (rows, 0)


def test_orientation_of_a_log_agrees_with_the_acceleration_beside_it(tmp_path: Path) -> None:
    """Which columns have values although the header promises more is found, and the direction is right."""
    for path in LOGS:
        if path == TWO:
            continue
        done("import", path, "-o", tmp_path / "x.mcap")
        columns = ("AccX", "AccY", "AccZ")
        acc, _ = cells.read(path, columns, cells.Form())
        up = acc / np.linalg.norm(acc, axis=1)[:, None]
        q = read_table(tmp_path / "x.mcap").q_earth_from_sensor
        apart = np.arccos(np.clip(quaternion.dot(up, quaternion.up_in_sensor(q)), -1.0, 1.0))
        assert np.degrees(np.median(apart)) < 12.0, path.name


def test_one_of_two_devices_in_a_log_is_chosen(tmp_path: Path) -> None:
    line = refused("import", TWO, "-o", tmp_path / "x.mcap", code=2)
    assert "--device one of 'F3:89:79:49:6C:B3', 'C3:16:82:EF:1B:48'" in line
    for device in ("F3:89:79:49:6C:B3", "c3:16"):
        assert "256 rows" in done("import", TWO, "-o", tmp_path / "x.mcap", "--device", device).out
        done("replay", tmp_path / "x.mcap", "--json", "--calibration", "auto")


@pytest.mark.parametrize("device", XIO_DEVICES)
def test_an_xio_device_is_imported_and_replayed(device: str, tmp_path: Path) -> None:
    """Lost messages are gaps of up to 60 ms; rates and orientation are both there."""
    told = done("import", XIO.parent, "-o", tmp_path / "x.mcap", "--device", device).out
    gaps = int(told.split(" gaps with ")[0].rsplit(" ", 1)[1])
    result = done("replay", tmp_path / "x.mcap", "--json", "--calibration", "auto")
    lost = result.of("gap")
    assert len(lost) == gaps > 0 and max(gap["end_s"] - gap["start_s"] for gap in lost) < 0.0605
    assert "acceleration" not in told and read_table(tmp_path / "x.mcap").q_earth_from_sensor is not None


def test_devices_below_a_folder_are_listed(tmp_path: Path) -> None:
    result = run("import", XIO, "-o", tmp_path / "x.mcap")
    assert result.code == 2 and "holds 7 devices" in result.err and result.err.count("\n") == 1
    assert len(XIO_DEVICES) == 7 and all(device in result.err for device in XIO_DEVICES)


# --- no false alarm about units -----------------------------------------------------------------

UCI_LAYOUT = csv.Layout(
    ("acc_x", "acc_y", "acc_z"), ("gyr_x", "gyr_y", "gyr_z"), rate_hz=25.0, form=cells.Form(";")
)
TABLES = [
    *((path, UCI_LAYOUT) for path in sorted((DATA / "uci_physical_therapy").glob("s*/e*/u?/*t*.txt"))),
    *(
        (
            path,
            csv.Layout(
                ("acc_x_g", "acc_y_g", "acc_z_g"),
                ("gyr_x_radps", "gyr_y_radps", "gyr_z_radps"),
                time="t_s",
                acc_unit="g",
            ),
        )
        for path in sorted((DATA / "spar").glob("*.csv"))
    ),
]


def test_units_of_real_movements_are_not_doubted_and_wrong_ones_are() -> None:
    """Of all tables: none in the right unit is doubted, rad/s called °/s are refused, the rest doubted."""
    doubted, missed = [], []
    for path, layout in TABLES:
        found = csv.read(path, layout)
        if found.doubts():
            doubted.append(f"{path}: {found.doubts()}")
        try:
            csv.read(path, dataclasses.replace(layout, gyr_unit="dps"))
            missed.append(f"{path} as dps")
        except InputError:
            pass
        # the same rates as a file in °/s has them, told to be rad/s
        values = found.values.copy()
        values[:, 3:6] *= 180.0 / np.pi
        try:
            if not dataclasses.replace(found, values=values).doubts():
                missed.append(f"{path} of dps as radps")
        except InputError:
            pass
    assert len(TABLES) > 60 and not doubted and not missed, "\n".join([*doubted, *missed])


# --- no tap is heard that nobody made -----------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "files"),
    [
        ("tables", [path for path, _ in TABLES]),
        ("witmotion", [path for path in LOGS if path != TWO]),
        ("xsens", DOTS),
        ("xio", [XIO / device for device in XIO_DEVICES]),
    ],
)
def test_no_command_is_heard_in_what_people_did(kind: str, files: list[Path], tmp_path: Path) -> None:
    """Exercises, walking and free movement with the sensor on, listened to all the time: no three taps."""
    layouts = dict(TABLES)
    told: list[Tapped] = []
    listened_s = 0.0
    for path in files:
        out = tmp_path / "x.mcap"
        if kind == "tables":
            recording.write(out, csv.inputs(path, layouts[path]))
        else:
            done("import", XIO.parent if kind == "xio" else path, "-o", out, *_device(kind, path))
        front = Front(FusionParams(filter="complementary"), drivers.decoder)
        for item in recording.Reader(out).inputs():
            for seen in front.push(item):
                if isinstance(seen, Tapped):
                    told.append(seen)
                elif isinstance(seen, Orientation):
                    listened_s = max(listened_s, float(seen.t_ns[-1]) / 1e9)
            if isinstance(item, LinkUp):
                front.push(Mark(item.stream, HostNs(0), MarkKind.LISTEN, {"on": True}))
        out.unlink()
    assert not told and listened_s > 1.0


def _device(kind: str, path: Path) -> tuple[str, ...]:
    return ("--device", path.name) if kind == "xio" else ()
