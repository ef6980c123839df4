"""The commands: what they print, how they end, and one clear line for everything that can be wrong."""

import csv
import functools
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.writer import Writer as PackageWriter

import hipturn
from cli_runs import ENV, RATED, bundled, done, drill, imu_columns, process, record, refused, run, write_csv
from hipturn import commands, config
from hipturn.cli import asking
from hipturn.cli.main import COMMANDS
from hipturn.cli.scan import _line as sensor_line
from hipturn.core import references
from hipturn.core.fusion import FILTERS
from hipturn.errors import InputError
from hipturn.lines import dumps
from hipturn.model import (
    HostNs,
    Input,
    LinkDown,
    LinkUp,
    Mark,
    MarkKind,
    Packets,
    SessionStart,
    Side,
    StreamInfo,
)
from hipturn.offline import AUTO, Request, analyse
from hipturn.recording import Writer
from hipturn.sources import simulated
from recording_examples import SESSION, chunked_sessions, packets

# --- finding one's way --------------------------------------------------------------------------


def test_the_version_is_told() -> None:
    assert done("--version").out.strip() == f"hipturn, version {hipturn.__version__}"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_explains_and_has_an_example(name: str) -> None:
    told = done(name, "--help").out
    assert f"Usage: hipturn {name}" in told
    (example,) = re.findall(r"Example:(?:[^\n]*\n)*?.*?hipturn (\S+)", told)
    assert example == name


def test_the_list_of_commands_says_what_each_does() -> None:
    told = done("--help").out
    assert told == done("-h").out
    for name, (_, text) in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(text.split()[0])}", told, re.M)


def test_what_help_says_without_loading_anything_is_what_holds() -> None:
    assert asking.LANGUAGES == commands.LANGUAGES and asking.MOST_REPS == commands.MOST_REPS
    assert tuple(references.SCALES) == asking.SCALES and tuple(references.GROUPS) == asking.GROUPS


@pytest.mark.parametrize("args", [[], ["--help"], *([name, "--help"] for name in COMMANDS)])
def test_nothing_heavy_is_loaded_to_explain(args: list[str]) -> None:
    code = (
        "import sys; from hipturn.cli.main import cli\n"
        f"try: cli({args!r}) if {bool(args)} else None\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'bleak', 'bumble', 'rich', 'mcap', 'vqf', 'asyncio'} & sys.modules.keys()\n"
        "print('loaded:', sorted(heavy))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    # the commands of the radio are wholly about asyncio
    assert told.splitlines()[-1] in (
        "loaded: []",
        "loaded: ['asyncio']" if args[:1] in (["scan"], ["virtual"]) else "",
    )


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["repaly"], "No such command 'repaly'. Did you mean 'replay'?"),
        (["zzzzzz"], "No such command 'zzzzzz'.\n"),
        (["replay"], "name a FILE, or --all"),
        (["replay", "x", "--sped", "2"], "No such option"),
        (["replay", "x", "--side", "up"], "'up' is not one of 'left', 'right'"),
        (["replay", "x", "--speed", "0"], "0"),
        (["replay", "x", "--speed", "1e-300"], "1e-300"),
        (["import", "x"], "Missing option"),
        (["demo", "--faults", "boom"], "hipturn: --faults: 'boom' is none of"),
    ],
)
def test_wrong_usage_exits_with_2(args: list[str], says: str) -> None:
    result = run(*args)
    assert (result.code, result.out) == (2, "") and says in result.err


# --- what cannot be read ------------------------------------------------------------------------


def foreign(path: Path) -> None:
    with path.open("wb") as file:
        writer = PackageWriter(file)
        writer.start()
        channel = writer.register_channel("/imu", "json", 0)
        for i in range(100):
            writer.add_message(channel, i, b'{"acc": [0, 0, 9.8]}', i)
        writer.finish()  # type: ignore[no-untyped-call]


def inputs_only(*items: Input) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with Writer(path) as writer:
            for item in (SESSION, *items):
                writer.write(item)

    return make


def link(**info: Any) -> LinkUp:
    return LinkUp("shin-left", HostNs(0), StreamInfo(**{"driver": "hipturn", "rate_hz": 100.0, **info}))


def mark(kind: MarkKind, **value: Any) -> Mark:
    return Mark("shin-left", HostNs(0), kind, value)


UNREADABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "does not exist"),
    "empty": (lambda path: path.touch(), "is empty"),
    "directory": (lambda path: path.mkdir(), "is not a file"),
    "text": (lambda path: path.write_text("t,acc_x\n0,9.8\n"), "'hipturn import' reads other files"),
    "pipe": (os.mkfifo, "is not a file"),
    "foreign": (foreign, "no recording of hipturn"),
    "nothing in it": (inputs_only(), "no sample is in it"),
    "a link without packets": (inputs_only(link()), "no sample is in it"),
    "packets without link": (inputs_only(packets(0)), "no sample is in it"),
    "packets no driver can read": (inputs_only(link(), packets(0)), "no sample is in it"),
    "unknown driver": (inputs_only(link(driver="toaster")), "no driver is called 'toaster'"),
    "rate 0": (inputs_only(link(rate_hz=0.0)), "0 Hz is the rate of no sensor"),
    "rate NaN": (inputs_only(link(rate_hz=float("nan"))), "nan Hz is the rate of no sensor"),
    "clock": (inputs_only(link(tick_hz=0.5)), "device clock of 0.5 Hz"),
    "no signal": (inputs_only(link(has_imu=False)), "neither acceleration"),
    "case": (inputs_only(link(outward_normal_sensor=(0.0, 0.0, 0.0))), "is no direction"),
    "side": (inputs_only(link(), mark(MarkKind.SIDE, side="up")), "'up' as the side"),
    "bias": (inputs_only(link(), mark(MarkKind.BIAS, gyr_bias_radps=[1e300, 0, 0])), "bias"),
    "no bias": (inputs_only(link(), mark(MarkKind.BIAS)), "bias"),
    "count": (inputs_only(link(), mark(MarkKind.COUNT)), "count"),
    "listen": (inputs_only(link(), mark(MarkKind.LISTEN)), "listen"),
    "calibration": (inputs_only(link(), mark(MarkKind.CALIBRATION, version=1)), "lacks"),
    "settings": (
        lambda path: Writer(path).write(SessionStart("x", "", settings={"reps.min_rom_deg": "much"})),
        "reps.min_rom_deg must be a number",
    ),
}


@pytest.mark.parametrize("what", UNREADABLE)
@pytest.mark.parametrize("command", ["replay", "replay --calibration auto", "calibrate"])
def test_what_is_no_recording_is_told_in_one_line(tmp_path: Path, what: str, command: str) -> None:
    make, says = UNREADABLE[what]
    path = tmp_path / "thing.mcap"
    if what == "settings":
        with Writer(path) as writer:
            writer.write(SessionStart("x", "", settings={"reps.min_rom_deg": "much"}))
    else:
        make(path)
    name, *options = command.split()
    line = refused(name, path, *options)
    if what not in ("calibration",):
        assert says in line


def test_a_recording_cut_off_gives_what_is_there_and_says_so(tmp_path: Path) -> None:
    path = record(tmp_path / "cut.mcap", drill())
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 8 // 10])
    result = run("replay", path, "--json")
    assert result.code == 0
    assert 0 < len(result.of("rep")) < 4 and result.lines[-1]["type"] == "summary"
    assert "ends without its closing record" in result.err and result.err.count("\n") == 1


def test_flipped_bytes_give_results_or_one_line(tmp_path: Path) -> None:
    """CRCs find the damage: no mutation may end in anything but results, with a note, or one line."""
    whole = record(tmp_path / "x.mcap", drill()).read_bytes()
    rng = np.random.default_rng(3)
    ends = set()
    for _ in range(40):
        data = bytearray(whole)
        for at in rng.integers(0, len(data), rng.integers(1, 20)):
            data[at] ^= int(rng.integers(1, 256))
        (tmp_path / "x.mcap").write_bytes(bytes(data))
        result = run("replay", tmp_path / "x.mcap", "--json", "--calibration", "auto")
        ends.add(result.code)
        assert result.code in (0, 1) and result.err.count("\n") <= 1
        assert result.code == 0 or result.err.startswith("hipturn: ")
        assert result.lines[-1:] == [] or result.lines[-1]["type"] == "summary"
    assert 0 in ends


def test_names_cannot_steer_the_terminal(tmp_path: Path) -> None:
    """They come from other people's disks and, in a scan, from anyone's radio."""
    assert r"\x1b[31mred.mcap" in refused("replay", tmp_path / "\x1b[31mred.mcap")
    told = sensor_line("\x1b]0;owned\x07", "F0:01", None, -60, None)
    assert told.isprintable() and r"\x1b]0;owned\x07" in told


