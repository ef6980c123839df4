"""Laws of hipturn's own packets: what goes in comes out, and no bytes are an accident."""

import asyncio
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fake_link import FakeLink
from hipturn.drivers import Advertisement
from hipturn.drivers.hipturn_gatt import (
    ACC,
    ACC_MPS2_PER_LSB,
    CLIPPED,
    CONTROL,
    CONTROL_UUID,
    DATA_UUID,
    GYR,
    GYR_RADPS_PER_LSB,
    HEADER,
    INFO_UUID,
    Q_PER_LSB,
    SERVICE_UUID,
    START,
    STOP,
    Batch,
    HipturnDriver,
    decode,
    encode,
    read_info,
)
from hipturn.errors import LinkError
from hipturn.model import FloatArray, Packets, StreamInfo

DRIVER = HipturnDriver()
INFO = StreamInfo(driver="hipturn", rate_hz=100.0)
counts = st.integers(1, 19)


def packets(*data: bytes) -> Packets:
    size = len(data[0]) if data else 0
    rows = np.array([list(row) for row in data], dtype=np.uint8).reshape(len(data), size)
    return Packets("s", np.arange(len(data), dtype=np.int64), rows)


def vectors(n: int, limit: float) -> st.SearchStrategy[FloatArray]:
    return hnp.arrays(np.float64, (n, 3), elements=st.floats(-limit, limit))


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    n = draw(counts)
    return Batch(
        sequence=draw(st.integers(0, 2**40)),
        tick_us=draw(st.integers(0, 2**40)),
        period_us=draw(st.integers(0, 65535)),
        acc_mps2=draw(vectors(n, 156.9)),
        gyr_radps=draw(vectors(n, 34.9)),
    )


@given(batches())
def test_values_come_back_within_half_an_lsb(batch: Batch) -> None:
    samples = decode(packets(encode(batch)), INFO)
    assert len(samples.bad_before) == 0
    for got, sent, lsb in (
        (samples.acc_mps2, batch.acc_mps2, ACC_MPS2_PER_LSB),
        (samples.gyr_radps, batch.gyr_radps, GYR_RADPS_PER_LSB),
    ):
        assert got is not None and sent is not None
        np.testing.assert_allclose(got, sent, rtol=0.0, atol=0.5000001 * lsb)
    expected = (batch.tick_us + batch.period_us * np.arange(len(samples.tick))) % 2**32
    assert samples.tick.tolist() == expected.tolist()


@given(hnp.arrays(np.float64, (4,), elements=st.floats(-1, 1)).filter(lambda q: np.linalg.norm(q) > 0.1))
def test_orientation_comes_back_unit_and_close(q: FloatArray) -> None:
    q = (q / np.linalg.norm(q)).reshape(1, 4)
    info = StreamInfo(driver="hipturn", rate_hz=100.0, has_imu=False, has_quaternion=True)
    samples = decode(packets(encode(Batch(0, 0, 0, q_earth_from_sensor=q))), info)
    assert samples.q_earth_from_sensor is not None and samples.acc_mps2 is None
    np.testing.assert_allclose(samples.q_earth_from_sensor, q, rtol=0.0, atol=2.0 * Q_PER_LSB)
    assert math.isclose(float(np.linalg.norm(samples.q_earth_from_sensor)), 1.0, abs_tol=1e-12)


@st.composite
def wild_rows(draw: st.DrawFn) -> list[bytes]:
    """Rows of one size: any bytes, or any samples behind a header that is right or nearly so."""
    n = draw(st.integers(0, 4))
    size = n * draw(st.sampled_from((8, 12, 20))) + draw(
        st.sampled_from((HEADER.size, HEADER.size, 0, 7, 15))
    )
    header = st.builds(
        lambda version, mask: HEADER.pack(version, n, 0, 0, 0, mask),
        st.sampled_from((0, 1, 1, 1)),
        st.sampled_from((1, 6, 7, 0x107)),
    )
    anything = st.binary(min_size=size, max_size=size)
    behind_header = st.builds(lambda start, rest: (start + rest)[:size], header, anything)
    return draw(st.lists(behind_header | anything, max_size=4))


