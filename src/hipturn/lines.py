"""Outputs as JSON lines, version 1: degrees and seconds, because people and spreadsheets read them.

The same objects in ``replay --json``, in the recording's expected results and in the live API.
"""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from hipturn.core.floor import ASSUMES
from hipturn.core.fusion import ACAUSAL, ran
from hipturn.core.references import Group, Percentile
from hipturn.core.results import Difference, Quantity, Result, in_words
from hipturn.model import (
    BadPackets,
    Calibrated,
    Corrected,
    Direction,
    Drift,
    Floor,
    Gap,
    Hold,
    Output,
    Rep,
    SessionStart,
    SetDone,
    Side,
    Slip,
    StreamInfo,
    Tapped,
    Verdict,
)
from hipturn.units import DEG_PER_RAD, NS_PER_S

VERSION = 1
Line = dict[str, Any]


def _s(ns: int) -> float:
    return round(ns / NS_PER_S, 4)


def _deg(rad: float) -> float:
    return round(rad * DEG_PER_RAD, 3)


def _share(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, 4)


def line(output: Output) -> Line | None:
    """Return the JSON object of an event; None for the sample blocks, which are no events."""
    match output:
        case Rep():
            more: Line = {"heading_dependent": True} if output.heading_dependent else {}
            if output.phi_rad is not None and output.phi_sd_rad is not None:
                more |= {"phi_deg": _deg(output.phi_rad), "phi_sd_deg": _deg(output.phi_sd_rad)}
            if output.compensation_rad is not None:
                known = math.isfinite(output.compensation_rad)
                more |= {"compensation_deg": _deg(output.compensation_rad) if known else None}
            return (
                _head("rep", output.stream)
                | {
                    "n": output.n,
                    "side": output.side,
                    "direction": output.direction,
                    "start_s": _s(output.start_ns),
                    "peak_s": _s(output.peak_ns),
                    "end_s": _s(output.end_ns),
                    "rom_deg": _deg(output.rom_rad),
                    "peak_deg": _deg(output.peak_rad),
                    "out_s": round(output.out_s, 4),
                    "hold_s": round(output.hold_s, 4),
                    "return_s": round(output.return_s, 4),
                    "peak_speed_dps": _deg(output.peak_speed_radps),
                    "sparc": round(output.sparc, 4) if math.isfinite(output.sparc) else None,
                    "off_axis_deg": _deg(output.off_axis_rad),
                    "lost_share": round(output.lost_share, 5),
                    "verdict": output.verdict,
                    "reasons": list(output.reasons),
                }
                | more
            )
        case Hold():
            return _head("hold", output.stream) | {
                "start_s": _s(output.start_ns),
                "end_s": _s(output.end_ns),
                "mean_deg": _deg(output.mean_rad),
                "sd_deg": _deg(output.sd_rad),
                "creep_deg": _deg(output.creep_rad),
                "wobble_deg": _deg(output.wobble_rad),
            }
        case SetDone():
            return _head("set", output.stream) | {
                "n": output.n,
                "first": output.first,
                "last": output.last,
                "start_s": _s(output.start_ns),
                "end_s": _s(output.end_ns),
                "reps": output.reps,
                "controlled": output.controlled,
                "warm_up": _share(output.warm_up),
                "range_change": _share(output.range_change),
                "speed_change": _share(output.speed_change),
                "sparc_change": _share(output.sparc_change),
            }
        case Corrected():
            return _head(output.kind, output.stream) | {"t_s": _s(output.t_ns), "reps": list(output.reps)}
        case Slip():
            return _head("slip", output.stream) | {
                "t_s": _s(output.t_ns),
                "tilt_deg": _deg(output.tilt_rad),
                "up_sensor": [round(x, 6) for x in output.up_sensor],
            }
        case Drift():
            return _head("drift", output.stream) | {
                "t_s": _s(output.t_ns),
                "drift_deg": _deg(output.drift_rad),
            }
        case Tapped():
            pressed: Line = {"button": True} if output.button else {}
            return _head("taps", output.stream) | {"t_s": _s(output.t_ns), "count": output.count} | pressed
        case Gap():
            return _head("gap", output.stream) | {
                "start_s": _s(output.start_ns),
                "end_s": _s(output.end_ns),
                "lost": output.lost,
                "cause": output.cause,
            }
        case BadPackets():
            return _head("bad_packets", output.stream) | {"t_s": _s(output.t_ns), "count": output.count}
        case Calibrated():
            c = output.calibration
            return (
                _head("calibration", output.stream)
                | {
                    "t_s": _s(output.t_ns),
                    "source": c.source,
                    "axis_sensor": [round(x, 6) for x in c.axis_sensor],
                    "axis_share": round(c.axis_share, 4),
                    "axis_spread_deg": _deg(c.axis_spread_rad),
                    "axis_elevation_deg": _deg(output.axis_elevation_rad),
                    "observability": round(output.observability, 4),
                    "heading_dependent": output.heading_dependent,
                    "drift_deg_per_min": round(output.drift_radps * DEG_PER_RAD * 60.0, 2),
                    "sign": c.sign,
                    "zero": c.zero,
                    "grade": c.grade,
                }
                | ({"phi": _floor(output.floor)} if output.floor else {})
            )
        case _:
            return None


