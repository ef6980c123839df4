"""The picture of a recording holds what the analysis says, no more and no less, and can be read by anyone."""

import dataclasses
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot
from matplotlib.collections import PatchCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from builders import hip_angle
from cli_runs import bundled, done, drill, process, record, refused
from hipturn.cli import plot as command
from hipturn.errors import InputError
from hipturn.model import FloatArray, Gap, Hold, Rep, StreamNs, Verdict
from hipturn.offline import Analysis, Request, analyse
from hipturn.report.plot import LOOKS, MOST_STRIPS, counted, figure
from hipturn.report.track import extremes
from hipturn.units import DEG_PER_RAD, NS_PER_S

RECORDINGS = Path(__file__).parents[1] / "recordings"


def analysed(name: str) -> Analysis:
    return analyse(RECORDINGS / f"{name}.mcap", Request(), keep_angles=True)


def named(fig: Figure, name: str) -> list[Any]:
    """The artists whose name matches."""
    return fig.findobj(lambda artist: re.fullmatch(name, artist.get_gid() or "") is not None)


def texts(fig: Figure, name: str) -> list[str]:
    return [artist.get_text() for artist in named(fig, name)]


def many(reps: int, period_s: float = 3.0) -> Analysis:
    """An analysis with so many repetitions, every third uncontrolled and every seventh void."""
    one = analysed("mishaps")
    rep = one.reps[0]

    def at(n: int) -> Rep:
        start_ns, length_ns = round(n * period_s * NS_PER_S), rep.end_ns - rep.start_ns
        verdict = Verdict.VOID if n % 7 == 6 else Verdict.UNCONTROLLED if n % 3 == 2 else Verdict.CONTROLLED
        reasons = {Verdict.VOID: ("data-gap",), Verdict.UNCONTROLLED: ("too-fast", "off-axis")}
        return dataclasses.replace(
            rep,
            n=n + 1,
            start_ns=StreamNs(start_ns),
            peak_ns=StreamNs(start_ns + length_ns // 2),
            end_ns=StreamNs(start_ns + length_ns),
            verdict=verdict,
            reasons=reasons.get(verdict, ()),
        )

    rows = round(reps * period_s * 100.0) + 1
    angle = hip_angle(0.5 * np.sin(np.arange(rows) * np.pi / period_s / 100.0) ** 2)
    angle = dataclasses.replace(angle, stream=rep.stream)
    return dataclasses.replace(one, angles=[angle], events=[at(n) for n in range(reps)])


# --- what is in the picture ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mishaps", "test-left", "test-right", "clean-drill"])
def test_every_repetition_is_shaded_where_it_was_and_as_it_was_judged(name: str) -> None:
    analysis = analysed(name)
    fig = figure(analysis, name)
    for rep in analysis.reps:
        (shade,) = named(fig, f"rep-{rep.n}")
        left, right = shade.get_extents().transformed(shade.axes.transData.inverted()).intervalx
        assert (left, right) == pytest.approx((rep.start_ns / NS_PER_S, rep.end_ns / NS_PER_S))
        look = LOOKS[rep.verdict]
        assert to_rgb(shade.get_facecolor()) == to_rgb(look.face)
        assert (shade.get_hatch() or "") == look.hatch
        assert texts(fig, f"number-{rep.n}") == [str(rep.n)]
        assert texts(fig, f"reasons-{rep.n}") == (
            ["\n".join(rep.reasons).replace("-", " ")] if rep.reasons else []
        )
        (peak,) = named(fig, f"peak-{rep.n}")
        assert peak.get_xydata()[0] == pytest.approx((rep.peak_ns / NS_PER_S, rep.peak_rad * DEG_PER_RAD))
    assert len(named(fig, r"rep-\d+")) == len(analysis.reps)
    holds = [event for event in analysis.events if isinstance(event, Hold)]
    drawn = sorted(tuple(artist.get_xdata()) for artist in named(fig, "hold"))
    assert drawn == sorted((h.start_ns / NS_PER_S, h.end_ns / NS_PER_S) for h in holds)


def test_the_count_is_written_with_what_was_wrong() -> None:
    (title,) = [figure(analysed("mishaps"), "mishaps.mcap").get_suptitle()]
    assert title.splitlines() == [
        "mishaps.mcap, left leg",
        "15 repetitions: 9 controlled, 6 uncontrolled (2 too fast, 2 short range, 1 off axis, 1 no return)",
    ]
    assert counted([]) == "no repetitions"
    assert counted(many(1).reps) == "1 repetition: 1 controlled"


def test_the_line_is_the_angle() -> None:
    analysis = analysed("clean-drill")
    (line,) = named(figure(analysis, "x"), "angle")
    (t_s, angle_deg) = line.get_data()
    measured_s = np.concatenate([block.t_ns for block in analysis.angles]) / NS_PER_S
    measured_deg = np.concatenate([block.angle_rad for block in analysis.angles]) * DEG_PER_RAD
    np.testing.assert_allclose(angle_deg, np.interp(t_s, measured_s, measured_deg), atol=1e-9)
    assert (angle_deg.max(), angle_deg.min()) == (measured_deg.max(), measured_deg.min())


def test_what_was_lost_is_seen_and_not_drawn_over(tmp_path: Path) -> None:
    """The line breaks at a gap, the band tells every gap, what follows is dotted until it can be trusted."""
    path = record(tmp_path / "lossy.mcap", drill(), lost=[*range(2000, 2100), 2500, *range(2600, 2603)])
    analysis = analyse(path, Request(), keep_angles=True)
    fig = figure(analysis, "x")
    (line,), (dotted,) = named(fig, "angle"), named(fig, "untrusted")
    drawn = np.isfinite(line.get_ydata()) | np.isfinite(dotted.get_ydata())
    t_s = line.get_xdata()
    assert not drawn[(t_s > 20.0) & (t_s < 20.99)].any() and drawn[(t_s > 18.0) & (t_s < 19.9)].all()
    assert np.isfinite(dotted.get_ydata())[(t_s > 21.1) & (t_s < 23.0)].all()
    (band,) = named(fig, "lost")
    assert isinstance(band, PatchCollection)
    gaps = [event for event in analysis.events if isinstance(event, Gap)]
    assert len(band.get_paths()) == len(gaps) == 3
    words = [text.get_text() for text in fig.legends[0].get_texts()]
    assert {"samples lost", "not to be trusted yet", "repetition: void"} <= set(words)


@pytest.mark.parametrize("reps", [1, 19, 47, 300, 950])
def test_long_recordings_are_folded_and_stay_readable(reps: int) -> None:
    """In strips of the same length and scale; each repetition in one of them, or in two at an edge; no
    crowd of words and, however long, no more than some thousand points to a strip."""
    fig = figure(many(reps), "x")
    strips = fig.axes
    assert 1 <= len(strips) <= MOST_STRIPS
    assert len({round(float(np.ptp(axis.get_xlim())), 6) for axis in strips}) == 1
    assert len({axis.get_ylim() for axis in strips}) == 1
    names = [artist.get_gid() for artist in named(fig, r"rep-\d+")]
    assert len(set(names)) == reps and len(names) <= reps + len(strips)
    for axis in strips:
        numbers = [text for text in axis.texts if (text.get_gid() or "").startswith("number")]
        assert len(numbers) <= 46
    assert all(len(line.get_xdata()) < 10_000 for line in named(fig, "angle"))
    if reps <= 19:
        assert len(named(fig, r"number-\d+")) == reps


def test_a_stretch_shows_what_is_in_it() -> None:
    analysis = analysed("mishaps")
    fig = figure(analysis, "x", from_s=30.0, to_s=50.0)
    inside = [r.n for r in analysis.reps if r.end_ns >= 30 * NS_PER_S and r.start_ns <= 50 * NS_PER_S]
    assert [int(artist.get_gid()[4:]) for artist in named(fig, r"rep-\d+")] == inside
    assert fig.axes[0].get_xlim() == (30.0, 50.0)
    assert f"{len(inside)} repetitions" in fig.get_suptitle() and "30 to 50 s" in fig.get_suptitle()
    with pytest.raises(
        InputError, match=r"nothing was measured between 500 and 600 s.*from 16\.2 to 91\.4 s"
    ):
        figure(analysis, "x", from_s=500.0, to_s=600.0)


def test_two_sensors_get_a_strip_each() -> None:
    one = analysed("clean-drill")
    other = [dataclasses.replace(block, stream="other") for block in one.angles]
    fig = figure(dataclasses.replace(one, angles=[*one.angles, *other]), "x")
    assert [axis.get_title("left") for axis in fig.axes] == [one.angles[0].stream, "other"]
    assert len(named(fig, "angle")) == 2


def test_verdicts_differ_for_every_eye() -> None:
    """In hatch, and in lightness of the ink against the face: contrast as WCAG asks of text, 4.5 to 1."""

    def luminance(colour: str) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    assert set(LOOKS) == set(Verdict)
    for one, other in combinations(LOOKS.values(), 2):
        assert one.hatch != other.hatch and one.face != other.face
    for verdict, look in LOOKS.items():
        # numbers are read on white
        assert 1.05 / (luminance(look.ink) + 0.05) >= 4.5, verdict
        if look.hatch:
            assert (luminance(look.face) + 0.05) / (luminance(look.ink) + 0.05) >= 3.0, verdict


@given(st.integers(0, 2**32), st.integers(1, 5000), st.integers(1, 200))
def test_thinning_keeps_what_the_eye_would_see(seed: int, rows: int, columns: int) -> None:
    """The lowest and the highest of every part, both ends, every break; few enough points."""
    rng = np.random.default_rng(seed)
    y: FloatArray = rng.standard_normal(rows).cumsum()
    y[rng.random(rows) < 0.001] = np.nan
    kept = extremes(y, columns)
    assert (np.diff(kept) > 0).all() and kept[0] == 0 and kept[-1] == rows - 1
    assert np.isnan(y[kept]).sum() == np.isnan(y).sum()
    if not np.isnan(y).all():
        assert (np.nanmax(y[kept]), np.nanmin(y[kept])) == (np.nanmax(y), np.nanmin(y))
    assert len(kept) <= max(4 * columns, 2 * columns + 2 + np.isnan(y).sum())


# --- the command --------------------------------------------------------------------------------


@pytest.mark.parametrize(("form", "magic"), [("png", b"\x89PNG"), ("SVG", b"<?xml"), ("pdf", b"%PDF")])
def test_a_picture_is_written_and_the_same_again(form: str, magic: bytes, tmp_path: Path) -> None:
    path = bundled("mishaps", tmp_path / "session.mcap")
    for name in ("one", "two"):
        picture = tmp_path / f"{name}.{form}"
        option = "--save" if name == "one" else "-o"
        assert done("plot", path, option, picture).out == f"{picture}: 15 repetitions\n"
    one, two = ((tmp_path / f"{name}.{form}").read_bytes() for name in ("one", "two"))
    assert one.startswith(magic) and one == two
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"one.{form}", "session.mcap", f"two.{form}"]


