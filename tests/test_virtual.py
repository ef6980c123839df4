"""The virtual sensor's parts: its faults, its limits, its motion and the air it speaks through."""

import asyncio
import subprocess
import sys

import numpy as np
import pytest
from bumble.hci import Address
from hypothesis import given
from hypothesis import strategies as st

from cli_runs import refused
from hipturn import drivers
from hipturn.errors import UsageError
from hipturn.model import Side, Vector
from hipturn.sources import body
from hipturn.sources.bleak_bumble.adapter import Adapter
from hipturn.sources.virtual import VirtualSettings, devices
from hipturn.sources.virtual.faults import BACK_AFTER_S, RESTART_S, Faults, Outage, parse
from hipturn.sources.virtual.peripheral import LEGACY_BYTES, VirtualSensor
from hipturn.sources.virtual.playback import Playback, simulated, strapped
from hipturn.sources.virtual.radio import Radio, hci_server


def test_faults_are_read_as_written() -> None:
    assert parse("") == Faults()
    assert parse("drop@20s, silent@30s:500ms ,loss:0.05,dup:0.1,drop@1.5s:3s") == Faults(
        drops=(Outage(1.5, 3.0), Outage(20.0, BACK_AFTER_S)),
        silences=(Outage(30.0, 0.5),),
        loss=0.05,
        duplicates=0.1,
    )
    assert parse("reboot@3s,reboot@1s:2s,reorder:0.1,garbage:0.2,battery:7,mode") == Faults(
        drops=(Outage(1.0, 2.0, restarts=True), Outage(3.0, RESTART_S, restarts=True)),
        reordered=0.1,
        garbage=0.2,
        battery_percent=7,
        mode=True,
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("drop", "'drop' is none of drop@TIME"),
        ("drop@20", "'20' in 'drop@20' is not a time: write 20s"),
        ("silent@3s", "does not say for how long: write silent@3s:2s"),
        ("loss:5", "'5' in 'loss:5' is not a share"),
        ("dup:some", "'some' in 'dup:some' is not a share"),
        ("battery:101", "'101' in 'battery:101' is not a charge"),
        ("mode:5", "'mode:5' is none of"),
        ("reorder:1", "'1' in 'reorder:1' is not a share"),
        ("loss:0.1,thunder@3s", "'thunder@3s' is none of"),
    ],
)
def test_faults_that_cannot_be_read_are_named(text: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert told in str(caught.value) and "\n" not in str(caught.value)


@given(st.text(max_size=20))
def test_any_text_is_faults_or_a_usage_error(text: str) -> None:
    try:
        parse(text)
    except UsageError as error:
        assert "--faults" in str(error)


def test_a_silence_lasts_as_long_as_it_says() -> None:
    faults = parse("silent@2s:1s")
    assert [faults.silent(t_s) for t_s in (1.99, 2.0, 2.99, 3.0)] == [False, True, True, False]


@pytest.mark.parametrize(
    "settings",
    [
        {"name": ""},
        {"name": "ninebytes"},
        {"name": "ÄÖÜÄÖ"},
        {"rate_hz": 10.0},
        {"rate_hz": 1001.0},
        {"samples_per_packet": 0},
        {"device": "toaster"},
        {"samples_per_packet": 20},
    ],
)
def test_what_no_sensor_could_do_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        VirtualSettings(**settings)  # type: ignore[arg-type]


def test_addresses_are_static_random_and_differ_by_seed() -> None:
    addresses = {VirtualSettings(seed=seed).address for seed in range(300)}
    assert len(addresses) == 300
    assert all(int(address[:2], 16) >> 6 == 0b11 for address in addresses)


def test_after_the_motion_the_pose_stays_and_the_noise_goes_on() -> None:
    motion = body.simulate(body.Leg.random(3, Side.LEFT), body.drill_script(1, 3), 100.0, 3)
    playback = Playback(motion, seed=3)
    n = len(motion.t_s)
    acc, gyr, q = playback.rows(n - 5, 10)
    assert np.array_equal(q[:5], motion.q_earth_from_sensor[-5:]) and (q[5:] == q[4]).all()
    assert np.array_equal(acc[:5], motion.acc_mps2[-5:]) and np.array_equal(gyr[:5], motion.gyr_radps[-5:])
    acc, gyr, _ = playback.rows(n + 1000, 1000)
    still_acc, still_gyr = motion.acc_mps2[-50:], motion.gyr_radps[-50:]
    np.testing.assert_allclose(acc.mean(axis=0), still_acc.mean(axis=0), atol=0.01)
    np.testing.assert_allclose(gyr.mean(axis=0), still_gyr.mean(axis=0), atol=1e-3)
    np.testing.assert_allclose(acc.std(axis=0), still_acc.std(axis=0), rtol=0.2)
    assert not np.array_equal(acc[:500], acc[500:])


def test_every_second_sample_is_the_motion_at_half_the_rate() -> None:
    motion = body.simulate(body.Leg.random(3), body.drill_script(1, 3), 100.0, 3)
    acc, gyr, q = Playback(motion, seed=3).rows(10, 20, step=2)
    assert np.array_equal(acc, motion.acc_mps2[10:50:2]) and np.array_equal(gyr, motion.gyr_radps[10:50:2])
    assert np.array_equal(q, motion.q_earth_from_sensor[10:50:2])


@given(st.integers(0, 1000), st.sampled_from([(0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.0, -1.0, 0.0)]))
def test_a_sensor_is_strapped_on_as_its_device_asks(seed: int, normal: Vector) -> None:
    leg = strapped(body.Leg.random(seed), normal)
    np.testing.assert_allclose(leg.outward_normal_sensor, normal, atol=1e-12)


@pytest.mark.parametrize("device", devices.names())
def test_every_device_is_a_driver_and_its_usual_settings_are_possible(device: str) -> None:
    assert device in drivers.names()
    settings = VirtualSettings(device=device)
    assert settings.local_name and settings.sample_rate_hz == settings.traits.rate_hz


def test_an_attempt_to_connect_that_is_given_up_leaves_the_radio_free() -> None:
    """Else the controller would connect later, when nobody wants to, and refuse new attempts."""

    async def use() -> None:
        gone = asyncio.Event()
        async with hci_server(Radio(0.0), "127.0.0.1", 0, gone.set) as port:
            adapter = Adapter(f"tcp-client:127.0.0.1:{port}")
            for _ in range(2):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.2):
                        await adapter.connect(Address("F0:00:00:00:00:01"))
            await adapter.close()
            async with asyncio.timeout(30.0):
                await gone.wait()

    asyncio.run(use())


