"""What ``hipturn run`` puts together: settings, log, lock, web server, recovery, and the daemon."""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hipturn import config, drills, places
from hipturn.cli import live
from hipturn.daemon import STREAM, Daemon, outputs
from hipturn.daemon.speaking import speaker
from hipturn.errors import HipturnError, UsageError
from hipturn.host import lock, logs
from hipturn.model import Side
from hipturn.sinks.hub import Hub
from hipturn.sinks.recovery import recordings, recover

if TYPE_CHECKING:
    from hipturn.web.server import Address, WebServer

_log = logging.getLogger(__name__)

FLAGS = {
    "sensor": "run.sensor",
    "pelvis": "run.pelvis",
    "rate": "run.rate_hz",
    "side": "run.side",
    "recordings": "run.recordings",
    "host": "web.host",
    "port": "web.port",
    "web": "web.enabled",
    "tls_cert": "web.tls_cert",
    "tls_key": "web.tls_key",
    "lsl": "live.lsl",
    "osc": "live.osc",
    "mqtt": "live.mqtt",
    "person": "coach.person",
    "language": "coach.language",
    "speaker": "voice.speaker",
    "log_level": "log.level",
    "log_json": "log.json",
    "log_file": "log.file",
}
"""The flag that gives each setting, by its parameter's name."""


@dataclass(slots=True)
class Chosen:
    """The settings in effect, read again on demand."""

    flags: Mapping[str, Any]
    layers: dict[str, config.Given]

    @classmethod
    def of(cls, flags: Mapping[str, Any]) -> "Chosen":
        """Return the settings with the command's flags on top; raise `UsageError`."""
        named = {
            FLAGS[name]: (str(value) if isinstance(value, Path) else value, "--" + name.replace("_", "-"))
            for name, value in flags.items()
        }
        return cls(flags, config.layered(places.config_file(), os.environ, named))

    def __getitem__(self, key: str) -> Any:
        return self.layers[key].value


def start(
    reps: int,
    headless: bool,
    as_json: bool,
    flags: Mapping[str, Any],
    drill: str | None = None,
    routine: str | None = None,
    *,
    passive: bool = False,
) -> None:
    """Run the daemon until it is told to stop; raise `HipturnError` if it cannot start."""
    chosen = Chosen.of(flags)
    _set_up_log(chosen)
    sensor, _, device = chosen["run.sensor"].partition(":")
    virtual = sensor == "virtual"
    simulated = live.Simulated(device=device or "hipturn")
    if virtual:
        from hipturn.sources.virtual import devices

        devices.get(simulated.device, asked_by="--sensor virtual:")
    pelvis = live.second_sensor(sensor, flags.get("pelvis"), chosen["run.pelvis"])
    simulated = replace(simulated, pelvis=virtual and pelvis is not None)
    folder = _folder(chosen["run.recordings"], virtual)
    settings = {key: given.value for key, given in chosen.layers.items()}
    sends = outputs.chosen(settings)
    guided = replace(_guided(chosen, drill, routine, virtual), passive=passive)
    hub = Hub(speaker=speaker(settings))
    server = _web(chosen, hub, folder)
    with lock.only_one(folder, **({"page": _plain(server.address)} if server else {})):
        running: list[Daemon] = []

        def services(daemon: Daemon) -> Mapping[str, Callable[[], Awaitable[None]]]:
            running.append(daemon)
            if server is None:
                return {}
            return {"web": lambda: server.serve(daemon.tell, STREAM)}

        options = live.Options(
            side=Side(chosen["run.side"]),
            rate_hz=chosen["run.rate_hz"] or None,
            reps=reps,
            recordings=folder,
            quiet=headless or as_json,
            as_json=as_json,
            limit_s=None,
            end_after_s=chosen["run.end_after_s"],
            part_after_s=chosen["run.part_after_s"],
            logged=True,
            hub=hub,
            services=services,
            outputs=sends,
            on_closed=lambda paths: _catalogued(folder, paths),
            guided=guided,
            voice=settings,
        )

        async def session(stop: asyncio.Event) -> None:
            # what a crash left is mended beside: it must not keep a person waiting
            left = asyncio.to_thread(recover, recordings(folder), options.on_closed)
            mending = asyncio.create_task(left, name="recovery")
            try:
                if virtual:
                    await live.with_virtual(options, simulated, reps or 20, stop)
                else:
                    await live.real(options, chosen["run.sensor"] or None, stop, pelvis)
            finally:
                await mending

        if server is not None:
            _show_address(server.address)
        live.run(session, lambda: reload(flags, running))