def test_an_svg_names_its_repetitions(tmp_path: Path) -> None:
    """So that a page can find them in it."""
    path = bundled("mishaps", tmp_path / "session.mcap")
    done("plot", path, "--save", tmp_path / "x.svg", "--to", "40")
    assert set(re.findall(r'id="(rep-\d+)"', (tmp_path / "x.svg").read_text())) == {
        f"rep-{n}" for n in range(1, 9)
    }


@pytest.mark.parametrize("name", ["$x^$.mcap", "[red]_{x}.mcap", "ünïcode.mcap"])
def test_any_name_can_be_a_title(name: str, tmp_path: Path) -> None:
    path = bundled("clean-drill", tmp_path / name)
    done("plot", path, "--save", tmp_path / "x.png")


def test_settings_and_reference_judge_as_in_a_replay(tmp_path: Path) -> None:
    path = bundled("clean-drill", tmp_path / "x.mcap")
    out = tmp_path / "x.svg"
    done("plot", path, "--save", out, "--set", "reps.max_speed_dps=20", "--side", "left")
    assert "reasons-1" in out.read_text()
    done("plot", path, "--save", out, "--calibration", "auto", "--reference", f"{path}@0:60")
    assert "rep-1" in out.read_text()


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--save", "x.gif"], 2, "end it in .png, .svg or .pdf"),
        (["--save", "x"], 2, "end it in .png, .svg or .pdf"),
        (["--save", "nowhere/x.png"], 1, "there is no folder nowhere"),
        (["--save", "x.png", "--from", "9", "--to", "3"], 2, "the stretch ends before it begins"),
        (["--save", "x.png", "--from", "nan"], 2, "the stretch ends before it begins"),
        (["--save", "x.png", "--from", "1000"], 1, "nothing was measured between 1000 and"),
        (["--save", "x.png", "--set", "reps.min_rom=3"], 2, "did you mean reps.min_rom_deg?"),
        (["--save", "x.png", "--reference", "y.mcap@9:3"], 2, "the range ends before it begins"),
    ],
)
def test_what_cannot_be_drawn_is_told_in_one_line(
    options: list[str], code: int, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = bundled("clean-drill", tmp_path / "session.mcap")
    assert says in refused("plot", path, *options, code=code)
    assert [p.name for p in tmp_path.iterdir()] == ["session.mcap"]


def test_what_is_no_recording_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "x.mcap").write_text("t,acc\n")
    assert "'hipturn import' reads other files" in refused(
        "plot", tmp_path / "x.mcap", "--save", tmp_path / "x.png"
    )


