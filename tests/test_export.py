"""Exports are what the analysis found, read back by programs that others wrote."""

import csv
import json
import math
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from cli_runs import bundled, done
from ducks import columns, rows
from hipturn import offline
from hipturn.export import Measured, measure
from hipturn.export import csv as csv_export
from hipturn.export import json as json_export
from hipturn.export.measured import Stream
from hipturn.export.tables import SAMPLES
from hipturn.model import FloatArray, Orientation, Output, Rep

TOLERANCE = 1e-6


class Truth:
    """A recording's analysis, taken without any code of the exports."""

    def __init__(self, path: Path) -> None:
        blocks: list[Orientation] = []

        def hear(output: Output) -> None:
            if isinstance(output, Orientation):
                blocks.append(output)

        found = offline.analyse(path, offline.Request(), keep_angles=True, on_event=hear)
        self.t_s = np.concatenate([b.t_ns for b in blocks]) / 1e9
        self.q = np.concatenate([b.q_earth_from_sensor for b in blocks])
        self.trusted = np.concatenate([b.trusted for b in blocks])
        self.angle_t_s = np.concatenate([a.t_ns for a in found.angles]) / 1e9
        self.angle_deg = np.degrees(np.concatenate([a.angle_rad for a in found.angles]))
        self.angle_trusted = np.concatenate([a.trusted for a in found.angles])
        self.reps: list[Rep] = found.reps


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundled("mishaps", tmp_path_factory.mktemp("recording") / "mishaps.mcap")


@pytest.fixture(scope="module")
def truth(recording: Path) -> Truth:
    return Truth(recording)


def close(got: Any, want: Any) -> None:
    np.testing.assert_allclose(np.asarray(got, dtype=np.float64), want, rtol=0, atol=TOLERANCE)


def test_csv_read_by_the_csv_module_and_by_duckdb_is_the_analysis(
    recording: Path, truth: Truth, tmp_path: Path
) -> None:
    """Every sample and repetition comes back within 1e-6; no angle before the calibration."""
    done("export", recording, "--to", "csv", "-o", tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    close([row["t_s"] for row in table], truth.t_s)
    close([[row[f"q{c}"] for c in "wxyz"] for row in table], truth.q)
    assert [row["trusted"] == "1" for row in table] == truth.trusted.tolist()
    measured = [row for row in table if row["angle_deg"]]
    assert len(measured) < len(table)
    close([row["t_s"] for row in measured], truth.angle_t_s)
    close([row["angle_deg"] for row in measured], truth.angle_deg)

    reps = rows(f"select n, rom_deg, start_s, verdict, reasons from '{tmp_path}/out.reps.csv'")
    close([rep[1] for rep in reps], [math.degrees(rep.rom_rad) for rep in truth.reps])
    close([rep[2] for rep in reps], [rep.start_ns / 1e9 for rep in truth.reps])
    assert [(rep[0], rep[3], rep[4] or "") for rep in reps] == [
        (rep.n, rep.verdict, ";".join(rep.reasons)) for rep in truth.reps
    ]


def test_the_metadata_of_csv_names_each_column_in_order_with_its_unit(
    recording: Path, tmp_path: Path
) -> None:
    done("export", recording, "--to", "csv", "-o", tmp_path / "out.csv")
    described = json.loads((tmp_path / "out.csv-metadata.json").read_text(encoding="utf-8"))
    for table in described["tables"]:
        with (tmp_path / table["url"]).open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file))
        described_columns = table["tableSchema"]["columns"]
        assert [column["titles"] for column in described_columns] == header
        units = {c["name"]: c.get("http://qudt.org/schema/qudt/ucumCode") for c in described_columns}
        for name, unit in units.items():
            suffix = {"_s": "s", "_deg": "deg", "_dps": "deg/s"}.get(f"_{name.rpartition('_')[2]}")
            assert unit == suffix or suffix is None, name
    assert described["notes"][0]["session"]["side"] == "left"


def test_parquet_read_by_duckdb_is_the_analysis(recording: Path, truth: Truth, tmp_path: Path) -> None:
    """Values come back within 1e-6, missing ones as null, and units stand in the file's metadata."""
    done("export", recording, "--to", "parquet", "-o", tmp_path / "out.parquet")
    samples = columns(f"select * from '{tmp_path}/out.parquet'")
    close(samples["t_s"], truth.t_s)
    close(np.column_stack([samples[f"q{c}"] for c in "wxyz"]), truth.q)
    assert samples["trusted"].tolist() == truth.trusted.tolist()
    angle = samples["angle_deg"]
    close(angle.compressed(), truth.angle_deg)
    assert angle.mask.sum() == len(truth.t_s) - len(truth.angle_t_s)
    reps = rows(f"select rom_deg, reasons from '{tmp_path}/out.reps.parquet'")
    close([rep[0] for rep in reps], [math.degrees(rep.rom_rad) for rep in truth.reps])
    assert [tuple(rep[1]) for rep in reps] == [rep.reasons for rep in truth.reps]
    metadata = rows(f"select key, value from parquet_kv_metadata('{tmp_path}/out.parquet')")
    told = json.loads(dict(metadata)[b"hipturn.columns"])
    assert (told["angle_deg"]["unit"], told["t_s"]["unit"]) == ("deg", "s")


