"""Is this computer fit to measure? One finding a matter, each with what mends it."""

import asyncio
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hipturn import config, places
from hipturn.errors import HipturnError, LinkError

Grade = Literal["good", "note", "blocks"]

SPACE_NOTE, SPACE_BLOCKS = 1 << 30, 50 << 20
"""A gigabyte holds a hundred hours of one sensor; with 50 MB left the system itself is in trouble."""
OLDEST_BLUEZ = (5, 55)
"""What bleak asks for."""
RELEASED_S = 1_790_000_000
"""No clock that is right shows a time before this version existed."""
SPEECH = ("espeak-ng", "espeak", "say", "spd-say")
EXTRAS = {"sim": "bumble", "web": "starlette", "report": "matplotlib"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One matter looked at."""

    what: str
    grade: Grade
    text: str
    mend: str = ""


def look() -> Iterator[Finding]:
    """Yield what was found, one matter after another; never raises."""
    for check in (_python, _packages, _settings, _folder, _clock, _bluetooth, _port, _speech):
        yield from _guarded(check)


def _guarded(check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except Exception as error:  # a doctor that falls ill helps nobody
        name = check.__name__.removeprefix("_")
        yield Finding(name, "note", f"could not be looked at ({type(error).__name__}: {error})")


def _python() -> Iterator[Finding]:
    # older ones cannot import this file: the installer has refused them
    yield Finding(
        "python", "good", f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    )


def _packages() -> Iterator[Finding]:
    missing = [
        name
        for name in ("numpy", "bleak", "click", "mcap", "rich", "zstandard", "platformdirs", "filelock")
        if importlib.util.find_spec(name) is None
    ]
    if missing:
        yield Finding("packages", "blocks", f"missing: {', '.join(missing)}", "pip install hipturn")
    else:
        told = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("bleak", "numpy", "mcap"))
        yield Finding("packages", "good", told)
    if importlib.util.find_spec("vqf") is None:
        yield Finding("fusion", "note", "vqf is missing", "pip install vqf, or set fusion.filter to mahony")
    for extra, name in EXTRAS.items():
        if importlib.util.find_spec(name) is None:
            mend = f"pip install 'hipturn[{extra}]' if you want it"
            yield Finding(f"extra {extra}", "note", f"{name} is not installed", mend)


def _settings() -> Iterator[Finding]:
    file = places.config_file()
    try:
        layers = config.layered(file, os.environ)
    except HipturnError as error:
        yield Finding("settings", "blocks", str(error), "mend the settings it names")
        return
    chosen = sum(given.origin != "default" for given in layers.values())
    where = str(file) if file.exists() else f"no file at {file}, none is needed"
    built_in = f"{chosen} chosen, the rest as built in" if chosen else "all as built in"
    yield Finding("settings", "good", f"{where}; {built_in}")


def _folder() -> Iterator[Finding]:
    folder = places.recordings_folder()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        mend = "make it writable, or name another with run.recordings"
        yield Finding("recordings", "blocks", f"{folder} cannot be written", mend)
        return
    free = shutil.disk_usage(there).free
    text = f"{folder}, {free / (1 << 30):.1f} GB free"
    if free < SPACE_BLOCKS:
        yield Finding("recordings", "blocks", text, "make room: nothing can be recorded")
    elif free < SPACE_NOTE:
        yield Finding("recordings", "note", text, "make room soon: an hour takes some 10 MB")
    else:
        yield Finding("recordings", "good", text)


def _clock() -> Iterator[Finding]:
    now = time.strftime("%Y-%m-%d %H:%M:%S %Z")
    if time.time() < RELEASED_S:
        mend = "set the clock: recordings are named after it; measuring does not need it"
        yield Finding("clock", "note", f"{now} is in the past", mend)
    elif time.get_clock_info("monotonic").resolution > 0.02:
        yield Finding("clock", "note", "the monotonic clock is coarse", "arrival times will be, too")
    else:
        yield Finding("clock", "good", now)


def _bluetooth() -> Iterator[Finding]:
    if sys.platform.startswith("linux"):
        yield from _bluez_version()
        told = asyncio.run(_adapters())
        if isinstance(told, Finding):
            yield told
            return
        for name, powered, address in told:
            mend = "" if powered else "switch Bluetooth on: bluetoothctl power on"
            grade: Grade = "good" if powered else "note"
            state = "on" if powered else "off"
            yield Finding("adapter", grade, f"{name} ({address}) is {state}", mend)
    yield from asyncio.run(_scanned())


def _bluez_version() -> Iterator[Finding]:
    program = shutil.which("bluetoothctl")
    if program is None:
        return
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=5, check=False)
    number = done.stdout.split()[-1] if done.stdout.split() else ""
    parts = tuple(int(part) for part in number.split(".") if part.isdecimal())
    if parts and parts < OLDEST_BLUEZ:
        yield Finding("bluez", "blocks", number, "update BlueZ to 5.55 or newer")
    elif parts:
        yield Finding("bluez", "good", number)


async def _adapters() -> list[tuple[str, bool, str]] | Finding:
    """Return the adapters BlueZ knows, by D-Bus, or why they cannot be told."""
    from dbus_fast import BusType, Message
    from dbus_fast.aio import MessageBus

    try:
        async with asyncio.timeout(5.0):
            bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
            try:
                call = Message(
                    destination="org.bluez",
                    path="/",
                    interface="org.freedesktop.DBus.ObjectManager",
                    member="GetManagedObjects",
                )
                reply = await bus.call(call)
            finally:
                bus.disconnect()
    except (OSError, TimeoutError, EOFError) as error:
        mend = "start the D-Bus system bus and the Bluetooth service: systemctl start dbus bluetooth"
        return Finding("bluetooth", "blocks", f"the system's bus does not answer ({error})", mend)
    if reply is None or reply.error_name:
        name = reply.error_name if reply else "no reply"
        if reply and "AccessDenied" in str(reply.error_name):
            mend = "allow your user to use Bluetooth: add it to the group bluetooth and log in again"
            return Finding("bluetooth", "blocks", "using Bluetooth is not permitted", mend)
        mend = "install and start BlueZ: systemctl enable --now bluetooth"
        return Finding("bluetooth", "blocks", f"BlueZ does not answer ({name})", mend)
    found = []
    for path, interfaces in reply.body[0].items():
        if "org.bluez.Adapter1" in interfaces:
            adapter = interfaces["org.bluez.Adapter1"]
            address = adapter["Address"].value if "Address" in adapter else "?"
            found.append((path.rpartition("/")[2], bool(adapter["Powered"].value), address))
    if not found:
        return Finding("bluetooth", "blocks", "there is no Bluetooth adapter", "plug one in or enable it")
    return found


async def _scanned() -> list[Finding]:
    """Listen for a moment: the one proof that a scan is possible."""
    from hipturn.sources.ble import Backend, scan

    try:
        async with asyncio.timeout(20.0):
            heard = await scan(1.0, Backend())
    except (LinkError, TimeoutError) as error:
        mend = "try the virtual sensor meanwhile: hipturn demo"
        return [Finding("scan", "blocks", str(error) or "no answer within 20 s", mend)]
    sensors = [found for found in heard if found.driver is not None]
    return [Finding("scan", "good", f"{len(heard)} devices in reach, {len(sensors)} of them sensors")]


def _port() -> Iterator[Finding]:
    from hipturn.host import lock

    layers = config.layered(places.config_file(), os.environ)
    if not layers["web.enabled"].value:
        yield Finding("page", "good", "switched off")
        return
    running = lock.holder(Path(places.recordings_folder()))
    if running is not None:
        told = ", ".join(f"{key} {value}" for key, value in running.items())
        yield Finding("page", "good", f"hipturn is running: {told}")
        return
    host, port = str(layers["web.host"].value), int(layers["web.port"].value)
    import socket

    try:
        with socket.create_server((host, port)):
            yield Finding("page", "good", f"{host}:{port} is free")
    except OSError as error:
        yield Finding("page", "blocks", f"{host}:{port}: {error.strerror}", "choose another web.port")


def _speech() -> Iterator[Finding]:
    if sys.platform == "win32":
        yield Finding("speech", "good", "Windows speaks itself")
        return
    program = next((found for name in SPEECH if (found := shutil.which(name))), None)
    if program:
        yield Finding("speech", "good", program)
    else:
        mend = "install espeak-ng to hear prompts without the page; the page speaks by itself"
        yield Finding("speech", "note", "no program that speaks", mend)
