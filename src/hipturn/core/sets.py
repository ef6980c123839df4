"""Which repetitions count, and where a set ends: corrections, warming up and fatigue."""

from collections.abc import Callable, Sequence
from statistics import median

from hipturn.model import Corrected, Rep, SetDone, StreamNs, Verdict
from hipturn.units import NS_PER_S

LEAST_FOR_TRENDS = 6
"""Thirds of fewer than two repetitions are chance."""


class Sets:
    """The repetitions of one leg: tell each, and how far the stream has come."""

    def __init__(self, stream: str, rest_s: float) -> None:
        self._stream = stream
        self._rest_ns = round(rest_s * NS_PER_S)
        self._reps: list[Rep] = []
        self._before: list[Rep] = []
        """Those of the set before: a pause may have closed it by the time somebody corrects it."""
        self._undone: list[tuple[list[Rep], Rep]] = []
        self._done = 0

    @property
    def last(self) -> Sequence[Rep]:
        """The repetitions of this set that count, oldest first."""
        return self._reps

    def due_ns(self) -> int | None:
        """Return the stream time after which the set is over, None while there is none."""
        return self._reps[-1].end_ns + self._rest_ns if self._reps else None

    def push(self, rep: Rep) -> None:
        """Take in a repetition."""
        self._reps.append(rep)
        self._undone.clear()

    def end(self) -> SetDone | None:
        """Close the set and return what it was, None if it was empty."""
        reps = self._reps
        if not reps:
            return None
        self._before, self._reps = reps, []
        self._done += 1
        sound = [rep for rep in reps if rep.verdict is not Verdict.VOID]
        thirds = _thirds(sound) if len(sound) >= LEAST_FOR_TRENDS else None
        return SetDone(
            stream=self._stream,
            n=self._done,
            first=reps[0].n,
            last=reps[-1].n,
            start_ns=reps[0].start_ns,
            end_ns=reps[-1].end_ns,
            reps=len(reps),
            controlled=sum(rep.verdict is Verdict.CONTROLLED for rep in reps),
            warm_up=thirds and _ratio(thirds[0], thirds[1], lambda rep: rep.rom_rad),
            range_change=thirds and _ratio(thirds[1], thirds[2], lambda rep: rep.rom_rad),
            speed_change=thirds and _ratio(thirds[1], thirds[2], lambda rep: rep.peak_speed_radps),
            sparc_change=thirds
            and median(rep.sparc for rep in thirds[2]) - median(rep.sparc for rep in thirds[1]),
        )

    def undo(self, t_ns: int) -> Corrected:
        """Take back the last repetition of the set, or of the one before while this has none."""
        reps = self._reps or self._before
        taken = [reps.pop()] if reps else []
        self._undone += [(reps, rep) for rep in taken]
        return Corrected(self._stream, StreamNs(t_ns), "undo", _numbers(taken))

    def redo(self, t_ns: int) -> Corrected:
        """Bring back the last repetition that was taken back."""
        brought = []
        if self._undone:
            reps, rep = self._undone.pop()
            reps.append(rep)
            brought = [rep]
        return Corrected(self._stream, StreamNs(t_ns), "redo", _numbers(brought))

    def restart(self, t_ns: int) -> Corrected:
        """Take back the whole set."""
        taken, self._reps = self._reps, []
        self._undone.clear()
        return Corrected(self._stream, StreamNs(t_ns), "restart", _numbers(taken))


def _numbers(reps: Sequence[Rep]) -> tuple[int, ...]:
    return tuple(rep.n for rep in reps)


def _thirds(reps: Sequence[Rep]) -> tuple[Sequence[Rep], Sequence[Rep], Sequence[Rep]]:
    third = len(reps) // 3
    return reps[:third], reps[third : len(reps) - third], reps[len(reps) - third :]


def _ratio(before: Sequence[Rep], after: Sequence[Rep], figure: Callable[[Rep], float]) -> float:
    """Return the change of the median as a share of what it was."""
    was = median(map(figure, before))
    return median(map(figure, after)) / was - 1.0 if was > 0.0 else 0.0
