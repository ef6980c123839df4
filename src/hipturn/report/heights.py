"""How high the parts of a session's report are, and so what room is left for its pictures: inches of a sheet.

Reckoned from `page.css` and from the letters there are, a little too high rather than too low: what a browser
makes of it is tried by printing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hipturn.model import Rep
from hipturn.offline import Analysis
from hipturn.report.against import Against
from hipturn.report.plot import STRIP_REPS, STRIP_S
from hipturn.units import NS_PER_S

SHEET = 10.4
"""Between its margins, above its foot."""
HEAD, CARDS, COUNT = 0.75, 0.57, 0.26
HEADING, ROW, SMALL, LINE = 0.33, 0.187, 0.136, 0.16
"""Of a part's heading with the air above it, a table's row, a line of small and one of usual letters."""
HALF_LETTERS, SMALL_LETTERS, SAFETY_LETTERS = 52, 150, 140
"""What a line holds at least: of half a sheet's width, of small letters, of the safety words."""
LEAST_ANGLE, MOST_ANGLE = 1.6, (4.6, 6.4, 7.4, 8.2)
"""Of the angle's picture: the least that is readable, and the most for one to four strips."""
LEAST_BARS, MOST_BARS = 1.25, 2.6
BESIDE = 10
"""So many repetitions have room in one column, beside data and notes."""
MOST_REPS = 56
"""Repetitions in the list; of more there are figures and the picture."""


def table(rows: int) -> float:
    """Return the height of a table with its head and a line beneath."""
    return ROW * (rows + 1) + SMALL


def half(paragraphs: Sequence[str]) -> float:
    """Return the height of a part with these in half of the width."""
    return HEADING + LINE * _lines(paragraphs, HALF_LETTERS)


def values(against: Against) -> float:
    """Return the height of what results are held against, in words."""
    if not against.groups and against.scale is None:
        return 0.0
    groups = table(len(against.groups)) + SMALL * len(against.groups) if against.groups else 0.0
    return HEADING + groups + (3 * SMALL if against.scale else 0.0)


def words(method: Sequence[str], safety: Sequence[str]) -> float:
    """Return the height of the method and of the safety words in their frame."""
    return HEADING + SMALL * _lines(method, SMALL_LETTERS) + LINE * _lines(safety, SAFETY_LETTERS) + 0.25


def _lines(paragraphs: Sequence[str], letters: int) -> int:
    return sum(-(-len(text) // letters) for text in paragraphs)


@dataclass(frozen=True, slots=True)
class Room:
    """How many sheets it takes, and what height is left for the pictures."""

    sheets: int
    angle_in: tuple[float, ...]
    """Of one strip, of two, and so on."""
    bars_in: float
    """0 for no picture of the repetitions one by one: a test has one of its own."""
    reps: int
    """So many are listed."""
    beside: bool = False
    """In one column, with data and notes in another."""

    @classmethod
    def of(
        cls,
        analysis: Analysis,
        reps: Sequence[Rep],
        *,
        above_in: float,
        last_in: float,
        data_in: tuple[float, float],
        tested: bool,
    ) -> "Room":
        """Share it out: one sheet where a recording in one strip is readable on it beside all the others.

        `above_in` is what stands with the angle's picture, `last_in` what stands last, in any case;
        `data_in` are data and notes at half of the width.
        """
        bars_in = LEAST_BARS if reps and not tested else 0.0
        drawn_in = bars_in and bars_in + HEADING
        rows = min(len(reps), MOST_REPS)
        beside = rows <= BESIDE
        two_columns_in = HEADING + ROW * (-(-rows // 2) + 1) + max(data_in)
        listed_in = max(HEADING + ROW * (rows + 1), sum(data_in)) if beside else two_columns_in
        left_in = SHEET - above_in - last_in - listed_in - drawn_in
        streams = len({block.stream for block in analysis.angles})
        one_strip = analysis.duration_ns <= STRIP_S * NS_PER_S and len(reps) <= STRIP_REPS
        if one_strip and streams == 1 and left_in >= LEAST_ANGLE:
            return cls(1, (min(left_in, MOST_ANGLE[0]),), bars_in, rows, beside)
        list_in = SHEET - last_in - max(data_in) - drawn_in - HEADING - table(0)
        rows = min(rows, 2 * int(list_in / ROW))
        behind_in = SHEET - HEADING - last_in - two_columns_in
        angle_in = tuple(min(SHEET - above_in, most) for most in MOST_ANGLE[min(streams, 4) - 1 :])
        return cls(2, angle_in, bars_in and max(bars_in, min(behind_in, MOST_BARS)), rows)
