"""Every export of recordings that are not plain ones, read back by programs that others wrote.

With gaps, a slip of the strap, a sensor on the pelvis, a heading-dependent angle, a repetition taken
back, and nothing but a calibration.
"""

import csv
import functools
import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fhir.resources.R4B import get_fhir_model_class
from jsonschema import Draft202012Validator

import test_pauses
import test_pelvis
from builders import STREAM
from cli_runs import RATE_HZ, done, drill, record, run
from ducks import columns, rows
from hipturn import batch, lines, offline
from hipturn.batch.processes import in_processes
from hipturn.batch.work import failed, work
from hipturn.core.quaternion import up_in_sensor
from hipturn.export import json as json_export
from hipturn.model import Gap, Hold, HostNs, Input, Mark, MarkKind, Orientation, Output, Rep, Side, Slip
from hipturn.recording import Reader, Writer
from hipturn.sources.body import Leg, drill_script, simulate
from hipturn.units import RAD_PER_DEG
from test_export import FORMATS, close, validated


def written(path: Path, items: Iterable[Input]) -> Path:
    with Writer(path) as writer:
        for item in items:
            writer.write(item)
    return path


def gaps(path: Path) -> Path:
    """One short enough to be bridged, one after which the filter settles anew."""
    return record(path, drill(), lost=[*range(2000, 2010), *range(2600, 2700)])


def slip(path: Path) -> Path:
    motion = test_pauses.pausing(1)
    up = up_in_sensor(motion.q_earth_from_sensor[-1])
    across = np.cross(up, (1.0, 0.3, -0.2))
    turn = across / np.linalg.norm(across) * 6.0 * RAD_PER_DEG
    moved = test_pauses.slipped(motion, float(motion.t_s[-1]) - 9.0, turn)
    return record(path, moved)


def pelvis(path: Path) -> Path:
    """Its sensor loses samples that the shin's has."""
    return written(path, test_pelvis.lost(test_pelvis.session(1, side=Side.LEFT), 26.0, 27.0))


def heading(path: Path) -> Path:
    motion = simulate(Leg.random(5, Side.RIGHT, "supine-90-90"), drill_script(3, 5), RATE_HZ, 5)
    return record(path, motion)


def empty(path: Path) -> Path:
    return record(path, drill(reps=0))


def undone(path: Path) -> Path:
    """The last of four repetitions was none, says the person."""
    whole = record(path.with_name("whole.mcap"), drill())
    items = list(Reader(whole).inputs())
    at_ns = HostNs(test_pelvis.at_of(items[-1]))
    return written(path, [*items[:-1], Mark(STREAM, at_ns, MarkKind.UNDO, {}), items[-1]])


KINDS: dict[str, Callable[[Path], Path]] = {
    make.__name__: make for make in (gaps, slip, pelvis, heading, empty, undone)
}


class Found:
    """What the analysis found in one recording, taken without any code of the exports."""

    def __init__(self, path: Path) -> None:
        self.path = path
        blocks: dict[str, list[Orientation]] = {}

        def hear(output: Output) -> None:
            if isinstance(output, Orientation):
                blocks.setdefault(output.stream, []).append(output)

        found = offline.analyse(path, offline.Request(), keep_angles=True, on_event=hear)
        self.t_s = {name: np.concatenate([b.t_ns for b in each]) / 1e9 for name, each in blocks.items()}
        self.q = {
            name: np.concatenate([b.q_earth_from_sensor for b in each]) for name, each in blocks.items()
        }
        self.trusted = {name: np.concatenate([b.trusted for b in each]) for name, each in blocks.items()}
        (self.leg,) = {block.stream for block in found.angles}
        self.angle_t_s = np.concatenate([a.t_ns for a in found.angles]) / 1e9
        self.angle_deg = np.degrees(np.concatenate([a.angle_rad for a in found.angles]))
        self.angle_trusted = np.concatenate([a.trusted for a in found.angles])
        _, _, summary = found.lines(path.name)
        self.reps = lines.counted(found.events)
        assert len(self.reps) == summary["reps"]
        self.events = found.events
        self.side = found.side

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Found]:
    place = tmp_path_factory.mktemp("kinds")
    return functools.cache(lambda kind: Found(KINDS[kind](place / f"{kind}.mcap")))


@pytest.fixture(params=KINDS)
def each(request: pytest.FixtureRequest, found: Callable[[str], Found]) -> Found:
    return found(request.param)


def exported(each: Found, form: str, place: Path) -> Path:
    told = run("export", each.path, "--to", form, "-o", place / FORMATS[form])
    assert told.code == 0, told.err
    return place / FORMATS[form]


