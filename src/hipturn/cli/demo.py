"""``hipturn demo``: everything with no hardware."""

from pathlib import Path

import click


@click.command("demo", epilog="Example: hipturn demo --headless --reps 5")
@click.option("--reps", type=click.IntRange(1, 60), default=5, show_default=True, help="Repetitions to do.")
@click.option("--seconds", type=click.FloatRange(1.0), help="Longest time it may take.")
@click.option("--side", type=click.Choice(["left", "right"]), default="right", show_default=True)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Which simulated person.")
@click.option("--as", "device", default="hipturn", show_default=True, help="Behave as this driver's device.")
@click.option("--faults", default="", help="What goes wrong, as in 'hipturn virtual --faults'.")
@click.option("--recordings", type=click.Path(path_type=Path), help="Folder for the recording.")
@click.option("--headless", is_flag=True, help="No live display.")
@click.option("--no-browser", is_flag=True, help="Open no browser (none is opened yet).")
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
    compared with what the simulated hip really did.
    """
    from hipturn.cli import live
    from hipturn.errors import HipturnError
    from hipturn.model import Side
    from hipturn.sources.virtual import devices
    from hipturn.sources.virtual.faults import parse

    parse(faults)
    devices.get(device)
    options = live.Options(Side(side), reps, recordings, headless or as_json, as_json, seconds)
    ok = live.run(lambda stop: live.demo(options, live.Simulated(seed, faults, device), stop))
    if not ok:
        raise HipturnError(
            f"the demo ended before {reps} repetitions were counted: try it again without --seconds"
        )
