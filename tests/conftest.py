"""What all tests share: hypothesis without a stopwatch, and no skipping where everything must run."""

import os

import pytest
from hypothesis import HealthCheck, settings

# Deadlines measure the machine, not the code; a busy one would make them fail. CI tries the same
# examples each time, so that a change is judged by itself; elsewhere every run tries new ones.
settings.register_profile(
    "hipturn",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("CI") == "true",
)
settings.load_profile("hipturn")

skipped: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped:
        skipped.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI a skipped test is a failed one: what it needs is to be installed."""
    if skipped and os.environ.get("CI") == "true" and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if skipped and os.environ.get("CI") == "true":
        terminalreporter.write_line(f"skipped in CI, which fails it: {', '.join(skipped)}", red=True)
