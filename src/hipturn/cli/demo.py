"""``hipturn demo``: everything with no hardware."""

import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hipturn.daemon import Daemon
    from hipturn.sinks.hub import Hub


@click.command("demo", epilog="Example: hipturn demo --headless --reps 5")
@click.option("--reps", type=click.IntRange(1, 60), default=5, show_default=True, help="Repetitions to do.")
@click.option("--seconds", type=click.FloatRange(1.0), help="Longest time it may take.")
@click.option("--side", type=click.Choice(["left", "right"]), default="right", show_default=True)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Which simulated person.")
@click.option("--as", "device", default="hipturn", show_default=True, help="Behave as this driver's device.")
@click.option("--faults", default="", help="What goes wrong, as in 'hipturn virtual --faults'.")
@click.option("--recordings", type=click.Path(path_type=Path), help="Folder for the recording.")
@click.option("--headless", is_flag=True, help="No live display, no page.")
@click.option("--no-browser", is_flag=True, help="Serve the page, but open no browser.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line instead of tables.")
def command(
    reps: int,
    seconds: float | None,
    side: str,
    seed: int,
    device: str,
    faults: str,
    recordings: Path | None,
    headless: bool,
    no_browser: bool,
    as_json: bool,
) -> None:
    """Try everything with no hardware.

    A virtual sensor on a simulated leg, in its own process, is found and connected over a real GATT
    stack; a guided calibration and drill are measured, counted and recorded, and the result is
    compared with what the simulated hip really did. Terminal and page show it live.
    """
    from hipturn.cli import live
    from hipturn.errors import HipturnError
    from hipturn.model import Side
    from hipturn.plain import counted
    from hipturn.sinks.hub import Hub
    from hipturn.sources.virtual import devices
    from hipturn.sources.virtual.faults import parse

    parse(faults)
    devices.get(device)
    hub = Hub()
    unseen = headless or as_json
    options = live.Options(
        side=Side(side),
        reps=reps,
        recordings=recordings,
        quiet=unseen,
        as_json=as_json,
        limit_s=seconds,
        hub=hub,
        services=(lambda _: {}) if unseen else _page(hub, recordings, browser=not no_browser),
    )
    ok = live.run(lambda stop: live.demo(options, live.Simulated(seed, faults, device), stop))
    if not ok:
        longer = "" if seconds is None else " without --seconds"
        raise HipturnError(
            f"the demo ended before {counted(reps, 'repetition')} were counted: try it again{longer}"
        )


def _page(
    hub: "Hub", recordings: Path | None, *, browser: bool
) -> "Callable[[Daemon], Mapping[str, Callable[[], Awaitable[None]]]]":
    """Return what serves the page on this computer, and open it where there is a screen to see it on."""
    import webbrowser

    from hipturn import places
    from hipturn.cli.live import tell
    from hipturn.daemon import STREAM
    from hipturn.web.server import WebServer

    folder = recordings or places.recordings_folder() / places.SIMULATED
    server = WebServer(hub, folder, "127.0.0.1", 0, "", [])
    tell(f"page: {server.address.url}")
    screen = sys.platform in ("darwin", "win32") or "DISPLAY" in os.environ or "WAYLAND_DISPLAY" in os.environ
    if browser and screen:
        # it listens already, and answers as soon as the session runs
        webbrowser.open(server.address.url)
    return lambda daemon: {"web": lambda: server.serve(daemon.tell, STREAM)}
