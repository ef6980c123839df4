"""Drivers of other packages: the documented example works, a broken one is a line, nothing is slowed down."""

import logging
import os
import re
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import wired
from cli_runs import done
from fake_link import FakeLink
from hipturn import drivers
from hipturn.drivers import others
from hipturn.drivers.hipturn_gatt import ACC_MPS2_PER_LSB, GYR_RADPS_PER_LSB, decode
from hipturn.model import StreamInfo
from hipturn.units import RAD_PER_DEG

ROOT = Path(__file__).parents[1]


def snippet(document: str, kind: str) -> str:
    text = (ROOT / document).read_text(encoding="utf-8")
    (found,) = re.findall(rf"^```{kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return str(found)


def install(folder: Path, name: str, module: str, entry: str) -> None:
    """Lay out a package as pip does: its module, and its metadata with the entry point."""
    (folder / f"{name}.py").write_text(module, encoding="utf-8")
    about = folder / f"{name}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[{others.GROUP}]\n{entry}\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose packages count as installed."""
    monkeypatch.syspath_prepend(str(tmp_path))
    others.found.cache_clear()
    yield tmp_path
    others.found.cache_clear()
    for name in ("acme_sensor", "broken", "half", "thief"):
        sys.modules.pop(name, None)


def acme(site: Path) -> None:
    group, entry = snippet("docs/drivers.md", "toml entry").splitlines()
    assert group == f'[project.entry-points."{others.GROUP}"]'
    install(site, "acme_sensor", snippet("docs/drivers.md", "python driver"), entry.replace('"', ""))


def test_the_documented_driver_works(site: Path) -> None:
    acme(site)
    assert drivers.names()[-1] == "acme" and drivers.known("acme")
    driver, link = drivers.get("acme"), FakeLink({drivers.BATTERY_LEVEL_UUID: b"\x50"})
    info = wired.now(driver.start(link))
    wired.now(driver.stop(link))
    assert [entry[0] for entry in link.done] == ["subscribe", "write", "write"]
    assert wired.now(driver.battery(link)) == 80
    packets = [struct.pack("<I6h", i, 0, 0, 1000, 900, 0, 0) for i in range(3)]
    samples = wired.read(info, [*packets, b"short", packets[0]])
    assert samples.tick.tolist() == [0, 1, 2, 0] and samples.bad_before == (3,)
    np.testing.assert_allclose(samples.acc_mps2, [[0.0, 0.0, 9.80665]] * 4)  # type: ignore[arg-type]
    assert samples.gyr_radps is not None and samples.gyr_radps[0, 0] == pytest.approx(90.0 * RAD_PER_DEG)
    assert "brought by another package" in done("drivers").out
    (row,) = [row for row in done("drivers", "--json").lines if row["name"] == "acme"]
    assert row["trust"] == driver.trust and row["untried"] == driver.untried and not row["own"]


def test_broken_ones_are_a_line_each_and_the_others_work(
    site: Path, caplog: pytest.LogCaptureFixture
) -> None:
    acme(site)
    install(site, "broken", "raise OSError('no\\nlibrary')", "broken = broken:driver")
    install(site, "half", "class Driver: name = 'half'", "half = half:Driver")
    install(site, "thief", "from acme_sensor import AcmeDriver", "hipturn = thief:AcmeDriver")
    with caplog.at_level(logging.WARNING):
        assert drivers.names() == (*drivers.built_in(), "acme")
        drivers.names()
    told = sorted(record.getMessage() for record in caplog.records)
    assert len(told) == 3 and all("\n" not in line for line in told)
    assert told[0].startswith("the driver 'broken' of broken cannot be used (OSError: no library)")
    assert "it lacks title, trust" in told[1]
    assert "'hipturn' of thief" in told[2] and "another driver of this name" in told[2]
    assert type(drivers.get("hipturn")).__module__ == "hipturn.drivers.hipturn_gatt"


def test_a_broken_one_does_not_stop_a_command(site: Path) -> None:
    install(site, "broken", "1 / 0", "broken = broken:driver")
    path = os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))
    told = subprocess.run(
        [sys.executable, "-m", "hipturn", "drivers"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "Xsens DOT" in told.stdout
    assert told.stderr.count("\n") == 1 and "division by zero" in told.stderr


def test_nothing_is_looked_for_while_hipturns_own_drivers_do() -> None:
    code = "from hipturn import drivers; drivers.get('hipturn'), drivers.known('xsens_dot')"
    code += (
        "; import sys; print('importlib.metadata' in sys.modules, 'hipturn.drivers.others' in sys.modules)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout.split()[1] == "False"


def test_the_packet_of_a_sensor_built_oneself_is_what_the_driver_reads() -> None:
    names: dict[str, object] = {}
    exec(snippet("firmware-notes/build-your-own.md", "python packet"), names)
    make = names["packet"]
    assert callable(make)
    acc, gyr = (1.0, -2.0, 9.8), (0.5, -0.25, 3.0)
    samples = decode(
        wired.blocks([make(70_000, 2**32 + 5, 10_000, acc, gyr)])[0], StreamInfo("hipturn", 100.0)
    )
    assert samples.tick.tolist() == [5] and samples.bad_before == ()
    assert samples.acc_mps2 is not None and samples.gyr_radps is not None
    np.testing.assert_allclose(samples.acc_mps2[0], acc, atol=0.51 * ACC_MPS2_PER_LSB)
    np.testing.assert_allclose(samples.gyr_radps[0], gyr, atol=0.51 * GYR_RADPS_PER_LSB)


def test_all_programs_of_the_note_are_python() -> None:
    text = (ROOT / "firmware-notes" / "build-your-own.md").read_text(encoding="utf-8")
    programs = re.findall(r"^```python[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(programs) == 3
    for program in programs:
        compile(program, "build-your-own.md", "exec")
