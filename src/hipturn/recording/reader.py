"""Read a recording back: the inputs in their true order, in blocks as large as that allows."""

import json
from collections.abc import Iterator
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import Any

from mcap.records import Channel, Metadata

from hipturn.errors import InputError
from hipturn.model import HostNs, Input, LinkUp, Packets, SessionStart, StreamInfo
from hipturn.recording import messages
from hipturn.recording.contents import EventLine, Line, Meaning, PacketRun, PacketsChannel, learn, parts
from hipturn.recording.order import Block, Single, block, in_order
from hipturn.recording.scan import MAGIC, Scan
from hipturn.units import NS_PER_S

BATCH_BYTES = 1 << 20
"""Chunks are taken apart together from this much content on, some 16,000 small packets: enough to
make the cost of a block vanish, and what a processor's cache still holds."""

MAX_LINES_BYTES = 4 << 20
"""JSON inputs believed in one batch: a second of a session has a few marks; these would be a hundred MB."""


class Reader:
    """A recording on disk; each of `inputs` and `events` is one pass over the file.

    What is cut off or damaged is left out: `problem` says so, complete once `inputs` is exhausted.
    """

    def __init__(self, path: Path | str) -> None:
        """Look at the beginning; raise InputError if this is no recording that can be read."""
        self.path = Path(path)
        self.problem: str | None = None
        """One line on what is missing, or None."""
        self.session = self._read_session()
        """What the recording is about: the first of its inputs."""

    def inputs(self) -> Iterator[Input]:
        """Yield the inputs as written, packets of one stream and size with nothing between them joined.

        Raise InputError if the file can no longer be opened.
        """
        tally, failure = Tally(), ""
        yield self.session
        with self._open() as file:
            scan = Scan(file)
            try:
                for part in _ordered(scan):
                    yield from tally.count(part)
            except OSError as error:
                failure = f"it cannot be read further ({error.strerror}): copy it from a sound disk"
        self.problem = "; ".join(filter(None, [failure, *tally.missing(scan)])) or None

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield the results written live, in the order they came; raise InputError as `inputs`."""
        channels: dict[int, Meaning] = {}
        with self._open() as file:
            try:
                for content in _batches(Scan(file), channels):
                    for part in parts(content, channels):
                        if isinstance(part, EventLine):
                            yield from _event(part.text)
            except OSError as error:
                raise InputError(f"{self.path} cannot be read ({error.strerror}): check its disk") from error

    def _open(self) -> BufferedReader:
        try:
            # Looked at first, because opening a pipe would wait for its other end.
            if self.path.exists() and not self.path.is_file():
                raise InputError(f"{self.path} is not a file: name a recording, which ends in .mcap")
            return self.path.open("rb")
        except FileNotFoundError as error:
            raise InputError(f"{self.path} does not exist: check its name") from error
        except OSError as error:
            raise InputError(
                f"{self.path} cannot be opened ({error.strerror}): check its permissions"
            ) from error

    def _read_session(self) -> SessionStart:
        with self._open() as file:
            try:
                head = file.read(len(MAGIC))
                if head == MAGIC:
                    return self._described(Scan(file))
            except OSError as error:
                raise InputError(f"{self.path} cannot be read ({error.strerror}): check its disk") from error
        if not head:
            raise InputError(f"{self.path} is empty: nothing was recorded, it can be removed")
        if MAGIC.startswith(head):
            raise InputError(f"{self.path} breaks off before the session begins: nothing can be read from it")
        raise InputError(f"{self.path} is no recording of hipturn: 'hipturn import' reads other files")

    def _described(self, scan: Scan) -> SessionStart:
        """Return the session from the first chunk, where a checksum guards it, or else from the metadata."""
        channels: dict[int, Meaning] = {}
        metadata: dict[str, str] | None = None
        session: SessionStart | None = None
        has_chunk = False
        for item in scan:
            match item:
                case Metadata():
                    metadata = item.metadata if item.name == messages.METADATA else metadata
                case Channel():
                    learn(channels, item)
                case _:
                    session, has_chunk = _first_session(item, channels), True
                    break
        told = (metadata or {}).get("format", messages.FORMAT)
        if told != messages.FORMAT:
            raise InputError(
                f"{self.path} is in recording format {told!r:.20} and the newest known here is "
                f"{messages.FORMAT!r}: update hipturn"
            )
        if session is None and metadata is not None:
            try:
                session = messages.described(metadata)
            except ValueError as error:
                raise InputError(f"{self.path} is damaged where it tells what it is: use a copy") from error
        if session is None and not (has_chunk or scan.closed):
            raise InputError(f"{self.path} breaks off before the session begins: nothing can be read from it")
        if session is None:
            raise InputError(f"{self.path} is an MCAP file but no recording of hipturn")
        return session


def read(path: Path | str) -> Iterator[Input]:
    """Yield the inputs of a recording; raise InputError. Use a `Reader` to learn what is missing."""
    yield from Reader(path).inputs()


class Tally:
    """Counts what one pass has read, to tell what is missing."""

    def __init__(self) -> None:
        # The session, number 0, is known before the pass begins.
        self._read = self._numbered = 1
        self._first_ns: int | None = None
        self._last_ns = 0
        self._links: dict[str, StreamInfo] = {}

    def count(self, part: Block | Single) -> list[Input]:
        """Return the inputs of the next part, with a `LinkUp` before it if that was lost."""
        match part:
            case Single(sequence, item):
                self._add(sequence, 1)
                if not isinstance(item, SessionStart | Packets):
                    self._at(item.at_ns, item.at_ns)
                if isinstance(item, LinkUp):
                    self._links[item.stream] = item.info
                return [item]
            case Block(channel, sequence, packets):
                at_ns, stream, info = packets.at_ns, channel.stream, channel.info
                self._add(int(sequence[-1]), len(sequence))
                self._at(int(at_ns[0]), int(at_ns[-1]))
                # Without it the packets of the whole link could not be decoded.
                if self._lost and info is not None and self._links.get(stream) != info:
                    self._links[stream] = info
                    return [LinkUp(stream, HostNs(int(at_ns[0])), info), packets]
                return [packets]

    def missing(self, scan: Scan) -> Iterator[str]:
        """Yield what is missing, a phrase each; the pass over `scan` is over."""
        lost = f"{self._lost or 'no'} input{'s are' if self._lost != 1 else ' is'} lost"
        if scan.damaged:
            places = f"{scan.damaged} place{'s' if scan.damaged > 1 else ''}"
            yield f"the recording is damaged in {places}: {lost}, the rest was read"
        elif self._lost:
            yield f"{lost}: they were never written, as when a disk is full"
        if not scan.closed:
            read_s = (self._last_ns - (self._first_ns or 0)) / NS_PER_S
            yield (
                "the recording ends without its closing record: the program was stopped hard "
                f"or is still recording; read up to {read_s:.1f} s"
            )

    @property
    def _lost(self) -> int:
        return self._numbered - self._read

    def _add(self, last: int, count: int) -> None:
        self._read += count
        self._numbered = max(self._numbered, last + 1)

    def _at(self, first_ns: int, last_ns: int) -> None:
        if self._first_ns is None:
            self._first_ns = first_ns
        self._last_ns = last_ns


def _ordered(scan: Scan) -> Iterator[Block | Single]:
    channels: dict[int, Meaning] = {}
    for content in _batches(scan, channels):
        runs: dict[tuple[PacketsChannel, int], list[PacketRun]] = {}
        singles: list[Single] = []
        room = MAX_LINES_BYTES
        for part in parts(content, channels):
            match part:
                case PacketRun(channel, records):
                    runs.setdefault((channel, records.itemsize), []).append(part)
                case Line(kind, sequence, text) if sequence and len(text) <= room:
                    room -= len(text)
                    with suppress(ValueError):
                        singles.append(Single(sequence, messages.from_json(kind, text)))
                case _:
                    pass
        yield from in_order([block(same) for same in runs.values()], singles)


def _batches(scan: Scan, channels: dict[int, Meaning]) -> Iterator[bytes]:
    """Yield the contents of chunks, many joined, and note the channels between them.

    Raise OSError behind all that could be read.
    """
    waiting: list[bytes] = []
    size = 0
    try:
        for item in scan:
            match item:
                case bytes():
                    waiting.append(item)
                    size += len(item)
                    if size >= BATCH_BYTES:
                        yield b"".join(waiting)
                        waiting, size = [], 0
                case _:
                    learn(channels, item)
    except OSError:
        yield b"".join(waiting)
        raise
    yield b"".join(waiting)


def _first_session(content: bytes, channels: dict[int, Meaning]) -> SessionStart | None:
    for part in parts(content, channels):
        match part:
            case Line(kind, 0, text) if kind is SessionStart:
                with suppress(ValueError):
                    return messages.from_json(SessionStart, text)
            case _:
                pass
    return None


def _event(text: bytes) -> list[dict[str, Any]]:
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return [event] if isinstance(event, dict) else []
