"""Settings: what can be set, with unit, meaning and recommendation; degrees become radians here.

Layers, later ones win: the built-in defaults, the settings file, ``HIPTURN_…`` in the environment,
what a recording was made with (when one is replayed), and flags such as ``--set key=value``.

`MEASURING` decides results and is written into every recording; `PROGRAM` says how the program runs.
"""

import difflib
import math
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from hipturn.core.excursions import DetectParams
from hipturn.core.floor import SEGMENT_RATIO
from hipturn.core.fusion import ACAUSAL, FILTERS, FilterName, FusionParams
from hipturn.core.pipeline import CoreParams, FloorParams
from hipturn.core.references import GROUPS, SCALES
from hipturn.core.verdict import Standard
from hipturn.errors import InputError, UsageError
from hipturn.plain import NAME, is_name
from hipturn.small import small_text
from hipturn.units import RAD_PER_DEG

Value = float | str
Settings = Mapping[str, Value]

NOT_SHOWN = "(set, not shown)"


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
    kind: Literal["number", "whole", "text", "name", "switch"] = "number"
    secret: bool = False
    """Never shown; of an address only the password in it."""

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return "HIPTURN_" + self.key.upper().replace(".", "_")

    def shown(self, value: Value) -> Value:
        """Return the value as anybody may see it."""
        if not self.secret or not value:
            return value
        address = re.match(r"([a-z]+://)(.*@)?", str(value))
        if address is None:
            return NOT_SHOWN
        user, _, password = (address[2] or "").removesuffix("@").partition(":")
        hidden = f"{user}:…@" if password else (address[2] or "")
        return f"{address[1]}{hidden}{str(value)[address.end() :]}"

    def parse(self, given: object, where: str) -> Value:
        """Return the value in this setting's unit; raise `UsageError` saying what would be right."""
        if self.kind == "switch":
            return self._switch(given, where)
        if self.kind in ("text", "name"):
            if not isinstance(given, str):
                raise UsageError(f"{where}: {self.key} must be a text, not {given!r:.60}")
            if self.kind == "name" and given and not is_name(given):
                raise UsageError(f"{where}: {self.key} must be {NAME}, not {given!r:.60}")
            return given
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
        if not self.least <= number <= self.most or (self.kind == "whole" and number % 1):
            limits = (
                f"from {self.least:g} to {self.most:g}" if self.most < math.inf else f"{self.least:g} or more"
            )
            what = "whole number" if self.kind == "whole" else "number"
            unit = f" ({self.unit})" if self.unit else ""
            raise UsageError(f"{where}: {self.key} must be a {what} {limits}{unit}, not {given!r:.60}")
        return int(number) if self.kind == "whole" else number

    def _switch(self, given: object, where: str) -> bool:
        words = {"true": True, "on": True, "1": True, "yes": True}
        words |= {"false": False, "off": False, "0": False, "no": False}
        known = given if isinstance(given, bool) else words.get(str(given).lower())
        if known is None:
            raise UsageError(f"{where}: {self.key} must be true or false, not {given!r:.60}")
        return known


