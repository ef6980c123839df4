"""The file format: what came in through the front door, written as MCAP and read back exactly.

::

    magic · Header · Metadata "hipturn" · (Schema · Channel)*     the file describes itself at once
    ┌ Chunk: packets of one stream and size in a row, then the rarer messages ┐  one a second;
    └ MessageIndex*, for viewers                                              ┘  zstd, with checksums
    … Schemas and channels stand before the first chunk that needs them and again inside it.
    DataEnd · Schema* · Channel* · Statistics · ChunkIndex* · MetadataIndex · Footer · magic

============== ======================================================= ==========================
topic          message                                                 channel metadata
============== ======================================================= ==========================
/packets/NAME  the raw bytes of one notification of stream NAME        stream, driver, info (JSON)
/session       `SessionStart` as JSON (also, readable, in Metadata)
/link_up, …    `LinkUp`, `LinkDown`, `Overrun`, `Mark` as JSON
/events/NAME   a result as JSON: expected, never read back as input    stream
============== ======================================================= ==========================

Times of a message: `publish_time` is the arrival in ns of the host's monotonic clock, exactly
(two's complement); `log_time` is the same moment by the wall clock, so that viewers show real
times. Its `sequence` numbers all inputs, one counter for the whole file, so that the true order is
known although a chunk keeps equal packets together; an event carries the number of the next input.
"""

from hipturn.recording.reader import Reader, read
from hipturn.recording.whole import write
from hipturn.recording.writer import Writer

__all__ = ["Reader", "Writer", "read", "write"]
