"""Write a recording: inputs in, chunks on disk."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from hipturn.errors import RecordingError
from hipturn.model import Input, LinkUp, Packets, SessionStart
from hipturn.recording import messages
from hipturn.recording.append import AppendFile
from hipturn.recording.channels import Channels
from hipturn.recording.container import Container, Run
from hipturn.units import NS_PER_US

MAX_CHUNK_MESSAGES = 16_384
MAX_CHUNK_BYTES = 1 << 20
"""A chunk is closed early past either of these, so that imports need no clock; far above a second
of any sensor, far below what the reader accepts."""

MAX_PACKET_BYTES = 16 << 20
"""The largest single packet: a chunk with one more than full stays within what the reader accepts."""

MAX_WAITING_BYTES = 64 << 20
"""What may wait in memory for a full disk to get room: over three hours of one 100 Hz sensor."""

MAX_INPUTS = 2**32
"""The sequence of an MCAP message has 32 bits: 497 days at 100 Hz."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class WallClock:
    """Monotonic to wall clock, by the wall time a session started at."""

    def __init__(self) -> None:
        self._start_ns = 0
        self._offset_ns: int | None = None

    def start(self, wall_time: str) -> int:
        """Begin a session, whose first arrival happens at `wall_time`; return it in ns."""
        try:
            since_epoch = datetime.fromisoformat(wall_time).astimezone(UTC) - EPOCH
            self._start_ns = since_epoch // timedelta(microseconds=1) * NS_PER_US
        except (ValueError, OverflowError, OSError):
            # The wall clock takes no part in computing: a wrong one must not stop a recording.
            self._start_ns = 0
        self._offset_ns = None
        return self._start_ns

    def offset_ns(self, at_ns: int) -> int:
        """Return what to add to an arrival to get the wall clock."""
        if self._offset_ns is None:
            self._offset_ns = self._start_ns - at_ns
        return self._offset_ns


