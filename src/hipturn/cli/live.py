"""What the live commands share: a session with a sensor, shown or told, and its result."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from rich.console import Console

from hipturn import config, daemon, lines, offline, places
from hipturn.cli import keys
from hipturn.cli.obeying import Obeying
from hipturn.coach import Language
from hipturn.daemon import View
from hipturn.daemon.outputs import Output, kept_open
from hipturn.daemon.speaking import speaking
from hipturn.errors import HipturnError, InputError, UsageError
from hipturn.model import Rep, Side, Verdict
from hipturn.plain import counted, printable
from hipturn.session import Heard
from hipturn.sinks import console
from hipturn.sinks.hub import Hub
from hipturn.sinks.live import Display, Nothing, Quiet
from hipturn.sources.ble import Backend
from hipturn.units import DEG_PER_RAD, NS_PER_S

if TYPE_CHECKING:
    from hipturn.sources.virtual import Spawned

Result = TypeVar("Result")
SPARE_REPS = 6
Services = Callable[[daemon.Daemon], Mapping[str, Callable[[], Awaitable[None]]]]


@dataclass(frozen=True, slots=True)
class Guided:
    """What a person is led through, if anything was chosen."""

    drill: str | None = None
    routine: str | None = None
    both: bool = False
    """The drill on both legs, one after the other."""
    person: str = ""
    language: Language = "en"
    safety: bool = False
    """The safety words are said first."""
    scale: str = ""
    reference: str = ""
    passive: bool = False
    """Somebody else turns the leg."""
    at_turn: bool = False
    """Repetitions are counted aloud at their turn."""
    obeys: bool = False
    """A virtual sensor's person does what the coach asks, instead of a fixed script."""

    def plan(self, plan: daemon.Plan, reps: int) -> daemon.Plan:
        """Return the plan with what was chosen."""
        plan = replace(
            plan,
            person=self.person,
            language=self.language,
            safety=self.safety,
            routine=self.routine,
            both=self.both,
            scale=self.scale,
            reference=self.reference,
            passive=self.passive,
            at_turn=self.at_turn,
        )
        return plan if self.drill is None else plan.doing(self.drill, reps or None)


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for."""

    side: Side
    reps: int
    recordings: Path | None
    quiet: bool
    as_json: bool
    limit_s: float | None
    rate_hz: float | None = None
    """Sample rate asked for; None for the usual one."""
    end_after_s: float = 600.0
    part_after_s: float = 7200.0
    logged: bool = False
    """There is a log: without a display nothing is to be printed beside it."""
    hub: Hub = field(default_factory=Hub)
    services: Services = field(default=lambda _: {})
    """What runs beside the measurement, such as the web server."""
    outputs: Sequence[Output] = ()
    """Where else the session is sent live."""
    on_closed: Callable[[list[Path]], None] = lambda _: None
    """Told, in a thread, of recordings that are closed and whole."""
    guided: Guided = field(default_factory=Guided)
    view: Callable[[], AbstractContextManager[View]] | None = None
    """Another display than the usual one."""
    listeners: Mapping[str, Callable[[Heard], None]] = field(default_factory=dict)
    """Who else hears the session."""
    voice: config.Settings | None = None
    """The settings `voice.…`; None for silence."""
    on_key: Callable[[str, daemon.Daemon], None] | None = None
    """What a key does, where there is a keyboard."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """The virtual sensor that stands in for a real one."""

    seed: int = 1
    faults: str = ""
    device: str = "hipturn"
    """The driver whose device it behaves as."""
    pelvis: bool = False
    """A second one is on the pelvis."""


def run(
    session: Callable[[asyncio.Event], Coroutine[Any, Any, Result]],
    on_hangup: Callable[[], None] | None = None,
) -> Result | None:
    """Run a session; Ctrl-C and SIGTERM set the event that ends it cleanly, a second Ctrl-C at once.

    SIGHUP ends it too, when its terminal closes; without a terminal it calls `on_hangup`.
    """

    async def until_told_to_stop() -> Result:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()

        def end() -> None:
            tell("stopping the sensor and closing the recording")
            stop.set()
            loop.remove_signal_handler(signal.SIGINT)

        if sys.platform != "win32":
            loop.add_signal_handler(signal.SIGINT, end)
            loop.add_signal_handler(signal.SIGTERM, end)
            at_terminal = os.isatty(0) or os.isatty(2)
            loop.add_signal_handler(signal.SIGHUP, end if at_terminal or not on_hangup else on_hangup)
        return await session(stop)

    try:
        return asyncio.run(until_told_to_stop())
    except KeyboardInterrupt:
        tell("stopped at once; the recording is on disk up to the last second")
        return None


def second_sensor(sensor: str, asked: str | None, usual: str) -> str | None:
    """Return which sensor is on the pelvis, if any: as asked for, else as usual beside a real one.

    Raises `UsageError` where it may be the one on the shin.
    """
    virtual = sensor == "virtual"
    pelvis = asked or ("" if virtual else usual)
    if not pelvis:
        return None
    if virtual != (pelvis == "virtual"):
        raise UsageError("--pelvis: both sensors are virtual or neither: --sensor virtual --pelvis virtual")
    if not sensor:
        raise UsageError(f"--pelvis {pelvis}: say by --sensor which one is on the shin")
    if sensor.lower() == pelvis.lower() and not virtual:
        raise UsageError(f"--pelvis {pelvis}: that is the sensor on the shin: name the other one")
    return pelvis


def tell(text: str) -> None:
    """Tell a person something beside the results."""
    with contextlib.suppress(OSError):  # the terminal may be gone
        click.echo(printable(text), err=True)


def called() -> str:
    """Return how a person calls hipturn from here: by its name where the shell finds it."""
    path = sys.argv[0]
    return path if Path(path).name == "hipturn" and shutil.which("hipturn") is None else "hipturn"


@contextlib.contextmanager
def _view(options: Options) -> Iterator[Display | Quiet | Nothing]:
    if options.quiet or not Console().is_terminal:
        yield Nothing() if options.logged else Quiet(tell, options.guided.language)
    else:
        with Display(Console(), options.reps, options.guided.language) as display:
            yield display


async def _session(
    options: Options,
    folder: Path,
    sensor: str | None,
    backend: Backend,
    stop: asyncio.Event,
    virtual: "Spawned | None" = None,
    pelvis: str | None = None,
) -> daemon.Ended:
    chosen = chosen_settings()
    plan = daemon.Plan(
        sensor=sensor,
        pelvis=pelvis,
        rate_hz=options.rate_hz,
        side=options.side,
        reps=options.reps,
        settings=measuring_settings(),
        recordings=folder,
        limit_s=options.limit_s,
        end_after_s=options.end_after_s,
        part_after_s=options.part_after_s,
        chosen=chosen,
    )
    plan = options.guided.plan(plan, options.reps)
    async with AsyncExitStack() as around:
        view = around.enter_context(options.view() if options.view is not None else _view(options))
        running = daemon.Daemon(plan, daemon.ble(backend), options.hub, view)
        running.services = options.services(running)
        running.on_closed = options.on_closed
        listeners: dict[str, Callable[[Heard], None]] = {
            **{output.name: output.hear for output in options.outputs},
            **options.listeners,
        }
        if virtual is not None:
            obeying = Obeying(virtual.say, running.tell)
            listeners["simulated person"] = obeying.hear
            options.hub.watch(obeying.look)
        if options.voice is not None:
            hear = await around.enter_async_context(speaking(options.hub, options.voice))
            listeners["voice"] = hear
        running.listeners = listeners
        await around.enter_async_context(kept_open(options.outputs, options.hub.trouble))
        if (on_key := options.on_key) is not None:
            await around.enter_async_context(keys.pressed(lambda key: on_key(key, running)))
        return await running.run(stop)


def chosen_settings() -> dict[str, config.Value]:
    """Return the settings that decide results and that somebody chose; raise `UsageError`."""
    return config.chosen_measuring(config.layered(places.config_file(), os.environ))


def measuring_settings() -> dict[str, config.Value]:
    """Return what a session now measures by; raise `UsageError`."""
    return {**config.defaults(), **config.SEATED_MOBILISATION, **chosen_settings()}


def check_recorded(ended: daemon.Ended) -> None:
    """Raise `HipturnError` if there was something to record and no file to record it in."""
    if ended.trouble and not ended.recordings:
        raise HipturnError(f"nothing was recorded: {ended.trouble}")


def _show(ended: daemon.Ended, as_json: bool) -> offline.Analysis | None:
    """Print the results of what was just recorded, by replaying the recording: one truth, one way to it."""
    check_recorded(ended)
    if not ended.recordings:
        tell("nothing was recorded: no sample came from a sensor")
        return None
    recording = ended.recordings[-1]
    try:
        result = offline.analyse(recording, offline.Request())
    except InputError as error:
        tell(f"no results: {error}")
        tell(f"recorded: {recording}")
        return None
    head, events, tail = result.lines(recording.name)
    if as_json:
        for line in [head, *events, tail]:
            click.echo(lines.dumps(line))
    else:
        console.print_results(head, events, tail)
    tell(f"recorded: {recording}")
    return result


async def real(
    options: Options, sensor: str | None, stop: asyncio.Event, pelvis: str | None = None
) -> daemon.Ended:
    """Measure with a real sensor until the target or a stop."""
    async with Backend() as backend:
        folder = places.recordings_folder(options.recordings)
        ended = await _session(options, folder, sensor, backend, stop, pelvis=pelvis)
    if options.view is None:
        _show(ended, options.as_json)
    return ended


async def with_virtual(
    options: Options, simulated: Simulated, reps: int, stop: asyncio.Event
) -> tuple[daemon.Ended, offline.Analysis | None]:
    """Measure with a virtual sensor in its own process over a real GATT stack."""
    from hipturn.sources import bleak_bumble, virtual

    like = "" if simulated.device == "hipturn" else f" that behaves as {simulated.device}"
    tell(f"starting the virtual sensor{like}: a simulated leg, in its own process")
    # where something goes wrong, some repetitions are void: the person does a few more
    done = reps + (SPARE_REPS if simulated.faults else 0)
    args = ["--seed", str(simulated.seed), "--reps", str(done), "--side", options.side.value]
    args += ["--as", simulated.device]
    if options.guided.obeys:
        args.append("--obey")
    if simulated.pelvis:
        args.append("--pelvis")
    if simulated.faults:
        args += ["--faults", simulated.faults]
    async with virtual.spawned(args) as sensor:
        tell(f"searching for it by Bluetooth ({sensor.name}, {sensor.address})")
        async with bleak_bumble.backend(sensor.hci) as backend:
            # apart from a person's own recordings: nobody's hip is in it
            folder = options.recordings or places.recordings_folder() / places.SIMULATED
            obeying = sensor if options.guided.obeys else None
            # two of a kind have one name
            wanted = sensor.address if simulated.pelvis else sensor.name
            ended = await _session(options, folder, wanted, backend, stop, obeying, sensor.pelvis)
    return ended, None if options.view is not None else _show(ended, options.as_json)


async def demo(options: Options, simulated: Simulated, stop: asyncio.Event) -> bool:
    """Run the demo and compare with the truth; return whether all repetitions were counted."""
    ended, result = await with_virtual(options, simulated, options.reps, stop)
    if result is not None:
        done = options.reps + (SPARE_REPS if simulated.faults else 0)
        errors = _errors(result.reps, options, simulated, done)
        if options.as_json:
            click.echo(lines.dumps(errors))
        else:
            _print_errors(errors)
            name = called()
            tell(f"next: {name} routine --sensor virtual, or with a sensor of your own: {name} scan")
    return ended.finished


def _errors(reps: list[Rep], options: Options, simulated: Simulated, done: int) -> dict[str, object]:
    """Return how the counted repetitions differ from what the simulated hip really did."""
    from hipturn.sources.virtual import VirtualSettings, playback

    settings = VirtualSettings(simulated.seed, done, simulated.device, side=options.side)
    truth = playback.simulated(settings).reps
    sound = [rep for rep in reps if rep.verdict is not Verdict.VOID]
    pairs = [(rep, min(truth, key=lambda true: abs(true.peak_s - rep.peak_ns / NS_PER_S))) for rep in sound]
    rom = [abs(rep.rom_rad - true.rom_rad) * DEG_PER_RAD for rep, true in pairs]
    peak = [abs(rep.peak_rad - true.peak_rad) * DEG_PER_RAD for rep, true in pairs]
    return {
        "v": lines.VERSION,
        "type": "truth",
        "seed": simulated.seed,
        "reps": len(truth),
        "counted": len(reps),
        "rom_error_mean_deg": round(sum(rom) / len(rom), 3) if rom else None,
        "rom_error_max_deg": round(max(rom), 3) if rom else None,
        "peak_error_max_deg": round(max(peak), 3) if peak else None,
    }


def _print_errors(errors: dict[str, Any]) -> None:
    click.echo(
        f"truth of the simulated hip (seed {errors['seed']}): {counted(errors['reps'], 'repetition')}, "
        f"{errors['counted']} counted; ROM error mean {errors['rom_error_mean_deg']}°, "
        f"largest {errors['rom_error_max_deg']}°"
    )
