"""Documents are executed: what they show is what the program prints."""

import json
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from hipturn.cli.main import COMMANDS, cli

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "recordings" / "README.md"]
EXECUTED = re.compile(
    r"<!-- executed: hipturn (?P<command>[^\n]+) -->\n```\n\$[^\n]*\n(?P<output>.*?)```", re.S
)
RECORDINGS = sorted((ROOT / "recordings").glob("*.mcap"))


def run(command: str) -> str:
    result = CliRunner().invoke(cli, shlex.split(command), prog_name="hipturn")
    assert result.exit_code == 0, result.output
    return "".join(line.rstrip() + "\n" for line in result.stdout.splitlines())


def test_shown_outputs_are_what_the_commands_print(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    shown = [found for path in DOCUMENTS for found in EXECUTED.finditer(path.read_text(encoding="utf-8"))]
    assert shown, "the README shows at least one command with its output"
    for found in shown:
        assert run(found["command"]) == found["output"], found["command"]


def test_the_house_names_every_room() -> None:
    """Packages and modules at the top, and each module of the core and of the sinks."""
    told = (ROOT / "docs" / "house.md").read_text(encoding="utf-8")
    source = ROOT / "src" / "hipturn"
    for folder, before in ((source, ""), (source / "core", "core/"), (source / "sinks", "")):
        for path in folder.iterdir():
            if path.name.startswith("__") or path.suffix not in ("", ".py"):
                continue
            name = f"`{before}{path.name}`" if path.suffix == ".py" else f"{path.name}/"
            assert name in told, f"docs/house.md does not name {path.relative_to(source)}"


def test_every_command_the_documents_name_exists() -> None:
    for path in DOCUMENTS:
        for name in re.findall(r"`hipturn ([a-z]+)", path.read_text(encoding="utf-8")):
            assert name in COMMANDS, f"{path.name} names 'hipturn {name}'"


def test_every_link_between_documents_leads_somewhere() -> None:
    for path in DOCUMENTS:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_every_setting_named_in_the_documents_exists() -> None:
    from hipturn.config import SETTINGS

    for path in DOCUMENTS:
        for key in re.findall(r"`(?:--set )?((?:reps|fusion)\.[a-z_]+)", path.read_text(encoding="utf-8")):
            if not key.endswith((".py", ".md")):
                assert key in SETTINGS, f"{path.name} names {key}"


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda p: p.stem)
def test_a_bundled_recording_gives_its_expected_results(path: Path) -> None:
    now = [json.loads(line) for line in run(f"replay {shlex.quote(str(path))} --json").splitlines()]
    expected = path.with_suffix(".expected.jsonl").read_text(encoding="utf-8").splitlines()
    for got, want in zip(now, map(json.loads, expected), strict=True):
        for key, value in want.items():
            # another processor may round the last bits otherwise: a hundredth of a degree is the same
            same = got[key] == (pytest.approx(value, abs=0.02) if isinstance(value, float) else value)
            assert same or key in ("axis_sensor", "peak_speed_dps"), (
                f"{want['type']} {key}: {got[key]} {value}"
            )


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda p: p.stem)
def test_a_bundled_recording_agrees_with_the_simulated_truth(path: Path) -> None:
    """Every true repetition is counted, in its direction, within half a degree of its range."""
    found = [json.loads(line) for line in run(f"replay {shlex.quote(str(path))} --json").splitlines()]
    reps = [line for line in found if line["type"] == "rep"]
    truth = json.loads(path.with_suffix(".truth.json").read_text(encoding="utf-8"))
    assert len(reps) == len(truth)
    wanted = {"fast": "too-fast", "short": "short-range", "off-axis": "off-axis", "no-return": "no-return"}
    for rep, true in zip(reps, truth, strict=True):
        assert rep["direction"] == true["direction"]
        # soft tissue swings on at the sudden turn of a fast repetition, a held tremor adds its amplitude
        limit = 0.5 if true["kind"] in ("controlled", "short", "trial") and rep["hold_s"] < 0.9 else 1.7
        # a knee that bends 20° on the way turns the shin too: one sensor cannot tell that from the hip
        limit = 3.0 if true["kind"] == "off-axis" else limit
        assert rep["rom_deg"] == pytest.approx(true["rom_deg"], abs=limit)
        assert rep["start_s"] == pytest.approx(true["start_s"], abs=0.15)
        assert rep["reasons"] == ([wanted[true["kind"]]] if true["kind"] in wanted else [])
