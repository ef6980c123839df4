"""Commands as a person runs them, and the files they are run on."""

import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import CliRunner

from hipturn import drivers
from hipturn.cli.main import cli
from hipturn.coach import Coach
from hipturn.config import core_params, defaults
from hipturn.model import FloatArray, Input, IntArray, LinkDown, LinkUp, Packets, SessionStart, Side
from hipturn.recording import Reader, Writer
from hipturn.session import Session
from hipturn.sources import simulated
from hipturn.sources.body import Leg, Motion, drill_script, simulate

ENV = {"HIPTURN_CONFIG": os.devnull, "HIPTURN_DEBUG": "1"}
"""Nobody's own settings; and a mistake in the program raises instead of becoming a line."""
RATE_HZ = 100.0


@dataclass(frozen=True, slots=True)
class Run:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What it printed, as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The JSON lines of one type."""
        return [line for line in self.lines if line["type"] == kind]


def run(*args: object, env: Mapping[str, str] = ENV) -> Run:
    """Run a command in this process; an exception that is no exit raises here."""
    result = CliRunner().invoke(cli, list(map(str, args)), prog_name="hipturn", env=env)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Run(result.exit_code, result.stdout, result.stderr)


def done(*args: object) -> Run:
    """Run a command that must succeed without a word on stderr."""
    result = run(*args)
    assert (result.code, result.err) == (0, ""), f"{result.code}: {result.err}{result.out}"
    return result


def refused(*args: object, code: int = 1) -> str:
    """Run a command that must fail, with one line on stderr and nothing on stdout; return the line."""
    result = run(*args)
    assert (result.code, result.out) == (code, ""), f"{result.code}: {result.err}{result.out}"
    line = result.err.removesuffix("\n")
    assert line.startswith("hipturn: ") and "\n" not in line, result.err
    assert len(line) < 400 and line.isprintable(), line
    return line


def process(*args: object, **options: Any) -> "subprocess.CompletedProcess[str]":
    """Run ``python -m hipturn`` as a process of its own."""
    env = {**os.environ, "HIPTURN_CONFIG": os.devnull, **options.pop("env", {})}
    command = [sys.executable, "-m", "hipturn", *map(str, args)]
    return subprocess.run(
        command, capture_output=True, text=True, env=env, timeout=60, check=False, **options
    )


# --- recordings ---------------------------------------------------------------------------------


def bundled(name: str, path: Path) -> Path:
    """Copy one of the bundled recordings of guided sessions to `path`; return it."""
    shutil.copyfile(Path(__file__).parents[1] / "recordings" / f"{name}.mcap", path)
    return path


@functools.cache
def drill(seed: int = 1, side: Side = Side.RIGHT, reps: int = 4) -> Motion:
    """A calibration and a few repetitions of a simulated leg."""
    return simulate(Leg.random(seed, side=side), drill_script(reps, seed), RATE_HZ, seed)


def record(
    path: Path,
    motion: Motion,
    *,
    coached: bool = True,
    lost: Sequence[int] = (),
    person: str = "",
    broken_off: bool = False,
) -> Path:
    """Record the motion as a live session would, with a coach that calibrates or without; return the path.

    `broken_off`: without the end of the link, as whoever was stopped hard.
    """
    settings = defaults()
    start = SessionStart("test", "2026-01-01T12:00:00+00:00", settings=settings, person=person)
    with Writer(path) as writer:
        push: Callable[[Input], None] = writer.write
        if coached:
            coach = Coach(simulated.STREAM, motion.leg.side, 0)
            push = Session(core_params(settings), coach, writer, lambda _: None).push
        for i, item in enumerate((start, *simulated.inputs(motion, lost=lost))):
            if broken_off and isinstance(item, LinkDown):
                break
            push(item)
            if i % int(RATE_HZ) == 0:
                writer.close_chunk()
    return path


# --- tables -------------------------------------------------------------------------------------

ACC, GYR, QUAT = ("ax", "ay", "az"), ("gx", "gy", "gz"), ("qw", "qx", "qy", "qz")
IMU = ("--acc", ",".join(ACC), "--gyr", ",".join(GYR))
RATED = (*IMU, "--rate", "100")


def write_csv(path: Path, columns: Mapping[str, Any], delimiter: str = ",") -> Path:
    """Write a table with a header; numbers with 9 digits, None and NaN as they are; return the path."""

    def text(value: object) -> str:
        return "" if value is None else f"{value:.9g}" if isinstance(value, float) else str(value)

    rows = zip(*(np.asarray(values, dtype=object).tolist() for values in columns.values()), strict=True)
    table = [delimiter.join(columns), *(delimiter.join(map(text, row)) for row in rows)]
    path.write_text("\n".join(table) + "\n", encoding="utf-8")
    return path


def imu_columns(acc: FloatArray, gyr: FloatArray) -> dict[str, FloatArray]:
    """Return arrays of shape (n, 3) as the columns that `IMU` names."""
    return {**dict(zip(ACC, acc.T)), **dict(zip(GYR, gyr.T))}


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """What an imported recording holds."""

    tick_ns: IntArray
    acc_mps2: Any
    """Arrays or None, as in `RawSamples`."""
    gyr_radps: Any
    q_earth_from_sensor: Any
    rate_hz: float


def read_table(path: Path) -> Table:
    """Return the samples of an imported recording, decoded."""
    items = list(Reader(path).inputs())
    (link,) = [item for item in items if isinstance(item, LinkUp)]
    decode = drivers.decoder(link.info)
    blocks = [decode(item) for item in items if isinstance(item, Packets)]

    def joined(name: str) -> Any:
        parts = [getattr(block, name) for block in blocks]
        return None if parts[0] is None else np.concatenate(parts)

    return Table(
        joined("tick"),
        joined("acc_mps2"),
        joined("gyr_radps"),
        joined("q_earth_from_sensor"),
        link.info.rate_hz,
    )
