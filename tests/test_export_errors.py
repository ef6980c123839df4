"""What cannot be exported is told in one line, and nothing half-written stays."""

import errno
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cli_runs import bundled, done, drill, record, refused
from ducks import rows
from hipturn.export import parquet
from hipturn.export.tables import Table
from hipturn.model import SessionStart
from hipturn.recording import Reader, Writer


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return bundled("clean-drill", tmp_path / "clean.mcap")


def left(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("form", ["csv", "parquet", "json", "sto", "mot", "bids", "fhir"])
@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "does not exist"), (b"", "is empty"), (b"nonsense" * 100, "no recording of hipturn")],
    ids=["missing", "empty", "foreign"],
)
def test_a_file_that_is_no_recording(form: str, content: bytes | None, says: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.mcap"
    if content is not None:
        path.write_bytes(content)
    before = left(tmp_path)
    assert says in refused("export", path, "--to", form, "-o", tmp_path / "out")
    assert left(tmp_path) == before


def test_a_recording_without_calibration_says_what_to_add(tmp_path: Path) -> None:
    path = record(tmp_path / "plain.mcap", drill(), coached=False)
    assert "--calibration auto" in refused("export", path, "--to", "csv", "-o", tmp_path / "o.csv")
    done("export", path, "--to", "csv", "-o", tmp_path / "o.csv", "--calibration", "auto")
    assert "--side" in refused(
        "export", path, "--to", "sto", "-o", tmp_path / "o.sto", "--calibration", "auto", code=2
    )
    assert not (tmp_path / "o.sto").exists()


def test_the_recording_is_never_overwritten(recording: Path) -> None:
    kept = recording.read_bytes()
    assert "overwrite" in refused("export", recording, "--to", "csv", "-o", recording, code=2)
    assert recording.read_bytes() == kept


def test_places_that_cannot_be_written(recording: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert "not a file" in refused("export", recording, "--to", "json", "-o", tmp_path / "folder")
    assert "no folder" in refused("export", recording, "--to", "json", "-o", tmp_path / "none" / "o.json")
    assert "no folder" in refused("export", recording, "--to", "bids", "-o", tmp_path / "none" / "o")
    assert "no BIDS dataset" in refused("export", recording, "--to", "bids", "-o", tmp_path / "folder")
    assert left(tmp_path / "folder") == []


def test_a_bids_subject_is_never_overwritten(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "dataset"
    done("export", recording, "--to", "bids", "-o", out)
    kept = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert "sub-01" in refused("export", recording, "--to", "bids", "-o", out, code=2)
    line = refused("export", recording, "--to", "bids", "-o", out, "--session", "2", code=2)
    assert "no sessions yet" in line
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == kept


@pytest.mark.parametrize("label", ["a_b", "../x", "", "ä"])
def test_a_bids_label_is_letters_and_digits(label: str, recording: Path, tmp_path: Path) -> None:
    line = refused("export", recording, "--to", "bids", "-o", tmp_path / "d", "--subject", label, code=2)
    assert "letters and digits" in line


def test_a_sensor_that_is_not_in_it_is_named_with_those_that_are(recording: Path, tmp_path: Path) -> None:
    line = refused("export", recording, "--to", "mot", "-o", tmp_path / "o.mot", "--stream", "pelvis", code=2)
    assert "--stream pelvis" in line and "--stream shin" in line


def test_a_disk_that_fills_up_leaves_the_old_files_and_no_new_ones(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both tables or neither: an error at the second one leaves the first as it was, too."""
    out = tmp_path / "o.parquet"
    done("export", recording, "--to", "parquet", "-o", out)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    write = parquet.write_table

    def full(table: Table, path: Path, metadata: Any) -> None:
        if table.name == "reps":
            path.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        write(table, path, metadata)

    monkeypatch.setattr(parquet, "write_table", full)
    line = refused("export", recording, "--to", "parquet", "-o", out, "--set", "reps.min_rom_deg=10")
    assert "No space left" in line
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_stream_with_a_name_of_control_characters_is_one_cell(tmp_path: Path) -> None:
    """Names come from files: one with a line break in it must not make two rows of a sample."""
    plain = record(tmp_path / "plain.mcap", drill())
    with Writer(tmp_path / "odd.mcap") as writer:
        for item in Reader(plain).inputs():
            writer.write(item if isinstance(item, SessionStart) else replace(item, stream='a\r\n,"b'))
    done("export", tmp_path / "odd.mcap", "--to", "csv", "-o", tmp_path / "o.csv")
    found = rows(f"select distinct stream from '{tmp_path}/o.csv'")
    assert found == [('a\\r\\n,"b',)]


@pytest.mark.parametrize("wall_time", ["", "yesterday\t\n", "2026-01-01T12:00:00"])
def test_a_session_without_a_proper_date_exports_without_one(wall_time: str, tmp_path: Path) -> None:
    """A date that is none, or has no offset from UTC, is left out where a format asks for an instant."""
    plain = record(tmp_path / "plain.mcap", drill())
    with Writer(tmp_path / "odd.mcap") as writer:
        for item in Reader(plain).inputs():
            writer.write(replace(item, wall_time=wall_time) if isinstance(item, SessionStart) else item)
    done("export", tmp_path / "odd.mcap", "--to", "fhir", "-o", tmp_path / "o.json")
    assert "effectiveDateTime" not in (tmp_path / "o.json").read_text(encoding="utf-8")
    done("export", tmp_path / "odd.mcap", "--to", "bids", "-o", tmp_path / "o")
    assert len(list((tmp_path / "o").rglob("*_scans.tsv"))) == (wall_time[:4] == "2026")
