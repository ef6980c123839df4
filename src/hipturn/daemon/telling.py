"""What is heard, where the sensor stands and what does not work: told to everybody who may want to know."""

import logging
from collections.abc import Callable, Mapping

from hipturn import lines
from hipturn.coach import Prompt
from hipturn.coach import words as coach_words
from hipturn.daemon.plan import View
from hipturn.model import BadPackets, Calibrated, Event, Gap, Hold, Rep, SetDone
from hipturn.plain import counted
from hipturn.session import Heard
from hipturn.sinks import words
from hipturn.sinks.hub import Hub
from hipturn.sources.ble import LinkState
from hipturn.status import State, Status
from hipturn.supervise import Fan
from hipturn.units import DEG_PER_RAD, NS_PER_S

SPOKEN = ("recording", "measuring", "pelvis")
"""Parts whose troubles a person on the mat must hear of; the coach's catalogue has the words."""

_log = logging.getLogger(__name__)


class Telling:
    """Page, display, log and further listeners by name, none of which can stop another.

    `language` tells that of the session: in it troubles are spoken and shown in a terminal.
    """

    def __init__(
        self,
        hub: Hub,
        view: View,
        listeners: Mapping[str, Callable[[Heard], None]],
        language: Callable[[], str] = lambda: "en",
    ) -> None:
        self._hub, self._view, self._language = hub, view, language
        self._logged: tuple[State, str] | None = None
        every = {"page": hub.hear, "display": view.hear, "log": _logged, **listeners}
        self.hear = Fan(every, self.trouble).hear
        """Pass on what happens in the session."""
        hub.watch(self._show)

    def trouble(self, part: str, text: str | None) -> None:
        """Tell a trouble in every channel: page, metrics, service status, log, and to whoever lies there."""
        if text is not None and self._hub.trouble(part, text) and part in SPOKEN:
            _log.error("%s", text, extra={"part": part})
            self._say(f"trouble.{part}", "trouble")
        elif text is None and self._hub.trouble(part, None) and part in SPOKEN:
            self._say(f"works.{part}", "connected")

    def _say(self, key: str, earcon: str) -> None:
        language = self._language()
        self.hear(Prompt(0, coach_words.text(language, key), earcon, key, language))

    def pelvis(self, state: LinkState, detail: str) -> None:
        """Hear where the link to the sensor on the pelvis stands."""
        self._hub.pelvis(State(state.value))
        _log.info("pelvis sensor %s: %s", state, detail, extra={"state": state.value})
        if state is LinkState.MEASURING:
            self.trouble("pelvis", None)
        elif state is LinkState.LOST:
            self.trouble("pelvis", "the pelvis sensor is lost: compensation unknown")

    def _show(self, status: Status) -> None:
        """Give log and display the state in the words everybody gets, the log only what is new."""
        if (now := (status.state, status.detail)) != self._logged:
            self._logged = now
            _log.info("sensor %s: %s", *now, extra={"state": status.state.value})
        try:
            self._view.state(status.state.value, words.standing(self._language(), status))
        except Exception:
            _log.exception("the display failed")


def _logged(heard: Heard) -> None:
    """Write into the log what a person was told and what was found."""
    match heard:
        case Prompt():
            _log.info("%s", heard.say, extra={"earcon": heard.earcon, "t_s": heard.t_ns / NS_PER_S})
        case BadPackets():
            _log.debug("%d packets could not be read", heard.count)
        case _ if isinstance(heard, Event):
            line = lines.line(heard) or {}
            _log.info("%s", _in_words(heard, str(line.get("type"))), extra={"event": line})


def _in_words(event: Event, kind: str) -> str:
    """Return what a line of the log says of an event; all figures are in the line for programs."""
    match event:
        case Rep():
            reasons = f" ({', '.join(event.reasons)})" if event.reasons else ""
            rom = event.rom_rad * DEG_PER_RAD
            return f"{event.direction} repetition {event.n}: {rom:.1f}°, {event.verdict}{reasons}"
        case Gap():
            return f"gap: {event.lost} samples lost ({event.cause})"
        case Calibrated():
            return f"calibration: {event.calibration.grade}"
        case SetDone():
            return f"set {event.n}: {counted(event.reps, 'repetition')}, {event.controlled} controlled"
        case Hold():
            held_s = (event.end_ns - event.start_ns) / NS_PER_S
            return f"hold: {event.mean_rad * DEG_PER_RAD:.1f}° for {held_s:.1f} s"
        case _:
            return kind