MEASURING: dict[str, Setting] = {
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
            "reps.max_compensation_deg", 5.0, "°", "the pelvis leaning more than this is compensation, where a second "
            "sensor on it tells; 0 for no limit",
            "5", most=90.0,
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
            "reps.set_rest_s", 20.0, "s", "time without a repetition after which a set is over",
            "20; more than a hold, less than a rest", least=2.0, most=3600.0,
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

PROGRAM: dict[str, Setting] = {
    s.key: s
    for s in (
        Setting(
            "run.sensor", "", "", "name or address of the sensor; empty for the first known in reach",
            "the sensor's name where more than one is about", kind="text",
        ),
        Setting(
            "run.pelvis", "", "", "name or address of a second sensor, on the sacrum; empty for none",
            "empty; a second sensor where the pelvis does not keep still", kind="text",
        ),
        Setting(
            "run.rate_hz", 0.0, "Hz", "samples a second the sensor is to take; 0 for what is usual for it",
            "0; less saves its battery, below 50 speeds are told less well", most=2000.0,
        ),
        Setting("run.side", "right", "", "the leg it is strapped to", "as worn", choices=("left", "right")),
        Setting(
            "run.recordings", "", "", "folder for recordings; empty for the platform's place",
            "empty", kind="text",
        ),
        Setting(
            "run.end_after_s", 600.0, "s", "a sensor that stays away so long has ended the session",
            "600", least=1.0, most=86400.0,
        ),
        Setting(
            "run.part_after_s", 7200.0, "s", "a recording as long as this goes on in another one, at the next rest",
            "7200", least=60.0, most=86400.0,
        ),
        Setting(
            "coach.language", "en", "", "what is spoken and written on the page", "your own", choices=("en", "de"),
        ),
        Setting(
            "coach.count", "end", "", "when a repetition is counted aloud: at its end, when it is judged, or at its turn",
            "end; turn to be told while the leg still moves", choices=("end", "turn"),
        ),
        Setting(
            "coach.person", "", "", "whose hip it is, where nobody says; a name or code kept in recordings",
            "empty, or a code where several people share a sensor", kind="name",
        ),
        Setting(
            "coach.scale", "", "", "marks a test's result is shown on, in their source's words; empty for none",
            "empty, or prone-internal", choices=("", *SCALES),
        ),
        Setting(
            "coach.reference", "", "", "published group a test's result is shown beside, never as a verdict; empty for none",
            "empty, or the group nearest to you", choices=("", *GROUPS),
        ),
        Setting(
            "voice.speaker", "auto", "", "who speaks: this computer, the page, or nobody; auto is this computer where "
            "it has a loudspeaker, else the page",
            "auto", choices=("auto", "machine", "page", "off"),
        ),
        Setting(
            "voice.volume", 0.8, "share", "volume of this computer's voice and sounds; 0 for silence",
            "0.8", most=1.0,
        ),
        Setting(
            "voice.pitch", False, "", "a quiet tone follows the angle, an octave in 45°; needs the package sounddevice",
            "false; true to hear the end range with eyes closed", kind="switch",
        ),
        Setting("web.enabled", True, "", "serve page and API", "true", kind="switch"),
        Setting(
            "web.host", "127.0.0.1", "", "address to listen on; others than this computer need the token",
            "127.0.0.1; 0.0.0.0 for a phone in the same network", kind="text",
        ),
        Setting("web.port", 8710, "", "port to listen on; 0 takes a free one", "8710", most=65535, kind="whole"),
        Setting(
            "web.token", "", "", "what a phone or program elsewhere must show; empty makes a new one at each start",
            "empty, or 20 characters and more", kind="text", secret=True,
        ),
        Setting(
            "web.names", "", "", "further host names the page may be called by, comma-separated",
            "empty, or such as mybox.local", kind="text",
        ),
        Setting(
            "web.tls_cert", "", "", "certificate chain for https, a PEM file; empty for http",
            "empty on this computer; where others are in the network, one the phone trusts", kind="text",
        ),
        Setting("web.tls_key", "", "", "the certificate's key, a PEM file without a password", "empty", kind="text"),
        Setting(
            "live.lsl", False, "", "send orientation, angle and markers over Lab Streaming Layer",
            "true where a lab records them", kind="switch",
        ),
        Setting(
            "live.osc", "", "", "send over OSC to this HOST:PORT; empty for not at all",
            "empty, or such as 127.0.0.1:9000", kind="text",
        ),
        Setting(
            "live.mqtt", "", "", "send to this MQTT broker, mqtt://USER:PASSWORD@HOST:PORT, or mqtts:// for TLS; empty for "
            "not at all",
            "empty, or such as mqtts://hipturn:PASSWORD@homeassistant.local", kind="text", secret=True,
        ),
        Setting("live.mqtt_node", "hipturn", "", "what topics begin with", "hipturn", kind="text"),
        Setting(
            "live.mqtt_discovery", "homeassistant", "", "topics that Home Assistant looks for devices in; empty for none",
            "homeassistant", kind="text",
        ),
        Setting(
            "live.mqtt_angle_hz", 5.0, "Hz", "how often the angle goes to the broker", "5", least=0.1, most=50.0,
        ),
        Setting(
            "log.level", "info", "", "the least that is logged", "info",
            choices=("debug", "info", "warning", "error"),
        ),
        Setting("log.json", False, "", "the log as JSON lines", "true under a log collector", kind="switch"),
        Setting("log.file", "", "", "file for the log; empty for stderr", "empty", kind="text"),
    )
}  # fmt: skip

SETTINGS: dict[str, Setting] = MEASURING | PROGRAM
"""All there is to set."""

_OTHER_VARIABLES = ("HIPTURN_CONFIG", "HIPTURN_DEBUG", "HIPTURN_STATE")
_ALSO = {"HIPTURN_RECORDINGS": "run.recordings"}
"""Variables that are no setting, or go by a second name."""


@dataclass(frozen=True, slots=True)
class Given:
    """A setting's value and where it comes from."""

    value: Value
    origin: str


SEATED_MOBILISATION: dict[str, Value] = {
    "reps.min_rep_s": 1.5,
    "reps.min_return": 0.75,
    "reps.max_off_axis_deg": 10.0,
}
"""What the mobilisation drill asks of a repetition: slow, all the way back, knee between 80 and 100°."""


def defaults() -> dict[str, Value]:
    """Return the built-in value of every setting that decides results."""
    return {s.key: s.default for s in MEASURING.values()}


def parse(given: Mapping[str, object], where: str) -> dict[str, Value]:
    """Return checked settings; raise `UsageError` naming the wrong key or value, the place and the mend."""
    return {key: _known(key, where).parse(value, where) for key, value in given.items()}


def parse_assignment(text: str) -> tuple[str, Value]:
    """Return the key and value of ``key=value`` as given to ``--set``."""
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--set {text!r}: write it as key=value, for example reps.min_rom_deg=5")
    return key.strip(), _known(key.strip(), "--set", MEASURING).parse(value.strip(), "--set")


def _known(key: str, where: str, among: Mapping[str, Setting] = SETTINGS) -> Setting:
    if key in among:
        return among[key]
    near = difflib.get_close_matches(key, among, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else "'hipturn config --defaults' lists them"
    raise UsageError(f"{where}: no setting is called {key!r}: {hint}")


def effective(path: Path, recorded: Mapping[str, object], given: Settings) -> dict[str, Value]:
    """Return every setting for a recording: built-in, of the settings file, its own, then what was given.

    Of the recorded ones only those that this version still knows: the others cannot change a result now.
    """
    chosen = chosen_measuring(layered(path, os.environ))
    known = {key: value for key, value in recorded.items() if key in MEASURING and key not in given}
    try:
        own = parse(known, "recorded settings")
    except UsageError as error:
        raise InputError(f"{error}: override it with --set") from error
    return {**defaults(), **chosen, **own, **given}


def layered(
    path: Path, environ: Mapping[str, str], flags: Mapping[str, tuple[Value | None, str]] | None = None
) -> dict[str, Given]:
    """Return every setting with its origin: built-in, file if there is one, environment, flags that are given.

    `flags` maps a key to the value, None if it was not given, and the flag's name. Raises `UsageError`.
    """
    layers = {key: Given(s.default, "default") for key, s in SETTINGS.items()}
    if path.exists():
        layers |= {key: Given(value, str(path)) for key, value in read(path).items()}
    layers |= environment(environ)
    for key, (value, flag) in (flags or {}).items():
        if value is not None:
            layers[key] = Given(SETTINGS[key].parse(value, flag), flag)
    return layers


def chosen_measuring(layers: Mapping[str, Given]) -> dict[str, Value]:
    """Return the settings that decide results and that somebody chose."""
    return {
        key: given.value for key, given in layers.items() if key in MEASURING and given.origin != "default"
    }


def environment(environ: Mapping[str, str]) -> dict[str, Given]:
    """Return the settings given as ``HIPTURN_…``; raise `UsageError` for one that means nothing."""
    variables = {s.variable: s for s in SETTINGS.values()}
    tables = tuple({name[: name.index("_", 8) + 1] for name in variables})
    found: dict[str, Given] = {}
    for name, text in environ.items():
        if not name.startswith("HIPTURN_") or name in _OTHER_VARIABLES or not text:
            continue
        setting = SETTINGS[_ALSO[name]] if name in _ALSO else variables.get(name)
        if setting is None:
            every = [*variables, *_ALSO, *_OTHER_VARIABLES]
            near = difflib.get_close_matches(name, every, n=1, cutoff=0.5)
            if not name.startswith(tables) and not difflib.get_close_matches(name, every, cutoff=0.85):
                continue  # some other program's, or a later version's
            hint = f"did you mean {near[0]}?" if near else "'hipturn config --defaults' lists the settings"
            raise UsageError(f"the environment variable {name} means nothing here: {hint}")
        found[setting.key] = Given(setting.parse(text, name), name)
    return found


def read(path: Path) -> dict[str, Value]:
    """Return the settings of a TOML file; tables become dotted keys."""
    try:
        tree = tomllib.loads(small_text(path))
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
            max_compensation_rad=optional("reps.max_compensation_deg", RAD_PER_DEG),
            min_hold_s=optional("reps.min_hold_s"),
            min_return=optional("reps.min_return"),
        ),
        set_rest_s=number("reps.set_rest_s"),
        floor=FloorParams(
            ratio=number("floor.segment_ratio"), knee_rad=optional("floor.knee_deg", RAD_PER_DEG)
        ),
    )
