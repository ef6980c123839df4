"""Take the content of chunks apart: runs of equal packets at once, all else message by message."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from mcap.opcode import Opcode
from mcap.records import Channel
from numpy.typing import NDArray

from hipturn.model import StreamInfo
from hipturn.recording import messages
from hipturn.recording.messages import MESSAGE_HEAD, RECORD_HEAD, record_dtype
from hipturn.recording.scan import MAX_RECORD_BYTES, parse_record

HEAD = struct.Struct("<BQHI")
"""Opcode, length and, in a Message, channel and sequence."""

DATA_AT = RECORD_HEAD + MESSAGE_HEAD
"""Where the data of a Message record begins."""

MAX_LINE_BYTES = 1 << 18
"""The longest JSON that is believed; ours have a few thousand bytes, and parsed it takes 20 times that."""

MAX_CHANNELS = 4096
"""The most channels one recording can have; ours has a handful, and one more for each handshake."""

FIRST_WINDOW = 64
"""Records compared at first to find how long a run is; grows with the run, so that many short runs
cost no more than one long one."""


@dataclass(frozen=True, slots=True)
class PacketsChannel:
    """A channel of raw packets."""

    stream: str
    info: StreamInfo | None


@dataclass(frozen=True, slots=True)
class EventsChannel:
    """A channel of results."""


Meaning = PacketsChannel | EventsChannel | type[messages.Message]


def meaning(channel: Channel) -> Meaning | None:
    """Return what a channel's messages are, or None for one that is damaged or not hipturn's."""
    topic, stream = channel.topic, channel.metadata.get("stream")
    # The topic says it twice, so that a damaged name is not taken for another stream.
    if topic == f"{messages.PACKETS}/{stream}" and stream is not None:
        return PacketsChannel(stream, _info(channel.metadata.get("info", "")))
    if topic == messages.EVENTS or topic.startswith(messages.EVENTS + "/"):
        return EventsChannel()
    return messages.KINDS.get(topic)


def _info(text: str) -> StreamInfo | None:
    try:
        return messages.from_json(StreamInfo, text)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True, eq=False)
class PacketRun:
    """Packets of one size that lie in a row."""

    channel: PacketsChannel
    records: NDArray[np.void]
    """`record_dtype` of shape (n,), a view of the content."""


@dataclass(frozen=True, slots=True)
class Line:
    """An input that is JSON."""

    kind: type[messages.Message]
    sequence: int
    text: bytes


@dataclass(frozen=True, slots=True)
class EventLine:
    """A result, which is JSON."""

    text: bytes


def parts(content: bytes, channels: dict[int, Meaning]) -> Iterator[PacketRun | Line | EventLine]:
    """Yield the messages in the content of one or more chunks; add its channels to `channels`.

    Messages of unknown channels and whatever else cannot be read are skipped.
    """
    position, end = 0, len(content)
    while position + DATA_AT <= end:
        opcode, length, number, sequence = HEAD.unpack_from(content, position)
        size = RECORD_HEAD + length
        if position + size > end:
            return
        if opcode == 0:
            # no record begins so: what follows is no content, and would be looked through byte by byte
            return
        if opcode == Opcode.CHANNEL and length <= MAX_RECORD_BYTES:
            learn(channels, parse_record(opcode, content[position + RECORD_HEAD : position + size]))
        elif opcode == Opcode.MESSAGE and length >= MESSAGE_HEAD:
            match channels.get(number):
                case PacketsChannel() as channel:
                    run = _run(content, position, length, number)
                    yield PacketRun(channel, run)
                    size = run.nbytes
                case None:
                    pass
                case _ if length > MAX_LINE_BYTES:
                    pass
                case EventsChannel():
                    yield EventLine(content[position + DATA_AT : position + size])
                case kind:
                    yield Line(kind, sequence, content[position + DATA_AT : position + size])
        position += size


def learn(channels: dict[int, Meaning], record: object) -> None:
    """Remember what a channel is, if the record is one and whole."""
    if not isinstance(record, Channel) or (len(channels) >= MAX_CHANNELS and record.id not in channels):
        return
    if (known := meaning(record)) is not None:
        channels[record.id] = known


def _run(content: bytes, position: int, length: int, number: int) -> NDArray[np.void]:
    """Return the records that follow each other from `position` with the same opcode, length and channel."""
    dtype = record_dtype(length - MESSAGE_HEAD)
    limit = (len(content) - position) // dtype.itemsize
    records = np.frombuffer(content, dtype, limit, position)
    count, window = 1, FIRST_WINDOW
    while count < limit:
        ahead = records[count : count + window]
        # Compared row by row from a known record on, each match is a record of the same size and
        # so the next row begins where a record begins.
        same = (ahead["length"] == length) & (ahead["channel"] == number)
        same &= ahead["opcode"] == Opcode.MESSAGE
        if not same.all():
            return records[: count + int(same.argmin())]
        count += len(ahead)
        window *= 4
    return records
