"""The machine's own voice: hears prompts, and speaks and sounds from a thread of its own.

Whoever calls `hear` never waits: not for a program to start, not for a sound card, not for a voice.
"""

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from hipturn.coach import Prompt
from hipturn.model import HipAngle
from hipturn.session import Heard
from hipturn.sinks.voice import earcons, players, speech
from hipturn.sinks.voice.players import Player, SoundError
from hipturn.sinks.voice.speech import Speech, SpeechError, Utterance
from hipturn.sinks.voice.turns import Saying, Turns, Weight
from hipturn.units import DEG_PER_RAD, NS_PER_S

RETRY_NS = 30 * NS_PER_S
"""What could not be heard is tried again after this time: loudspeakers come back."""
CLOSE_S = 2.0
"""Longest wait for the thread at the end."""
PITCH_NS = NS_PER_S // 30
"""The tone follows the angle in steps no ear hears."""

URGENT = ("lost", "back", "slip", "trouble", "stopped", "paused", "pain")
"""Keys of what cannot wait, or makes untrue what was to be said."""
MOMENTARY = ("count", "reject", "tick", "turn", "metronome")
"""Keys of what belongs to this moment."""

_log = logging.getLogger(__name__)

Tell = Callable[[str | None], None]
"""Told, from the voice's thread, why this computer cannot be heard, or None when it can again."""


@dataclass(frozen=True, slots=True)
class _Asked:
    earcon: str | None
    saying: Saying


@dataclass(frozen=True, slots=True)
class _Over:
    utterance: Utterance
    trouble: str | None


@dataclass(frozen=True, slots=True)
class _Hush:
    pass


@dataclass(frozen=True, slots=True)
class _Close:
    until_ns: int


def weight(prompt: Prompt) -> Weight:
    """Return how a prompt stands to others, by its key."""
    stem = prompt.key.partition(".")[0]
    if stem in URGENT:
        return Weight.URGENT
    return Weight.COUNT if stem in MOMENTARY else Weight.TELL