# --- settings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("assignment", "says"),
    [
        ("reps.min_rom=5", "did you mean reps.min_rom_deg?"),
        ("reps.max_speed_dsp=90", "did you mean reps.max_speed_dps?"),
        ("colour=red", "'hipturn config --defaults' lists them"),
        ("=5", "no setting is called ''"),
        ("reps.min_rom_deg", "write it as key=value"),
        ("reps.min_rom_deg=wide", "must be a number from 1 to 90 (°), not 'wide'"),
        ("reps.min_rom_deg=nan", "must be a number from 1 to 90"),
        ("reps.min_rom_deg=-5", "must be a number from 1 to 90"),
        ("reps.max_speed_dps=1e999", "must be a number from 0 to 2000"),
        ("fusion.filter=kalman", "must be one of vqf, madgwick"),
        ("fusion.filter=device", "sent no orientation of its own"),
    ],
)
def test_a_wrong_setting_is_answered_with_the_right_one(assignment: str, says: str, tmp_path: Path) -> None:
    path = bundled("clean-drill", tmp_path / "x.mcap")
    assert says in refused("replay", path, "--set", assignment, code=2)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[reps]\nmin_rom = 5", "did you mean reps.min_rom_deg?"),
        ("[reps]\nmin_rom_deg = true", "must be a number"),
        ("[reps]\nmin_rom_deg = [5]", "must be a number"),
        (f"[reps]\ntarget_deg = {'9' * 400}", "must be a number"),
        ("[fusion]\nfilter = 5", "must be one of"),
        ("[reps\n", "cannot be read"),
        ("a = " + "[" * 5000, "cannot be read"),
        ("\udcff", "cannot be read"),
    ],
)
def test_a_wrong_settings_file_is_told_with_its_name(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(text.encode(errors="surrogateescape"))
    line = refused("config", "--file", path, code=2)
    assert says in line and "mine.toml" in line
    assert "there is no such file" in refused("config", "--file", tmp_path / "none.toml", code=2)
    assert "cannot be read" in refused("config", "--file", tmp_path, code=2)


def test_settings_of_the_file_hold_for_what_the_recording_does_not_say(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[reps]\nmax_speed_dps = 10\n[fusion]\nfilter = "mahony"\n')
    told = json.loads(done("config", "--file", path, "--json").out)
    origins = {row["key"]: (row["value"], row["origin"]) for row in told}
    assert origins["reps.max_speed_dps"] == (10.0, str(path))
    assert origins["reps.min_rom_deg"] == (4.0, "default")
    motion = drill()
    source = write_csv(tmp_path / "x.csv", imu_columns(motion.acc_mps2, motion.gyr_radps))
    done("import", source, "-o", tmp_path / "x.mcap", *RATED)
    env = {**ENV, "HIPTURN_CONFIG": str(path)}
    result = run("replay", tmp_path / "x.mcap", "--json", "--calibration", "auto", env=env)
    assert result.lines[0]["filter"] == "mahony"
    assert {rep["verdict"] for rep in result.of("rep")} == {"uncontrolled"}


def test_the_defaults_are_printed_with_unit_meaning_and_recommendation() -> None:
    told = done("config", "--defaults").out
    for setting in config.SETTINGS.values():
        assert f"{setting.key} = " in told and setting.meaning in told
        assert f"recommended: {setting.recommended}" in told
    rows = json.loads(done("config", "--defaults", "--json").out)
    assert [row["key"] for row in rows] == list(config.SETTINGS)
    assert all(row.keys() >= {"value", "unit", "meaning", "recommended"} for row in rows)


def test_the_drivers_are_listed_with_their_evidence() -> None:
    rows = done("drivers", "--json").lines
    assert "hipturn" in [row["name"] for row in rows]
    assert all(row["v"] == 1 and row["type"] == "driver" and row["trust"] for row in rows)
    told = done("drivers").out
    assert all(row["title"] in told and row["trust"] in told for row in rows)


# --- replay: the JSON lines ---------------------------------------------------------------------

NUMBER, TEXT, MAYBE = (int, float), str, type(None)
CONTRACT: dict[str, dict[str, Any]] = {
    "session": {
        **dict.fromkeys(("recording", "sensor", "driver", "program", "config_hash"), TEXT),
        **dict.fromkeys(("side", "drill"), (TEXT, MAYBE)),
        **dict.fromkeys(("rate_hz", "duration_s"), float),
        "samples": int,
    },
    "calibration": {
        **dict.fromkeys(("source", "zero", "grade"), TEXT),
        **dict.fromkeys(("axis_share", "axis_elevation_deg", "observability"), NUMBER),
        "axis_sensor": list,
    },
    "rep": {
        **dict.fromkeys(("n",), int),
        **dict.fromkeys(("direction", "verdict"), TEXT),
        **dict.fromkeys(("start_s", "peak_s", "end_s", "rom_deg", "peak_deg", "out_s", "hold_s"), NUMBER),
        **dict.fromkeys(("return_s", "peak_speed_dps", "sparc", "off_axis_deg", "lost_share"), NUMBER),
        "side": (TEXT, MAYBE),
        "reasons": list,
    },
    "hold": dict.fromkeys(("start_s", "end_s", "mean_deg", "sd_deg", "creep_deg", "wobble_deg"), NUMBER),
    "set": dict.fromkeys(("n", "first", "last", "reps", "controlled"), int),
    "slip": dict.fromkeys(("t_s", "tilt_deg"), NUMBER),
    "drift": dict.fromkeys(("t_s", "drift_deg"), NUMBER),
    "gap": {**dict.fromkeys(("start_s", "end_s"), NUMBER), "lost": int, "cause": TEXT},
    "summary": {
        **dict.fromkeys(("reps", "controlled", "uncontrolled", "void", "holds", "gaps"), int),
        **dict.fromkeys(("max_deg", "min_deg", "arc_deg", "elapsed_s"), NUMBER),
    },
}
WORDS: dict[str, set[str | None]] = {
    "source": {"session", "file", "auto"},
    "zero": {"gravity", "pose"},
    "grade": {"good", "fair", "poor"},
    "direction": {"internal", "external"},
    "verdict": {"controlled", "uncontrolled", "void"},
    "cause": {"link", "loss", "overrun", "device"},
    "side": {"left", "right", None},
}
REASONS = {"too-fast", "short-range", "no-hold", "off-axis", "no-return", "compensation", "data-gap"}


def assert_contract(lines: list[dict[str, Any]]) -> None:
    """Check every line against the types and words that scripts rely on, and the order of the lines."""
    assert [line["type"] for line in lines[:1] + lines[-1:]] == ["session", "summary"]
    for line in lines:
        assert line["v"] == 1
        for key, kind in CONTRACT[line["type"]].items():
            assert isinstance(line[key], kind) and not isinstance(line[key], bool), (line["type"], key)
            assert key not in WORDS or line[key] in WORDS[key], (key, line[key])
    head, tail = lines[0], lines[-1]
    reps = [line for line in lines if line["type"] == "rep"]
    assert [rep["n"] for rep in reps] == list(range(1, len(reps) + 1))
    for rep in reps:
        assert 0 <= rep["start_s"] <= rep["peak_s"] <= rep["end_s"] <= head["duration_s"]
        assert rep["rom_deg"] >= 0 and (rep["peak_deg"] > 0) == (rep["direction"] == "internal")
        assert set(rep["reasons"]) <= REASONS and bool(rep["reasons"]) == (rep["verdict"] != "controlled")
        assert 0 <= rep["lost_share"] <= 1 and rep["sparc"] < 0
    for a, b in pairwise(reps):
        assert a["peak_s"] < b["peak_s"]
    verdicts = [rep["verdict"] for rep in reps]
    counted = {word: verdicts.count(word) for word in ("controlled", "uncontrolled", "void")}
    assert tail["reps"] == len(reps) and all(tail[word] == n for word, n in counted.items())
    for kind in ("hold", "gap"):
        assert tail[f"{kind}s"] == sum(line["type"] == kind for line in lines)
    assert tail["arc_deg"] == pytest.approx(tail["max_deg"] - tail["min_deg"], abs=0.01)


@pytest.mark.parametrize("name", ["clean-drill", "mishaps", "test-left", "test-right"])
def test_the_lines_of_a_guided_session_keep_the_contract(tmp_path: Path, name: str) -> None:
    path = bundled(name, tmp_path / f"{name}.mcap")
    lines = done("replay", path, "--json").lines
    assert_contract(lines)
    assert lines[0]["recording"] == path.name and lines[0]["driver"] == "hipturn"
    assert [line["type"] for line in lines].count("calibration") == 1
    assert lines[1]["type"] == "calibration" and lines[1]["source"] == "session"


def test_the_lines_of_an_import_with_gaps_keep_the_contract(tmp_path: Path) -> None:
    motion = drill(6, Side.LEFT)
    keep = np.ones(len(motion.t_s), np.bool_)
    keep[2000:2080] = keep[500:503] = False
    columns = {"t": motion.t_s[keep], **imu_columns(motion.acc_mps2[keep], motion.gyr_radps[keep])}
    path, source = tmp_path / "x.mcap", write_csv(tmp_path / "x.csv", columns)
    done("import", source, "-o", path, *RATED, "--time", "t", "--side", "left")
    lines = done("replay", path, "--json", "--calibration", "auto").lines
    assert_contract(lines)
    assert [line["lost"] for line in lines if line["type"] == "gap"] == [3, 80]
    assert "void" in [line["verdict"] for line in lines if line["type"] == "rep"]
    assert lines[0]["samples"] == keep.sum() and lines[0]["side"] == "left"
    assert lines[0]["duration_s"] == pytest.approx(motion.t_s[-1])


def test_what_the_table_shows_is_what_the_lines_say(tmp_path: Path) -> None:
    path = bundled("mishaps", tmp_path / "[red]:smile:.mcap")
    told, lines = done("replay", path).out, done("replay", path, "--json").lines
    assert told.startswith("[red]:smile:.mcap: ")
    for rep in (line for line in lines if line["type"] == "rep"):
        assert re.search(rf"^ *{rep['n']}  {rep['direction']} .*{rep['verdict']}", told, re.M)
        assert all(reason in told for reason in rep["reasons"])
    assert f"{lines[-1]['reps']} repetitions" in told


# --- replay: its options ------------------------------------------------------------------------


@pytest.fixture
def imported(tmp_path: Path) -> Path:
    """A drill of a right leg, imported: 4 repetitions after 3 of calibration, 20 to 35°, without marks."""
    motion = drill()
    source = write_csv(tmp_path / "raw.csv", imu_columns(motion.acc_mps2, motion.gyr_radps))
    done("import", source, "-o", tmp_path / "raw.mcap", *RATED)
    source.unlink()
    return tmp_path / "raw.mcap"


def test_without_calibration_the_way_to_one_is_told(imported: Path) -> None:
    assert "add --calibration auto" in refused("replay", imported)


def test_an_automatic_calibration_says_what_it_is(imported: Path) -> None:
    lines = done("replay", imported, "--json", "--calibration", "auto").lines
    assert lines[1]["type"] == "calibration" and lines[1]["source"] == "auto"
    assert "(auto)" in done("replay", imported, "--calibration", "auto").out


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "not a calibration file"),
        ("", "not a calibration file"),
        ("{", "not a calibration file"),
        ("[]", "not a calibration file"),
        ("[" * 100_000, "not a calibration file"),
        ("\udcff", "not a calibration file"),
        (" " * 1_100_000, "more than 1048576 bytes"),
        ("{}", "version"),
        ('{"version": 2}', "version 2"),
        ('{"version": 1}', "lacks"),
    ],
)
def test_a_calibration_file_that_is_none_is_told(
    tmp_path: Path, imported: Path, text: str | None, says: str
) -> None:
    file = tmp_path / "c.json"
    if text is not None:
        file.write_bytes(text.encode(errors="surrogateescape"))
    line = refused("replay", imported, "--calibration", file)
    assert says in line and "c.json" in line


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("axis_sensor", [1, 0], "3 finite numbers"),
        ("axis_sensor", [0, 0, 0], "length 1"),
        ("axis_sensor", [10**400, 0, 0], "3 finite numbers"),
        ("up0_sensor", ["up", 0, 0], "3 finite numbers"),
        ("q0_earth_from_sensor", [1, 1, 1, 1], "length 1"),
        ("axis_share", None, "finite number"),
        ("axis_spread_rad", 1e308, "finite number"),
        ("gyr_bias_radps", [1e308, 0, 0], "3 finite numbers"),
    ],
)
def test_a_calibration_file_with_a_wrong_figure_is_told(
    tmp_path: Path, imported: Path, key: str, value: Any, says: str
) -> None:
    file = tmp_path / "c.json"
    done("calibrate", imported, "--to", "17", "-o", file)
    done("replay", imported, "--calibration", file)
    file.write_text(json.dumps({**json.loads(file.read_text()), key: value}))
    line = refused("replay", imported, "--calibration", file)
    assert says in line and key in line and "c.json" in line


