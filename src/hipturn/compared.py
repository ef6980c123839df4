"""A replay against the live session: what was announced otherwise, result by result, and what it comes to.

Results are paired by when they were, not by their numbers: one repetition found or lost does not make
all that follow it differ. A result that no other was at the time of is only live, or only now.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hipturn.lines import VERSION, Line
from hipturn.plain import counted

KINDS = ("calibration", "rep", "hold", "set", "gap", "slip", "drift", "bad_packets")
"""What is compared; corrections and taps are what a person did, and the same in both."""
NUMBERS = ("n", "first", "last")
"""Numbers shift with what was found before; that alone is no other result."""
NEAR_S = 0.25
"""What has no length is paired within this."""
UNTOLD = "–"


def compared(
    announced: Iterable[Mapping[str, Any]],
    events: Iterable[Mapping[str, Any]],
    at_cut: Sequence[Mapping[str, Any]] = (),
) -> list[Line]:
    """Return a line for each result that is not as announced, by time, and last what it comes to.

    `at_cut` are those of the events that came only of the recording breaking off. Live nobody could announce
    them, so that they are counted apart and are no difference.
    """
    before, after = ([event for event in side if event.get("type") in KINDS] for side in (announced, events))
    found: list[tuple[float, Line]] = []
    unheard: list[Mapping[str, Any] | None] = []
    for kind, stream in dict.fromkeys((e["type"], str(e.get("stream"))) for e in (*before, *after)):
        live, now = (
            sorted((e for e in side if (e["type"], str(e.get("stream"))) == (kind, stream)), key=_span)
            for side in (before, after)
        )
        pairs = _paired(live, now)
        unheard += [other for one, other in pairs if one is None and other in at_cut]
        found += [
            (_span(one or other or {})[0], _line(kind, n, one, other))
            for n, (one, other) in enumerate(pairs, 1)
            if _differing(one or {}, other or {}) and not (one is None and other in at_cut)
        ]
    found.sort(key=lambda each: each[0])
    total: Line = {
        "v": VERSION,
        "type": "compared",
        "announced": len(before),
        "differ": len(found),
        "live": _counted(before),
        "now": _counted([event for event in after if event not in unheard]),
        **({"at_cut": len(unheard)} if unheard else {}),
    }
    return [*(line for _, line in found), total]


def _span(event: Mapping[str, Any]) -> tuple[float, float]:
    """Return begin and end, s; a file may say anything, and then it is at 0."""
    times = [event.get("start_s", event.get("t_s")), event.get("end_s", event.get("t_s"))]
    first, last = (float(t) if isinstance(t, int | float) else 0.0 for t in times)
    return (first, last) if last > first else (first - NEAR_S, first + NEAR_S)


def _paired(
    live: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]
) -> list[tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]]:
    """Return what was at the same time side by side, each once, with None where there was nothing."""
    pairs: list[tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]] = []
    i = k = 0
    while i < len(live) and k < len(now):
        (begin, end), (begins, ends) = _span(live[i]), _span(now[k])
        if begin < ends and begins < end:
            pairs.append((live[i], now[k]))
            i, k = i + 1, k + 1
        elif end <= begins:
            pairs.append((live[i], None))
            i += 1
        else:
            pairs.append((None, now[k]))
            k += 1
    return [*pairs, *((one, None) for one in live[i:]), *((None, other) for other in now[k:])]


def _differing(live: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [key for key in {**live, **now} if key not in NUMBERS and live.get(key) != now.get(key)]


def _line(kind: str, n: int, live: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> Line:
    keys = _differing(live or {}, now or {})
    known: Mapping[str, Any] = live or now or {}
    return {
        "v": VERSION,
        "type": "diff",
        "of": kind,
        "n": known.get("n", n),
        "at_s": known.get("start_s", known.get("t_s")),
        "live": live and {key: live.get(key) for key in keys},
        "now": now and {key: now.get(key) for key in keys},
    }


def _counted(events: Sequence[Mapping[str, Any]]) -> Line:
    reps = [event for event in events if event["type"] == "rep"]
    return {
        "reps": len(reps),
        **{
            verdict: sum(rep.get("verdict") == verdict for rep in reps)
            for verdict in ("controlled", "uncontrolled", "void")
        },
    }


def in_words(found: Sequence[Line]) -> list[str]:
    """Return what `compared` found as it is told to people: a line each."""
    *differences, total = found
    if not total["announced"]:
        return ["no announced results are in the recording to compare with"]
    return [*map(_difference, differences), verdict(total)]


def verdict(total: Line) -> str:
    """Return what it comes to, in a line."""
    if not total["announced"]:
        return "nothing was announced live"
    if not total["differ"]:
        return f"as announced live{_at_cut(total)}"
    live, now = total["live"], total["now"]
    told = f"{total['differ']} of {total['announced']} announced results differ"
    changes = [f"{name} {live[name]} → {now[name]}" for name in live if live[name] != now[name]]
    told = f"{told}: {', '.join(changes)}" if changes else f"{told}; the counts are the same"
    return f"{told}{_at_cut(total)}"


def _at_cut(total: Line) -> str:
    unheard = total.get("at_cut")
    return f"; where it broke off {counted(unheard, 'result')} could be told to nobody" if unheard else ""


def _difference(line: Line) -> str:
    at = line["at_s"]
    where = f"{line['of'].replace('_', ' ')} {line['n']}"
    if isinstance(at, int | float):
        where += f" at {at:.1f} s"
    live, now = line["live"], line["now"]
    if live is None or now is None:
        return f"{where}: {'only now' if live is None else 'only live'}"
    return f"{where}: " + ", ".join(f"{key} {_told(live[key])} → {_told(now[key])}" for key in now)


def _told(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value)) or UNTOLD
    return UNTOLD if value is None else str(value)
