"""A de-identified export tells what was measured, not who or when."""

from dataclasses import replace
from pathlib import Path

import pytest

from cli_runs import done, drill, record
from ducks import rows
from hipturn.model import LinkUp, SessionStart
from hipturn.recording import Reader, Writer
from test_export import FORMATS

NAME, SERIAL, NOTE, STREAM = "Zaphods sensor", "SN-424242", "spoke of his second head", "zaphods-shin"
FILE, DAY, TIME = "zaphod_2019-07-05_081500", "2019-07-05", "08:15:00"
PERSON = "Trillian"
TELLING = (NAME, SERIAL, NOTE, STREAM, PERSON, "zaphod", DAY, "20190705", TIME)


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording that tells a lot."""
    folder = tmp_path_factory.mktemp("telling")
    plain = record(folder / "plain.mcap", drill(reps=2))
    with Writer(folder / f"{FILE}.mcap") as writer:
        for item in Reader(plain).inputs():
            match item:
                case SessionStart():
                    item = replace(item, wall_time=f"{DAY}T{TIME}+02:00", note=NOTE, person=PERSON)
                case LinkUp():
                    info = replace(item.info, name=NAME, serial=SERIAL)
                    item = replace(item, stream=STREAM, info=info)
                case _:
                    item = replace(item, stream=STREAM)
            writer.write(item)
    return folder / f"{FILE}.mcap"


def contents(place: Path) -> str:
    """Everything in the files and their names, Parquet unpacked."""
    text = ""
    for path in sorted(p for p in place.rglob("*") if p.is_file()):
        text += str(path.relative_to(place)) + path.read_bytes().decode("utf-8", "replace")
        if path.suffix == ".parquet":
            for query in (f"select * from '{path}'", f"select * from parquet_kv_metadata('{path}')"):
                text += str(rows(query))
    return text


def told(telling: Path, place: Path, form: str, *options: str) -> set[str]:
    place.mkdir()
    done("export", telling, "--to", form, "-o", place / FORMATS[form], *options)
    text = contents(place)
    return {word for word in TELLING if word.lower() in text.lower()}


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_telling_is_left(form: str, telling: Path, tmp_path: Path) -> None:
    assert told(telling, tmp_path / "private", form, "--deidentify") == set()


@pytest.mark.parametrize("form", ["csv", "parquet", "json"])
def test_without_it_everything_is_there(form: str, telling: Path, tmp_path: Path) -> None:
    """The check above can fail: the words it looks for are written when nobody asks to leave them out."""
    assert told(telling, tmp_path / "open", form) >= {NAME, SERIAL, NOTE, STREAM, DAY, TIME}


def test_times_since_the_first_sample_stay(telling: Path, tmp_path: Path) -> None:
    for name, options in (("open", ()), ("private", ("--deidentify",))):
        done("export", telling, "--to", "parquet", "-o", tmp_path / f"{name}.parquet", *options)
    for table in ("", ".reps"):
        read = f"select * exclude (stream) from '{tmp_path}/{{}}{table}.parquet'"
        assert rows(read.format("open")) == rows(read.format("private"))
