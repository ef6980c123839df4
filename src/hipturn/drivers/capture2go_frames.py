"""Capture2Go's packages and how notifications carry them (firmware-notes/capture2go.md §2)."""

import struct
import zlib
from typing import NamedTuple

HEAD = struct.Struct("<BIBH")
"""Note §2: 0x02, CRC-32 of all after the length, payload length, header id."""
FIRST = 0x02
MOST_PAYLOAD = 236
MOST_REAL_TIME = 3
"""Real-time packages a notification can begin with."""


class Package(NamedTuple):
    """One package that arrived whole."""

    header: int
    payload: bytes


def package(header: int, payload: bytes = b"") -> bytes:
    """Return a package's bytes."""
    checked = header.to_bytes(2, "little") + payload
    return HEAD.pack(FIRST, zlib.crc32(checked), len(payload), header) + payload


def notification(real_time: list[bytes], fifo: bytes = b"") -> bytes:
    """Return a notification: whole real-time packages, then bytes of the stream of all others."""
    return bytes([0xFF - len(real_time)]) + b"".join(real_time) + fifo


class Framer:
    """Finds packages in the notifications of one link; None stands for damage, one for each stretch of it.

    A package of the stream may begin in one notification and end in another, so bytes are kept.
    """

    def __init__(self) -> None:
        self._fifo = bytearray()
        self._damaged = False

    def push(self, value: bytes) -> list[Package | None]:
        """Return what this notification completes, in order."""
        count = 0xFF - value[0] if value else MOST_REAL_TIME + 1
        if count > MOST_REAL_TIME:
            return [None]
        found: list[Package | None] = []
        at = 1
        for _ in range(count):
            one = _whole(value, at)
            found.append(one)
            if one is None:
                # nobody knows where the next package begins
                return found
            at += HEAD.size + len(one.payload)
        self._fifo += value[at:]
        self._search(found)
        return found

    def _search(self, found: list[Package | None]) -> None:
        """Take packages out of the stream for as long as there are whole ones."""
        fifo, at = self._fifo, 0
        while at < len(fifo):
            if fifo[at] == FIRST:
                if len(fifo) - at < HEAD.size:
                    break
                if fifo[at + 5] <= MOST_PAYLOAD:
                    if len(fifo) - at < HEAD.size + fifo[at + 5]:
                        break
                    one = _whole(fifo, at)
                    if one is not None:
                        found.append(one)
                        self._damaged = False
                        at += HEAD.size + len(one.payload)
                        continue
            if not self._damaged:
                self._damaged = True
                found.append(None)
            next_first = fifo.find(FIRST, at + 1)
            at = next_first if next_first >= 0 else len(fifo)
        del fifo[:at]


def _whole(data: bytes | bytearray, at: int) -> Package | None:
    """Return the package that begins at a place, None if it is not whole and sound."""
    if len(data) - at < HEAD.size:
        return None
    first, crc, length, header = HEAD.unpack_from(data, at)
    end = at + HEAD.size + length
    if first != FIRST or length > MOST_PAYLOAD or end > len(data):
        return None
    if zlib.crc32(memoryview(data)[at + 6 : end]) != crc:
        return None
    return Package(header, bytes(data[at + HEAD.size : end]))