def test_where_no_window_can_be_opened_the_way_out_is_told(tmp_path: Path) -> None:
    path = bundled("clean-drill", tmp_path / "x.mcap")
    ended = process("plot", path, env={"MPLBACKEND": "agg", "DISPLAY": "", "WAYLAND_DISPLAY": ""})
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        "hipturn: no window can be opened here: write the picture to a file with --save OUT.png\n"
    )


def test_a_window_shows_the_same_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = bundled("mishaps", tmp_path / "x.mcap")
    matplotlib.use("agg")
    shown: list[Figure] = []
    monkeypatch.setattr(command, "_check_display", lambda: None)
    monkeypatch.setattr(pyplot, "show", lambda: shown.append(pyplot.gcf()))
    try:
        done("plot", path)
        assert len(named(shown[0], r"rep-\d+")) == 15
    finally:
        pyplot.close("all")


def test_a_recording_without_an_angle_has_no_picture() -> None:
    empty = dataclasses.replace(analysed("clean-drill"), angles=[])
    with pytest.raises(InputError, match="no angle was measured"):
        figure(empty, "x")


def test_without_matplotlib_the_way_to_get_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "hipturn.report.plot", raising=False)
    monkeypatch.delattr("hipturn.report.plot", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.axes", None)
    line = refused("plot", bundled("clean-drill", tmp_path / "x.mcap"), "--save", tmp_path / "x.png", code=2)
    assert "pip install 'hipturn[report]'" in line


def test_help_needs_no_matplotlib() -> None:
    code = (
        "import sys; from hipturn.cli.main import cli\n"
        "try: cli(['plot', '--help'])\n"
        "except SystemExit: pass\n"
        "print('loaded' if 'matplotlib' in sys.modules else 'not loaded')"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.splitlines()[-1] == "not loaded"
