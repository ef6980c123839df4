"""The daemon as a service of the system: a systemd user unit, a launchd agent, or a Windows task.

Only texts and the commands to run with them; `cli/service.py` writes and runs.
"""

import os
import plistlib
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hipturn import places
from hipturn.errors import UsageError

LABEL = "org.hipturn.hipturn"
UNIT = "hipturn.service"
TASK_XML = "http://schemas.microsoft.com/windows/2004/02/mit/task"


@dataclass(frozen=True, slots=True)
class Service:
    """How one system keeps a program running."""

    system: str
    path: Path
    """The file that describes the service."""
    text: str
    install: tuple[tuple[str, ...], ...]
    """Commands to run once the file is there; likewise the others."""
    status: tuple[str, ...]
    logs: tuple[str, ...] | None
    """None where the log is the file `log_file`."""
    remove: tuple[tuple[str, ...], ...]
    afterwards: str
    """What a person may still want to do."""


def log_file() -> Path:
    """Return where a service without a journal writes its log."""
    return places.state_folder() / "hipturn.log"


def command(options: Sequence[str], *, journal: bool) -> list[str]:
    """Return the command line the service runs."""
    base = [sys.executable, "-m", "hipturn", "run", "--headless", *options]
    return base if journal else [*base, "--log-file", str(log_file())]


def described(platform: str, options: Sequence[str]) -> Service:
    """Return the service for ``sys.platform``; raise `UsageError` where there is none to describe."""
    if platform.startswith("linux"):
        return _systemd(options)
    if platform == "darwin":
        return _launchd(options)
    if platform == "win32":
        return _task(options)
    raise UsageError(f"no service is known for {platform}: start 'hipturn run' your own way")


def _systemd(options: Sequence[str]) -> Service:
    folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd" / "user"
    ctl = ("systemctl", "--user")
    return Service(
        "systemd",
        folder / UNIT,
        unit(command(options, journal=True)),
        ((*ctl, "daemon-reload"), (*ctl, "enable", "--now", UNIT)),
        (*ctl, "--no-pager", "status", UNIT),
        ("journalctl", "--user", "--no-pager", "--lines", "100", "--unit", UNIT),
        ((*ctl, "disable", "--now", UNIT),),
        "so that it starts without a log-in:  loginctl enable-linger",
    )


def unit(arguments: Sequence[str]) -> str:
    """Return the systemd user unit that runs the arguments.

    What needs a mount namespace (ProtectSystem and the like) is left out: a user's manager may not be
    allowed one, and the service would not start at all.
    """
    line = " ".join(_systemd_quoted(argument) for argument in arguments)
    return f"""[Unit]
Description=hipturn: hip rotation from a Bluetooth sensor
Documentation=man:systemd.service(5)
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart={line}
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=5
RestartPreventExitStatus=2
WatchdogSec=60
TimeoutStartSec=60
TimeoutStopSec=30
UMask=0077
NoNewPrivileges=yes
LockPersonality=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_BLUETOOTH AF_NETLINK
SystemCallArchitectures=native
MemoryHigh=512M
TasksMax=128

[Install]
WantedBy=default.target
"""


def _systemd_quoted(argument: str) -> str:
    """Return an argument as systemd.service(5) reads it: quoted, with nothing replaced in it."""
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$"), ("\n", "\\n")):
        argument = argument.replace(plain, escaped)
    return f'"{argument}"'


def _launchd(options: Sequence[str]) -> Service:
    path = Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist"
    domain = f"gui/{os.getuid() if hasattr(os, 'getuid') else 501}"
    return Service(
        "launchd",
        path,
        plist(command(options, journal=False)),
        (("launchctl", "bootstrap", domain, str(path)),),
        ("launchctl", "print", f"{domain}/{LABEL}"),
        None,
        (("launchctl", "bootout", f"{domain}/{LABEL}"),),
        "macOS asks once whether it may use Bluetooth: System Settings, Privacy & Security, Bluetooth",
    )


def plist(arguments: Sequence[str]) -> str:
    """Return the launchd agent that runs the arguments and starts them again when they fail."""
    return plistlib.dumps(
        {
            "Label": LABEL,
            "ProgramArguments": list(arguments),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": 10,
            "ExitTimeOut": 30,
            "ProcessType": "Interactive",
            "Umask": 0o077,
        }
    ).decode()


def _task(options: Sequence[str]) -> Service:
    path = places.state_folder() / "hipturn-task.xml"
    return Service(
        "Windows Task Scheduler",
        path,
        task(command(options, journal=False)),
        (
            ("schtasks", "/Create", "/TN", "hipturn", "/XML", str(path), "/F"),
            ("schtasks", "/Run", "/TN", "hipturn"),
        ),
        ("schtasks", "/Query", "/TN", "hipturn", "/V", "/FO", "LIST"),
        None,
        (("schtasks", "/End", "/TN", "hipturn"), ("schtasks", "/Delete", "/TN", "hipturn", "/F")),
        "it starts with the next log-in too",
    )


def task(arguments: Sequence[str]) -> str:
    """Return the Windows task that runs the arguments at log-in and starts them again when they fail."""
    program, *rest = arguments
    root = ElementTree.Element("Task", {"version": "1.2", "xmlns": TASK_XML})

    def add(parent: ElementTree.Element, name: str, text: str | None = None) -> ElementTree.Element:
        child = ElementTree.SubElement(parent, name)
        child.text = text
        return child

    add(add(root, "RegistrationInfo"), "Description", "hipturn: hip rotation from a Bluetooth sensor")
    add(add(add(root, "Triggers"), "LogonTrigger"), "Enabled", "true")
    principal = add(add(root, "Principals"), "Principal")
    principal.set("id", "Author")
    add(principal, "LogonType", "InteractiveToken")
    add(principal, "RunLevel", "LeastPrivilege")
    settings = add(root, "Settings")
    for name, text in (
        ("MultipleInstancesPolicy", "IgnoreNew"),
        ("DisallowStartIfOnBatteries", "false"),
        ("StopIfGoingOnBatteries", "false"),
        ("StartWhenAvailable", "true"),
        ("ExecutionTimeLimit", "PT0S"),
        ("Hidden", "true"),
    ):
        add(settings, name, text)
    restart = add(settings, "RestartOnFailure")
    add(restart, "Interval", "PT1M")
    add(restart, "Count", "255")
    actions = add(root, "Actions")
    actions.set("Context", "Author")
    run = add(actions, "Exec")
    add(run, "Command", program)
    add(run, "Arguments", _windows_quoted(rest))
    ElementTree.indent(root)
    return '<?xml version="1.0"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _windows_quoted(arguments: Sequence[str]) -> str:
    from subprocess import list2cmdline

    return list2cmdline(arguments)
