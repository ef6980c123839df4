"""Settings: what can be set, with unit, meaning and recommendation; degrees become radians here.

Layers, later ones win: the built-in defaults, the settings file, what a recording was made with
(when one is replayed), and ``--set key=value``.
"""

import difflib
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from hipturn.core.floor import SEGMENT_RATIO
from hipturn.core.fusion import ACAUSAL, FILTERS, FilterName, FusionParams
from hipturn.core.pipeline import CoreParams, FloorParams
from hipturn.core.reps import DetectParams
from hipturn.core.verdict import Standard
from hipturn.errors import InputError, UsageError
from hipturn.units import RAD_PER_DEG

Value = float | str
Settings = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that can be set."""

    key: str
    default: Value
    unit: str
    meaning: str
    recommended: str
    least: float = 0.0
    most: float = math.inf
    choices: tuple[str, ...] = ()

    def parse(self, given: object, where: str) -> Value:
        """Return the value in this setting's unit; raise `UsageError` saying what would be right."""
        if self.choices:
            if given in self.choices:
                return str(given)
            raise UsageError(
                f"{where}: {self.key} must be one of {', '.join(self.choices)}, not {given!r:.60}"
            )
        try:
            number = float(cast(str, given)) if not isinstance(given, bool) else math.nan
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not self.least <= number <= self.most:
            limits = (
                f"from {self.least:g} to {self.most:g}" if self.most < math.inf else f"{self.least:g} or more"
            )
            raise UsageError(
                f"{where}: {self.key} must be a number {limits} ({self.unit}), not {given!r:.60}"
            )
        return number


SETTINGS: dict[str, Setting] = {
    s.key: s
    for s in (
        Setting(
            "reps.min_rom_deg", 4.0, "°", "smallest movement that can be a repetition",
            "4; lower it for a very stiff hip, never below 2", least=1.0, most=90.0,
        ),
        Setting(
            "reps.share_of_usual", 0.25, "share", "smallest movement as a share of the last repetitions' median",
            "0.25", most=0.9,
        ),
        Setting(
            "reps.max_hold_s", 15.0, "s", "an excursion that lasts longer is a new resting pose, not a repetition",
            "15; more for drills with long holds", least=2.0, most=600.0,
        ),
        Setting(
            "reps.target_deg", 0.0, "°", "range to reach; 0 for none",
            "the drill's or your own, by --reference", most=180.0,
        ),
        Setting(
            "reps.min_fraction", 0.7, "share", "share of the target below which a repetition is short-range",
            "0.7", most=1.0,
        ),
        Setting(
            "reps.min_rep_s", 0.0, "s", "a shorter repetition is too-fast; 0 for no limit",
            "2 for slow mobilisation", most=60.0,
        ),
        Setting(
            "reps.max_speed_dps", 0.0, "°/s", "a faster one is too-fast; 0 for no limit",
            "90 for slow mobilisation", most=2000.0,
        ),
        Setting(
            "reps.max_off_axis_deg", 0.0, "°", "knee or thigh moving more than this is off-axis; 0 for no limit",
            "10 keeps the knee within 80 to 100°", most=90.0,
        ),
        Setting(
            "reps.min_hold_s", 0.0, "s", "a shorter hold at the end range is no-hold; 0 for no limit",
            "as the drill asks", most=600.0,
        ),
        Setting(
            "reps.min_return", 0.0, "share", "share of the range to come back, below it no-return; 0 for no limit",
            "0.75", most=1.0,
        ),
        Setting(
            "fusion.filter", "vqf", "", "how orientation is found from acceleration and rate",
            "vqf; mahony where no vqf exists; device to take the sensor's own; vqf-offline, which sees the future, for "
            "replays in research", choices=(*FILTERS, *ACAUSAL),
        ),
        Setting(
            "fusion.max_gap_s", 0.3, "s", "longest gap bridged by interpolation; after a longer one the filter "
            "restarts and its output is not trusted until settled",
            "0.3", most=2.0,
        ),
        Setting(
            "fusion.settle_s", 3.0, "s", "time after a restart until the output is trusted",
            "3, the filter's accelerometer time constant", most=60.0,
        ),
        Setting(
            "floor.segment_ratio", round(SEGMENT_RATIO, 4), "", "knee to heel over hip to knee, for the femur's own "
            "rotation with the heel planted",
            "1.163, an average person's; yours with a tape measure", least=0.5, most=2.0,
        ),
        Setting(
            "floor.knee_deg", 0.0, "°", "flexion of the knee in the drill with the heel planted, where it was "
            "measured; 0 to take it from how the sensor sits",
            "0; a goniometer's figure is better", most=150.0,
        ),
    )
}  # fmt: skip


