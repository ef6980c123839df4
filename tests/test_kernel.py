"""The BLE source on Linux's Bluetooth stack: boots a kernel as a process, runs `kernel_inside` in it."""

import ast
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[1]
MACHINE = ROOT / ".ci" / "kernel"
INSIDE = Path(__file__).with_name("kernel_inside.py")
NAMES = [
    each.name
    for each in ast.parse(INSIDE.read_text()).body
    if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")
]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[bool, str]]:
    """Return of each test inside whether it passed, and what it printed."""
    if sys.platform != "linux":
        pytest.skip("BlueZ is Linux's")
    found = subprocess.run([MACHINE / "build", "--find"], capture_output=True, text=True)
    if found.returncode:
        pytest.skip("no Linux with Bluetooth was built for this: make kernel")
    out = tmp_path_factory.mktemp("kernel")
    options = [
        "-p",
        "no:cacheprovider",
        "-o",
        "junit_logging=all",
        "--log-level=INFO",
        "--junitxml=/run/out/report.xml",
    ]
    boot = [str(MACHINE / "boot"), found.stdout.strip(), str(out)]
    ran = subprocess.run(
        [*boot, sys.executable, "-m", "pytest", *options, str(INSIDE)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    report = out / "report.xml"
    cases = ElementTree.parse(report).getroot().iter("testcase") if report.exists() else ()
    told = {case.get("name", ""): _outcome(case) for case in cases}
    assert set(told) == set(NAMES), f"it ended with {ran.returncode} before all were tried:\n{ran.stdout}"
    return told


def _outcome(case: ElementTree.Element) -> tuple[bool, str]:
    passed = not any(each.tag in ("failure", "error", "skipped") for each in case)
    return passed, "\n".join("".join(each.itertext()) for each in case)


@pytest.mark.parametrize("name", NAMES)
def test_on_a_real_stack(outcomes: Mapping[str, tuple[bool, str]], name: str) -> None:
    passed, told = outcomes[name]
    print(told)
    assert passed