def test_the_recordings_are_what_they_are_called(found: Callable[[str], Found]) -> None:
    """Or nothing below would be tried."""
    assert [gap.lost for gap in found("gaps").of(Gap)] == [10, 100]
    assert not found("gaps").angle_trusted.all()
    assert len(found("slip").of(Slip)) == 1
    assert set(found("pelvis").t_s) == {"shin", "pelvis"}
    assert {gap.stream for gap in found("pelvis").of(Gap)} == {"pelvis"}
    assert found("empty").reps == [] and len(found("empty").angle_deg) > 100
    assert (len(found("undone").reps), len(found("undone").of(Rep))) == (3, 4)


def test_csv(each: Found, tmp_path: Path) -> None:
    out = exported(each, "csv", tmp_path)
    with out.open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    for name, t_s in each.t_s.items():
        own = [row for row in table if row["stream"] == name]
        close([row["t_s"] for row in own], t_s)
        close([[row[f"q{c}"] for c in "wxyz"] for row in own], each.q[name])
    close([row["angle_deg"] for row in table if row["angle_deg"]], each.angle_deg)
    with (tmp_path / "o.reps.csv").open(encoding="utf-8", newline="") as file:
        reps = list(csv.DictReader(file))
    assert [int(rep["n"]) for rep in reps] == [rep.n for rep in each.reps]
    close([rep["rom_deg"] for rep in reps], [math.degrees(rep.rom_rad) for rep in each.reps])
    notes = json.loads((tmp_path / "o.csv-metadata.json").read_text(encoding="utf-8"))["notes"][0]
    close([s["tilt_deg"] for s in notes["slips"]], [math.degrees(s.tilt_rad) for s in each.of(Slip)])
    assert [gap["lost"] for gap in notes["gaps"]] == [gap.lost for gap in each.of(Gap)]


def test_parquet(each: Found, tmp_path: Path) -> None:
    out = exported(each, "parquet", tmp_path)
    for name, t_s in each.t_s.items():
        own = columns(f"select * from '{out}' where stream = '{name}' order by t_s")
        close(own["t_s"], t_s)
        close(np.column_stack([own[f"q{c}"] for c in "wxyz"]), each.q[name])
        assert own["trusted"].tolist() == each.trusted[name].tolist()
    angle = columns(f"select angle_deg from '{out}' where angle_deg is not null order by t_s")["angle_deg"]
    close(angle, each.angle_deg)
    reps = rows(f"select n, rom_deg, reasons from '{tmp_path}/o.reps.parquet'")
    assert [(rep[0], tuple(rep[2])) for rep in reps] == [(rep.n, rep.reasons) for rep in each.reps]
    close([rep[1] for rep in reps], [math.degrees(rep.rom_rad) for rep in each.reps])


def test_json(each: Found, tmp_path: Path) -> None:
    document = json.loads(exported(each, "json", tmp_path).read_text(encoding="utf-8"))
    Draft202012Validator(json_export.schema()).validate(document)
    assert len(document["reps"]) == document["summary"]["reps"] == len(each.reps)
    assert [rep["n"] for rep in document["reps"]] == [rep.n for rep in each.reps]
    close([a for a in document["samples"]["angle_deg"] if a is not None], each.angle_deg)
    assert len(document["samples"]["t_s"]) == sum(map(len, each.t_s.values()))
    close([s["tilt_deg"] for s in document["slips"]], [math.degrees(s.tilt_rad) for s in each.of(Slip)])
    assert len(document["gaps"]) == len(each.of(Gap)) and len(document["holds"]) == len(each.of(Hold))


def opensim() -> Any:
    return pytest.importorskip("opensim", reason="OpenSim reads the file back: pip install -e '.[peers]'")


def test_sto(each: Found, tmp_path: Path) -> None:
    """The leg's sensor alone, as a pelvis' one is a body of its own."""
    table = opensim().TimeSeriesTableQuaternion(str(exported(each, "sto", tmp_path)))
    kept = each.trusted[each.leg]
    close(table.getIndependentColumn(), each.t_s[each.leg][kept])
    n = table.getNumRows()
    got = np.array([[table.getRowAtIndex(i).getElt(0, 0).get(k) for k in range(4)] for i in range(n)])
    want = each.q[each.leg][kept]
    close(got * np.sign((got * want).sum(axis=1))[:, None], want)


def test_sto_of_the_pelvis(found: Callable[[str], Found], tmp_path: Path) -> None:
    each = found("pelvis")
    done("export", each.path, "--to", "sto", "-o", tmp_path / "o.sto", "--stream", "pelvis")
    table = opensim().TimeSeriesTableQuaternion(str(tmp_path / "o.sto"))
    assert list(table.getColumnLabels()) == ["pelvis_imu"]
    close(table.getIndependentColumn(), each.t_s["pelvis"][each.trusted["pelvis"]])