def _floor(floor: Floor) -> Line:
    return {
        "gamma_deg": _deg(floor.gamma_rad),
        "gamma_sd_deg": _deg(floor.gamma_sd_rad),
        "segment_ratio": round(floor.ratio, 4),
        "from": floor.known_from,
        "assumes": ASSUMES,
    }


def _head(kind: str, stream: str) -> Line:
    return {"v": VERSION, "type": kind, "stream": stream}


def session(
    start: SessionStart,
    info: StreamInfo,
    *,
    recording: str,
    side: Side | None,
    samples: int,
    duration_ns: int,
    settings: Mapping[str, Any],
) -> Line:
    """Return the line that heads a session's events; its filter is the one that ran, not the one set."""
    chosen = settings.get("fusion.filter")
    name = None if chosen is None else ran(chosen, info)
    return {
        "v": VERSION,
        "type": "session",
        "recording": recording,
        "sensor": info.name,
        "driver": info.driver,
        "side": side,
        "drill": start.drill,
        "rate_hz": info.rate_hz,
        "samples": samples,
        "duration_s": _s(duration_ns),
        "filter": name,
        "causal": name not in ACAUSAL,
        "program": start.program,
        "config_hash": config_hash(settings),
    }


_CODES = {verdict: code for code, verdict in enumerate(Verdict, 1)}
_VERDICTS = {code: verdict for verdict, code in _CODES.items()}
_TAKEN = 0x80


class Count:
    """What a session's outputs come to, corrections included: push each as it comes."""

    def __init__(self) -> None:
        self.verdicts: Counter[Verdict] = Counter()
        """How many repetitions have each verdict."""
        self._reps: dict[str, bytearray] = {}
        # of each stream, a byte for each repetition: its verdict, and whether it was taken back
        self._holds = self._gaps = 0

    def push(self, output: Output) -> None:
        """Take in an output."""
        match output:
            case Rep():
                codes = self._reps.setdefault(output.stream, bytearray())
                codes.extend(bytes(max(0, output.n + 1 - len(codes))))
                codes[output.n] = _CODES[output.verdict]
                self.verdicts[output.verdict] += 1
            case Corrected():
                redo = output.kind == "redo"
                for n in output.reps:
                    if (code := self._code(output.stream, n)) and bool(code & _TAKEN) is redo:
                        self._reps[output.stream][n] = code ^ _TAKEN
                        self.verdicts[_VERDICTS[code & ~_TAKEN]] += 1 if redo else -1
            case Hold():
                self._holds += 1
            case Gap():
                self._gaps += 1
            case _:
                pass

    def has(self, rep: Rep) -> bool:
        """Return whether a repetition was not taken back."""
        code = self._code(rep.stream, rep.n)
        return code != 0 and not code & _TAKEN

    def _code(self, stream: str, n: int) -> int:
        """Return what is known of a repetition, 0 if it was never told."""
        codes = self._reps.get(stream, b"")
        return codes[n] if n < len(codes) else 0

    def summary(self, *, max_rad: float, min_rad: float, elapsed_s: float) -> Line:
        """Return the line that closes a session's events; `elapsed_s` is the time computing took."""
        verdicts = self.verdicts
        known = math.isfinite(max_rad) and math.isfinite(min_rad)
        return {
            "v": VERSION,
            "type": "summary",
            "reps": verdicts.total(),
            "controlled": verdicts[Verdict.CONTROLLED],
            "uncontrolled": verdicts[Verdict.UNCONTROLLED],
            "void": verdicts[Verdict.VOID],
            "holds": self._holds,
            "gaps": self._gaps,
            "max_deg": _deg(max_rad) if known else None,
            "min_deg": _deg(min_rad) if known else None,
            "arc_deg": _deg(max_rad - min_rad) if known else None,
            "elapsed_s": round(elapsed_s, 4),
        }


