"""Change what a finished recording says of itself: whose leg it is, what was noted. Nothing else changes.

A correction put behind would leave the old name in the file, and a name that was taken back must be gone.
So the file is written anew beside the old one and takes its place when all of it is on disk: at any moment
there is one whole recording, the old or the new. Packets, marks and results are copied as they are, byte
for byte in their chunks; only the chunk that holds the session is packed again.
"""

import contextlib
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import zstandard
from mcap.data_stream import ReadDataStream
from mcap.records import Chunk, Metadata

from hipturn.errors import InputError
from hipturn.model import SessionStart
from hipturn.recording import contents, messages, scan
from hipturn.recording.append import claim
from hipturn.recording.container import MESSAGE_INDEX, compressor, encode
from hipturn.recording.mend import finish, is_finished, records
from hipturn.recording.messages import MESSAGE_HEAD, RECORD_HEAD
from hipturn.recording.reader import Reader

LATER_NS = 1_000_000
"""The new file is this much younger than the old: it keeps its place by age, and a change can be seen."""

MESSAGE = struct.Struct("<HIQQ")
"""Channel, sequence, log time and publish time of a message."""


def amend(path: Path, change: Callable[[SessionStart], SessionStart]) -> None:
    """Give a recording what `change` makes of its session; an unfinished one is finished first.

    Raises `InputError`, with the recording as it was, if it is being written, damaged or cannot be replaced.
    """
    before = Reader(path).session
    after = change(before)
    if after == before:
        return
    part = part_of(path)
    try:
        if not is_finished(path) and finish(path) is None:
            raise InputError(f"{path} is being recorded: wait until its session is over")
        with path.open("r+b") as old:
            if not claim(old.fileno()):
                raise InputError(f"{path} is being recorded: wait until its session is over")
            part.unlink(missing_ok=True)
            part.touch(0o600, exist_ok=False)
            with part.open("wb") as new:
                new.writelines(_copied(old, path, after))
            count = finish(part)
            stat = path.stat()
        if not count or Reader(part).session != after:
            raise InputError(f"{path} is damaged: left as it is, what is whole can be read")
        part.chmod(stat.st_mode & 0o777)
        os.utime(part, ns=(stat.st_atime_ns, stat.st_mtime_ns + LATER_NS))
        part.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be changed ({error.strerror or error}): it is as it was") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def part_of(path: Path) -> Path:
    """Return where a changed recording grows; a program that was killed leaves it, with all that is in it."""
    return path.with_name(path.name + ".part")


def _copied(file: BinaryIO, path: Path, session: SessionStart) -> Iterator[bytes]:
    """Yield the file's records up to its closing ones, with another session in them."""
    channels: dict[int, contents.Meaning] = {}
    yield scan.MAGIC
    done = skip_index = False
    for opcode, _, body in records(file):
        match opcode:
            case scan.DATA_END:
                return
            case scan.METADATA if Metadata.read(ReadDataStream(BytesIO(body))).name == messages.METADATA:
                yield encode(Metadata(name=messages.METADATA, metadata=messages.describe(session)))
                continue
            case scan.CHANNEL:
                contents.learn(channels, scan.parse_record(opcode, body))
            case scan.CHUNK:
                skip_index = False
                content = None if done else scan.chunk_content(body, zstandard.ZstdDecompressor().decompress)
                changed = None if content is None else _with_session(content, channels, session)
                if changed is not None:
                    yield from _chunk(body, changed)
                    done = skip_index = True
                    continue
            case scan.MESSAGE_INDEX if skip_index:
                # it tells where the messages lay before
                continue
            case scan.HEADER | scan.SCHEMA | scan.METADATA | scan.MESSAGE_INDEX:
                pass
            case _:
                raise InputError(f"{path} holds what hipturn did not write: left as it is")
        yield scan.HEAD.pack(opcode, len(body)) + body
    raise InputError(f"{path} is damaged within: left as it is, what is whole can be read")


def _with_session(
    content: bytes, channels: dict[int, contents.Meaning], session: SessionStart
) -> bytes | None:
    """Return a chunk's content with another session in it; None if none is in it."""
    out, found = bytearray(), False
    for opcode, body in _inner(content):
        if opcode == scan.CHANNEL:
            contents.learn(channels, scan.parse_record(opcode, body))
        elif opcode == scan.MESSAGE and channels.get(MESSAGE.unpack_from(body)[0]) is SessionStart:
            body, found = body[:MESSAGE_HEAD] + messages.to_json(session), True
        out += scan.HEAD.pack(opcode, len(body)) + body
    return bytes(out) if found else None


def _inner(content: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + RECORD_HEAD <= len(content):
        opcode, length = scan.HEAD.unpack_from(content, position)
        yield opcode, content[position + RECORD_HEAD : position + RECORD_HEAD + length]
        position += RECORD_HEAD + length


def _chunk(body: bytes, content: bytes) -> Iterator[bytes]:
    """Yield the chunk with another content, and its index."""
    start, end, *_ = scan.CHUNK_HEAD.unpack_from(body)
    yield encode(
        Chunk(
            compression="zstd",
            data=compressor().compress(content),
            message_start_time=start,
            message_end_time=end,
            uncompressed_crc=zlib.crc32(content),
            uncompressed_size=len(content),
        )
    )
    index: dict[int, bytearray] = {}
    position = 0
    for opcode, inner in _inner(content):
        if opcode == scan.MESSAGE:
            channel, _, log_time, _ = MESSAGE.unpack_from(inner)
            index.setdefault(channel, bytearray()).extend(struct.pack("<QQ", log_time, position))
        position += RECORD_HEAD + len(inner)
    for channel, pairs in index.items():
        length = MESSAGE_INDEX.size - RECORD_HEAD + len(pairs)
        yield MESSAGE_INDEX.pack(scan.MESSAGE_INDEX, length, channel, len(pairs)) + pairs