def test_mot(each: Found, tmp_path: Path) -> None:
    table = opensim().TimeSeriesTable(str(exported(each, "mot", tmp_path)))
    (label,) = table.getColumnLabels()
    close(table.getIndependentColumn(), each.angle_t_s[each.angle_trusted])
    close(table.getDependentColumn(label).to_numpy(), each.angle_deg[each.angle_trusted])


def test_bids(each: Found, tmp_path: Path) -> None:
    """Valid, and of the one sensor that is in it: what another lost is no event of it."""
    out = exported(each, "bids", tmp_path)
    assert validated(out) == []
    (motion,) = out.rglob("*_motion.tsv")
    channels = rows(
        f"select name, description from read_csv('{str(motion).replace('_motion.tsv', '_channels.tsv')}', "
        "delim='\t')"
    )
    table = np.genfromtxt(motion, names=[name for name, _ in channels], missing_values="n/a")
    close(table["latency"], each.t_s[each.leg])
    close(table["hip_rotation"][~np.isnan(table["hip_rotation"])], each.angle_deg)
    drifts = "heading-dependent" in dict(channels)["hip_rotation"]
    assert drifts == (each.path.stem == "heading")
    (events,) = out.rglob("*_events.tsv")
    told = rows(f"select onset, trial_type from read_csv('{events}', delim='\t', all_varchar=true)")
    own = [event for kind in (Rep, Hold, Gap, Slip) for event in each.of(kind) if event.stream == each.leg]
    assert len(told) == len(own) - (len(each.of(Rep)) - len(each.reps))
    reps = [float(onset) for onset, kind in told if kind in ("internal", "external")]
    close(reps, [rep.start_ns / 1e9 for rep in each.reps])
    sidecar = json.loads(Path(str(motion).replace(".tsv", ".json")).read_text(encoding="utf-8"))
    broken = any(gap.stream == each.leg for gap in each.of(Gap))
    assert sidecar["RecordingType"] == ("discontinuous" if broken else "continuous")


def test_fhir(each: Found, tmp_path: Path) -> None:
    text = exported(each, "fhir", tmp_path).read_text(encoding="utf-8")
    bundle: Any = get_fhir_model_class("Bundle").model_validate_json(text)
    session, *reps = [e.resource for e in bundle.entry if e.resource.get_resource_type() == "Observation"]
    assert len(reps) == len(each.reps) == len(session.hasMember or [])
    told = {component.code.coding[0].code: component for component in session.component}
    assert told["heading-dependent"].valueBoolean == (each.path.stem == "heading")
    assert float(told["slips"].valueQuantity.value) == len(each.of(Slip))
    ranges = [
        float(component.valueQuantity.value)
        for rep in reps
        for component in rep.component
        if component.code.coding[0].code == "range"
    ]
    close(ranges, [math.degrees(rep.rom_rad) for rep in each.reps])


def test_a_heading_dependent_angle_is_told_whatever_the_format(
    found: Callable[[str], Found], tmp_path: Path
) -> None:
    """On stderr, for OpenSim's formats have no place for it; and of no other recording."""
    for kind in KINDS:
        told = run("export", found(kind).path, "--to", "mot", "-o", tmp_path / f"{kind}.mot")
        assert ("heading-dependent" in told.err) == (kind == "heading"), told.err


def test_a_dataset_has_them_all(found: Callable[[str], Found], tmp_path: Path) -> None:
    """Repetitions that count, and gaps and slips, of each recording under its own key."""
    folder, out = tmp_path / "recordings", tmp_path / "dataset"
    folder.mkdir()
    for kind in KINDS:
        (folder / f"{kind}.mcap").write_bytes(found(kind).path.read_bytes())
    plan = batch.Plan(offline.Request())
    outcomes = batch.run(folder, out, plan, lambda todo: in_processes(todo, 1, work, failed), lambda _: None)
    assert {outcome.status for outcome in outcomes} == {batch.Status.DONE}
    name = f"(select key, recording from '{out}/recordings/**/*.parquet')"
    for table, kind_of in (("reps", None), ("gaps", Gap), ("slips", Slip)):
        all_rows = f"'{out}/{table}/**/*.parquet' join {name} using (key)"
        counts = dict(rows(f"select recording, count(*) from {all_rows} group by 1"))
        for kind in KINDS:
            want = found(kind).reps if kind_of is None else found(kind).of(kind_of)
            assert counts.get(f"{kind}.mcap", 0) == len(want), (table, kind)
