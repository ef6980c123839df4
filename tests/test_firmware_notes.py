"""Every packet in firmware-notes/*.md gives the values written beside it.

A packet block is fenced as ``toml packet``. It names the `driver`, the `evidence` the bytes rest on,
the `info` a `StreamInfo` is made of, the `packets` as hex, and what they must give: `tick`, `acc_mps2`,
`gyr_radps`, `q_earth_from_sensor` (±1e-6, or `tolerance`; quantities not written must be absent or are
not looked at), `bad_packets` and `pressed` (0 if not written). With `after_settling` the first packet has
come so many times before.
"""

import re
import tomllib
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hipturn import drivers
from hipturn.drivers.rows import joined
from hipturn.model import Packets, RawSamples, StreamInfo

NOTES = Path(__file__).parents[1] / "firmware-notes"
EVIDENCE = {"captured", "vendor test", "vendor parser", "vendor document", "computed"}
"""A device; the vendor's test-suite; packed and read by the vendor's software; its example; ourselves."""
KEYS = {
    "driver",
    "evidence",
    "info",
    "packets",
    "tick",
    "bad_packets",
    "pressed",
    "tolerance",
    "after_settling",
}
QUANTITIES = ("acc_mps2", "gyr_radps", "q_earth_from_sensor")


def blocks() -> list[Any]:
    found = []
    for note in sorted(NOTES.glob("*.md")):
        text = note.read_text(encoding="utf-8")
        for match in re.finditer(r"^```toml packet\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            line = text.count("\n", 0, match.start()) + 1
            found.append(pytest.param(match[1], id=f"{note.name}:{line}"))
    return found


def read(info: StreamInfo, decode: drivers.Decode, rows: list[bytes]) -> RawSamples:
    pieces = []
    for _, same in groupby(rows, key=len):
        data = np.array([list(row) for row in same], dtype=np.uint8)
        pieces.append(decode(Packets("s", np.arange(len(data), dtype=np.int64), data)))
    return joined(info, pieces)


@pytest.mark.parametrize("block", blocks())
def test_packet_gives_the_values_beside_it(block: str) -> None:
    told = tomllib.loads(block)
    assert told.keys() <= KEYS | set(QUANTITIES), "a key that nothing reads"
    assert told["evidence"] in EVIDENCE
    info = StreamInfo(driver=told["driver"], **told["info"])
    rows = [bytes.fromhex(text) for text in told["packets"]]
    decode = drivers.decoder(info)
    settling = [rows[0]] * told.get("after_settling", 0)
    assert not settling or len(read(info, decode, settling).tick) == 0, "it has settled earlier"

    samples = read(info, decode, rows)

    assert len(samples.bad_before) == told.get("bad_packets", 0)
    assert len(samples.pressed_before) == told.get("pressed", 0)
    assert samples.tick.tolist() == told.get("tick", [])
    tolerance = told.get("tolerance", 1e-6)
    for name in QUANTITIES:
        if name in told:
            np.testing.assert_allclose(getattr(samples, name), told[name], rtol=0.0, atol=tolerance)


def test_every_driver_of_a_device_has_packets_in_a_note() -> None:
    shown = {tomllib.loads(block.values[0])["driver"] for block in blocks()}
    assert set(drivers.names()) - {"table"} <= shown
