"""A killed program loses a second and nothing it announced; `benchmarks/kill.py` kills two hundred."""

import sys
from pathlib import Path

import pytest

from killing import WINDOW_S, many

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks")


def test_killed_recordings_hold_all_but_the_last_second(tmp_path: Path) -> None:
    """Ten, from the first sample on to long after repetitions began: every file opens."""
    step_s = (WINDOW_S[1] - WINDOW_S[0]) / 9
    ends = many(tmp_path, [WINDOW_S[0] + number * step_s for number in range(10)])
    assert [end.problem for end in ends] == [None] * 10
    assert all(end.whole for end in ends)
    assert sum(end.missing for end in ends) == 0 and sum(end.told for end in ends) > 10
    assert max(end.lost_s for end in ends) <= 1.5, "a second, and what a busy computer adds to a tick"