class Writer:
    """One recording being written; the first input must be `SessionStart`.

    `write` and `write_event` keep what they are given in memory, uncopied; `close_chunk` puts it on
    disk and is to be called at least once a second when live. When the disk refuses,
    `RecordingError` is raised, the file stays readable as it is, and what was taken waits for the
    next call: nothing is to be written twice. Past `MAX_WAITING_BYTES` new inputs are dropped; the
    error tells how many, and their numbers stay missing in the file.
    """

    def __init__(self, path: Path | str) -> None:
        """Create the file, readable by its owner only; raise RecordingError if it exists or cannot be."""
        self.path = Path(path)
        try:
            self._file = AppendFile(self.path)
        except FileExistsError as error:
            raise RecordingError(f"{self.path} exists already: choose another name or remove it") from error
        except OSError as error:
            raise RecordingError(
                f"{self.path} cannot be created ({error.strerror}): choose another folder or make it writable"
            ) from error
        self._container = Container(self._file)
        self._channels = Channels(self._container)
        self._clock = WallClock()
        self._sequence = 0
        self._log_time = 0
        self._dropped = 0
        self._packets: dict[tuple[int, int], list[tuple[int, int, Packets]]] = {}
        self._messages: list[Run] = []
        self._buffered = self._buffered_bytes = 0
        self._finished = self._closed = False

    def write(self, item: Input) -> None:
        """Take one input; raise RecordingError as the class says, ValueError for a wrong one."""
        if self._sequence == 0:
            self._begin(item)
        count = len(item.at_ns) if isinstance(item, Packets) else 1
        if self._sequence + count > MAX_INPUTS:
            raise RecordingError(f"{self.path} holds {MAX_INPUTS} inputs and no more: start a new session")
        if self._has_room(count):
            match item:
                case Packets():
                    self._take_packets(item)
                case _:
                    self._take_message(item)
        self._sequence += count
        self._close_full_chunk()

    def write_event(self, stream: str, t_ns: int, line: str) -> None:
        """Take one result, a JSON object in a line; `stream` is "" for one of the whole session.

        `t_ns` is its stream time and becomes the message's publish time. Raise as `write` does.
        """
        if self._sequence == 0:
            raise ValueError("a recording begins with SessionStart, not with a result")
        if self._has_room(1):
            self._take_line(self._channels.events(stream), t_ns, line.encode())
        self._close_full_chunk()

    def close_chunk(self, *, sync: bool = False) -> None:
        """Put all that was taken on disk; with `sync` wait until it would survive a power cut.

        Raise RecordingError as the class says.
        """
        self._seal()
        try:
            self._file.commit()
        except OSError as error:
            dropped = f" and {self._dropped} inputs were dropped" if self._dropped else ""
            raise RecordingError(
                f"{self.path} cannot be written ({error.strerror}){dropped}: "
                "make room or mend the disk; what it holds until now can be read"
            ) from error
        if sync:
            self.sync()

    def sync(self) -> None:
        """Wait until all closed chunks would survive a power cut; raise RecordingError.

        The one method that may run in another thread.
        """
        try:
            self._file.sync()
        except OSError as error:
            raise RecordingError(
                f"{self.path} may not be safe on its disk ({error.strerror}): check it"
            ) from error

    def close(self) -> None:
        """Write the closing records and release the file; a second call does nothing.

        Raise RecordingError when the disk refuses: `close` can be tried again.
        """
        if self._closed:
            return
        self._seal()
        if self._sequence and not self._finished:
            self._container.end()
            self._finished = True
        self.close_chunk(sync=True)
        self.abandon()

    def abandon(self) -> None:
        """Release the file as it is, as if the program had been killed here."""
        self._file.close()
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the recording; if that fails, release the file all the same."""
        try:
            self.close()
        finally:
            self.abandon()

    def _begin(self, item: Input) -> None:
        if not isinstance(item, SessionStart):
            raise ValueError(f"a recording begins with SessionStart, not {type(item).__name__}")
        self._container.begin(messages.METADATA, messages.describe(item))

    def _has_room(self, count: int) -> bool:
        if self._file.waiting_bytes <= MAX_WAITING_BYTES:
            return True
        self._dropped += count
        return False

    def _take_packets(self, item: Packets) -> None:
        count, size = item.data.shape
        if size > MAX_PACKET_BYTES:
            raise ValueError(f"a packet of {size} bytes: {MAX_PACKET_BYTES} is the most")
        channel = self._channels.packets(item.stream)
        step = max(1, min(MAX_CHUNK_MESSAGES, MAX_CHUNK_BYTES // max(1, size)))
        for first in range(0, count, step):
            part = item
            if count > step:
                self._seal()
                rows = slice(first, first + step)
                part = Packets(item.stream, item.at_ns[rows], item.data[rows])
            offset_ns = self._clock.offset_ns(int(part.at_ns[0]))
            self._log_time = int(part.at_ns[-1]) + offset_ns
            self._packets.setdefault((channel, size), []).append((self._sequence + first, offset_ns, part))
            self._buffered += len(part.at_ns)
            self._buffered_bytes += part.data.size

    def _take_message(self, item: messages.Message) -> None:
        match item:
            case SessionStart():
                at_ns = 0
                self._log_time = self._clock.start(item.wall_time)
            case _:
                at_ns = int(item.at_ns)
                self._log_time = at_ns + self._clock.offset_ns(at_ns)
        if isinstance(item, LinkUp):
            self._channels.link_up(item.stream, item.info)
        self._take_line(self._channels.message(type(item)), at_ns, messages.to_json(item))

    def _take_line(self, channel: int, publish_time: int, line: bytes) -> None:
        times = np.array([unsigned(self._log_time), unsigned(publish_time)], np.uint64)
        sequence = np.array([self._sequence % MAX_INPUTS], np.uint32)
        data = np.frombuffer(line, np.uint8).reshape(1, -1)
        self._messages.append(Run(channel, sequence, times[:1], times[1:], data))
        self._buffered += 1
        self._buffered_bytes += len(line)

    def _close_full_chunk(self) -> None:
        if self._buffered >= MAX_CHUNK_MESSAGES or self._buffered_bytes >= MAX_CHUNK_BYTES:
            self.close_chunk()

    def _seal(self) -> None:
        """Lay out what is buffered as a chunk that waits to be written."""
        if not self._buffered:
            return
        runs = [packet_run(channel, parts) for (channel, _), parts in self._packets.items()]
        self._container.chunk(runs + self._messages)
        self._packets, self._messages = {}, []
        self._buffered = self._buffered_bytes = 0


def packet_run(channel: int, parts: Sequence[tuple[int, int, Packets]]) -> Run:
    """Return packets of one channel and size, each part with its sequence and wall clock offset, as a run."""
    counts = [len(part.at_ns) for _, _, part in parts]
    numbers = chain.from_iterable(range(first, first + n) for (first, _, _), n in zip(parts, counts))
    offsets = np.repeat(np.array([unsigned(offset) for _, offset, _ in parts], np.uint64), counts)
    arrival = np.concatenate([part.at_ns for _, _, part in parts]).astype(np.int64).view(np.uint64)
    return Run(
        channel=channel,
        sequence=np.fromiter(numbers, np.uint32, len(arrival)),
        log_time=arrival + offsets,
        publish_time=arrival,
        data=np.concatenate([part.data for _, _, part in parts]),
    )


def unsigned(time_ns: int) -> int:
    """Return a time as MCAP stores it: modulo 2**64, which keeps negative ones exact."""
    return time_ns % 2**64