@given(rows=wild_rows(), has_imu=st.booleans(), has_quaternion=st.booleans())
def test_any_bytes_give_samples_or_counted_bad_packets(
    rows: list[bytes], has_imu: bool, has_quaternion: bool
) -> None:
    info = StreamInfo(driver="hipturn", rate_hz=100.0, has_imu=has_imu, has_quaternion=has_quaternion)
    samples = decode(packets(*rows), info)
    assert 0 <= len(samples.bad_before) <= len(rows)
    assert len(samples.tick) == len(samples.at_ns) >= len(rows) - len(samples.bad_before)
    for present, values in (
        (has_imu, samples.acc_mps2),
        (has_imu, samples.gyr_radps),
        (has_quaternion, samples.q_earth_from_sensor),
    ):
        assert (values is not None) == present
        assert values is None or (len(values) == len(samples.tick) and np.isfinite(values).all())


@given(batch=batches(), position=st.integers(0, 30), byte=st.integers(0, 255))
def test_one_damaged_packet_does_not_touch_its_neighbours(batch: Batch, position: int, byte: int) -> None:
    good = encode(batch)
    damaged = bytearray(good)
    damaged[position % len(good)] = byte
    samples = decode(packets(good, bytes(damaged), good), INFO)
    n = len(decode(packets(good), INFO).tick)
    assert len(samples.bad_before) in (0, 1)
    assert len(samples.tick) == (3 - len(samples.bad_before)) * n
    assert samples.tick[:n].tolist() == samples.tick[-n:].tolist()


@given(st.integers(1, 5).flatmap(lambda n: vectors(n, 1e6)))
def test_saturation_sets_the_flag_and_only_saturation(acc: FloatArray) -> None:
    (flags,) = HEADER.unpack_from(encode(Batch(0, 0, 0, acc_mps2=acc)))[5:]
    lsb = np.rint(acc / ACC_MPS2_PER_LSB)
    assert bool(flags & CLIPPED) == bool(((lsb > 32767) | (lsb < -32768)).any())


def test_decoding_does_not_depend_on_the_cut() -> None:
    rng = np.random.default_rng(1)
    data = [
        encode(Batch(i, i * 10_000, 10_000, rng.normal(size=(2, 3)), rng.normal(size=(2, 3))))
        for i in range(9)
    ]
    whole = decode(packets(*data), INFO)
    parts = [decode(packets(one), INFO) for one in data]
    for name in ("tick", "acc_mps2", "gyr_radps"):
        assert (
            np.concatenate([getattr(part, name) for part in parts]).tolist() == getattr(whole, name).tolist()
        )


def test_start_subscribes_before_it_starts_and_stop_stops() -> None:
    told = {"rate_hz": 104.2, "outward_normal": [0, 0, 2], "name": "mine"}
    link = FakeLink({INFO_UUID: json.dumps(told).encode()})

    async def use() -> StreamInfo:
        info = await DRIVER.start(link)
        await DRIVER.stop(link)
        return info

    info = asyncio.run(use())
    assert info == StreamInfo("hipturn", 104.2, outward_normal_sensor=(0.0, 0.0, 1.0), name="mine")
    assert link.done == [
        ("read", INFO_UUID),
        ("subscribe", DATA_UUID, b""),
        ("write", CONTROL_UUID, CONTROL.pack(1, ACC | GYR, 104, START)),
        ("write", CONTROL_UUID, CONTROL.pack(1, 0, 0, STOP)),
    ]


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"7",
        b"{}",
        b'{"rate_hz": "fast"}',
        b'{"rate_hz": NaN}',
        b'{"rate_hz": 5}',
        b'{"rate_hz": 1' + b"0" * 400 + b"}",
        b'{"rate_hz": 100, "outward_normal": [0, 0, 0]}',
        b'{"rate_hz": 100, "outward_normal": [1, 2]}',
        b'{"rate_hz": 100, "outward_normal": {"x": 1}}',
    ],
)
def test_info_that_is_not_as_specified_is_a_link_error(told: bytes) -> None:
    with pytest.raises(LinkError, match="update its firmware"):
        read_info(told)


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
infos = st.fixed_dictionaries(
    {}, optional={"rate_hz": leaves, "outward_normal": leaves | st.lists(leaves, max_size=4), "name": leaves}
)


@given(leaves | st.lists(leaves, max_size=2) | infos)
def test_any_json_is_an_info_or_a_link_error(told: Any) -> None:
    try:
        read_info(json.dumps(told).encode())
    except LinkError:
        return
    assert isinstance(told, dict) and "rate_hz" in told


def test_the_device_is_known_by_its_service() -> None:
    assert DRIVER.matches(Advertisement("any", "aa", (SERVICE_UUID,)))
    assert not DRIVER.matches(Advertisement("hipturn", "aa"))
