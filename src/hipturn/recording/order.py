"""Put what a chunk keeps sorted by kind back into the order it happened in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hipturn.model import Input, Packets
from hipturn.recording.contents import PacketRun, PacketsChannel


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Packets of one channel and size in the order of their numbers."""

    channel: PacketsChannel
    sequence: NDArray[np.uint32]
    """Shape (n,), increasing."""
    packets: Packets

    def rows(self, rows: slice) -> "Block":
        """Return some of the packets."""
        part = Packets(self.packets.stream, self.packets.at_ns[rows], self.packets.data[rows])
        return Block(self.channel, self.sequence[rows], part)


@dataclass(frozen=True, slots=True)
class Single:
    """Any other input with its number."""

    sequence: int
    item: Input


def block(runs: Sequence[PacketRun]) -> Block:
    """Return the runs of one channel and size as one block in aligned memory."""
    sequence = np.concatenate([run.records["sequence"] for run in runs])
    at_ns = np.concatenate([run.records["publish_time"] for run in runs])
    data = np.concatenate([run.records["data"] for run in runs])
    if not (sequence[1:] > sequence[:-1]).all():
        order = np.argsort(sequence, kind="stable")
        sequence, at_ns, data = sequence[order], at_ns[order], data[order]
    channel = runs[0].channel
    return Block(channel, sequence, Packets(channel.stream, at_ns, data))


def in_order(blocks: Sequence[Block], singles: Sequence[Single]) -> Iterator[Block | Single]:
    """Yield everything by its number, cutting blocks only where something lies between their packets."""
    if len(blocks) == 1 and not singles:
        yield blocks[0]
        return
    singles = sorted(singles, key=lambda single: single.sequence)
    numbers = [b.sequence for b in blocks]
    numbers.append(np.array([single.sequence for single in singles], np.uint32))
    counts = [len(n) for n in numbers]
    # Each part is sorted already, which makes this sort a merge.
    owner = np.repeat(np.arange(len(counts)), counts)[np.argsort(np.concatenate(numbers), kind="stable")]
    cuts = np.flatnonzero(owner[1:] != owner[:-1]) + 1
    done = [0] * len(counts)
    for start, end in zip([0, *cuts.tolist()], [*cuts.tolist(), len(owner)]):
        if start == end:
            return
        which = int(owner[start])
        rows = slice(done[which], done[which] + end - start)
        done[which] = rows.stop
        if which < len(blocks):
            yield blocks[which].rows(rows)
        else:
            yield from singles[rows]
