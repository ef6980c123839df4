"""One live session, without clock or radio: what happens to each input, in order.

The recorder sits at the door and sees every input first; then the pipeline; then the coach, whose
marks enter by the same door right behind the input that led to them.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from hipturn import drivers, lines
from hipturn.coach import Prompt, Said, Show, marks
from hipturn.core.pipeline import CoreParams, Pipeline
from hipturn.model import (
    Event,
    Gap,
    Hold,
    HostNs,
    Input,
    Mark,
    Output,
    Packets,
    Rep,
    SessionStart,
    SetDone,
)

Heard = Input | Output | Prompt | Show
"""What a listener can hear."""


class Recording(Protocol):
    """Where a session is kept."""

    def write(self, item: Input) -> None:
        """Keep an input."""
        ...

    def write_event(self, stream: str, t_ns: int, line: str) -> None:
        """Keep a result beside."""
        ...


class Guide(Protocol):
    """A coach."""

    def push(self, item: Input | Output) -> Sequence[Said]:
        """Return what to tell the person and what to put into the stream."""
        ...


class Session:
    """A session in progress: push inputs in the order they came."""

    def __init__(
        self,
        params: CoreParams,
        coach: Guide | None,
        recording: Recording | None,
        listen: Callable[[Heard], None],
    ) -> None:
        self._pipeline = Pipeline(params, drivers.decoder)
        self._coach = coach
        self._recording = recording
        self._listen = listen

    def push(self, item: Input) -> None:
        """Record, measure, coach."""
        waiting = [item]
        while waiting:
            item = waiting.pop(0)
            if self._recording is not None:
                self._recording.write(item)
            self._listen(item)
            outputs = self._pipeline.push(item)
            waiting += self._tell([item, *outputs], outputs, _arrival(item))

    def finish(self) -> None:
        """Take what the end of the stream decides; no more inputs come."""
        outputs = self._pipeline.finish()
        self._tell(outputs, outputs, HostNs(0))

    def _tell(self, heard: Sequence[Input | Output], outputs: Sequence[Output], at_ns: HostNs) -> list[Mark]:
        """Tell everyone; return the marks the coach answers with."""
        for output in outputs:
            # recorded before it is told: what was announced is not lost, whatever happens next
            if isinstance(output, Event) and self._recording is not None:
                line = lines.dumps(lines.line(output) or {})
                self._recording.write_event(output.stream, over_ns(output), line)
            self._listen(output)
        if self._coach is None:
            return []
        said: list[Said] = []
        for each in heard:
            for one in self._coach.push(each):
                said.append(one)
                # whatever is no mark is for the person
                if not isinstance(one, Mark):
                    self._keep(one, getattr(each, "stream", ""))
                    self._listen(one)
        return marks(said, at_ns)

    def _keep(self, said: Prompt | Show, stream: str) -> None:
        """Keep a test's result before it is told: what the history compares is what the person heard."""
        if isinstance(said, Show) and said.tested is not None and self._recording is not None:
            line = lines.test_result(said.tested)
            self._recording.write_event(stream, said.t_ns, lines.dumps(line))


def _arrival(item: Input) -> HostNs:
    match item:
        case Packets():
            return HostNs(int(item.at_ns[-1]))
        case SessionStart():
            return HostNs(0)
        case _:
            return item.at_ns


def over_ns(event: Event) -> int:
    """Return when in stream time an event was over."""
    match event:
        case Rep() | Hold() | Gap() | SetDone():
            return event.end_ns
        case _:
            return event.t_ns