def run_python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    ).stdout


def test_commands_load_nothing_heavy_until_they_run() -> None:
    loaded = run_python("import hipturn.cli.scan, hipturn.cli.virtual, sys; print(*sys.modules)").split()
    assert not {"numpy", "bleak", "bumble"} & set(loaded)


@pytest.mark.parametrize(
    "use",
    [
        "from hipturn.sources import bleak_bumble",
        "import asyncio; from hipturn.sources import virtual as v; "
        "asyncio.run(v.serve(v.VirtualSettings(), '127.0.0.1', 0, print))",
    ],
)
def test_without_bumble_one_is_told_what_to_install(use: str) -> None:
    code = f"""
import sys
sys.modules["bumble"] = None
from hipturn.errors import HipturnError
try:
    {use}
except HipturnError as error:
    print(error)
"""
    assert "pip install 'hipturn[sim]'" in run_python(code)


@pytest.mark.parametrize(
    "args",
    [
        ("demo", "--as", "toaster"),
        ("run", "--sensor", "virtual:toaster"),
        ("virtual", "--as", "toaster"),
    ],
)
def test_an_unknown_device_is_one_line_with_those_that_exist(args: tuple[str, ...]) -> None:
    line = refused(*args, code=2)
    assert "toaster: the virtual sensor can be: hipturn, xsens_dot, capture2go" in line


def test_a_device_can_be_written_with_a_hyphen_as_elsewhere() -> None:
    assert VirtualSettings(device="xsens-dot").traits is VirtualSettings(device="xsens_dot").traits


@pytest.mark.parametrize("device", devices.names())
def test_what_a_device_advertises_fits_an_advertisement(device: str) -> None:
    """With the longest name it may be given."""

    async def sizes() -> int:
        settings = VirtualSettings(device=device, name="x" * devices.get(device).TRAITS.longest_name)
        sensor = VirtualSensor(Radio(0.0), settings, simulated(settings), lambda _what, _t_s: None)
        return len(sensor._device.advertising_data)

    assert asyncio.run(sizes()) <= LEGACY_BYTES
