"""``hipturn service``: the daemon as a service of the system."""

from typing import Any

import click

EXAMPLE = "Example: hipturn service install --side left"


@click.group("service", epilog=EXAMPLE)
def command() -> None:
    """Have the system keep 'hipturn run' running: start it, watch it, start it again.

    A systemd user unit on Linux, a launchd agent on macOS, a scheduled task on Windows. None of them
    needs more rights than you have.
    """


@command.command(context_settings={"ignore_unknown_options": True}, epilog=EXAMPLE)
@click.option("--print", "only_print", is_flag=True, help="Show what would be written and run; do nothing.")
@click.option(
    "--system", type=click.Choice(["linux", "darwin", "win32"]), help="With --print: for this system."
)
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[OPTIONS OF RUN]...")
def install(only_print: bool, system: str | None, options: tuple[str, ...]) -> None:
    """Write the service's file and start it with these options of 'hipturn run'."""
    import os

    from hipturn.errors import UsageError

    if system and not only_print:
        raise UsageError("--system only goes with --print: a service is installed on the computer it runs on")
    service = _service(options, system)
    if only_print:
        click.echo(f"# {service.path}")
        click.echo(service.text, nl=False)
        for each in service.install:
            click.echo("# then: " + " ".join(each))
        return
    _check(options)
    try:
        service.path.parent.mkdir(parents=True, exist_ok=True)
        # the token may be among the options
        with open(service.path, "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write(service.text)
    except OSError as error:
        raise UsageError(f"{service.path} cannot be written ({error.strerror}): see --print") from error
    click.echo(f"written: {service.path}")
    for each in service.install:
        _run(each)
    click.echo(f"hipturn runs as a service of {service.system}; {service.afterwards}")


@command.command(epilog="Example: hipturn service status")
def status() -> None:
    """Show how the service is, in the system's words."""
    import sys

    sys.exit(_run(_service().status, check=False))


@command.command(epilog="Example: hipturn service logs")
def logs() -> None:
    """Show the last lines of the service's log."""
    import sys

    from hipturn.errors import InputError
    from hipturn.host.service import log_file

    given = _service().logs
    if given is not None:
        sys.exit(_run(given, check=False))
    try:
        lines = log_file().read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise InputError(f"{log_file()}: no log is there ({error.strerror}): is it installed?") from error
    for line in lines[-100:]:
        click.echo(line)


@command.command(epilog="Example: hipturn service remove")
def remove() -> None:
    """Stop the service and remove its file; recordings and settings stay."""
    service = _service()
    if not service.path.exists():
        click.echo(f"no service is installed: there is no {service.path}", err=True)
        return
    for each in service.remove:
        _run(each, check=False)
    service.path.unlink(missing_ok=True)
    click.echo(f"removed: {service.path}")


def _service(options: tuple[str, ...] = (), system: str | None = None) -> Any:
    import sys

    from hipturn.host import service

    return service.described(system or sys.platform, options)


def _check(options: tuple[str, ...]) -> None:
    """Raise for options that 'hipturn run' would not take: a service that cannot start helps nobody."""
    from hipturn.cli.run import command as run

    run.make_context("run", list(options))


def _run(command: tuple[str, ...], *, check: bool = True) -> int:
    import subprocess

    from hipturn.errors import HipturnError

    try:
        done = subprocess.run(command, check=False)
    except OSError as error:
        raise HipturnError(f"{command[0]} cannot be run ({error.strerror}): see --print") from error
    if check and done.returncode:
        raise HipturnError(f"'{' '.join(command)}' failed with status {done.returncode}: it says why above")
    return done.returncode