def test_angles_are_a_row_a_sample(tmp_path: Path, imported: Path) -> None:
    out = tmp_path / "a.csv"
    lines = done("replay", imported, "--json", "--calibration", "auto", "--angles", out).lines
    with out.open(newline="") as file:
        header, *rows = list(csv.reader(file))
    assert header == ["t_s", "angle_deg", "rate_dps", "off_axis_deg", "trusted"]
    assert len(rows) == lines[0]["samples"] and {row[4] for row in rows} <= {"0", "1"}
    t, angle = (np.array([float(row[i]) for row in rows]) for i in (0, 1))
    assert (np.diff(t) > 0).all() and t[0] == 0.0
    assert angle.max() == pytest.approx(lines[-1]["max_deg"], abs=0.001)
    assert [each.name for each in tmp_path.iterdir() if each.suffix == ".part"] == []


@pytest.mark.parametrize(
    "place", ["folder", "nowhere/a.csv", "raw.mcap/a.csv", "", "/", "/dev/null", "n" * 300]
)
def test_angles_that_cannot_be_written_are_told_before_the_work(
    tmp_path: Path, imported: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    refused("replay", imported, "--calibration", "auto", "--angles", place)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["folder", "raw.mcap"]
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_angles_never_overwrite_what_they_come_from(tmp_path: Path, imported: Path) -> None:
    calibration, other = tmp_path / "c.json", bundled("clean-drill", tmp_path / "other.mcap")
    done("calibrate", imported, "--to", "17", "-o", calibration)
    options = ("--calibration", calibration, "--reference", f"{other}@0:30")
    for path in (imported, calibration, other):
        before = path.read_bytes()
        assert "overwrite" in refused("replay", imported, *options, "--angles", path, code=2)
        assert path.read_bytes() == before


def test_a_disk_that_fills_up_leaves_the_older_angles(
    tmp_path: Path, imported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "a.csv"
    out.write_text("older")

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert "No space left" in refused("replay", imported, "--calibration", "auto", "--angles", out)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.csv", "raw.mcap"]
    assert out.read_text() == "older"


def test_the_other_side_turns_the_direction_round(tmp_path: Path, imported: Path) -> None:
    """With the axis known, a left leg's same movement is the opposite rotation."""
    file = tmp_path / "c.json"
    done("calibrate", imported, "--to", "17", "-o", file)
    right, left = (
        done("replay", imported, "--json", "--calibration", file, "--side", side).of("rep")
        for side in ("right", "left")
    )
    assert {rep["side"] for rep in right} == {"right"} and {rep["side"] for rep in left} == {"left"}
    assert {rep["direction"] for rep in right} == {"internal"}
    assert {rep["direction"] for rep in left} == {"external"}
    assert [rep["rom_deg"] for rep in right] == pytest.approx([rep["rom_deg"] for rep in left], abs=0.01)


def reasons(path: Path, *assignments: str) -> list[tuple[str, ...]]:
    options = [option for text in assignments for option in ("--set", text)]
    return [tuple(rep["reasons"]) for rep in done("replay", path, "--json", *options).of("rep")]


def test_settings_decide_the_verdicts(tmp_path: Path) -> None:
    """8 controlled repetitions of 20 to 35°, 2.4 s each, below 60 °/s."""
    path = bundled("clean-drill", tmp_path / "x.mcap")
    assert reasons(path) == [()] * 8
    assert reasons(path, "reps.max_speed_dps=5") == [("too-fast",)] * 8
    assert reasons(path, "reps.min_rep_s=10") == [("too-fast",)] * 8
    assert reasons(path, "reps.target_deg=60") == [("short-range",)] * 8
    assert reasons(path, "reps.target_deg=60", "reps.min_fraction=0.1") == [()] * 8
    assert reasons(path, "reps.min_hold_s=5") == [("no-hold",)] * 8
    assert reasons(path, "reps.max_off_axis_deg=0.01") == [("off-axis",)] * 8
    mixed = reasons(path, "reps.target_deg=35", "reps.min_fraction=0.8")
    assert mixed[0] == ("short-range",) and mixed[-1] == ()


def test_a_larger_smallest_movement_counts_fewer(tmp_path: Path) -> None:
    path = bundled("clean-drill", tmp_path / "x.mcap")
    counts = [len(reasons(path, f"reps.min_rom_deg={deg}")) for deg in (2, 4, 10, 28, 60)]
    assert counts[:3] == [8, 8, 8] and 0 < counts[3] < 8 and counts[4] == 0


@pytest.mark.parametrize("name", [name for name in FILTERS if name != "device"])
def test_every_filter_counts_the_same(tmp_path: Path, name: str) -> None:
    motion = drill(2, reps=2)
    path = record(tmp_path / "x.mcap", motion)
    lines = done("replay", path, "--json", "--set", f"fusion.filter={name}").lines
    assert lines[0]["filter"] == name
    roms = [line["rom_deg"] for line in lines if line["type"] == "rep"]
    truth = [np.degrees(rep.rom_rad) for rep in motion.reps]
    assert roms == pytest.approx(truth, abs=0.6 if name == "vqf" else 3.0)


def test_other_settings_other_hash(tmp_path: Path) -> None:
    path = bundled("clean-drill", tmp_path / "x.mcap")
    hashes = {
        done("replay", path, "--json", *options).lines[0]["config_hash"]
        for options in ((), (), ("--set", "reps.target_deg=30"), ("--set", "reps.target_deg=31"))
    }
    assert len(hashes) == 3


def test_a_replay_is_compared_with_what_was_announced_live(tmp_path: Path, imported: Path) -> None:
    path = bundled("clean-drill", tmp_path / "x.mcap")
    assert done("replay", path, "--diff").out.endswith("as announced live\n")
    same = done("replay", path, "--diff", "--json").lines
    assert same[-2]["type"] == "compared" and same[-2]["differ"] == 0 < same[-2]["announced"]
    told = done("replay", path, "--diff", "--set", "reps.max_speed_dps=5").out
    assert re.search(r"rep 1 at [\d.]+ s: verdict controlled → uncontrolled, reasons – → too-fast", told)
    assert re.search(r"\d+ of \d+ announced results differ", told)
    lines = done("replay", path, "--diff", "--json", "--set", "reps.max_speed_dps=5").lines
    (first, *_) = [line for line in lines if line["type"] == "diff" and line["of"] == "rep"]
    assert (first["of"], first["n"]) == ("rep", 1)
    assert first["live"] == {"verdict": "controlled", "reasons": []}
    assert first["now"] == {"verdict": "uncontrolled", "reasons": ["too-fast"]}
    assert lines[-1]["type"] == "summary"
    fewer = done("replay", path, "--diff", "--set", "reps.min_rom_deg=60").out
    assert "only live" in fewer
    none = done("replay", imported, "--diff", "--calibration", "auto").out
    assert "no announced results" in none


def test_paced_it_comes_to_the_same(tmp_path: Path) -> None:
    path = bundled("clean-drill", tmp_path / "x.mcap")
    plain, begun = done("replay", path, "--json").lines, time.perf_counter()
    paced = run("replay", path, "--json", "--speed", "100")
    took_s = time.perf_counter() - begun
    assert plain[0]["duration_s"] / 100 * 0.9 < took_s
    assert paced.lines[:-1] == plain[:-1]
    announced = [json.loads(line) for line in paced.err.splitlines()]
    assert announced == plain[1:-1]


# --- replay: a person's own standard ------------------------------------------------------------


def test_the_reference_sets_range_and_tempo(tmp_path: Path) -> None:
    """The last two of eight repetitions, 34°, are the standard: the first, 20°, is short of 70 % of it."""
    path = bundled("clean-drill", tmp_path / "x@y.mcap")
    reps = done("replay", path, "--json").of("rep")
    start_s = reps[-2]["start_s"] - 0.5
    judged = done("replay", path, "--json", "--reference", f"{path}@{start_s}:").of("rep")
    assert judged[0]["reasons"] == ["short-range"] and judged[-1]["reasons"] == []
    by_all = done("replay", path, "--json", "--reference", path).of("rep")
    assert "too-fast" not in [reason for rep in by_all for reason in rep["reasons"]]


@pytest.mark.parametrize(
    ("span", "says", "code"),
    [
        ("@20:10", "ends before it begins", 2),
        ("@10:10", "ends before it begins", 2),
        ("@a:b", "write the range as @from:to", 2),
        ("@-5:10", "write the range as @from:to", 2),
        ("@nan:10", "write the range as @from:to", 2),
        ("@1:2:3", "write the range as @from:to", 2),
        ("@0:0.5", "no repetition lies wholly in it", 1),
        ("@1e6:1e7", "no repetition lies wholly in it", 1),
        ("@5", "does not exist", 1),
        ("x", "does not exist", 1),
    ],
)
def test_a_reference_that_is_none_is_told(tmp_path: Path, span: str, says: str, code: int) -> None:
    path = bundled("clean-drill", tmp_path / "x.mcap")
    assert says in refused("replay", path, "--reference", f"{path}{span}", code=code)


def test_a_reference_without_repetitions_is_told(tmp_path: Path) -> None:
    path = bundled("clean-drill", tmp_path / "x.mcap")
    still = write_csv(tmp_path / "s.csv", imu_columns(np.tile([0.0, 0.0, 9.8], (500, 1)), np.zeros((500, 3))))
    done("import", still, "-o", tmp_path / "s.mcap", *RATED)
    line = refused("replay", path, "--reference", tmp_path / "s.mcap")
    assert "s.mcap" in line and "no rotation" in line


# --- any recording at all -----------------------------------------------------------------------


def replay_or_error(path: Path, session: Iterable[Input]) -> None:
    """Record the inputs and replay them, calibrated from themselves: plain numbers, or one line."""
    path.unlink(missing_ok=True)
    with Writer(path) as writer:
        for item in session:
            writer.write(item)
    try:
        result = analyse(path, Request(calibration=AUTO), keep_angles=True)
    except InputError as error:
        assert "\n" not in str(error)
        return
    head, events, tail = result.lines("x")
    for line in (head, *events, tail):
        dumps(line)
    assert all(np.isfinite(block.angle_rad).all() for block in result.angles)


@given(session=chunked_sessions)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
def test_a_recording_of_any_inputs_gives_results_or_one_error(
    tmp_path: Path, session: tuple[SessionStart, list[list[Input]]]
) -> None:
    start, chunks = session
    replay_or_error(tmp_path / "any.mcap", [start, *(item for chunk in chunks for item in chunk)])


@functools.cache
def plain_inputs() -> tuple[Input, ...]:
    return tuple(simulated.inputs(drill(reps=1)))


numbers = st.integers(0, 1 << 20)
mishaps = st.lists(
    st.tuples(
        st.sampled_from(["lost", "again", "byte", "late", "link", "down"]), numbers, st.integers(0, 400)
    ),
    max_size=6,
)


@given(mishaps=mishaps)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_a_session_to_which_anything_happened_gives_results_or_one_error(
    tmp_path: Path, mishaps: list[tuple[str, int, int]]
) -> None:
    """Packets lost, repeated, with wrong bytes or absurd arrivals, links that come and go."""
    items = list(plain_inputs())
    for what, at, n in mishaps:
        i = 1 + at % (len(items) - 2)
        item = items[i]
        match what:
            case "lost":
                items[i : i + n] = items[-1:]
            case "again":
                items[i:i] = items[max(1, i - n) : i]
            case "link":
                items.insert(i, items[0])
            case "down":
                items.insert(i, LinkDown("shin", HostNs(n * 10**12), "lost"))
            case "byte" if isinstance(item, Packets):
                data = item.data.copy()
                data[0, at % data.shape[1]] = n % 256
                items[i] = Packets(item.stream, item.at_ns, data)
            case "late" if isinstance(item, Packets):
                items[i] = Packets(item.stream, item.at_ns + (n - 200) * 10**13, item.data)
    replay_or_error(tmp_path / "any.mcap", [SESSION, *items])


# --- as a process -------------------------------------------------------------------------------


def test_a_process_ends_as_the_shell_expects(tmp_path: Path) -> None:
    path = bundled("clean-drill", tmp_path / "ö.mcap")
    ok = process("replay", path, "--json")
    assert (ok.returncode, ok.stderr) == (0, "") and len(ok.stdout.splitlines()) > 8
    failed = process("replay", tmp_path / "none.mcap")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr == f"hipturn: {tmp_path / 'none.mcap'} does not exist: check its name\n"
    wrong = process("replay", path, "--set", "x=1")
    assert (wrong.returncode, wrong.stdout) == (2, "") and wrong.stderr.count("\n") == 1


def test_a_reader_that_has_seen_enough_is_no_error_to_shout_about(tmp_path: Path) -> None:
    path = bundled("mishaps", tmp_path / "x.mcap")
    command = f"'{sys.executable}' -m hipturn replay '{path}' --json | head -n 1"
    ended = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(ended.stdout)["type"] == "session" and ended.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full disk")
def test_a_full_disk_behind_stdout_is_told(tmp_path: Path) -> None:
    path = bundled("clean-drill", tmp_path / "x.mcap")
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "hipturn", "replay", str(path)]
        ended = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert ended.returncode == 1
    assert ended.stderr.startswith("hipturn: No space left") and ended.stderr.count("\n") == 1


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_without_our_letters_shows_the_rest(tmp_path: Path, encoding: str) -> None:
    path = bundled("mishaps", tmp_path / "x.mcap")
    for args in (
        ["replay", path, "--diff", "--set", "reps.max_speed_dps=5"],
        ["config", "--defaults"],
        ["--help"],
    ):
        ended = process(*args, env={"PYTHONIOENCODING": encoding}, errors="replace")
        assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent differently")
def test_control_c_ends_a_paced_replay_at_once(tmp_path: Path) -> None:
    path = bundled("clean-drill", tmp_path / "x.mcap")
    command = [sys.executable, "-m", "hipturn", "replay", str(path), "--speed", "8"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        running.stderr.readline()  # the calibration, told when its time comes; seconds are left to go
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=10)
    assert running.returncode == 130 and err.endswith("hipturn: stopped before it was done\n")


def test_a_mistake_in_the_program_is_one_line_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("lost\nin space")

    monkeypatch.setattr("hipturn.offline.analyse", broken)
    monkeypatch.delenv("HIPTURN_DEBUG", raising=False)
    result = run("replay", tmp_path, env={})
    assert result.code == 1 and result.err.count("\n") == 1 and "KeyError" in result.err
    assert "HIPTURN_DEBUG=1" in result.err
    with pytest.raises(KeyError):
        run("replay", tmp_path, env={"HIPTURN_DEBUG": "1"})
