"""The sounds: short, distinct, and made here.

Each is told from the others by rhythm and direction, not by pitch alone, so that they are understood on a
laptop's loudspeaker across a room.
"""

import io
import wave
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import numpy as np

from hipturn.model import FloatArray, IntArray
from hipturn.units import NS_PER_S

RATE_HZ = 44_100
"""What every sound card takes without being asked."""
EDGE_S = 0.004
"""Each tone swells and fades so long: an edge is heard as a click."""
LOUDEST = 0.8
"""Peak of an earcon at full volume: two at once do not clip hard."""


class Tone(NamedTuple):
    """One tone of an earcon: when, how long, which frequency, how loud, and how much of its overtones."""

    at_s: float
    seconds: float
    frequency_hz: float
    gain: float = 1.0
    overtones: float = 0.2
    """Share of the second and third harmonic: more is rougher."""
    ringing: bool = False
    """Dies away as something struck does, instead of standing."""


C5, D5, E5, G5, A5, C6, E6, G6 = 523.25, 587.33, 659.26, 783.99, 880.0, 1046.5, 1318.5, 1568.0
"""Equal temperament: laptops' loudspeakers are loud between 500 and 2000 Hz."""

EARCONS: Mapping[str, tuple[Tone, ...]] = {
    "connected": (Tone(0.0, 0.09, C5), Tone(0.10, 0.09, E5), Tone(0.20, 0.16, G5)),
    "lost": (Tone(0.0, 0.14, G5), Tone(0.15, 0.14, E5), Tone(0.30, 0.26, C5 / 2, 1.0, 0.5)),
    "tare-start": (Tone(0.0, 0.09, A5), Tone(0.20, 0.09, A5), Tone(0.40, 0.09, A5)),
    "tare-done": (Tone(0.0, 0.14, G5), Tone(0.15, 0.24, C6)),
    "counted": (Tone(0.0, 0.09, E6, 0.9, 0.1, ringing=True),),
    "rejected": (Tone(0.0, 0.22, 155.0, 1.0, 0.9),),
    "target": (
        Tone(0.0, 0.08, C6),
        Tone(0.08, 0.08, E6),
        Tone(0.16, 0.22, G6, 1.0, 0.2, ringing=True),
    ),
    "tick": (Tone(0.0, 0.03, 2000.0, 0.6, 0.0, ringing=True),),
    "set-done": (
        Tone(0.0, 0.1, G5),
        Tone(0.13, 0.1, G5),
        Tone(0.26, 0.3, D5 * 2, 1.0, 0.2, ringing=True),
    ),
    "battery-low": (Tone(0.0, 0.2, E5, 0.8), Tone(0.35, 0.2, C5, 0.8)),
    "trouble": (
        Tone(0.0, 0.11, 330.0, 1.0, 0.7),
        Tone(0.12, 0.11, 247.0, 1.0, 0.7),
        Tone(0.24, 0.11, 330.0, 1.0, 0.7),
        Tone(0.36, 0.11, 247.0, 1.0, 0.7),
    ),
    "metronome": (Tone(0.0, 0.045, 1175.0, 0.8, 0.4, ringing=True),),
    "attention": (Tone(0.0, 0.1, D5, 0.8), Tone(0.14, 0.16, A5, 0.8)),
}
"""What each is made of. `attention` is no event: it stands for words where nothing here can speak."""


def samples(name: str, volume: float = 1.0) -> FloatArray:
    """Return the earcon as samples in [-1, 1] at `RATE_HZ`, shape (n,); `volume` from 0 to 1.

    Raises `KeyError` for a name that is none of `EARCONS`.
    """
    return _made(name) * min(1.0, max(0.0, volume)) * LOUDEST


def seconds(name: str) -> float:
    """Return how long the earcon lasts."""
    return max(tone.at_s + tone.seconds for tone in EARCONS[name])


def length_ns(name: str | None) -> int:
    """Return how long the earcon lasts, 0 for none."""
    return round(seconds(name) * NS_PER_S) if name is not None and name in EARCONS else 0


def pcm(name: str, volume: float = 1.0) -> IntArray:
    """Return the earcon as 16-bit whole numbers, shape (n,)."""
    return np.round(samples(name, volume) * 32767.0).astype(np.int64)


def wav(name: str, volume: float = 1.0) -> bytes:
    """Return the earcon as a WAV file: PCM, one channel, 16 bit."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(pcm(name, volume).astype("<i2").tobytes())
    return out.getvalue()


@cache
def _made(name: str) -> FloatArray:
    out = np.zeros(round(seconds(name) * RATE_HZ))
    for tone in EARCONS[name]:
        sound = _tone(tone)
        first = round(tone.at_s * RATE_HZ)
        room = out[first : first + len(sound)]
        room += sound[: len(room)]
    peak = max(tone.gain for tone in EARCONS[name])
    made: FloatArray = out / np.abs(out).max() * peak
    made.setflags(write=False)
    return made


def _tone(tone: Tone) -> FloatArray:
    t_s = np.arange(round(tone.seconds * RATE_HZ)) / RATE_HZ
    sound = np.zeros_like(t_s)
    for harmonic, gain in ((1, 1.0), (2, tone.overtones), (3, 0.6 * tone.overtones)):
        sound += gain * np.sin(2.0 * np.pi * harmonic * tone.frequency_hz * t_s)
    edge = np.clip(np.minimum(t_s, tone.seconds - t_s) / EDGE_S, 0.0, 1.0)
    shape = np.sin(0.5 * np.pi * edge) ** 2
    if tone.ringing:
        shape *= np.exp(-4.0 * t_s / tone.seconds)
    shaped: FloatArray = tone.gain * sound * shape
    return shaped
