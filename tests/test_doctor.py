"""The doctor: each finding with its mend, and a status that tells whether measuring is possible."""

import asyncio
import json
import os
import shutil
import socket
from collections import namedtuple
from pathlib import Path

import pytest

from cli_runs import run
from hipturn import doctor
from hipturn.doctor import Finding
from hipturn.errors import BluetoothUnavailable
from hipturn.host import lock
from hipturn.sources import ble


@pytest.fixture(autouse=True)
def healthy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A computer with a Bluetooth adapter that hears nothing."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for name, value in {
        "HIPTURN_CONFIG": os.devnull,
        "HIPTURN_STATE": str(tmp_path / "state"),
        "HIPTURN_RECORDINGS": str(tmp_path / "recordings"),
        "HIPTURN_WEB_PORT": str(port),
    }.items():
        monkeypatch.setenv(name, value)

    async def adapters() -> list[tuple[str, bool, str]]:
        return [("hci0", True, "00:11:22:33:44:55")]

    async def scan(*_: object) -> list[ble.Found]:
        return []

    monkeypatch.setattr(doctor, "_adapters", adapters)
    monkeypatch.setattr(ble, "scan", scan)


def found(what: str) -> Finding:
    return next(one for one in doctor.look() if one.what == what)


def test_a_healthy_computer_passes() -> None:
    result = run("doctor", "--json", env=dict(os.environ))
    assert result.code == 0, result.out
    for line in result.lines:
        assert line["type"] == "finding" and line["v"] == 1
        assert line["mend"] or line["grade"] == "good", "what is not good says what mends it"
    told = run("doctor", env=dict(os.environ))
    assert told.code == 0 and "adapter" in told.out and "hci0" in told.out


def test_no_bluetooth_blocks_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    async def adapters() -> Finding:
        return Finding("bluetooth", "blocks", "there is no Bluetooth adapter", "plug one in")

    monkeypatch.setattr(doctor, "_adapters", adapters)
    monkeypatch.setattr("sys.platform", "linux")
    result = run("doctor", env=dict(os.environ))
    assert result.code == 1 and "no Bluetooth adapter" in result.out and "plug one in" in result.out


def test_a_scan_that_fails_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scan(*_: object) -> list[ble.Found]:
        raise BluetoothUnavailable("Bluetooth cannot be used, powered off: switch Bluetooth on")

    monkeypatch.setattr(ble, "scan", scan)
    assert found("scan").grade == "blocks" and "switch Bluetooth on" in found("scan").text


def test_without_a_system_bus_it_is_said_how_to_start_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    told = asyncio.run(doctor._adapters())
    assert isinstance(told, Finding) and told.grade == "blocks" and "systemctl" in told.mend


def test_a_disk_is_judged_by_its_room(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    for free, grade in ((1 << 40, "good"), (1 << 29, "note"), (1 << 20, "blocks")):
        monkeypatch.setattr(shutil, "disk_usage", lambda _path, free=free: usage(free, 0, free))
        assert found("recordings").grade == grade


def test_a_folder_that_is_a_file_blocks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HIPTURN_RECORDINGS", str(tmp_path / "file"))
    assert found("recordings").grade == "blocks"


def test_a_taken_port_blocks_unless_it_is_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("HIPTURN_WEB_PORT", str(taken.getsockname()[1]))
        assert found("page").grade == "blocks"
        with lock.only_one(tmp_path / "recordings", page="http://x/"):
            assert found("page").grade == "good" and "http://x/" in found("page").text
        monkeypatch.setenv("HIPTURN_WEB_ENABLED", "no")
        assert found("page").text == "switched off"


def test_wrong_settings_block_and_the_rest_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIPTURN_RUN_SIDE", "up")
    result = run("doctor", "--json", env=dict(os.environ))
    assert result.code == 1
    grades = {line["what"]: line["grade"] for line in result.lines}
    assert grades["settings"] == "blocks" and grades["python"] == "good" and "speech" in grades


def test_a_clock_in_the_past_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 0.0)
    assert found("clock").grade == "note"


def test_a_missing_extra_is_a_note_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "EXTRAS", {"web": "no_such_package"})
    assert "pip install 'hipturn[web]'" in found("extra web").mend


def test_a_check_that_breaks_does_not_break_the_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_name: str) -> str:
        raise ZeroDivisionError("no")

    monkeypatch.setattr(shutil, "which", broken)
    assert json.dumps([one.what for one in doctor.look()])
    assert "ZeroDivisionError" in found("speech").text
