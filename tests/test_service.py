"""The service of each system: its file is what that system reads, and runs what was asked for."""

import configparser
import os
import plistlib
import shlex
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli_runs import ENV, done, refused, run
from hipturn.errors import UsageError
from hipturn.host import service
from hipturn.host.service import TASK_XML, described, plist, task, unit

ODD = ["/opt/my python/bin/python", "-m", "hipturn", "run", "--sensor", 'a "b" 100% $HOME \\ é']


def values(text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return parser


def test_the_unit_notifies_is_watched_and_hardened() -> None:
    parsed = values(unit(["python", "-m", "hipturn", "run"]))
    wanted = {
        "Type": "notify",
        "Restart": "on-failure",
        "NoNewPrivileges": "yes",
        "UMask": "0077",
        "WatchdogSec": "60",
        "ExecReload": "/bin/kill -HUP $MAINPID",
        "RestartPreventExitStatus": "2",
    }
    assert wanted.items() <= dict(parsed["Service"]).items()
    assert parsed["Install"]["WantedBy"] == "default.target"


def systemd_reads(line: str) -> list[str]:
    """Return the arguments systemd makes of ExecStart, as systemd.service(5) says."""
    return [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(line)]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), min_size=1, max_size=4))
def test_the_unit_runs_exactly_the_arguments(arguments: list[str]) -> None:
    line = next(row for row in unit(arguments).split("\n") if row.startswith("ExecStart="))
    assert systemd_reads(line.removeprefix("ExecStart=")) == arguments


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    path = tmp_path / "hipturn.service"
    path.write_text(unit([sys.executable, "-m", "hipturn", "run", "--sensor", "a b 100% $x"]))
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--user", str(path)],
        capture_output=True,
        text=True,
        env={**os.environ, "XDG_RUNTIME_DIR": str(runtime)},
        timeout=60,
        check=False,
    )
    told = [line for line in checked.stderr.splitlines() if "hipturn" in line]
    assert (checked.returncode, told) == (0, []), checked.stderr


def test_the_agent_is_a_property_list_that_restarts_what_fails() -> None:
    read = plistlib.loads(plist(ODD).encode())
    assert read["ProgramArguments"] == ODD
    assert read["KeepAlive"] == {"SuccessfulExit": False} and read["RunAtLoad"] is True
    assert read["Umask"] == 0o077


def test_the_task_is_xml_that_runs_without_limit() -> None:
    root = ElementTree.fromstring(task(ODD))
    space = f"{{{TASK_XML}}}"
    assert root.findtext(f"{space}Actions/{space}Exec/{space}Command") == ODD[0]
    arguments = root.findtext(f"{space}Actions/{space}Exec/{space}Arguments")
    assert arguments == subprocess.list2cmdline(ODD[1:])
    assert root.findtext(f"{space}Settings/{space}ExecutionTimeLimit") == "PT0S"
    assert root.findtext(f"{space}Settings/{space}RestartOnFailure/{space}Interval") == "PT1M"


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_printing_shows_file_and_commands_and_writes_nothing(
    system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = {
        **ENV,
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        "HIPTURN_STATE": str(tmp_path / "s"),
    }
    result = run("service", "install", "--print", "--system", system, "--side", "left", env=env)
    assert result.code == 0 and "# then: " in result.out and "--side" in result.out
    assert list(tmp_path.iterdir()) == []


def test_a_system_without_services_is_told() -> None:
    with pytest.raises(UsageError, match="plan9"):
        described("plan9", [])
    assert "--print" in refused("service", "install", "--system", "darwin", code=2)


class Commands:
    """What would have been run; the file is there meanwhile."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, ...]] = []
        self.status = 0

    def __call__(self, command: tuple[str, ...], **_: Any) -> "subprocess.CompletedProcess[str]":
        self.ran.append(tuple(command))
        return subprocess.CompletedProcess(command, self.status)


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Commands:
    commands = Commands()
    monkeypatch.setattr(subprocess, "run", commands)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return commands


def test_install_status_logs_remove(system: Commands, tmp_path: Path) -> None:
    path = tmp_path / "systemd" / "user" / "hipturn.service"
    assert "enable-linger" in done("service", "install", "--side", "left").out
    assert path.stat().st_mode & 0o777 == 0o600 and '"--side" "left"' in path.read_text()
    assert system.ran[-1] == ("systemctl", "--user", "enable", "--now", "hipturn.service")
    assert run("service", "status").code == 0 and "status" in system.ran[-1]
    assert run("service", "logs").code == 0 and "journalctl" in system.ran[-1]
    assert f"removed: {path}" in done("service", "remove").out
    assert not path.exists() and "disable" in system.ran[-1]
    assert "no service is installed" in run("service", "remove").err


def test_options_that_run_would_refuse_are_refused(system: Commands, tmp_path: Path) -> None:
    result = run("service", "install", "--sid", "left")
    assert result.code == 2 and "No such option" in result.err
    assert system.ran == [] and list(tmp_path.iterdir()) == []


def test_a_manager_that_fails_is_told(system: Commands) -> None:
    system.status = 1
    assert "systemctl --user daemon-reload' failed with status 1" in run("service", "install").err


def test_without_a_journal_the_log_is_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, system: Commands
) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setenv("HIPTURN_STATE", str(tmp_path))
    assert "no log is there" in refused("service", "logs")
    service.log_file().write_text("".join(f"line {n}\n" for n in range(150)))
    assert done("service", "logs").out.splitlines() == [f"line {n}" for n in range(50, 150)]