def test_json_keeps_its_schema_and_the_schema_can_refuse(
    recording: Path, truth: Truth, tmp_path: Path
) -> None:
    done("export", recording, "--to", "json", "-o", tmp_path / "out.json")
    document = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    schema = json_export.schema()
    Draft202012Validator.check_schema(schema)
    valid = Draft202012Validator(schema)
    valid.validate(document)
    close(document["samples"]["t_s"], truth.t_s)
    close([a for a in document["samples"]["angle_deg"] if a is not None], truth.angle_deg)
    close([rep["peak_deg"] for rep in document["reps"]], [math.degrees(rep.peak_rad) for rep in truth.reps])
    assert document["holds"]
    document["reps"][0]["verdict"] = "perfect"
    assert not valid.is_valid(document)


def test_sto_read_by_opensim_is_the_orientation(recording: Path, truth: Truth, tmp_path: Path) -> None:
    opensim = pytest.importorskip("opensim", reason="OpenSim reads the file back: pip install -e '.[peers]'")
    done("export", recording, "--to", "sto", "-o", tmp_path / "out.sto")
    table = opensim.TimeSeriesTableQuaternion(str(tmp_path / "out.sto"))
    assert list(table.getColumnLabels()) == ["tibia_l_imu"]
    assert float(table.getTableMetaDataAsString("DataRate")) == 100.0
    close(table.getIndependentColumn(), truth.t_s[truth.trusted])
    found = [
        [table.getRowAtIndex(i).getElt(0, 0).get(k) for k in range(4)] for i in range(table.getNumRows())
    ]
    # OpenSim makes them unit again, and may give the other of the two that are one pose
    want = truth.q[truth.trusted]
    close(np.abs((np.array(found) * want).sum(axis=1)), np.ones(len(want)))
    close(np.array(found) * np.sign((np.array(found) * want).sum(axis=1))[:, None], want)


def test_mot_read_by_opensim_is_the_angle(recording: Path, truth: Truth, tmp_path: Path) -> None:
    opensim = pytest.importorskip("opensim", reason="OpenSim reads the file back: pip install -e '.[peers]'")
    done("export", recording, "--to", "mot", "-o", tmp_path / "out.mot")
    table = opensim.TimeSeriesTable(str(tmp_path / "out.mot"))
    assert list(table.getColumnLabels()) == ["hip_rotation_l"]
    assert table.getTableMetaDataAsString("inDegrees") == "yes"
    close(table.getIndependentColumn(), truth.angle_t_s[truth.angle_trusted])
    close(table.getDependentColumn("hip_rotation_l").to_numpy(), truth.angle_deg[truth.angle_trusted])


def validated(dataset: Path) -> list[dict[str, Any]]:
    """Return what the BIDS validator calls an error, and whatever it says of our own columns."""
    validator = shutil.which("bids-validator-deno", path=sysconfig.get_path("scripts"))
    if validator is None:
        pytest.skip("the BIDS validator judges the folder: pip install -e '.[peers]'")
    ran = subprocess.run(
        [validator, "--json", str(dataset)], capture_output=True, text=True, timeout=120, check=False
    )
    issues: list[dict[str, Any]] = json.loads(ran.stdout)["issues"]["issues"]
    assert issues, "even a good folder gets recommendations, so the validator did run"
    return [i for i in issues if i["severity"] == "error" or "ADDITIONAL" in i["code"]]


def test_the_bids_folder_is_valid_with_one_subject_and_with_more(
    recording: Path, truth: Truth, tmp_path: Path
) -> None:
    out = tmp_path / "dataset"
    done("export", recording, "--to", "bids", "-o", out, "--subject", "01")
    assert validated(out) == []
    done("export", recording, "--to", "bids", "-o", out, "--subject", "02", "--session", "a")
    done("export", recording, "--to", "bids", "-o", out, "--subject", "02", "--session", "b", "--deidentify")
    assert validated(out) == []
    assert (out / "participants.tsv").read_text().split() == ["participant_id", "sub-01", "sub-02"]

    (motion,) = out.glob("sub-01/motion/*_motion.tsv")
    channels = str(motion).replace("_motion.tsv", "_channels.tsv")
    names = rows(f"select name from read_csv('{channels}', delim='\t')")
    table = np.genfromtxt(motion, names=[name for (name,) in names], missing_values="n/a")
    close(table["latency"], truth.t_s)
    close(np.column_stack([table[f"orientation_{c}"] for c in "wxyz"]), truth.q)
    angle = table["hip_rotation"]
    close(angle[~np.isnan(angle)], truth.angle_deg)
    (events,) = out.glob("sub-01/motion/*_events.tsv")
    told = rows(f"select onset, verdict from read_csv('{events}', delim='\t')")
    onsets = [row for row in told if row[1] != "n/a"]
    close([onset for onset, _ in onsets], [rep.start_ns / 1e9 for rep in truth.reps])


