"""Fuzz target for all decoders: any bytes give sound samples or counted damage, and cuts leave no trace.

Run: ``python tests/fuzz_decoders.py -max_total_time=60`` with the extra ``fuzz`` installed (Linux only);
options are libFuzzer's. It starts from what the virtual devices send, and tells how many packets, which are
a decoder's inputs, were in how many of the fuzzer's. Most of those hold packets of one size, as a link
brings them: decoded at once they cost a hundredth of what they do one by one.
"""

import itertools
import sys
import tempfile
from pathlib import Path

import numpy as np

if __name__ == "__main__":
    import atheris

    with atheris.instrument_imports(include=["hipturn.drivers"]):
        from hipturn import drivers

        # decoders are imported when first asked for, too late to be followed
        for name in drivers.built_in():
            drivers.get(name)

import wired
from hipturn import drivers
from hipturn.model import RawSamples, StreamInfo
from hipturn.sources.virtual import devices

NAMES = tuple(drivers.built_in())
RATES_HZ = (13.0, 26.0, 50.0, 60.0, 100.0, 104.0)
HEAD = 3
"""Bytes that say which stream it is; then packets: see `packets_of`."""
MIXED = 192
"""From this value of the second byte on packets are of any size, below of one."""
TELL_EVERY = 1 << 12
"""Inputs after which their number is told."""
PACKETS = dict.fromkeys(NAMES, 0)
"""Packets read, by driver."""
INPUTS = itertools.count(1)


def stream_of(head: bytes) -> StreamInfo:
    """Return the stream that three bytes choose."""
    flags = head[1] % 3 + 1
    return StreamInfo(
        NAMES[head[0] % len(NAMES)],
        RATES_HZ[head[2] % len(RATES_HZ)],
        has_imu=bool(flags & 1),
        has_quaternion=bool(flags & 2),
    )


def packets_of(data: bytes) -> list[bytes]:
    """Return the packets behind the head: of one size written before the first, or each behind its own."""
    rest = data[HEAD:]
    if data[1] < MIXED:
        size = rest[0] if rest else 0
        return [rest[at : at + size] for at in range(1, len(rest) - size + 1, size)] if size else []
    found, at = [], 0
    while at < len(rest):
        found.append(rest[at + 1 : at + 1 + rest[at]])
        at += 1 + rest[at]
    return found


def one(data: bytes) -> None:
    """Try one input; raise AssertionError where a law does not hold."""
    if len(data) < HEAD:
        return
    info, packets = stream_of(data), packets_of(data)
    PACKETS[info.driver] += len(packets)
    whole = wired.read(info, packets)
    n = len(whole.tick)
    widths = {"acc_mps2": 3 * info.has_imu, "gyr_radps": 3 * info.has_imu}
    for name, width in (widths | {"q_earth_from_sensor": 4 * info.has_quaternion}).items():
        values = getattr(whole, name)
        if width and packets:
            assert values.shape == (n, width), name
            assert info.driver == "table" or np.isfinite(values).all(), name
    assert all(0 <= i <= n for i in whole.bad_before)
    assert list(whole.bad_before) == sorted(whole.bad_before)
    if info.driver != "table":  # its packets are blocks of a file, not notifications
        each = 1 if data[1] >= MIXED else len(packets) // 2
        same(wired.read(info, packets, lambda: each), whole)


def same(a: RawSamples, b: RawSamples) -> None:
    """Raise AssertionError if two readings of the same packets differ in a bit."""
    assert a.bad_before == b.bad_before
    for name in ("tick", "at_ns", "acc_mps2", "gyr_radps", "q_earth_from_sensor"):
        left, right = getattr(a, name), getattr(b, name)
        assert left is right is None or left.tobytes() == right.tobytes(), name


def told(data: bytes) -> None:
    """Try one input, and tell now and then how far it got."""
    one(data)
    if (number := next(INPUTS)) % TELL_EVERY == 0:
        print(f"{number} inputs, {sum(PACKETS.values())} packets: {PACKETS}", file=sys.stderr)


def examples() -> list[bytes]:
    """Return two inputs a virtual device: its first packets after a start, and those of one size."""
    found = []
    for device in devices.names():
        wire, info = wired.connected(device, 60)
        flags = info.has_imu + 2 * info.has_quaternion - 1
        rate = RATES_HZ.index(info.rate_hz) if info.rate_hz in RATES_HZ else 0
        packets = b"".join(bytes([len(packet)]) + packet for packet in wire.packets[:50])
        found.append(bytes([NAMES.index(device), MIXED + flags, rate]) + packets)
        sizes = [len(packet) for packet in wire.packets]
        size = max(set(sizes), key=sizes.count)
        packets = b"".join(packet for packet in wire.packets[:50] if len(packet) == size)
        found.append(bytes([NAMES.index(device), flags, rate, size]) + packets)
    return found


def main() -> None:
    """Fuzz until told to stop."""
    with tempfile.TemporaryDirectory() as corpus:
        for number, example in enumerate(examples()):
            (Path(corpus) / f"example-{number}").write_bytes(example)
        atheris.Setup([*sys.argv, "-max_len=4096", corpus], told)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