class Voice:
    """Speaks what it hears while it is `on`; `open` and `close` begin and end its thread."""

    def __init__(
        self,
        tell: Tell,
        *,
        volume: float = 0.8,
        pitch: bool = False,
        player: Callable[[float], Player] = players.opened,
        speech: Callable[[], Speech | None] = speech.found,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._tell, self._clock = tell, clock
        self._volume, self._pitched = volume, pitch
        self._make_player, self._find_speech = player, speech
        self._inbox: queue.SimpleQueue[_Asked | _Over | _Hush | _Close] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._turns = Turns()
        self._utterance: Utterance | None = None
        self._player: Player | None = None
        self._speech: Speech | None = None
        self._silent_until_ns = {"sound": 0, "speech": 0}
        self._trouble: str | None = None
        self._pitch_at_ns = 0
        self._on = False

    @property
    def on(self) -> bool:
        """Whether it speaks."""
        return self._on

    @on.setter
    def on(self, on: bool) -> None:
        self._on = on
        if not on:
            self._inbox.put(_Hush())

    def open(self) -> None:
        """Start the thread."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="voice", daemon=True)
            self._thread.start()

    def close(self, finish_s: float = 0.0) -> None:
        """Be silent for good; what was said until now may go on for so long. Waits for that."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._inbox.put(_Close(self._clock() + round(finish_s * NS_PER_S)))
            thread.join(CLOSE_S + finish_s)

    def hear(self, heard: Heard) -> None:
        """Have a prompt spoken, with its sound first; never waits, never raises."""
        if not self._on or self._thread is None or self._volume <= 0.0:
            return
        match heard:
            case Prompt():
                now_ns = self._clock()
                after_ns = now_ns + earcons.length_ns(heard.earcon)
                saying = Saying(heard.say, heard.language, weight(heard), heard.key, now_ns, after_ns)
                self._inbox.put(_Asked(heard.earcon, saying))
            case HipAngle() if self._pitched and self._player is not None:
                now_ns = self._clock()
                if now_ns - self._pitch_at_ns >= PITCH_NS:
                    self._pitch_at_ns = now_ns
                    trusted = bool(heard.trusted[-1])
                    self._player.pitch(float(heard.angle_rad[-1]) * DEG_PER_RAD if trusted else None)

    # --- the thread -----------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._open()
            self._serve()
        except Exception:
            _log.exception("the voice failed")
            self._tell("the voice failed: its log says more")
        finally:
            self._shut()

    def _open(self) -> None:
        with contextlib.suppress(SoundError):  # told when there is something to sound
            self._player = self._make_player(self._volume)
        self._speech = self._find_speech()
        if self._speech is not None:
            with contextlib.suppress(SpeechError):
                self._speech.warm("en")

    def _serve(self) -> None:
        wake_ns: int | None = None
        closing: _Close | None = None
        while closing is None or (self._clock() < closing.until_ns and self._busy):
            if closing is not None:
                wake_ns = closing.until_ns if wake_ns is None else min(wake_ns, closing.until_ns)
            wait_s = None if wake_ns is None else max(0.0, (wake_ns - self._clock()) / NS_PER_S)
            try:
                item = self._inbox.get(timeout=wait_s)
            except queue.Empty:
                item = None
            match item:
                case _Close():
                    closing = item
                case _Hush():
                    self._hush()
                case _Asked():
                    self._sound(item)
                    if item.saying.text and self._turns.add(item.saying):
                        self._stop()
                case _Over():
                    self._ended(item)
            wake_ns = self._speak()

    @property
    def _busy(self) -> bool:
        """Whether something is being said or waits to be."""
        return self._turns.speaking is not None or bool(self._turns.waiting)

    def _sound(self, asked: _Asked) -> None:
        """Begin the earcon; where nothing speaks, words without one get the sound that stands for words."""
        name = asked.earcon
        if name is None and asked.saying.text and (self._speech is None or self._waits("speech")):
            name = "counted" if asked.saying.weight is Weight.COUNT else "attention"
        if name is None or name not in earcons.EARCONS or self._waits("sound"):
            return
        try:
            if self._player is None:
                self._player = self._make_player(self._volume)
            self._player.play(name)
        except SoundError as error:
            self._failed("sound", str(error))
            if self._player is not None:
                self._player.close()
                self._player = None
        else:
            self._works("sound")

    def _speak(self) -> int | None:
        """Speak what is next, if anything; return when to look again."""
        chosen = self._turns.next(self._clock())
        if not isinstance(chosen, Saying):
            return chosen
        if self._speech is None or self._waits("speech"):
            self._turns.over()
            return self._speak()
        try:
            self._utterance = self._speech.say(chosen.text, chosen.language, self._volume)
            self._follow(self._utterance)
            self._speech.warm(chosen.language)
        except SpeechError as error:
            self._turns.over()
            self._failed("speech", str(error))
        return None

    def _follow(self, utterance: Utterance) -> None:
        """Have it told when the utterance is over."""
        threading.Thread(
            target=lambda: self._inbox.put(_Over(utterance, utterance.wait())), name="speech", daemon=True
        ).start()

    def _ended(self, over: _Over) -> None:
        if over.trouble is not None:
            self._failed("speech", over.trouble)
        elif over.utterance is self._utterance:
            self._works("speech")
        if over.utterance is self._utterance:
            self._utterance = None
            self._turns.over()

    def _stop(self) -> None:
        if self._utterance is not None:
            self._utterance.stop()
            self._utterance = None
        self._turns.over()

    def _hush(self) -> None:
        if self._turns.clear():
            self._stop()
        if self._player is not None:
            self._player.pitch(None)

    def _shut(self) -> None:
        self._hush()
        if self._speech is not None:
            self._speech.close()
        if self._player is not None:
            self._player.close()

    # --- what does not work -----------------------------------------------------------------------

    def _waits(self, part: str) -> bool:
        """Return whether it failed a moment ago and is left alone."""
        return self._clock() < self._silent_until_ns[part]

    def _failed(self, part: str, why: str) -> None:
        self._silent_until_ns[part] = self._clock() + RETRY_NS
        if self._trouble is None:
            _log.warning("%s", why)
            self._trouble = part
            self._tell(why)

    def _works(self, part: str) -> None:
        self._silent_until_ns[part] = 0
        if self._trouble == part:
            self._trouble = None
            self._tell(None)