def reload(flags: Mapping[str, Any], running: list[Daemon]) -> None:
    """Read the settings again: log at once, measuring and side from the next session on."""
    for daemon in running:
        daemon.notifier.reloading()
    try:
        chosen = Chosen.of(flags)
        _set_up_log(chosen)
    except UsageError as error:
        _log.error("the settings stay as they are: %s", error)
    else:
        for daemon in running:
            daemon.plan = replace(
                daemon.plan,
                side=Side(chosen["run.side"]),
                settings=live.measuring_settings(),
                chosen=live.chosen_settings(),
                end_after_s=chosen["run.end_after_s"],
                part_after_s=chosen["run.part_after_s"],
            )
        _log.info("settings read again: log now, the rest from the next session on")
    for daemon in running:
        daemon.notifier.ready()


def _catalogued(folder: Path, closed: list[Path]) -> None:
    """Take recordings into the history as they are closed: whoever looks later need not wait for that."""
    from hipturn import history

    for path in closed:
        history.add(folder, path)


def _guided(chosen: Chosen, drill: str | None, routine: str | None, virtual: bool) -> live.Guided:
    """Return what the person is led through; raise `UsageError` for a name that is none."""
    if drill is not None and routine is not None:
        raise UsageError("--drill and --routine: choose one of them, a routine has its drills")
    if drill is not None:
        drills.drill(drill)
    if routine is not None:
        drills.routine(routine)
    return live.Guided(
        drill=drill,
        routine=routine,
        person=chosen["coach.person"],
        language=chosen["coach.language"],
        scale=chosen["coach.scale"],
        reference=chosen["coach.reference"],
        at_turn=chosen["coach.count"] == "turn",
        obeys=virtual,
    )


def _set_up_log(chosen: Chosen) -> None:
    file = chosen["log.file"]
    logs.set_up(chosen["log.level"], as_json=chosen["log.json"], file=Path(file) if file else None)


def _folder(given: str, virtual: bool) -> Path:
    folder = places.recordings_folder(Path(given) if given else None)
    if virtual and not given:
        # apart from a person's own recordings: nobody's hip is in it
        folder = folder / places.SIMULATED
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--recordings {folder}: that is not a folder: name one")
    return folder


def _web(chosen: Chosen, hub: Hub, folder: Path) -> "WebServer | None":
    if not chosen["web.enabled"]:
        return None
    try:
        from hipturn.web.server import WebServer
    except ImportError as error:
        raise HipturnError(
            f"page and API need the package {error.name}: install it with  pip install 'hipturn[web]', "
            "or run with --no-web"
        ) from error
    names = [name.strip() for name in chosen["web.names"].split(",") if name.strip()]
    return WebServer(
        hub,
        folder,
        chosen["web.host"],
        chosen["web.port"],
        chosen["web.token"],
        names,
        (chosen["web.tls_cert"], chosen["web.tls_key"]),
    )


def _plain(address: "Address") -> str:
    return address.url.partition("?")[0]


def _show_address(address: "Address") -> None:
    """Tell where the page is; off the loopback as a code for a phone's camera too."""
    with contextlib.suppress(OSError):
        click.echo(f"page: {address.url}", err=True)
        if address.token and sys.stderr.isatty():
            import segno

            segno.make(address.url, micro=False).terminal(out=sys.stderr, compact=True)