SEATED_MOBILISATION: dict[str, Value] = {
    "reps.min_rep_s": 1.5,
    "reps.min_return": 0.75,
    "reps.max_off_axis_deg": 10.0,
}
"""What the mobilisation drill asks of a repetition: slow, all the way back, knee between 80 and 100°."""


def defaults() -> dict[str, Value]:
    """Return every setting's built-in value."""
    return {s.key: s.default for s in SETTINGS.values()}


def parse(given: Mapping[str, object], where: str) -> dict[str, Value]:
    """Return checked settings; raise `UsageError` naming the wrong key or value, the place and the mend."""
    return {key: _known(key, where).parse(value, where) for key, value in given.items()}


def parse_assignment(text: str) -> tuple[str, Value]:
    """Return the key and value of ``key=value`` as given to ``--set``."""
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--set {text!r}: write it as key=value, for example reps.min_rom_deg=5")
    return key.strip(), _known(key.strip(), "--set").parse(value.strip(), "--set")


def _known(key: str, where: str) -> Setting:
    if key in SETTINGS:
        return SETTINGS[key]
    near = difflib.get_close_matches(key, SETTINGS, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else "'hipturn config --defaults' lists them"
    raise UsageError(f"{where}: no setting is called {key!r}: {hint}")


def effective(path: Path, recorded: Mapping[str, object], given: Settings) -> dict[str, Value]:
    """Return every setting for a recording: built-in, of the settings file, its own, then what was given.

    Of the recorded ones only those that this version still knows: the others cannot change a result now.
    """
    chosen, _ = load(path)
    known = {key: value for key, value in recorded.items() if key in SETTINGS and key not in given}
    try:
        own = parse(known, "recorded settings")
    except UsageError as error:
        raise InputError(f"{error}: override it with --set") from error
    return {**defaults(), **chosen, **own, **given}


def load(path: Path) -> tuple[dict[str, Value], str]:
    """Return the settings of the file, none if there is no file, and its name."""
    return (read(path) if path.exists() else {}), str(path)


def read(path: Path) -> dict[str, Value]:
    """Return the settings of a TOML file; tables become dotted keys."""
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path}: the settings cannot be read ({error}): mend or remove the file") from error
    flat: dict[str, object] = {}
    for table, values in tree.items():
        if isinstance(values, dict):
            flat |= {f"{table}.{key}": value for key, value in values.items()}
        else:
            flat[table] = values
    return parse(flat, str(path))


def core_params(settings: Settings) -> CoreParams:
    """Return the core's parameters, in radians, for settings that may leave any out."""
    full = {**defaults(), **settings}

    def number(key: str) -> float:
        return float(full[key])

    def optional(key: str, factor: float = 1.0) -> float | None:
        return number(key) * factor or None

    return CoreParams(
        fusion=FusionParams(
            filter=cast(FilterName, full["fusion.filter"]),
            max_gap_s=number("fusion.max_gap_s"),
            settle_s=number("fusion.settle_s"),
        ),
        detect=DetectParams(
            min_rom_rad=number("reps.min_rom_deg") * RAD_PER_DEG,
            share_of_usual=number("reps.share_of_usual"),
            max_hold_s=number("reps.max_hold_s"),
        ),
        standard=Standard(
            target_rad=optional("reps.target_deg", RAD_PER_DEG),
            min_fraction=number("reps.min_fraction"),
            min_rep_s=optional("reps.min_rep_s"),
            max_speed_radps=optional("reps.max_speed_dps", RAD_PER_DEG),
            max_off_axis_rad=optional("reps.max_off_axis_deg", RAD_PER_DEG),
            min_hold_s=optional("reps.min_hold_s"),
            min_return=optional("reps.min_return"),
        ),
        floor=FloorParams(
            ratio=number("floor.segment_ratio"), knee_rad=optional("floor.knee_deg", RAD_PER_DEG)
        ),
    )
