"""Bad input to the imports: one clear line and nothing written, or samples; whatever the file holds."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cli_runs import IMU, RATED, Run, done, imu_columns, refused, run, write_csv
from foreign import Dot, Wit, bursts, truth, write_xio
from hipturn import recording
from hipturn.core import quaternion
from hipturn.errors import InputError, UsageError
from hipturn.offline import AUTO, Request, analyse
from hipturn.sources.importers import cells, detect, witmotion, xio, xsens_dot

ROWS = 300
SAMPLES = truth(ROWS)
DOT = Dot(content=("imu", "quat")).text(SAMPLES, range(ROWS))
WIT = Wit(style="own", device=True).text([("a", SAMPLES, bursts(ROWS, 100.0, 1))])
WIT_UNFILLED = Wit(style="own", unfilled="gyr", rates=False).text([("", SAMPLES, bursts(ROWS, 100.0, 1))])
TWO = Wit(style="own", device=True).text(
    [(name, SAMPLES, bursts(ROWS, 100.0, i)) for i, name in enumerate(("AA:01", "BB:02"))]
)


def _xio_texts() -> dict[str, str]:
    names = ["Gyroscope X (deg/s)", "Gyroscope Y (deg/s)", "Gyroscope Z (deg/s)"]
    names += ["Accelerometer X (g)", "Accelerometer Y (g)", "Accelerometer Z (g)"]
    rows = [f"{i * 20_000}," + ",".join(["0.1"] * 5 + ["1.0"]) for i in range(ROWS)]
    turns = [f"{i * 20_000},1,0,0,0" for i in range(ROWS)]
    return {
        "Inertial.csv": "\n".join(["Timestamp (us)," + ",".join(names), *rows]),
        "Quaternion.csv": "\n".join(["Timestamp (us),W,X,Y,Z", *turns]),
        "Command.json": '[{"ping":{"name":"Shank","sn":"1"}},{"time":"2023-09-16 02:06:24"}]',
    }


XIO = _xio_texts()
TEXTS = {
    "": "",
    "dot": DOT,
    "dot at 0 Hz": DOT.replace("60Hz", "0Hz"),
    "dot at 999… Hz": DOT.replace("60Hz", "9" * 400 + "Hz"),
    "wit": WIT,
    "wit with names without values": WIT_UNFILLED,
    **XIO,
}


# --- quotes -------------------------------------------------------------------------------------


@given(
    notes=st.lists(
        st.sampled_from(["", "ok", '"', '"open', 'shut"', 'a"b', '"all"']), min_size=2, max_size=9
    ),
    at=st.integers(0, 3),
    delimiter=st.sampled_from(",;"),
)
@example(notes=["ok", '"open', "ok", 'shut"', "ok"], at=0, delimiter=",")
@example(notes=["ok", '"open', "ok", "ok"], at=3, delimiter=",")
def test_a_stray_quote_never_swallows_a_row(
    tmp_path_factory: pytest.TempPathFactory, notes: list[str], at: int, delimiter: str
) -> None:
    """Wherever the column is that nobody asked for: all rows above the last come, or one line tells."""

    def line(note: str, values: list[str]) -> str:
        return delimiter.join([*values[:at], note, *values[at:]])

    rows = [line(note, [str(n), "1", "2"]) for n, note in enumerate(notes)]
    path = tmp_path_factory.mktemp("quotes") / "t.csv"
    path.write_text("\n".join([line("note", ["n", "x", "y"]), *rows]) + "\n")
    try:
        numbers, _ = cells.read(path, ["n"], cells.Form(delimiter))
    except InputError as error:
        assert "line" in str(error) and "quote" in str(error)
    else:
        assert numbers[: len(notes) - 1, 0].tolist() == list(range(len(notes) - 1))


def test_a_note_of_several_lines_is_no_stray_quote(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('n,note,x,y\n0,"slowly,\nand then again",1,2\n1,"with ""both"" hands\n\n",1,2\n2,,1,2\n')
    numbers, lines = cells.read(path, ["n", "y"], cells.Form())
    assert numbers.tolist() == [[0, 2], [1, 2], [2, 2]] and lines.tolist() == [3, 6, 7]


def test_a_quote_that_swallows_the_whole_rest_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("n,note,x,y\n0,ok,1,2\n" + '1,"lost,1,2\n' + "2,ok,1,2\n" * 50_000)
    with pytest.raises(InputError, match=r"below line 2 .*quote"):
        cells.read(path, ["n"], cells.Form())


# --- any text at all ----------------------------------------------------------------------------

nasty = st.sampled_from(
    [
        "",
        "nan",
        "0",
        "1e308",
        "-1e308",
        "1e-320",
        "-inf",
        "9" * 400,
        "٣",
        "x",
        "1,5",
        "\x00",
        '"',
        "12:61:99",
        "-5",
    ]
)


@dataclass(frozen=True)
class Spoiled:
    """What has happened to one of `TEXTS`: cells, lines, bytes and the end."""

    text: str
    cells: list[tuple[float, int, str]]
    moves: list[tuple[float, float, int, str]]
    flips: list[tuple[float, int]]
    cut: float | None

    def data(self) -> bytes:
        lines = TEXTS[self.text].split("\n")
        for at, column, text in self.cells:
            i = int(at * (len(lines) - 1))
            row = lines[i].split(",")
            row[column % len(row)] = text
            lines[i] = ",".join(row)
        for a, b, count, how in self.moves:
            i, j = (int(at * (len(lines) - 1)) for at in (a, b))
            lines[i : i + count] = {
                "lost": [],
                "twice": lines[i : i + count] * 2,
                "other": lines[j : j + count],
            }[how]
        data = bytearray("\n".join(lines).encode())
        for share, byte in self.flips:
            at = int(share * max(0, len(data) - 1))
            data[at : at + 1] = bytes([byte])
        return bytes(data[: None if self.cut is None else int(self.cut * len(data))])


share = st.floats(0.0, 1.0)


def spoiled(*texts: str) -> st.SearchStrategy[Spoiled]:
    return st.builds(
        Spoiled,
        text=st.sampled_from(texts),
        cells=st.lists(st.tuples(share, st.integers(0, 12), nasty), max_size=3),
        moves=st.lists(
            st.tuples(share, share, st.integers(0, 40), st.sampled_from(["lost", "twice", "other"])),
            max_size=2,
        ),
        flips=st.lists(st.tuples(share, st.integers(0, 255)), max_size=1),
        cut=st.none() | st.none() | share,
    )


def gives_samples_or_one_line(path: Path, out: Path) -> None:
    """Assert it, and that what is accepted can be replayed or refused in one line."""
    try:
        match detect.kind(path):
            case "xsens-dot":
                found = xsens_dot.read(path)
            case "witmotion":
                found = witmotion.read(path)
            case _:
                found = xio.read(path)
        told = [*found.told(), *found.doubts()]
    except (InputError, UsageError) as error:
        assert str(error) and "\n" not in str(error)
        return
    assert all(told) and np.isfinite(found.values).all(axis=1).any() and (found.t_ns >= -1e9).all()
    recording.write(out, found.inputs())
    try:
        analyse(out, Request(calibration=AUTO))
    except InputError as error:
        assert "\n" not in str(error)


@given(
    spoiled("dot", "wit", "wit with names without values")
    | st.binary(max_size=300).map(lambda data: Spoiled("", [(0.0, 0, data.hex())], [], [], None))
)
@example(Spoiled("dot", [], [], [], 0.0))
@example(Spoiled("dot at 0 Hz", [], [], [], None))
@example(Spoiled("dot at 999… Hz", [], [], [], None))
@settings(max_examples=200)
def test_any_text_gives_samples_or_one_clear_line(
    tmp_path_factory: pytest.TempPathFactory, text: Spoiled
) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / "any.csv").write_bytes(text.data())
    gives_samples_or_one_line(folder / "any.csv", folder / "any.mcap")


@given(data=st.binary(max_size=400))
def test_any_bytes_give_one_clear_line(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / "any.csv").write_bytes(data)
    for read in (xsens_dot.read, witmotion.read, xio.read, detect.kind):
        with pytest.raises((InputError, UsageError)) as caught:
            read(folder / "any.csv")
        assert "\n" not in str(caught.value)


@given(st.fixed_dictionaries({name: st.none() | spoiled(name) for name in XIO}))
def test_any_texts_in_an_xio_folder_give_samples_or_one_clear_line(
    tmp_path_factory: pytest.TempPathFactory, texts: dict[str, Spoiled | None]
) -> None:
    folder = tmp_path_factory.getbasetemp() / "any-xio"
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_bytes(XIO[name].encode() if text is None else text.data())
    gives_samples_or_one_line(folder, folder / "any.mcap")


# --- what is told of what ------------------------------------------------------------------------


def write(name: str, data: bytes | str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    return make


def empty_folder(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


def other_xio_file(folder: Path) -> Path:
    return write_xio(folder / "dev", SAMPLES, np.arange(ROWS) * 20_000) / "Battery.csv"


MT_MANAGER = (
    "// Start Time: Unknown\n// Update Rate: 100.0Hz\nPacketCounter\tSampleTimeFine\tAcc_X\n1\t\t9.8\n"
)
FEWER = "timestamp,AccX,AccY,AccZ,AngX,AngY,AngZ,P,R\n" + "1.{0:02},0,0,9.8,30,0\n" * 30


@pytest.mark.parametrize(
    ("make", "options", "says"),
    [
        (write("a.csv", ""), (), "the file is empty"),
        (write("a.csv", "\n \n"), (), "the file is empty"),
        (write("a.csv", "a,b\n1,2\n"), (), "not recognised as xsens-dot, witmotion, xio"),
        (write("a.csv", "a,b\n1,2\n"), (), "--format csv with --acc and --gyr or --quat"),
        (write("a.csv", b"\x89MCAP0\r\n"), (), "MCAP recording already: try hipturn replay"),
        (write("a.csv", b"\xff\xfe\x00\xd8\x00\x00"), (), "begins as utf-16 text and does not go on so"),
        (
            write("a.csv", "a,b\n1,2\n"),
            ("--format", "xsens-dot"),
            "no line of its beginning has PacketCounter",
        ),
        (write("a.csv", "a,b\n1,2\n"), ("--format", "witmotion"), "names time, acceleration and angle"),
        (write("a.csv", "a,b\n1,2\n"), ("--format", "xio"), "give the folder that has Inertial.csv"),
        (write("a.csv", DOT.splitlines()[0]), ("--format", "xsens-dot"), "PacketCounter"),
        (
            write("a.csv", "PacketCounter,SampleTimeFine,FreeAcc_X\n1,2,3"),
            (),
            "neither Quat, nor Euler, nor Acc",
        ),
        (
            write("a.csv", "PacketCounter,SampleTimeFine,Euler_X,Euler_Y,Euler_Z"),
            (),
            "no rows below the header",
        ),
        (
            write("a.csv", "PacketCounter,SampleTimeFine,Euler_X,Euler_Y,Euler_Z\n,,,,"),
            (),
            "no row has a Packet",
        ),
        (write("a.csv", "PacketCounter,SampleTimeFine,Euler_X,Euler_Y,Euler_Z\n1,5,1,,\n2,9,,,"), (), "Hz"),
        (write("a.csv", MT_MANAGER), (), "MT Manager, with rates in rad/s"),
        (write("a.csv", DOT.replace(",0\n", ",0,7\n")), (), "cells below a header of"),
        (write("a.csv", DOT.replace("0.125", "fast", 1)), ("--format", "xsens-dot"), ""),
        (write("a.csv", WIT.splitlines()[0]), (), "no rows below the header"),
        (write("a.csv", WIT.replace("1745", "yesterday", 1)), (), "is not a time"),
        (write("a.csv", FEWER), (), "which are missing cannot be told"),
        (empty_folder, (), "no Inertial.csv or Quaternion.csv"),
        (empty_folder, ("--format", "xsens-dot"), "Is a directory"),
        (empty_folder, ("--format", "witmotion"), "Is a directory"),
        (empty_folder, ("--format", "csv", *RATED), "Is a directory"),
        (empty_folder, ("--format", "xio"), "not an x-io recording"),
        (other_xio_file, ("--format", "xio"), "not an x-io recording"),
        (other_xio_file, (), "not recognised"),
        (lambda folder: folder / "none", (), "No such file"),
        (lambda folder: folder / "none", ("--format", "xio"), "No such file"),
        (lambda folder: folder / "none", ("--format", "xsens-dot"), "No such file"),
        (
            write("a.csv", "a," * 600_000),
            ("--format", "csv", *RATED),
            "line 1 has more than 1048576 characters",
        ),
        (
            write("a.csv", "ax,ay,az,gx,gy,gz\n" + "1" * 1_100_000),
            ("--format", "csv", *RATED),
            "line 2 has more than",
        ),
        (lambda _: Path(os.devnull), (), "not a file"),
        (lambda _: Path(os.devnull), ("--format", "csv", *RATED), "not a file"),
    ],
)
def test_what_cannot_be_imported_is_told_in_one_line(
    tmp_path: Path, make: Callable[[Path], Path], options: tuple[str, ...], says: str
) -> None:
    source = make(tmp_path)
    if says == "":
        # what is not imported may be anything
        done("import", source, "-o", tmp_path / "x.mcap", *options)
        return
    assert says in refused("import", source, "-o", tmp_path / "x.mcap", *options)
    assert not list(tmp_path.glob("*.mcap*"))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "two.csv holds 2 devices: choose by --device one of 'AA:01', 'BB:02'"),
        (("--device", "CC"), "there are 'AA:01', 'BB:02'"),
        (("--format", "witmotion", "--acc-unit", "g"), "--acc-unit is for --format csv"),
        (("--format", "witmotion", "--time", "t"), "--time is for --format csv"),
        (("--format", "xio", "--rate", "50"), "--rate is for --format csv"),
        (("--format", "witmotion", "--rate", "0"), "--rate must be from 1"),
        (("--format", "xsens-dot", "--device", "AA"), "--device is for --format witmotion and xio"),
        (("--device", "AA", *RATED), "--device is for --format witmotion and xio"),
        (("--delimiter", ","), "name the columns"),
    ],
)
def test_options_that_do_not_fit_the_format_are_told(
    tmp_path: Path, options: tuple[str, ...], says: str
) -> None:
    source = write("two.csv", TWO)(tmp_path)
    assert says in refused("import", source, "-o", tmp_path / "x.mcap", *options, code=2)
    assert not list(tmp_path.glob("*.mcap*"))


@pytest.mark.parametrize("name", ["Inertial.csv", "Quaternion.csv", "Command.json"])
def test_no_file_of_an_xio_folder_is_overwritten(tmp_path: Path, name: str) -> None:
    folder = write_xio(tmp_path / "dev", SAMPLES, np.arange(ROWS) * 20_000)
    before = (folder / name).read_bytes()
    assert "overwrite" in refused("import", tmp_path, "-o", folder / name, code=2)
    assert (folder / name).read_bytes() == before


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_a_truncated_file_gives_the_samples_until_there(tmp_path: Path, share: float) -> None:
    for name, text in (("dot.csv", DOT), ("wit.csv", WIT)):
        cut = text[: int(share * len(text))]
        line = done("import", write(name, cut)(tmp_path), "-o", tmp_path / "x.mcap").out
        rows = int(line.split(" rows at ")[0].rsplit(" ", 1)[1])
        assert 0 <= share * ROWS - rows < 25 or abs(share * ROWS - rows) < 25


def test_names_from_the_disk_cannot_steer_the_terminal(tmp_path: Path) -> None:
    folder = write_xio(tmp_path / "red\x1b[31m", SAMPLES, np.arange(ROWS) * 20_000)
    write_xio(tmp_path / "other", SAMPLES, np.arange(ROWS) * 20_000)
    assert folder.exists()
    refused("import", tmp_path, "-o", tmp_path / "x.mcap", code=2)
    told: Run = run("import", tmp_path, "-o", tmp_path / "x.mcap", "--device", "red")
    assert told.code == 0 and "\x1b" not in told.out


# --- units that the numbers contradict ----------------------------------------------------------


MOVING = truth(1500, 0)


@pytest.mark.parametrize(
    ("written", "said", "says"),
    [
        ("radps", "dps", "is it radps"),
        ("slow dps", "radps", "--gyr-unit dps"),
        ("dps", "radps", "--gyr-unit dps"),
    ],
)
def test_rates_in_the_wrong_unit_are_doubted(tmp_path: Path, written: str, said: str, says: str) -> None:
    """Gravity cannot turn further than the gyroscope says; and hardly a leg turns that fast.

    The slow one is the same movement in five times the time.
    """
    factor = {"radps": 1.0, "dps": 57.3, "slow dps": 57.3 * 0.2}[written]
    columns = imu_columns(MOVING.acc_mps2, MOVING.gyr_radps * factor)
    result = run(
        "import",
        write_csv(tmp_path / "u.csv", columns),
        "-o",
        tmp_path / "u.mcap",
        *(*IMU, "--rate", 20 if written == "slow dps" else 100),
        *("--gyr-unit", said),
    )
    assert result.err.count("\n") == 1 and "u.csv" in result.err, result
    assert "--gyr-unit" in result.err and (says in result.err or "try --gyr-unit" in result.err)
    if result.code == 0:
        assert result.err.startswith("hipturn: u.csv: warning: ") and (tmp_path / "u.mcap").exists()


@pytest.mark.parametrize("still", [True, False])
def test_rates_in_the_right_unit_are_not_doubted(tmp_path: Path, still: bool) -> None:
    samples = MOVING.rows([5] * 1500) if still else MOVING
    columns = imu_columns(samples.acc_mps2, samples.gyr_radps)
    done("import", write_csv(tmp_path / "u.csv", columns), "-o", tmp_path / "u.mcap", *RATED)


def test_acceleration_at_rest_that_is_not_gravity_is_doubted(tmp_path: Path) -> None:
    columns = imu_columns(MOVING.acc_mps2 * 0.75, MOVING.gyr_radps)
    result = run("import", write_csv(tmp_path / "u.csv", columns), "-o", tmp_path / "u.mcap", *RATED)
    assert (
        result.code == 0
        and "acceleration at rest is typically 7.3" in result.err
        and "--acc-unit" in result.err
    )


def test_quaternions_the_other_way_round_are_doubted_where_gravity_shows_it(tmp_path: Path) -> None:
    # another heading: the up of the wrong direction depends on it
    q = quaternion.multiply(quaternion.from_rotation_vector(np.array([[0.0, 0.0, 2.0]])), MOVING.q)
    columns = imu_columns(MOVING.acc_mps2, MOVING.gyr_radps) | dict(zip(("qw", "qx", "qy", "qz"), q.T))
    source = write_csv(tmp_path / "q.csv", columns)
    options = ("-o", tmp_path / "q.mcap", *RATED, "--quat", "qw,qx,qy,qz", "--quat-direction")
    done("import", source, *options, "earth-from-sensor")
    result = run("import", source, *options, "sensor-from-earth")
    assert result.code == 0 and result.err.count("\n") == 1 and "check --quat-direction" in result.err
