"""The command `virtual`: only the virtual sensor, for other programs to connect to."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

import click

from hipturn.errors import UsageError

LONGEST_LINE = 1 << 16
"""Bytes of a line on stdin that are kept."""

EXAMPLE = """\b
Example: a sensor whose link breaks after 20 s, and a scan that finds it
  hipturn virtual --listen 127.0.0.1:9001 --faults drop@20s &
  hipturn scan --hci tcp-client:127.0.0.1:9001
"""


@click.command(epilog=EXAMPLE)
@click.option(
    "--seed",
    default=1,
    show_default=True,
    type=click.IntRange(0, 2**32 - 1),
    help="Decides leg, mounting, motion and noise.",
)
@click.option(
    "--reps", default=10, show_default=True, type=click.IntRange(0, 500), help="Repetitions it does."
)
@click.option(
    "--as", "device", default="hipturn", show_default=True, metavar="DRIVER", help="Behave as this device."
)
@click.option("--rate", "rate_hz", type=float, help="Samples per second.  [default: as usual for the device]")
@click.option("--side", default="right", show_default=True, type=click.Choice(["left", "right"]), help="Leg.")
@click.option("--name", help="Name it advertises.  [default: as usual for the device]")
@click.option(
    "--listen",
    default="127.0.0.1:0",
    show_default=True,
    metavar="HOST:PORT",
    help="Where hosts connect to its radio; port 0 takes a free one.",
)
@click.option(
    "--interval-ms",
    default=15.0,
    show_default=True,
    type=click.FloatRange(0, 4000),
    help="Connection interval of the radio; 0 delivers at once.",
)
@click.option(
    "--samples-per-packet",
    type=int,
    help="Samples in one notification.  [default: as usual for the device]",
)
@click.option(
    "--faults",
    default="",
    metavar="LIST",
    help="What goes wrong and when after the start: drop@20s (for :3s), reboot@20s, silent@30s:2s, "
    "loss:0.05, dup:0.02, reorder:0.01, garbage:0.01, battery:15, mode (found measuring in a wrong mode).",
)
@click.option(
    "--clock-start-us",
    type=click.IntRange(0, 2**32 - 1),
    help="The sensor's clock when it starts.  [default: 10 s before it wraps]",
)
@click.option(
    "--obey",
    is_flag=True,
    help="The person does what the coach asks: lines of the live API on stdin, one a line.",
)
@click.option(
    "--pelvis",
    is_flag=True,
    help="A second sensor of the kind is on the pelvis, which rolls in every third repetition.",
)
@click.option("--until-stdin-closes", is_flag=True, hidden=True)
def command(listen: str, interval_ms: float, side: str, faults: str, obey: bool, **options: Any) -> None:
    """Be a virtual sensor that other programs connect to over a virtual radio.

    A simulated leg does a drill once a program starts the measurement, and then rests. The first line
    printed says how to reach it; the following ones what happens, one JSON object each.
    """
    from hipturn.model import Side
    from hipturn.sources.virtual import NEAR_WRAP_US, VirtualSettings, serve
    from hipturn.sources.virtual.faults import parse

    until_stdin_closes = options.pop("until_stdin_closes")
    if options["clock_start_us"] is None:
        options["clock_start_us"] = NEAR_WRAP_US
    settings = VirtualSettings(
        side=Side(side), interval_s=interval_ms / 1000.0, faults=parse(faults), **options
    )
    host, port = _host_and_port(listen)

    hearers: list[Callable[[Mapping[str, Any]], None]] = []

    def hear(line: bytes) -> None:
        with contextlib.suppress(ValueError):  # what is no JSON is said to nobody
            told = json.loads(line)
            for hearer in hearers if isinstance(told, dict) else ():
                hearer(told)

    async def main() -> None:
        ears = hearers.append if obey else None
        serving = asyncio.create_task(serve(settings, host, port, _print, ears), name="virtual sensor")
        if until_stdin_closes or obey:
            end = serving.cancel if until_stdin_closes else lambda: None
            _listen_to_stdin(asyncio.get_running_loop(), hear, end)
        if not until_stdin_closes and sys.platform != "win32":
            # also where a script put it in the background, where Ctrl-C's signal is ignored by default
            for each in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(each, serving.cancel)
        try:
            await serving
        except asyncio.CancelledError:
            if not until_stdin_closes:
                click.echo("the virtual sensor is switched off", err=True)

    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        click.echo("the virtual sensor is switched off", err=True)


def _print(event: Mapping[str, Any]) -> None:
    from hipturn import lines

    try:
        click.echo(lines.dumps(event))
    except BrokenPipeError:
        # The reader wanted no more than the first line: it is no reason to stop.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _host_and_port(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"--listen {listen!r} is not HOST:PORT: write 127.0.0.1:9001")
    return host, int(port)


def _listen_to_stdin(
    loop: asyncio.AbstractEventLoop, hear: Callable[[bytes], None], end: Callable[[], object]
) -> None:
    """Call back in the loop for each line, and when the parent closes stdin or dies.

    A plain read in a thread works on every platform; on the descriptor, because a thread inside
    sys.stdin would hold its lock when the interpreter ends.
    """

    def wait() -> None:
        rest = b""
        with contextlib.suppress(RuntimeError):  # the loop may have ended by other means
            with contextlib.suppress(OSError):  # a stdin that was never open
                while read := os.read(0, 4096):
                    *whole, rest = (rest + read).split(b"\n")
                    rest = rest[-LONGEST_LINE:]
                    for line in whole:
                        loop.call_soon_threadsafe(hear, line)
            loop.call_soon_threadsafe(end)

    threading.Thread(target=wait, name="stdin", daemon=True).start()
