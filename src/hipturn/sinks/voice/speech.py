"""What speaks on this computer: one table of programs, and how each is asked.

The text goes in by stdin, never on the command line: no text can be taken for an option, and nobody reads it
in the list of processes.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hipturn.errors import HipturnError

WORDS_A_MINUTE = 180
"""A little brisk: a count has to be over before the next one."""
LONGEST = 1000
"""Characters of one saying: fits into a pipe, so that writing it never waits."""


class SpeechError(HipturnError):
    """A program that should speak does not."""


@dataclass(frozen=True, slots=True)
class Program:
    """One program that speaks."""

    name: str
    command: Callable[[str, str, float, Path | None], list[str]]
    """Arguments for its path, a language, a volume from 0 to 1, and a WAV file to speak into."""
    text: Callable[[str, str, float], str] = lambda text, _language, _volume: text
    """What goes to its stdin."""
    slow_start: bool = False
    """Takes so long to start that one is kept waiting."""


def _espeak(path: str, language: str, volume: float, into: Path | None) -> list[str]:
    more = ["-w", str(into)] if into else []
    # 100 is as loud as others are; 200 distorts
    return [path, "-v", language, "-s", str(WORDS_A_MINUTE), "-a", f"{100 * volume:.0f}", *more, "--stdin"]


SAY_VOICES = {"en": "Samantha", "de": "Anna"}
"""The voices that every macOS has for these languages."""


def _say(path: str, language: str, _volume: float, into: Path | None) -> list[str]:
    voice = ["-v", SAY_VOICES[language]] if language in SAY_VOICES else []
    more = ["-o", str(into), "--data-format=LEI16@22050"] if into else []
    return [path, *voice, "-r", str(WORDS_A_MINUTE), *more, "-f", "-"]


def _say_text(text: str, _language: str, volume: float) -> str:
    # [[ begins a command to the synthesiser
    return f"[[volm {volume:.2f}]] " + text.replace("[[", "[ [")


_SAPI = """
$ErrorActionPreference = 'Stop'
Add-Type -AssemblyName System.Speech
$voice = New-Object System.Speech.Synthesis.SpeechSynthesizer
[Console]::InputEncoding = [Text.Encoding]::UTF8
$said = [Console]::In.ReadToEnd() | ConvertFrom-Json
if ($null -eq $said) { exit 0 }
$voice.Volume = $said.volume
if ($said.into) { $voice.SetOutputToWaveFile($said.into) }
$culture = New-Object Globalization.CultureInfo $said.language
try { $voice.SelectVoiceByHints('NotSet', 'NotSet', 0, $culture) } catch { }
$voice.Speak($said.text)
"""
"""Waits for one object of JSON, so that it can be started before there is anything to say."""


def _sapi(path: str, _language: str, _volume: float, _into: Path | None) -> list[str]:
    return [path, "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-Command", _SAPI]


def _sapi_text(text: str, language: str, volume: float) -> str:
    # ASCII only: the console's code page does not matter then
    return json.dumps({"text": text, "language": language, "volume": round(100 * volume)})


PROGRAMS: Mapping[str, Sequence[Program]] = {
    "darwin": (Program("say", _say, _say_text),),
    "win32": (
        Program("powershell", _sapi, _sapi_text, slow_start=True),
        Program("pwsh", _sapi, _sapi_text, slow_start=True),
    ),
    "linux": (Program("espeak-ng", _espeak), Program("espeak", _espeak)),
}
"""By platform, the better first."""


def found(platform: str = sys.platform, which: Callable[[str], str | None] = shutil.which) -> "Speech | None":
    """Return what speaks on this computer, None if nothing does."""
    for program in PROGRAMS.get(platform, PROGRAMS["linux"]):
        if path := which(program.name):
            return Speech(program, path)
    return None


class Speech:
    """Starts a program for each saying. Not for several threads."""

    def __init__(self, program: Program, path: str, into: Path | None = None) -> None:
        self.program, self.path = program, path
        self._into = into
        self._spare: tuple[str, subprocess.Popen[bytes]] | None = None

    @property
    def name(self) -> str:
        """What the program is called."""
        return self.program.name

    def warm(self, language: str) -> None:
        """Start a process ahead where starting takes long."""
        if self.program.slow_start and self._spare is None:
            self._spare = (language, self._started(language, 1.0))

    def say(self, text: str, language: str, volume: float) -> "Utterance":
        """Begin to speak; raise `SpeechError`. Returns at once."""
        spare, self._spare = self._spare, None
        process = spare[1] if spare is not None else self._started(language, volume)
        asked = self.program.text(text[:LONGEST], language, volume)
        if process.stdin is not None:
            try:
                process.stdin.write(asked.encode())
                process.stdin.close()
            except OSError as error:
                process.kill()
                process.wait()
                raise SpeechError(f"{self.name} takes no text ({error.strerror})") from error
        return Utterance(process, self.name)

    def close(self) -> None:
        """End what waits."""
        if self._spare is not None:
            self._spare[1].kill()
            Utterance(self._spare[1], self.name).wait()
            self._spare = None

    def _started(self, language: str, volume: float) -> "subprocess.Popen[bytes]":
        hidden = getattr(subprocess, "CREATE_NO_WINDOW", 0)
        command = self.program.command(self.path, language, volume, self._into)
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                creationflags=hidden,
                # Ctrl-C is for hipturn, which says good-bye
                start_new_session=sys.platform != "win32",
            )
        except OSError as error:
            raise SpeechError(f"{self.name} cannot be started ({error.strerror})") from error


class Utterance:
    """A program that speaks."""

    def __init__(self, process: "subprocess.Popen[bytes]", name: str) -> None:
        self._process, self._name = process, name
        self._stopped = False

    def stop(self) -> None:
        """Silence it at once."""
        self._stopped = True
        self._process.kill()

    def wait(self) -> str | None:
        """Wait until it is over; return what went wrong, None if nothing did or it was stopped."""
        told = self._process.stderr.read(8192) if self._process.stderr else b""
        if self._process.stderr:
            self._process.stderr.close()
        if self._process.stdin:
            self._process.stdin.close()
        code = self._process.wait()
        if self._stopped:
            return None
        lines = [line.strip() for line in told.decode(errors="replace").splitlines() if line.strip()]
        # espeak-ng ends with status 0 when there is no loudspeaker; what it says last is why
        if code or (lines and lines[-1].startswith("error:")):
            why = lines[-1] if lines else f"status {code}"
            return f"{self._name} cannot be heard ({why[:120]})"
        return None
