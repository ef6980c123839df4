"""What all pictures of a report share, and the weeks.

Blue is internal and brown external rotation, of Okabe & Ito's colours (2008); a full dot is the left leg and
an open one the right: nothing is told by colour alone.
"""

from collections import Counter
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from hipturn.core.progress import Adherence, Kind, Track
from hipturn.model import Direction
from hipturn.report.words import Say

WIDTH_IN = 7.28
"""185 mm: an A4 page between its margins."""
INK = "#3d3d3d"
COLOUR = {Direction.INTERNAL: "#0072b2", Direction.EXTERNAL: "#b35400", "arc": INK}
DEGREES = FuncFormatter(lambda value, _: f"{value:.0f}°".replace("-", "−"))
LATELY_S = 90 * 24 * 3600.0
"""What was tested so long before the last test is what is tested now."""
MOST_WEEKS = 26


def kinds(tracks: Sequence[Track]) -> list[Kind]:
    """Return the kinds of tests there are: first that with the most tests lately, then with the most of all.

    What somebody has given up, with whatever sensor, does not stand before what they do now.
    """
    tested = [(tested.at_s, track.kind) for track in tracks for tested in track.tested]
    last_s = max((at_s for at_s, _ in tested), default=0.0)
    every = Counter(kind for _, kind in tested)
    lately = Counter(kind for at_s, kind in tested if at_s >= last_s - LATELY_S)
    return sorted(every, key=lambda kind: (-lately[kind], -every[kind], kind))


def weeks(done: Adherence, planned: int | None, say: Say) -> Figure:
    """Return the days with a session in each of the last weeks, against the plan where there is one."""
    shown = done.weeks[-MOST_WEEKS:]
    fig = Figure(layout="constrained", figsize=(WIDTH_IN / 2 - 0.1, 1.05))
    axis: Axes = fig.subplots()
    for n, week in enumerate(shown):
        reached = planned is not None and week.days >= planned
        axis.bar(
            n, week.days, width=0.72, color="#0072b2" if reached else "#cfe6f5", edgecolor="#0072b2",
            linewidth=0.6, gid="week",
        )  # fmt: skip
    if planned is not None:
        axis.axhline(planned, color=INK, linewidth=0.9, linestyle=(0, (4, 2)))
        axis.text(
            1.005, planned, say("adherence.line", planned=planned), transform=axis.get_yaxis_transform(),
            va="center", fontsize=7.0,
        )  # fmt: skip
    axis.set_xlim(-0.7, max(len(shown), 8) - 0.3)
    axis.set_ylim(0.0, 7.2)
    axis.set_yticks([0, 2, 4, 6])
    axis.spines[["top", "right"]].set_visible(False)
    ends = sorted({0, len(shown) - 1})
    axis.set_xticks(ends, [say.day(shown[n].first_day, short=True) for n in ends])
    return fig
