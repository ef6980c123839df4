"""``hipturn run``: the daemon."""

from pathlib import Path
from typing import Any

import click


@click.command("run", epilog="Example: hipturn run --sensor SHIN-1 --side left --reps 20")
@click.option(
    "--sensor",
    help="Name or address; 'virtual' or 'virtual:DRIVER' for a simulated one. "
    "Without it the first known in reach.",
)
@click.option(
    "--pelvis", help="Name or address of a second sensor, on the sacrum; 'virtual' beside --sensor virtual."
)
@click.option(
    "--rate", type=click.FloatRange(0), metavar="HZ", help="Samples a second, where the sensor has a choice."
)
@click.option("--side", type=click.Choice(["left", "right"]), help="The leg.  [default: right]")
@click.option(
    "--reps", type=click.IntRange(0), default=0, help="Controlled repetitions to reach; 0: until Ctrl-C."
)
@click.option("--drill", help="Be led through this drill or test; without one only calibrated and counted.")
@click.option("--routine", help="Be led through this routine.")
@click.option(
    "--passive", is_flag=True, help="Somebody else turns the leg: a test is never compared with one's own."
)
@click.option("--person", help="Whose hip it is: a name or code, kept in the recording.")
@click.option("--language", type=click.Choice(["en", "de"]), help="What is spoken.  [default: en]")
@click.option(
    "--speaker",
    type=click.Choice(["auto", "machine", "page", "off"]),
    help="Who speaks; auto: this computer where it has a loudspeaker, else the page.  [default: auto]",
)
@click.option("--recordings", type=click.Path(path_type=Path), help="Folder for the recordings.")
@click.option("--headless", is_flag=True, help="No live display.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line instead of tables.")
@click.option("--host", help="Address to serve page and API on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 takes a free one.  [default: 8710]")
@click.option("--web/--no-web", "web", default=None, help="Serve page and API.  [default: web]")
@click.option("--tls-cert", type=click.Path(path_type=Path), help="Certificate chain (PEM), for https.")
@click.option("--tls-key", type=click.Path(path_type=Path), help="The certificate's key (PEM).")
@click.option("--lsl", is_flag=True, default=None, help="Send live over Lab Streaming Layer.")
@click.option("--osc", metavar="HOST:PORT", help="Send live over OSC.")
@click.option(
    "--mqtt",
    metavar="URL",
    help="Send live to this broker: mqtt://HOST. A password belongs into the settings.",
)
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), help="[default: info]")
@click.option("--log-json", is_flag=True, default=None, help="The log on stderr as JSON lines.")
@click.option("--log-file", type=click.Path(path_type=Path), help="The log into this file, rotated.")
def command(
    reps: int,
    headless: bool,
    as_json: bool,
    drill: str | None,
    routine: str | None,
    passive: bool,
    **flags: Any,
) -> None:
    """Connect to a sensor, guide the calibration, measure, count and record until Ctrl-C.

    The connection is made again whenever it is lost; a sensor that stays away ends the session, and its
    return begins the next. Page and API are served on http://127.0.0.1:8710/. SIGHUP reads the settings
    again when there is no terminal.
    """
    from hipturn.cli import running

    running.start(reps, headless, as_json, flags, drill, routine, passive=passive)
