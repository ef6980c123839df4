"""Motion-BIDS: a folder that the BIDS validator accepts, or one more subject in such a folder.

The samples keep their true times in a LATENCY channel, because a lost sample is left out and not
made up. Repetitions, holds, gaps and slips are the events. The specification:
https://bids-specification.readthedocs.io/en/stable/modality-specific-files/motion.html
"""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hipturn import __version__
from hipturn.errors import InputError, UsageError
from hipturn.export import bids_text as text
from hipturn.export.measured import Measured, Stream
from hipturn.export.whole import folder, replace_text, unwritable
from hipturn.units import DEG_PER_RAD, NS_PER_S

BIDS_VERSION = "1.10.0"
LABEL = re.compile(r"[0-9a-zA-Z]+")
TRACKSYS = "imu"


@dataclass(frozen=True, slots=True)
class Entry:
    """Where in a dataset a recording belongs."""

    subject: str = "01"
    session: str | None = None

    def __post_init__(self) -> None:
        for option, label in (("--subject", self.subject), ("--session", self.session)):
            if label is not None and not LABEL.fullmatch(label):
                raise UsageError(f"{option} {label!r}: BIDS labels are letters and digits only, like 01")

    @property
    def path(self) -> Path:
        """The folder of this entry, from the dataset's."""
        subject = Path(f"sub-{self.subject}")
        return subject / f"ses-{self.session}" if self.session else subject

    @property
    def name(self) -> str:
        """How its files' names begin."""
        return "_".join(self.path.parts)


def write(measured: Measured, out: Path, entry: Entry, stream: str | None = None) -> list[Path]:
    """Make the dataset, or add the entry to it; return the dataset's folder and the entry's."""
    name, samples = measured.only(stream, "the BIDS folder")
    measured = measured.of(name)
    new = not out.exists()
    check(out, entry)
    with folder(out) as part:
        _entry(part / entry.path, entry, measured, samples)
        if new:
            for name, content in text.dataset(BIDS_VERSION, __version__).items():
                replace_text(part / name, content)
            replace_text(part / "participants.tsv", f"participant_id\nsub-{entry.subject}\n")
            part.rename(out)
        else:
            _add(part, out, entry)
    return [out, out / entry.path]


def check(out: Path, entry: Entry) -> None:
    """Raise, before any work is done, if the entry cannot be put there."""
    try:
        if not out.parent.is_dir():
            raise InputError(f"-o {out}: there is no folder {out.parent}: make it first")
        if not out.exists():
            return
        if not (out / "dataset_description.json").is_file():
            raise InputError(f"-o {out}: that exists and is no BIDS dataset: name a new folder")
        if (out / entry.path).exists():
            raise UsageError(
                f"-o {out}: {entry.path} is in it already: choose another --subject or --session"
            )
        flat = (out / f"sub-{entry.subject}" / "motion").exists()
        if entry.session and flat:
            raise UsageError(f"-o {out}: sub-{entry.subject} has no sessions yet: choose another --subject")
    except OSError as error:
        raise unwritable(out, error) from error


def _add(part: Path, out: Path, entry: Entry) -> None:
    """Move the entry to its place, and then tell of it."""
    (out / entry.path).parent.mkdir(exist_ok=True)
    (part / entry.path).rename(out / entry.path)
    people = out / "participants.tsv"
    told = people.read_text(encoding="utf-8").splitlines() if people.exists() else ["participant_id"]
    if not any(line.split("\t")[0] == f"sub-{entry.subject}" for line in told):
        told.append(f"sub-{entry.subject}" + "\tn/a" * told[0].count("\t"))
        replace_text(people, "\n".join(told) + "\n")


def _entry(place: Path, entry: Entry, measured: Measured, samples: Stream) -> None:
    """Write all that belongs to one recording into its folder."""
    task = re.sub(r"[^0-9a-zA-Z]+", "", measured.session["drill"] or "") or "rotation"
    begin = f"{entry.name}_task-{task}"
    motion = place / "motion"
    motion.mkdir(parents=True)
    try:
        name = f"{begin}_tracksys-{TRACKSYS}"
        channels = text.channels(measured, has_gyr=bool(np.isfinite(samples.gyr_radps).any()))
        replace_text(motion / f"{name}_channels.tsv", channels.table)
        replace_text(motion / f"{name}_channels.json", _json(text.FRAMES))
        replace_text(motion / f"{name}_motion.json", _json(_sidecar(measured, samples, channels, task)))
        np.savetxt(
            motion / f"{name}_motion.tsv", _matrix(samples, channels), fmt=channels.formats, delimiter="\t"
        )
        _blank(motion / f"{name}_motion.tsv")
        replace_text(motion / f"{begin}_events.tsv", text.events(measured))
        replace_text(motion / f"{begin}_events.json", _json(text.EVENTS))
        if begun := measured.begun:
            local = begun.replace(tzinfo=None).isoformat(timespec="seconds")
            table = f"filename\tacq_time\nmotion/{name}_motion.tsv\t{local}\n"
            replace_text(place / f"{entry.name}_scans.tsv", table)
    except OSError:
        shutil.rmtree(place, ignore_errors=True)
        raise


def _matrix(samples: Stream, channels: text.Channels) -> Any:
    columns = {
        "latency": samples.t_ns / NS_PER_S,
        **{f"orientation_{c}": q for c, q in zip("wxyz", samples.q_earth_from_sensor.T)},
        **{f"rate_{c}": g for c, g in zip("xyz", samples.gyr_radps.T)},
        "hip_rotation": samples.angle_rad * DEG_PER_RAD,
        "off_axis": samples.off_axis_rad * DEG_PER_RAD,
        "trusted": samples.trusted.astype(np.float64),
    }
    return np.column_stack([columns[name] for name in channels.names])


def _blank(path: Path) -> None:
    """Write a missing value as BIDS does."""
    content = path.read_text(encoding="ascii")
    replace_text(path, content.replace("nan", "n/a"))


def _sidecar(measured: Measured, samples: Stream, channels: text.Channels, task: str) -> dict[str, Any]:
    t_s = samples.t_ns / NS_PER_S
    session = measured.session
    known = {
        "DeviceSerialNumber": session["serial"],
        "ManufacturersModelName": session["driver"],
        "SoftwareVersions": session["firmware"],
    }
    span_s = float(t_s[-1] - t_s[0])
    return {
        "TaskName": session["drill"] or task,
        "TaskDescription": text.TASK,
        "SamplingFrequency": session["rate_hz"],
        "SamplingFrequencyEffective": round((len(t_s) - 1) / span_s, 6) if span_s else session["rate_hz"],
        "RecordingDuration": round(span_s, 6),
        "RecordingType": "discontinuous" if measured.gaps else "continuous",
        "TrackingSystemName": TRACKSYS,
        "TrackedPointsCount": 1,
        "MissingValues": "n/a",
        "MotionChannelCount": len(channels.names),
        **channels.counts,
        **{key: value for key, value in known.items() if value},
    }


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
