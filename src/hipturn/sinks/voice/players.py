"""What makes earcons sound: `sounddevice`, else a program of the system that plays WAV files."""

import contextlib
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hipturn.errors import HipturnError
from hipturn.model import FloatArray
from hipturn.sinks.voice import earcons

PITCH_HZ, PITCH_OCTAVE_DEG = 262.0, 45.0
"""The pitch at neutral, and the angle that raises it by an octave."""
PITCH_GAIN = 0.12
"""Well below earcons and voice."""
MOST_AT_ONCE = 4
"""Programs that play at a time: a stuck one must not fill the computer."""


class SoundError(HipturnError):
    """No sound comes out."""


class Player(Protocol):
    """Makes sounds; nothing here waits for one to end. Called from one thread."""

    name: str
    pitched: bool
    """Whether it can follow the angle."""

    def play(self, name: str) -> None:
        """Begin an earcon; raise `SoundError`."""
        ...

    def pitch(self, angle_deg: float | None) -> None:
        """Let a quiet tone follow the angle; None for silence."""
        ...

    def close(self) -> None:
        """Be silent for good."""
        ...


class Mixer:
    """What a sound card is fed: the earcons that sound now, and the tone that follows the angle.

    `frames` may be called from another thread than the rest.
    """

    def __init__(self, volume: float) -> None:
        self._volume = volume
        self._lock = threading.Lock()
        self._playing: list[FloatArray] = []
        self._wanted: float | None = None
        self._gain = self._phase = 0.0
        self._hz = PITCH_HZ

    def play(self, name: str) -> None:
        """Add an earcon."""
        with self._lock:
            self._playing.append(earcons.samples(name, self._volume))

    def pitch(self, angle_deg: float | None) -> None:
        """Let the tone follow the angle, or fade."""
        self._wanted = angle_deg

    def frames(self, count: int) -> FloatArray:
        """Return the next `count` samples, in [-1, 1]."""
        out = np.zeros(count)
        with self._lock:
            for i, rest in enumerate(self._playing):
                part = rest[:count]
                out[: len(part)] += part
                self._playing[i] = rest[count:]
            self._playing = [rest for rest in self._playing if len(rest)]
        self._add_pitch(out)
        return np.clip(out, -1.0, 1.0)

    def _add_pitch(self, out: FloatArray) -> None:
        """Add the tone, gliding to where it is wanted: a step in loudness or pitch would click."""
        wanted = self._wanted
        gain = PITCH_GAIN * self._volume if wanted is not None else 0.0
        hz = self._hz if wanted is None else PITCH_HZ * 2.0 ** (min(abs(wanted), 90.0) / PITCH_OCTAVE_DEG)
        if self._gain == 0.0 == gain or not len(out):
            self._gain, self._hz = gain, hz
            return
        ramp = np.arange(1, len(out) + 1) / len(out)
        phase = self._phase + 2.0 * np.pi * np.cumsum(self._hz + (hz - self._hz) * ramp) / earcons.RATE_HZ
        out += (self._gain + (gain - self._gain) * ramp) * np.sin(phase)
        self._gain, self._hz, self._phase = gain, hz, float(phase[-1] % (2.0 * np.pi))


class Device:
    """The sound card itself, by `sounddevice`: mixes, and can follow the angle."""

    name = "sounddevice"
    pitched = True

    def __init__(self, volume: float) -> None:
        """Open the default output; raise `SoundError`."""
        self._mixer = Mixer(volume)
        try:
            import sounddevice

            self._stream = sounddevice.OutputStream(
                samplerate=earcons.RATE_HZ, channels=1, dtype="float32", latency="low", callback=self._fill
            )
            self._stream.start()
        except Exception as error:  # the package, PortAudio and the driver each have errors of their own
            raise SoundError(f"sounddevice makes no sound ({' '.join(str(error).split())[:120]})") from error

    def play(self, name: str) -> None:
        """Begin an earcon."""
        if not self._stream.active:
            raise SoundError("the sound card has gone away")
        self._mixer.play(name)

    def pitch(self, angle_deg: float | None) -> None:
        """Let the tone follow the angle."""
        self._mixer.pitch(angle_deg)

    def close(self) -> None:
        """Close the sound card."""
        with contextlib.suppress(Exception):
            self._stream.abort()
            self._stream.close()

    def _fill(self, out: Any, count: int, _time: Any, _status: Any) -> None:
        out[:, 0] = self._mixer.frames(count)


PLAYERS: Mapping[str, Sequence[tuple[str, tuple[str, ...]]]] = {
    "darwin": (("afplay", ()),),
    "linux": (("pw-play", ()), ("paplay", ()), ("aplay", ("-q",))),
}
"""Programs that play a WAV file, by platform: those first that mix with what else sounds."""


class Files:
    """A program that plays files, one start an earcon; or `play_file`, the system's own call."""

    pitched = False

    def __init__(
        self, volume: float, command: Sequence[str] = (), play_file: Callable[[Path], None] | None = None
    ) -> None:
        self.name = Path(command[0]).name if command else "winsound"
        self._command, self._play_file = command, play_file
        self._folder = tempfile.TemporaryDirectory(prefix="hipturn-sounds-", ignore_cleanup_errors=True)
        for name in earcons.EARCONS:
            self._path(name).write_bytes(earcons.wav(name, volume))
        self._playing: list[subprocess.Popen[bytes]] = []

    def play(self, name: str) -> None:
        """Begin an earcon; raise `SoundError` also where an earlier one failed."""
        if self._play_file is not None:
            self._play_file(self._path(name))
            return
        codes = [process.poll() for process in self._playing]
        self._playing = [one for one, code in zip(self._playing, codes) if code is None]
        if any(codes):
            raise SoundError(f"{self.name} cannot be heard (status {next(filter(None, codes))})")
        if len(self._playing) >= MOST_AT_ONCE:
            oldest = self._playing.pop(0)
            oldest.kill()
            oldest.wait()
        try:
            self._playing.append(
                subprocess.Popen(
                    [*self._command, str(self._path(name))],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            )
        except OSError as error:
            raise SoundError(f"{self.name} cannot be started ({error.strerror})") from error

    def pitch(self, angle_deg: float | None) -> None:
        """Leave it: files cannot follow anything."""

    def close(self) -> None:
        """Silence what sounds, and remove the files."""
        for process in self._playing:
            process.kill()
            process.wait()
        self._folder.cleanup()

    def _path(self, name: str) -> Path:
        return Path(self._folder.name) / f"{name}.wav"


def opened(
    volume: float, platform: str = sys.platform, which: Callable[[str], str | None] = shutil.which
) -> Player:
    """Return what plays earcons here, the best first; raise `SoundError` if nothing does."""
    try:
        return Device(volume)
    except SoundError as error:
        why = str(error)
    if platform == "win32":
        return Files(volume, play_file=_windows)
    for name, options in PLAYERS.get(platform, PLAYERS["linux"]):
        if path := which(name):
            return Files(volume, [path, *options])
    raise SoundError(f"nothing here plays sounds: {why}; pip install 'hipturn[sound]', or install a player")


def _windows(path: Path) -> None:
    import importlib

    sound: Any = importlib.import_module("winsound")
    try:
        sound.PlaySound(str(path), sound.SND_FILENAME | sound.SND_ASYNC | sound.SND_NODEFAULT)
    except RuntimeError as error:
        raise SoundError(f"Windows plays no sound ({error})") from error
