"""Recordings as other programs write them, from samples that are known; all made up here."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from cli_runs import drill
from hipturn.model import FloatArray, IntArray
from hipturn.units import DEG_PER_RAD, STANDARD_GRAVITY_MPS2


@dataclass(frozen=True)
class Truth:
    """What was measured, in SI units."""

    acc_mps2: FloatArray
    gyr_radps: FloatArray
    q: FloatArray
    """q_earth_from_sensor."""

    def rows(self, keep: Sequence[int] | IntArray) -> "Truth":
        return Truth(self.acc_mps2[keep], self.gyr_radps[keep], self.q[keep])


def truth(rows: int, first: int = 600) -> Truth:
    """Return some of a simulated drill's samples, at 100 Hz."""
    motion = drill()
    part = slice(first, first + rows)
    return Truth(motion.acc_mps2[part], motion.gyr_radps[part], motion.q_earth_from_sensor[part])


def euler_deg(q: FloatArray) -> FloatArray:
    """Return roll, pitch, yaw (z-y-x) in °, shape (n, 3), by the textbook."""
    w, x, y, z = q.T
    roll = np.arctan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y))
    pitch = np.arcsin(np.clip(2 * (w * y - z * x), -1.0, 1.0))
    yaw = np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
    return np.stack((roll, pitch, yaw), axis=1) * DEG_PER_RAD


def same_rotation(a: FloatArray, b: FloatArray, atol: float) -> None:
    """Assert that quaternions are the same up to the sign."""
    np.testing.assert_allclose(np.abs((a * b).sum(axis=1)), 1.0, atol=atol)


def lines(table: Sequence[Sequence[object]], delimiter: str, decimal: str, end: str) -> str:
    """Return rows as text: floats with nine decimals, the rest as it is."""

    def cell(value: object) -> str:
        return f"{value:.9f}".replace(".", decimal) if isinstance(value, float) else str(value)

    return "".join(delimiter.join(map(cell, row)) + end for row in table)


# --- Xsens DOT ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Dot:
    """A dialect of the DOT's exports."""

    content: tuple[str, ...] = ("quat",)
    """Of imu, quat, euler."""
    preamble: bool = True
    sep: bool = True
    delimiter: str = ","
    decimal: str = "."
    end: str = "\n"
    encoding: str = "utf-8"
    counter: int = 1
    micros: int = 1000
    times: bool = True
    more: bool = True
    """FreeAcc and Status beside what is wanted."""
    last_end: bool = True

    def text(self, samples: Truth, kept: Sequence[int]) -> str:
        """Return the export at 60 Hz of the samples of which only some were received."""
        columns: dict[str, Sequence[object]] = {
            "PacketCounter": [(self.counter + i) % 2**16 for i in kept],
        }
        micros = [(self.micros + round(i * 1e6 / 60)) % 2**32 for i in kept]
        columns["SampleTimeFine"] = micros if self.times else [""] * len(kept)
        got = samples.rows(list(kept))
        vectors: dict[str, tuple[tuple[str, ...], FloatArray]] = {
            "quat": (("Quat_W", "Quat_X", "Quat_Y", "Quat_Z"), got.q),
            "euler": (("Euler_X", "Euler_Y", "Euler_Z"), euler_deg(got.q)),
        }
        for name in self.content:
            if name == "imu":
                columns |= dict(zip(("Acc_X", "Acc_Y", "Acc_Z"), got.acc_mps2.T.tolist()))
                columns |= dict(zip(("Gyr_X", "Gyr_Y", "Gyr_Z"), (got.gyr_radps * DEG_PER_RAD).T.tolist()))
            else:
                names, values = vectors[name]
                columns |= dict(zip(names, values.T.tolist()))
        if self.more:
            columns |= {f"FreeAcc_{axis}": [0.125] * len(kept) for axis in "XYZ"}
            columns["Status"] = [0] * len(kept)
        out = f"sep={self.delimiter}{self.end}" if self.sep else ""
        if self.preamble:
            above = {
                "DeviceTag:": "Shank",
                "FirmwareVersion:": "2.0.0",
                "OutputRate:": "60Hz",
                "StartTime: ": "2021-08-20_20:21:13_835 GMT+8",
            }
            out += "".join(f"{name}{self.delimiter}{value}{self.end}" for name, value in above.items())
            out += f"© Somebody 2005-2021{self.end}{self.end}"
        table = [list(columns), *zip(*columns.values(), strict=True)]
        out += lines(table, self.delimiter, self.decimal, self.end)
        return out if self.last_end else out.removesuffix(self.end)

    def write(self, path: Path, samples: Truth, kept: Sequence[int]) -> Path:
        path.write_bytes(self.text(samples, kept).encode(self.encoding))
        return path