def count(outputs: Iterable[Output]) -> Count:
    """Return what outputs come to."""
    found = Count()
    for output in outputs:
        found.push(output)
    return found


def counted(outputs: Collection[Output]) -> list[Rep]:
    """Return the repetitions that were not taken back, in the order of their numbers."""
    found = count(outputs)
    reps = {(rep.stream, rep.n): rep for rep in outputs if isinstance(rep, Rep) and found.has(rep)}
    return [reps[key] for key in sorted(reps)]


def test_result(found: Result, recording: str = "") -> Line:
    """Return the object of one leg's test: each value with its uncertainty, and in what it was measured."""
    c = found.conditions
    line: Line = {
        "v": VERSION,
        "type": "test_result",
        "recording": recording,
        "side": c.side,
        "position": c.position,
        "movement": c.movement,
        "warmed_up": c.warmed_up,
        "zero": c.zero,
        "observability": round(c.observability, 4),
        "heading_dependent": c.heading_dependent,
        "grade": c.grade,
        "sem_from": "own sessions" if found.own_sem else "default",
    }
    for direction, each in found.ranges.items():
        line[direction.value] = _quantity(each.mean) | {
            "sd_deg": None if each.sd_rad is None else _deg(each.sd_rad),
            "best_deg": _deg(each.best_rad),
            "trials": [
                {
                    "value_deg": _deg(trial.value_rad),
                    "sd_deg": _deg(trial.sd_rad),
                    "held_s": round(trial.held_s, 2),
                    "start_s": _s(trial.start_ns),
                    "end_s": _s(trial.end_ns),
                    "off_axis_deg": _deg(trial.off_axis_rad),
                    "lost": trial.lost,
                    "lost_share": round(trial.lost_share, 5),
                }
                for trial in each.trials
            ],
        }
    return line | {"arc": None if found.arc is None else _quantity(found.arc)}


def comparison(of: str, differences: Mapping[str, Difference]) -> Line:
    """Return the object of differences: `of` is "change", "left-right" or "change of left-right"."""
    return {"v": VERSION, "type": "comparison", "of": of} | {
        name: {
            "value_deg": _deg(each.value_rad),
            "mdc95_deg": _deg(each.mdc_rad),
            "within_error": each.within_error,
            "text": in_words(each),
        }
        for name, each in differences.items()
    }


def reference(found: Percentile | None, of: Group, direction: Direction) -> Line:
    """Return the object of a value's standing in a group: the group and its source are always in it."""
    spread = of.internal if direction is Direction.INTERNAL else of.external
    return {
        "v": VERSION,
        "type": "reference",
        "group": of.name,
        "people": of.people,
        "n": of.n,
        "position": of.position,
        "direction": direction,
        "mean_deg": None if spread is None else _deg(spread.mean_rad),
        "sd_deg": None if spread is None or spread.sd_rad is None else _deg(spread.sd_rad),
        "percentile": None if found is None else round(found.percent, 1),
        "source": of.source,
    }


def _quantity(quantity: Quantity) -> Line:
    return {"value_deg": _deg(quantity.value_rad), "uncertainty_deg": _deg(quantity.uncertainty_rad)}


def config_hash(settings: Mapping[str, Any]) -> str:
    """Return a short name for a set of settings: equal settings, equal name."""
    return hashlib.sha256(json.dumps(dict(settings), sort_keys=True).encode()).hexdigest()[:12]


def dumps(obj: Mapping[str, Any]) -> str:
    """Return the object as one line of JSON."""
    return json.dumps(obj, separators=(",", ":"), allow_nan=False)
