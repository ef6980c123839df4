"""What ``hipturn test``, ``drill`` and ``routine`` share: options, display, keys, results."""

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from hipturn import commands, config, lines, places
from hipturn.cli import live, remote
from hipturn.cli.output import echo
from hipturn.coach import DrillKind, Show
from hipturn.coach.words import text
from hipturn.daemon import STREAM, Daemon, Ended, View
from hipturn.daemon.speaking import speaker
from hipturn.errors import HipturnError, UsageError
from hipturn.model import HostNs, Side
from hipturn.session import Heard
from hipturn.sinks import words
from hipturn.sinks.guide import Guide
from hipturn.sinks.hub import Hub
from hipturn.sinks.live import Nothing, Quiet
from hipturn.sinks.results import print_guided

SEEN = "safety-told"
"""File in the state folder: the safety words were shown on this computer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asked for."""

    sensor: str | None
    side: str | None
    person: str | None
    language: str | None
    recordings: Path | None
    speaker: str | None
    as_json: bool
    seed: int
    scale: str | None
    reference: str | None
    reps: int = 0
    drill: str | None = None
    routine: str | None = None
    passive: bool = False
    pelvis: str | None = None


def usual_side() -> str:
    """Return the leg of the settings."""
    return str(config.layered(places.config_file(), os.environ)["run.side"].value)


def checked(name: str, kinds: tuple[DrillKind, ...], command: str) -> str:
    """Return the drill's name if it is one of these kinds; raise `UsageError` naming the right command."""
    from hipturn import drills

    drill = drills.drill(name)
    if drill.kind not in kinds:
        other = "test" if drill.kind == "test" else "drill"
        raise UsageError(f"{name} is a {drill.kind}: hipturn {other} {name}")
    return name


@dataclass(slots=True)
class _Results:
    """The last word of each session."""

    as_json: bool
    lines: list[dict[str, Any]] = field(default_factory=list)

    def hear(self, heard: Heard) -> None:
        """Keep what a session came to; with JSON tell it at once."""
        if isinstance(heard, Show) and heard.step == "done" and heard.result is not None:
            self.lines.append(heard.line())
            if self.as_json:
                click.echo(lines.dumps(self.lines[-1]))


def start(asked: Asked) -> None:
    """Lead through it; raise `HipturnError` if it does not come to its end."""
    flags = {"coach.person": (asked.person, "--person")}
    layers = config.layered(places.config_file(), os.environ, flags)
    settings = {key: given.value for key, given in layers.items()}
    sensor, _, device = (asked.sensor or str(settings["run.sensor"])).partition(":")
    virtual = sensor == "virtual"
    pelvis = live.second_sensor(sensor, asked.pelvis, str(settings["run.pelvis"]))
    simulated = live.Simulated(
        seed=asked.seed, device=device or "hipturn", pelvis=virtual and pelvis is not None
    )
    if virtual:
        from hipturn.sources.virtual import devices

        devices.get(simulated.device, asked_by="--sensor virtual:")
    looked_at = sys.stdout.isatty() and not asked.as_json
    settings["voice.speaker"] = _speaker(asked.speaker or str(settings["voice.speaker"]), looked_at)
    language = asked.language or str(settings["coach.language"])
    hub, results = Hub(speaker=speaker(settings)), _Results(asked.as_json)
    both = asked.drill is not None and asked.side in (None, "both")
    given = asked.side if asked.side in ("left", "right") else str(settings["run.side"])
    chosen = live.Options(
        side=Side(given),
        reps=asked.reps,
        recordings=asked.recordings,
        quiet=not looked_at,
        as_json=asked.as_json,
        limit_s=None,
        hub=hub,
        guided=live.Guided(
            drill=asked.drill,
            routine=asked.routine,
            both=both,
            person=str(settings["coach.person"]),
            language="de" if language == "de" else "en",
            safety=_safety(language),
            scale=asked.scale or str(settings["coach.scale"]),
            reference=asked.reference or str(settings["coach.reference"]),
            passive=asked.passive,
            at_turn=settings["coach.count"] == "turn",
            obeys=virtual,
        ),
        view=lambda: _view(looked_at, asked.as_json, language),
        listeners={"results": results.hear},
        voice=settings if settings["voice.speaker"] != "off" else None,
        on_key=_Keys(hub).press if looked_at else None,
    )

    async def session(stop: asyncio.Event) -> Ended:
        if virtual:
            return (await live.with_virtual(chosen, simulated, 1, stop))[0]
        return await live.real(chosen, sensor or None, stop, pelvis)

    ended = live.run(session)
    folder = places.recordings_folder(asked.recordings)
    if virtual and asked.recordings is None:
        folder = folder / places.SIMULATED
    if results.lines and not asked.as_json:
        print_guided(results.lines, folder)
        if not chosen.guided.person and any(line["kind"] == "test" for line in results.lines):
            live.tell(words.text(language, "result.nameless"))
    if ended is not None:
        live.check_recorded(ended)
    if ended is None or not ended.finished:
        at = f"; recorded: {ended.recordings[-1]}" if ended and ended.recordings else ""
        raise HipturnError(f"ended before it was done{at}: what was measured until then is kept")


def _speaker(chosen: str, looked_at: bool) -> str:
    """Return who speaks where there is no page: a script has nobody to speak to unless it says so."""
    if chosen == "auto":
        return "auto" if looked_at else "off"
    return "off" if chosen == "page" else chosen


def _view(looked_at: bool, as_json: bool, language: str) -> AbstractContextManager[View]:
    if looked_at:
        return Guide(Console(), remote.hint, language)
    return nullcontext(Nothing() if as_json else Quiet(live.tell, language))


def _safety(language: str) -> bool:
    """Show the safety words once before the first session; return whether that was now."""
    seen = places.state_folder() / SEEN
    if seen.exists():
        return False
    echo(f"{words.text(language, 'safety')} {text(language, 'safety')}", err=True)
    try:
        seen.parent.mkdir(parents=True, exist_ok=True)
        seen.touch()
    except OSError:
        pass  # shown again next time
    return True


class _Keys:
    """Keys as commands."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._beat = False

    def press(self, key: str, daemon: Daemon) -> None:
        """Do what a key means now."""
        show: Mapping[str, Any] = self._hub.status.coach or {}
        command = remote.command(key, show, self._beat)
        if command is None:
            return
        if command["command"] == "metronome":
            self._beat = bool(command["bpm"])
        if command["command"] == "stop":
            daemon.leave()
            return
        daemon.tell(commands.parse(command, STREAM, HostNs(time.monotonic_ns())))
