"""Hours of streaming with faults leave nothing behind; `benchmarks/soak.py` does it for eight of them."""

from pathlib import Path

import warped
from hipturn import history
from hipturn.model import Packets
from hipturn.recording import Reader
from onlookers import MANNERS
from soaking import Soak


def test_streaming_for_long_holds_no_more_and_tells_every_gap(tmp_path: Path) -> None:
    """Twenty minutes with a fault every few minutes, in several recordings; the disk is full for a while.

    Pages come and go meanwhile; some hang, and one viewer never reads.
    """

    async def session() -> Soak:
        return await Soak(1200.0, batch=20).measure(tmp_path, part_after_s=350.0)

    soak = warped.run(session())
    assert len(soak.faults) >= 6 and {kind for kind, _ in soak.faults} == {"link", "loss", "damage", "sleep"}
    assert [gap.lost for gap in soak.gaps] == [count for _, count in soak.faults]
    assert soak.samples == soak.sent and soak.overruns == 0
    assert soak.growth_mb(after_s=400.0) <= 5.0
    assert soak.leaks(after_s=400.0) == []
    assert soak.sessions >= 3
    assert soak.full and all(told and well for told, well in soak.full)
    seen = soak.onlookers
    assert seen is not None and seen.manners.total() >= 20 and min(seen.manners.values()) >= 2
    assert len(seen.manners) == len(MANNERS) and seen.refused == []
    assert {"state", "session", "angle", "rep", "gap", "summary", "dropped"} <= seen.kinds
    assert len(seen.hub.viewers) == 2, "those who were there all the time"
    assert len(history.Catalogue(tmp_path).sessions()) == soak.sessions
    packets = [
        item
        for path in tmp_path.glob("*.mcap")
        for item in Reader(path).inputs()
        if isinstance(item, Packets)
    ]
    damaged = sum(kind == "damage" for kind, _ in soak.faults)
    assert sum(len(item.at_ns) for item in packets) == soak.sent // 20 + damaged