def test_the_bids_validator_would_have_refused(recording: Path, tmp_path: Path) -> None:
    """The check above can fail: a folder without its channels is no valid one."""
    out = tmp_path / "dataset"
    done("export", recording, "--to", "bids", "-o", out)
    for channels in out.rglob("*_channels.tsv"):
        channels.unlink()
    assert validated(out)


def test_the_fhir_bundle_is_valid_r4b_and_refers_to_itself_only(
    recording: Path, truth: Truth, tmp_path: Path
) -> None:
    """`fhir.resources` knows R4B, whose Observation, Device, CodeSystem and Bundle take all we write."""
    done("export", recording, "--to", "fhir", "-o", tmp_path / "out.json")
    text = (tmp_path / "out.json").read_text(encoding="utf-8")
    bundle: Any = get_fhir_model_class("Bundle").model_validate_json(text)
    resources = [entry.resource for entry in bundle.entry]
    names = {entry.fullUrl for entry in bundle.entry}
    assert len(names) == len(resources)
    observations = [r for r in resources if r.get_resource_type() == "Observation"]
    session, *reps = observations
    assert {member.reference for member in session.hasMember} == names - {
        entry.fullUrl for entry in bundle.entry if entry.resource not in reps
    }
    assert {r.device.reference for r in observations} <= names

    def figure(observation: Any, code: str) -> Any:
        (found,) = [c for c in observation.component if c.code.coding[0].code == code]
        return found.valueQuantity

    close([float(figure(r, "range").value) for r in reps], [math.degrees(r.rom_rad) for r in truth.reps])
    close([float(figure(r, "peak").value) for r in reps], [math.degrees(r.peak_rad) for r in truth.reps])
    assert {figure(r, "range").code for r in reps} == {"deg"}
    # every code of our own is defined in the bundle
    (system,) = [r for r in resources if r.get_resource_type() == "CodeSystem"]
    defined = {concept.code for concept in system.concept}
    used = {c["code"] for c in _objects(json.loads(text)) if c.get("system") == system.url and "code" in c}
    assert used and used <= defined


def _objects(value: Any) -> list[dict[str, Any]]:
    """Return every JSON object in a value."""
    if isinstance(value, dict):
        return [value, *(o for inner in value.values() for o in _objects(inner))]
    return [o for inner in value for o in _objects(inner)] if isinstance(value, list) else []


FORMATS = {"csv": "o.csv", "parquet": "o.parquet", "json": "o.json", "sto": "o.sto", "mot": "o.mot",
           "fhir": "o.json", "bids": "o"}  # fmt: skip


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_recording_gives_the_same_bytes(form: str, recording: Path, tmp_path: Path) -> None:
    made = []
    for place in (tmp_path / "a", tmp_path / "b"):
        place.mkdir()
        done("export", recording, "--to", form, "-o", place / FORMATS[form])
        made.append({p.relative_to(place): p.read_bytes() for p in place.rglob("*") if p.is_file()})
    assert made[0] == made[1]


names = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1)
numbers = st.floats(-1e4, 1e4) | st.just(math.nan)


@examples(max_examples=30)
@given(st.lists(st.tuples(numbers, numbers, st.booleans()), min_size=1, max_size=6), names)
def test_any_numbers_and_names_survive_csv(
    tmp_path_factory: pytest.TempPathFactory, table: list[tuple[float, float, bool]], name: str
) -> None:
    """Whatever a stream is called and whatever is measured, a CSV reader gets it back."""
    n = len(table)
    none: FloatArray = np.full(n, np.nan)
    a, b = (np.array([row[i] for row in table]) for i in (0, 1))
    stream = Stream(
        np.arange(n), np.tile([1.0, 0, 0, 0], (n, 1)), np.full((n, 3), np.nan),
        np.radians(a), np.radians(b), none, none, np.zeros(n, np.int64), np.array([row[2] for row in table]),
    )  # fmt: skip
    out = tmp_path_factory.mktemp("any") / "o.csv"
    csv_export.write(Measured({}, {name: stream}), out)
    with out.open(encoding="utf-8", newline="") as file:
        header, *body = list(csv.reader(file))
    assert header == [column.name for column in SAMPLES]
    back = [dict(zip(header, row, strict=True)) for row in body]
    assert [row["stream"] for row in back] == [name] * n
    for column, values in (("angle_deg", a), ("rate_dps", b)):
        got = [float(row[column] or "nan") for row in back]
        np.testing.assert_allclose(got, values, rtol=0, atol=TOLERANCE)
    assert [row["trusted"] for row in back] == ["1" if row[2] else "0" for row in table]


def test_a_gap_is_in_the_table_of_gaps_and_no_sample_is_made_up(tmp_path: Path) -> None:
    from cli_runs import drill, record

    path = record(tmp_path / "lost.mcap", drill(), lost=range(2000, 2100))
    measured = measure(path, offline.Request())
    gaps = json_export.document(measured)["gaps"]
    assert [(gap["lost"], gap["cause"]) for gap in gaps] == [(100, "loss")]
    (stream,) = measured.streams.values()
    assert len(stream.t_ns) == len(drill().t_s) - 100
    assert stream.lost_before.sum() == 100
