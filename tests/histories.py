"""Folders of recordings for the tests of the history: sessions over weeks, from the bundled recordings."""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hipturn.model import LinkUp, Mark, MarkKind, Side
from hipturn.recording import Reader, Writer

RECORDINGS = Path(__file__).parents[1] / "recordings"
FIRST = datetime.fromisoformat("2026-01-05T18:00:00+01:00")
"""A Monday."""


def session(
    folder: Path,
    *,
    person: str = "P-07",
    side: Side = Side.LEFT,
    at: datetime = FIRST,
    more_deg: float = 0.0,
    drill: str = "",
    called: str = "",
    answers: Mapping[str, Any] | None = None,
    said: Sequence[str] = (),
    name: str = "",
    **start: Any,
) -> Path:
    """Write a session of the bundled test or drill of that leg, its internal ranges `more_deg` larger.

    `called`: the drill's name in place of the bundled one's; `answers`: to the coach; `said`: notes.
    """
    if called:
        start["drill"] = called
    source = RECORDINGS / f"{drill or 'test-' + side.value}.mcap"
    path = folder / (name or f"{at:%Y-%m-%d_%H%M%S}_{drill or 'prone-rotation'}_{side.value}.mcap")
    reader = Reader(source)
    with Writer(path) as writer:
        for item in reader.inputs():
            if item is reader.session:
                item = replace(
                    reader.session, person=person, wall_time=at.isoformat(timespec="milliseconds"), **start
                )
            writer.write(item)
            if isinstance(item, LinkUp):
                marks = [(MarkKind.ANSWER, {"question": q, "value": v}) for q, v in (answers or {}).items()]
                marks += [(MarkKind.NOTE, {"text": text}) for text in said]
                for kind, value in marks:
                    writer.write(Mark(item.stream, item.at_ns, kind, value))
        for event in reader.events():
            larger = (
                event["type"] in ("rep", "hold")
                and (event.get("peak_deg") or event.get("mean_deg") or 0.0) > 0.0
            )
            for key in ("peak_deg", "rom_deg", "mean_deg"):
                if larger and key in event:
                    event[key] = round(event[key] + more_deg, 3)
            writer.write_event(event["stream"], 0, json.dumps(event))
    return path


def weeks(folder: Path, ranges_deg: list[float], *, person: str = "P-07", per_week: int = 1) -> list[Path]:
    """Write a test of both legs for each value, the left leg's internal range that much larger."""
    paths = []
    for n, more_deg in enumerate(ranges_deg):
        at = FIRST + timedelta(days=7 * n / per_week)
        paths.append(session(folder, person=person, at=at, more_deg=more_deg))
        paths.append(session(folder, person=person, at=at + timedelta(minutes=5), side=Side.RIGHT))
    return paths


def anywhere(folder: Path, words: str) -> list[str]:
    """Return the files in the folder whose name or bytes hold the words."""
    spelled = [words.encode(), words.encode("utf-16-le"), words.lower().encode()]
    return [
        path.name
        for path, word in itertools.product(sorted(folder.iterdir()), spelled)
        if word in path.read_bytes() or word in path.name.encode()
    ]