delimiters = st.sampled_from([(",", "."), (";", "."), (";", ","), ("\t", "."), ("\t", ",")])
dots = st.builds(
    lambda signs, preamble, times, **rest: Dot(
        delimiter=signs[0], decimal=signs[1], preamble=preamble or not times, times=times, **rest
    ),
    delimiters,
    content=st.sampled_from(
        [
            ("quat",),
            ("euler",),
            ("imu",),
            ("imu", "quat"),
            ("quat", "imu"),
            ("euler", "imu"),
            ("quat", "euler"),
        ]
    ),
    preamble=st.booleans(),
    sep=st.booleans(),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]),
    counter=st.sampled_from([0, 1, 30_000, 2**16 - 20]),
    micros=st.sampled_from([0, 1000, 2**32 - 300_000]),
    times=st.booleans(),
    more=st.booleans(),
    last_end=st.booleans(),
)


# --- WitMotion ----------------------------------------------------------------------------------

WIT_NAMES = {
    "app": (
        "Time",
        "Device name",
        "Acceleration {}(g)",
        "Angular velocity {}(°/s)",
        "Angle {}(°)",
        "Quaternions {}()",
    ),
    "short": ("time", "DeviceName", "Acc{}(g)", "As{}(°/s)", "Angle{}(°)", "Q{}()"),
    "chinese": ("时间", "设备名称", "加速度{}(g)", "角速度{}(°/s)", "角度{}(°)", "四元数{}()"),
    "kit": ("Time(s)", "address", "a{}(g)", "w{}(deg/s)", "Angle{}(deg)", "q{}"),
    "own": ("timestamp", "address", "Acc{}", "As{}", "Ang{}", "Q{}"),
}


@dataclass(frozen=True)
class Wit:
    """A dialect of WitMotion logs."""

    style: str = "app"
    delimiter: str = ","
    decimal: str = "."
    end: str = "\n"
    encoding: str = "utf-8"
    rates: bool = True
    quat: bool = True
    unfilled: str = ""
    """Of gyr, quat: names in the header that no values are written for."""
    acc_unit: str = "g"
    clock: str = "epoch"
    """Of epoch, ms, day, date, zero: how times are written."""
    device: bool = False
    preamble: bool = False

    def header(self) -> list[str]:
        time, device, *vectors = WIT_NAMES[self.style]
        acc, gyr, angle, quat = vectors
        low = self.style == "kit"
        axes = "xyz" if low else "XYZ"
        names = [time] + [device] * self.device + [acc.format(axis) for axis in axes]
        names += [gyr.format(axis) for axis in axes] if self.rates or self.unfilled == "gyr" else []
        names += [angle.format(axis) for axis in "XYZ"]
        first = 1 if low else 0
        if self.quat or self.unfilled == "quat":
            names += [quat.format(first + i) for i in range(4)]
        return names

    def text(self, parts: Sequence[tuple[str, Truth, FloatArray]]) -> str:
        """Return the log of some devices: the name of each, its samples and when each arrived in s."""
        rows: list[tuple[float, list[object]]] = []
        for name, samples, at_s in parts:
            acc = samples.acc_mps2 / (STANDARD_GRAVITY_MPS2 if self.acc_unit == "g" else 1.0)
            values = [acc]
            values += [samples.gyr_radps * DEG_PER_RAD] if self.rates else []
            values += [euler_deg(samples.q)]
            values += [samples.q] if self.quat else []
            joined = np.concatenate(values, axis=1).tolist()
            for at, row in zip(at_s.tolist(), joined):
                rows.append((at, [self.stamp(at), *([name] if self.device else []), *row]))
        rows.sort(key=lambda row: row[0])
        above = f"StartTime: 2024-05-06 17:05:42.125{self.end}" if self.preamble else ""
        table: list[Sequence[object]] = [self.header(), *(row for _, row in rows)]
        return above + lines(table, self.delimiter, self.decimal, self.end)

    def stamp(self, at_s: float) -> str:
        """Return a time as this dialect writes it; the recording begins shortly before midnight."""
        ms = round(at_s * 1000)
        second, ms = divmod(ms + (86_400 - 2) * 1000, 1000)
        day, second = divmod(second, 86_400)
        clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
        match self.clock:
            case "epoch":
                return f"{1_745_851_468.25 + at_s:.7f}".replace(".", self.decimal)
            case "ms":
                return str(1_745_851_468_250 + round(at_s * 1000))
            case "zero":
                return f"{at_s:.6f}".replace(".", self.decimal)
            case "day":
                return f" {clock}.{ms:03}"
            case _:
                return f"2024-05-{6 + day:02} {clock}:{ms}"

    def write(self, path: Path, parts: Sequence[tuple[str, Truth, FloatArray]]) -> Path:
        path.write_bytes(self.text(parts).encode(self.encoding))
        return path


