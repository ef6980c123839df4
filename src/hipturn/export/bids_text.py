"""What a Motion-BIDS folder says about itself: description, channels, events."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from hipturn.export.measured import Measured
from hipturn.units import DEG_PER_RAD, NS_PER_S

TASK = "Rotate one hip internally or externally and back, repeatedly; the sensor is strapped to the shin."

README = """# Hip rotation

Hip internal and external rotation measured with an inertial sensor strapped to the shin, written by
hipturn, which is no medical device. Angles are degrees, internal rotation is positive on both sides,
and the angle is missing before the calibration. Orientations are those of the sensor in an earth
frame with z up and a free heading. Times are seconds since the first sample.
"""

FRAMES = {
    "reference_frame": {
        "LongName": "Frame the channel is expressed in",
        "Levels": {
            "global": {
                "SpatialAxes": "n/a",
                "RotationRule": "right-hand",
                "RotationOrder": "n/a",
                "Description": "z up, heading arbitrary",
            },
            "sensor": {
                "SpatialAxes": "n/a",
                "RotationRule": "right-hand",
                "RotationOrder": "n/a",
                "Description": "axes as printed on the sensor's case",
            },
            "hip": {
                "SpatialAxes": "n/a",
                "RotationRule": "n/a",
                "RotationOrder": "n/a",
                "Description": "rotation about the femur's long axis, internal positive on both sides",
            },
        },
    }
}

EVENTS = {
    "onset": {"Description": "Start of the event, since the first sample", "Units": "s"},
    "duration": {"Description": "From start to end", "Units": "s"},
    "trial_type": {
        "Description": "What happened",
        "Levels": {
            "internal": "Repetition of internal rotation",
            "external": "Repetition of external rotation",
            "hold": "Keeping still away from neutral",
            "gap": "Samples that never came",
            "slip": "The strap was found moved",
        },
    },
    "rom": {"Description": "Range from the neutral before it to the peak", "Units": "deg"},
    "peak": {"Description": "Angle at the peak; mean angle of a hold; tilt of a slip", "Units": "deg"},
    "verdict": {
        "Description": "What the repetition is worth",
        "Levels": {
            "controlled": "It counts",
            "uncontrolled": "It does not, for the reasons given",
            "void": "Samples were lost in it",
        },
    },
    "reasons": {"Description": "Why it does not count, parted by semicolons"},
}


@dataclass(frozen=True, slots=True)
class Channels:
    """The columns of the motion table."""

    names: tuple[str, ...]
    formats: tuple[str, ...]
    counts: Mapping[str, int]
    table: str


def channels(measured: Measured, *, has_gyr: bool) -> Channels:
    """Return the channels of a recording; angular rate only where it was measured."""
    session = measured.session
    drifts = "; heading-dependent: it drifts" if measured.heading_dependent else ""
    side = f"{session['side']} " if session["side"] else ""
    shin, hip = f"{side}shin", f"{side}hip"
    rows = [("latency", "n/a", "LATENCY", "n/a", "s", "n/a", "time since the first sample", "%.9f")]
    rows += [
        (f"orientation_{c}", f"quat_{c}", "ORNT", shin, "n/a", "global", "sensor in earth, Hamilton", "%.10f")
        for c in "wxyz"
    ]
    if has_gyr:
        rows += [(f"rate_{c}", c, "GYRO", shin, "rad/s", "sensor", "as measured", "%.9f") for c in "xyz"]
    rows += [
        ("hip_rotation", "n/a", "JNTANG", hip, "deg", "hip", f"internal positive{drifts}", "%.7f"),
        ("off_axis", "n/a", "MISC", hip, "deg", "n/a", "change of the femur axis' elevation", "%.7f"),
        ("trusted", "n/a", "MISC", shin, "n/a", "n/a", "0 while the filter settles", "%.0f"),
    ]
    head = "name\tcomponent\ttype\ttracked_point\tunits\treference_frame\tdescription\tsampling_frequency"
    rate = f"{session['rate_hz']:g}"
    lines = [head, *("\t".join([*row[:-1], rate]) for row in rows)]
    kinds = [row[2] for row in rows]
    return Channels(
        tuple(row[0] for row in rows),
        tuple(row[-1] for row in rows),
        {f"{kind}ChannelCount": kinds.count(kind) for kind in dict.fromkeys(kinds)},
        "\n".join(lines) + "\n",
    )


def events(measured: Measured) -> str:
    """Return the events in the order they began."""
    rows: list[tuple[int, int, list[str]]] = []
    for rep in measured.reps:
        figures = [f"{rep.rom_rad * DEG_PER_RAD:.7f}", f"{rep.peak_rad * DEG_PER_RAD:.7f}"]
        why = ";".join(rep.reasons) or "n/a"
        rows.append((rep.start_ns, rep.end_ns, [rep.direction, *figures, rep.verdict, why]))
    for hold in measured.holds:
        mean = f"{hold.mean_rad * DEG_PER_RAD:.7f}"
        rows.append((hold.start_ns, hold.end_ns, ["hold", "n/a", mean, "n/a", "n/a"]))
    for slip in measured.slips:
        tilt = f"{slip.tilt_rad * DEG_PER_RAD:.7f}"
        rows.append((slip.t_ns, slip.t_ns, ["slip", "n/a", tilt, "n/a", "n/a"]))
    rows += [(gap.start_ns, gap.end_ns, ["gap", *["n/a"] * 4]) for gap in measured.gaps]
    lines = ["onset\tduration\ttrial_type\trom\tpeak\tverdict\treasons"]
    for start_ns, end_ns, cells in sorted(rows, key=lambda row: row[:2]):
        times = [f"{start_ns / NS_PER_S:.9f}", f"{(end_ns - start_ns) / NS_PER_S:.9f}"]
        lines.append("\t".join([*times, *cells]))
    return "\n".join(lines) + "\n"


def dataset(bids_version: str, program_version: str) -> dict[str, str]:
    """Return the files at the top of a new dataset, by name."""
    description = {
        "Name": "Hip rotation",
        "BIDSVersion": bids_version,
        "DatasetType": "raw",
        "GeneratedBy": [{"Name": "hipturn", "Version": program_version}],
    }
    people = {"participant_id": {"Description": "Label of the participant"}}
    return {
        "dataset_description.json": json.dumps(description, indent=2) + "\n",
        "participants.json": json.dumps(people, indent=2) + "\n",
        "README.md": README,
    }
