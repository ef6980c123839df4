"""Telling systemd how the service is: sd_notify(3), a datagram of a few lines; elsewhere nothing."""

import os
import socket
import time


class Notifier:
    """The service manager's ear; without one every method does nothing. Never raises, never waits."""

    def __init__(self) -> None:
        address = os.environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._status = ""

    @staticmethod
    def watchdog_s() -> float | None:
        """Return how often at least the manager wants to hear that all is well, None if not at all."""
        given = os.environ.get("WATCHDOG_USEC", "")
        mine = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        return int(given) / 1e6 if given.isdecimal() and int(given) > 0 and mine else None

    def ready(self) -> None:
        """Tell that the program is up."""
        self._send("READY=1")

    def reloading(self) -> None:
        """Tell that the settings are read again; `ready` ends that."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Tell that the program is about to end."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """Tell that the program's loop turns."""
        self._send("WATCHDOG=1")

    def status(self, words: str) -> None:
        """Tell where things stand, in words; the same again is not sent."""
        if words != self._status:
            self._status = words
            self._send(f"STATUS={words}")

    def _send(self, text: str) -> None:
        if not self._address or not hasattr(socket, "AF_UNIX"):
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
                manager.setblocking(False)
                manager.sendto(text.encode(), self._address)
        except OSError:
            # a manager that is gone or too busy is no reason to stop measuring
            return