def _wit(
    signs: tuple[str, str], style: str, unfilled: str, acc_unit: str, encoding: str, **rest: object
) -> Wit:
    delimiter, decimal = signs
    rates, quat = bool(rest.pop("rates")), bool(rest.pop("quat"))
    if style == "chinese" and encoding == "latin-1":
        encoding = "gb18030"
    return Wit(
        style=style,
        delimiter=delimiter,
        decimal=decimal,
        unfilled=unfilled,
        rates=unfilled != "gyr" and rates,
        quat=unfilled != "quat" and (quat or unfilled == "gyr"),
        acc_unit=acc_unit if style == "own" else "g",
        encoding=encoding,
        **rest,  # type: ignore[arg-type]
    )


wits = st.builds(
    _wit,
    delimiters,
    st.sampled_from(sorted(WIT_NAMES)),
    st.sampled_from(["", "", "gyr", "quat"]),
    st.sampled_from(["g", "mps2"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]),
    end=st.sampled_from(["\n", "\r\n"]),
    rates=st.booleans(),
    quat=st.booleans(),
    clock=st.sampled_from(["epoch", "ms", "day", "date", "zero"]),
    device=st.booleans(),
    preamble=st.booleans(),
)


def bursts(rows: int, rate_hz: float, seed: int, stalls: Sequence[tuple[int, float]] = ()) -> FloatArray:
    """Return arrivals in s of evenly taken samples: kept for the next connection event or a repetition.

    A stall keeps all from that row on back for so long, and then they come at once.
    """
    rng = np.random.default_rng(seed)
    taken = np.arange(rows) / rate_hz
    event = rng.uniform(0.02, 0.05)
    at = np.ceil(taken / event) * event
    # a packet repeated at the next event keeps those behind it waiting too
    at += np.where(rng.random(rows) < 0.05, event, 0.0)
    for row, length in stalls:
        at = np.maximum(at, np.where(np.arange(rows) >= row, taken[row] + length, 0.0))
    late: FloatArray = np.maximum.accumulate(at) + np.arange(rows) * 1e-6
    return late


# --- x-io ---------------------------------------------------------------------------------------


def write_xio(
    folder: Path,
    samples: Truth,
    us: IntArray,
    kept: Sequence[int] | None = None,
    quat: tuple[FloatArray, IntArray] | None = None,
) -> Path:
    """Write a device's folder: the kept samples at their times in µs, orientation alike or as given."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = range(len(us)) if kept is None else kept
    names = [f"Gyroscope {axis} (deg/s)" for axis in "XYZ"] + [f"Accelerometer {axis} (g)" for axis in "XYZ"]
    inertial = np.concatenate(
        (samples.gyr_radps * DEG_PER_RAD, samples.acc_mps2 / STANDARD_GRAVITY_MPS2), axis=1
    )
    table = [["Timestamp (us)", *names], *([int(us[i]), *inertial[i].tolist()] for i in kept)]
    (folder / "Inertial.csv").write_text(lines(table, ",", ".", "\n"), encoding="utf-8")
    q, q_us = quat if quat is not None else (samples.q[list(kept)], us[list(kept)])
    table = [
        ["Timestamp (us)", "W", "X", "Y", "Z"],
        *([int(at), *each.tolist()] for at, each in zip(q_us, q)),
    ]
    (folder / "Quaternion.csv").write_text(lines(table, ",", ".", "\n"), encoding="utf-8")
    (folder / "Battery.csv").write_text("Timestamp (us),Percentage (%)\n1,99\n", encoding="utf-8")
    (folder / "Command.json").write_text(
        '[{"ping":{"interface":"UDP","name":"Shank","sn":"0123ABCD"}},{"time":"2023-09-16 02:06:24"}]',
        encoding="utf-8",
    )
    return folder
