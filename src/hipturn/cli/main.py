"""The ``hipturn`` command: finds the sub-command, loads nothing else."""

import os
import sys
from importlib import import_module
from io import TextIOWrapper
from typing import Any

import click

from hipturn import __version__
from hipturn.errors import HipturnError, UsageError
from hipturn.plain import printable

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("hipturn.cli.demo", "Try everything with no hardware: a virtual sensor on a simulated leg."),
    "scan": ("hipturn.cli.scan", "List the sensors in reach."),
    "sensor": ("hipturn.cli.sensor", "Have a sensor identify itself, tell its battery and the like."),
    "run": ("hipturn.cli.run", "Connect to a sensor, measure, count and record."),
    "test": ("hipturn.cli.test", "Measure the range of hip rotation, led by voice."),
    "drill": ("hipturn.cli.drill", "Do a drill or stretch, led by voice, with counted repetitions."),
    "routine": ("hipturn.cli.routine", "Do a whole routine, led by voice, both legs."),
    "drills": ("hipturn.cli.drills", "List what there is to do, or show what is said in it."),
    "calibrate": ("hipturn.cli.calibrate", "Calibrate from part of a recording."),
    "replay": ("hipturn.cli.replay", "Run a recording through the measurement again."),
    "history": ("hipturn.cli.history", "List sessions and people, their progress; rename, note, delete."),
    "reindex": ("hipturn.cli.reindex", "Make the catalogue of the recordings anew."),
    "export": ("hipturn.cli.export", "Write results in a format that other programs read."),
    "batch": ("hipturn.cli.batch", "Analyse a folder of recordings anew, in parallel, into one dataset."),
    "plot": ("hipturn.cli.plot", "Draw a recording: the angle and the repetitions found in it."),
    "report": ("hipturn.cli.report", "Write two pages to print: a person's progress, or one session."),
    "import": ("hipturn.cli.import_", "Turn a foreign recording into one of ours."),
    "virtual": ("hipturn.cli.virtual", "Run only the virtual sensor, for other programs to connect to."),
    "drivers": ("hipturn.cli.drivers", "List the devices hipturn knows."),
    "doctor": ("hipturn.cli.doctor", "Look whether this computer is fit to measure."),
    "service": ("hipturn.cli.service", "Have the system keep 'hipturn run' running."),
    "config": ("hipturn.cli.config", "Show the settings in effect and where each comes from."),
}
"""Name of each command, the module that holds it, and its line in the list of commands: kept here so
that ``--help`` and ``--version`` import nothing."""


class _Lazy(click.Group):
    """A group that imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[cmd_name][0]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown one is told with the one that was probably meant."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, 1)
            meant = f" Did you mean '{near[0]}'?" if near else ""
            ctx.fail(f"No such command '{printable(args[0])}'.{meant}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; whatever goes wrong becomes one line on stderr and the exit status."""
        if isinstance(sys.stdout, TextIOWrapper):
            # a terminal or pipe that knows no ° or →
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            click.echo("hipturn: stopped before it was done", err=True)
            # as a shell says it of a program that SIGINT ended
            sys.exit(130)
        except BrokenPipeError:
            # the reader of our output has seen enough (`hipturn replay … | head`)
            sys.stderr.close()
            sys.exit(1)
        except Exception as error:
            cause = _innermost(error)
            if os.environ.get("HIPTURN_DEBUG") and not isinstance(cause, HipturnError):
                raise
            from hipturn.cli.output import echo

            echo(f"hipturn: {' '.join(_explained(cause).split())}", err=True)
            sys.exit(2 if isinstance(cause, UsageError) else 1)


def _innermost(error: Exception) -> Exception:
    """Return the one error in a group of tasks that made the others stop."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _explained(error: Exception) -> str:
    match error:
        case HipturnError():
            return str(error)
        case OSError(strerror=str(what)):
            where = f"{error.filename}: " if error.filename else ""
            return f"{where}{what}: the system refused it, HIPTURN_DEBUG=1 shows where"
        case _:
            return (
                f"a mistake in hipturn ({type(error).__name__}: {error}): please report what "
                "HIPTURN_DEBUG=1 shows with the same command"
            )


@click.group(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: hipturn demo",
)
@click.version_option(__version__, prog_name="hipturn")
def cli() -> None:
    """Hip rotation angles and counted repetitions, live, from a Bluetooth IMU strapped to the shin."""
