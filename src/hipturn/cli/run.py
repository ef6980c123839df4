"""``hipturn run``: a live session with a sensor."""

from pathlib import Path

import click


@click.command("run", epilog="Example: hipturn run --sensor SHIN-1 --side left --reps 20")
@click.option(
    "--sensor",
    help="Name or address; 'virtual' or 'virtual:DRIVER' for a simulated one. "
    "Without it the first known in reach.",
)
@click.option("--side", type=click.Choice(["left", "right"]), default="right", show_default=True)
@click.option(
    "--reps", type=click.IntRange(0), default=0, help="Controlled repetitions to reach; 0: until Ctrl-C."
)
@click.option("--recordings", type=click.Path(path_type=Path), help="Folder for the recording.")
@click.option("--headless", is_flag=True, help="No live display.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line instead of tables.")
def command(
    sensor: str | None, side: str, reps: int, recordings: Path | None, headless: bool, as_json: bool
) -> None:
    """Connect to a sensor, guide the calibration, measure, count and record until Ctrl-C.

    The connection is made again whenever it is lost; the recording is closed properly at the end.
    """
    from hipturn.cli import live
    from hipturn.model import Side

    options = live.Options(Side(side), reps, recordings, headless or as_json, as_json, None)
    virtual, _, device = (sensor or "").partition(":")
    if virtual != "virtual":
        live.run(lambda stop: live.real(options, sensor, stop))
        return
    from hipturn.sources.virtual import devices

    simulated = live.Simulated(device=device or "hipturn")
    devices.get(simulated.device, asked_by=f"--sensor {virtual}:")
    live.run(lambda stop: live.with_virtual(options, simulated, reps or 20, stop))
