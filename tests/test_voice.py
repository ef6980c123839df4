"""The machine's own voice: one at a time, never behind the movement, never in the way of the measurement."""

import io
import itertools
import os
import shutil
import stat
import sys
import threading
import time
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import regrouped
from hipturn.coach import Coach, Prompt
from hipturn.core.pipeline import CoreParams
from hipturn.model import FloatArray, Side
from hipturn.session import Heard, Session
from hipturn.sinks.voice import Speaker, Voice, audible, earcons, players, speech
from hipturn.sinks.voice.players import Files, Mixer, SoundError
from hipturn.sinks.voice.speech import PROGRAMS, Program, Speech, SpeechError
from hipturn.sinks.voice.turns import MOST_WAITING, Saying, Turns, Weight
from hipturn.sources import body, simulated
from hipturn.units import NS_PER_S

PATIENCE_S = 30.0
NAMES = (
    "connected",
    "lost",
    "tare-start",
    "tare-done",
    "counted",
    "rejected",
    "target",
    "tick",
    "set-done",
    "battery-low",
    "trouble",
    "metronome",
)


# --- the sounds ---------------------------------------------------------------------------------


def test_every_event_has_its_sound() -> None:
    """The names that the coach may use."""
    assert set(NAMES) <= set(earcons.EARCONS)


@pytest.mark.parametrize("name", earcons.EARCONS)
def test_a_sound_is_short_clean_and_within_its_volume(name: str) -> None:
    """No click at either end, no clipping, shorter than a count may be late; nothing at volume 0."""
    sound = earcons.samples(name)
    assert sound.ndim == 1 and len(sound) == pytest.approx(earcons.seconds(name) * earcons.RATE_HZ, abs=1)
    assert abs(sound[0]) < 0.01 and abs(sound[-1]) < 0.01 and abs(float(sound.mean())) < 0.01
    assert 0.3 < np.abs(sound).max() <= earcons.LOUDEST + 1e-9
    assert earcons.seconds(name) <= (0.1 if name in ("counted", "tick", "metronome") else 0.6)
    assert not earcons.samples(name, 0.0).any()
    assert np.abs(earcons.samples(name, 0.25)).max() == pytest.approx(0.25 * np.abs(sound).max())


def test_no_two_sounds_are_alike() -> None:
    """Told apart by what is heard when: loudness by band over time, compared at the same length."""

    def heard(name: str) -> FloatArray:
        sound = np.zeros(round(0.64 * earcons.RATE_HZ))
        own = earcons.samples(name)
        sound[: len(own)] = own / np.sqrt((own**2).sum())
        frames = np.abs(np.fft.rfft(sound.reshape(16, -1), axis=1)) ** 2
        hz = np.fft.rfftfreq(sound.size // 16, 1.0 / earcons.RATE_HZ)
        # thirds of an octave
        bands = np.digitize(np.log2(np.maximum(hz, 50.0) / 50.0) * 3.0, np.arange(24))
        table = np.stack([frames[:, bands == band].sum(axis=1) for band in range(25)], axis=1)
        flat = np.sqrt(table).ravel()
        return np.asarray(flat / np.sqrt((flat**2).sum()))

    for one, other in itertools.combinations(earcons.EARCONS, 2):
        assert float(heard(one) @ heard(other)) < 0.8, f"{one} sounds like {other}"


def test_a_sound_as_a_file_is_what_it_is_as_samples() -> None:
    """A WAV any player takes."""
    with wave.open(io.BytesIO(earcons.wav("tare-done", 0.5))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, earcons.RATE_HZ)
        frames = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert np.array_equal(frames, earcons.pcm("tare-done", 0.5))


# --- the mixer ----------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 4000), min_size=1, max_size=60))
def test_the_mixer_gives_the_same_however_the_card_asks(counts: list[int]) -> None:
    """Cut anywhere, an earcon comes out whole."""
    mixer = Mixer(1.0)
    mixer.play("target")
    total = sum(counts)
    out = np.concatenate([mixer.frames(count) for count in counts])
    wanted = np.zeros(total)
    sound = earcons.samples("target")[:total]
    wanted[: len(sound)] = sound
    assert np.allclose(out, wanted)


def test_two_sounds_mix_and_never_exceed_what_a_card_takes() -> None:
    mixer = Mixer(1.0)
    mixer.play("target")
    mixer.play("trouble")
    mixer.pitch(30.0)
    out = np.concatenate([mixer.frames(441) for _ in range(60)])
    assert np.abs(out).max() <= 1.0


def test_pitch_rises_with_the_angle_without_a_click() -> None:
    """An octave in 45°, either way; no step between blocks larger than the tone's own; then silence."""
    mixer = Mixer(1.0)

    def hz(angle_deg: float) -> float:
        mixer.pitch(angle_deg)
        mixer.frames(4410)
        tone = mixer.frames(44100)
        return float(np.argmax(np.abs(np.fft.rfft(tone))))

    low, high, mirrored = hz(0.0), hz(45.0), hz(-45.0)
    assert high == pytest.approx(2 * low, rel=0.01) and mirrored == high
    blocks = []
    for angle_deg in (0.0, 40.0, None, None):
        mixer.pitch(angle_deg)
        blocks.append(mixer.frames(441))
    steepest = players.PITCH_GAIN * 2 * np.pi * 600.0 / earcons.RATE_HZ
    assert np.abs(np.diff(np.concatenate(blocks))).max() < steepest
    assert not blocks[-1].any()


# --- whose turn it is ---------------------------------------------------------------------------


def saying(
    text: str, weight: Weight = Weight.TELL, at_s: float = 0.0, key: str = "", after_s: float = 0.0
) -> Saying:
    return Saying(text, "en", weight, key or text, round(at_s * NS_PER_S), round(after_s * NS_PER_S))


def spoken(turns: Turns, now_s: float) -> str | None:
    found = turns.next(round(now_s * NS_PER_S))
    if isinstance(found, Saying):
        turns.over()
        return found.text
    return None


def test_a_newer_count_takes_the_place_of_an_older_one() -> None:
    """Waiting or being spoken: nobody hears "three" while doing the fifth."""
    turns = Turns()
    turns.add(saying("lie still"))
    assert turns.next(0) == saying("lie still")
    assert not turns.add(saying("3", Weight.COUNT, 1.0)), "a count does not cut a sentence off"
    assert not turns.add(saying("4", Weight.COUNT, 1.5))
    turns.over()
    assert turns.next(NS_PER_S * 2) == saying("4", Weight.COUNT, 1.5)
    assert turns.add(saying("5", Weight.COUNT, 2.5)), "a count cuts an older count off"
    turns.over()
    assert spoken(turns, 2.6) == "5" and spoken(turns, 2.6) is None


def test_a_count_that_waited_too_long_is_never_spoken() -> None:
    turns = Turns()
    turns.add(saying("3", Weight.COUNT, 0.0))
    turns.add(saying("rest", at_s=1.0))
    assert spoken(turns, 1.2) == "rest" and spoken(turns, 1.3) is None


def test_the_urgent_silences_the_rest() -> None:
    turns = Turns()
    for text in ("one", "two"):
        turns.add(saying(text))
    turns.next(0)
    assert turns.add(saying("sensor lost", Weight.URGENT))
    turns.over()
    assert spoken(turns, 0.0) == "sensor lost" and spoken(turns, 0.0) is None


def test_sentences_keep_their_order_and_the_same_is_said_once() -> None:
    turns = Turns()
    for text, key in (("a", "a"), ("b 1", "b"), ("c", "c"), ("b 2", "b")):
        turns.add(saying(text, key=key))
    assert [spoken(turns, 0.0) for _ in range(4)] == ["a", "c", "b 2", None]


def test_nothing_is_said_before_its_sound_is_over() -> None:
    turns = Turns()
    turns.add(saying("1", Weight.COUNT, 0.0, after_s=0.1))
    assert turns.next(round(0.05 * NS_PER_S)) == round(0.1 * NS_PER_S)
    assert spoken(turns, 0.1) == "1"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(Weight),
            st.sampled_from("abcdefgh"),
            st.booleans(),
            st.floats(0.0, 3.0),
        )
    )
)
def test_turns_never_hold_much_and_one_speaks_at_a_time(
    calls: list[tuple[Weight, str, bool, float]],
) -> None:
    """Whatever comes: what waits is bounded, only who speaks is stopped, counts never pile up."""
    turns, now_s = Turns(), 0.0
    for weight, text, ends, pause_s in calls:
        now_s += pause_s
        speaking = turns.speaking
        stop = turns.add(saying(text, weight, now_s))
        assert not (stop and speaking is None)
        assert len(turns.waiting) <= MOST_WAITING + 1
        assert sum(one.weight is Weight.COUNT for one in turns.waiting) <= 1
        if stop or ends:
            turns.over()
        found = turns.next(round(now_s * NS_PER_S))
        assert found is None or turns.speaking is found
        assert not (
            isinstance(found, Saying) and found.weight is Weight.COUNT and found.at_ns < now_s * 1e9 - 1.01e9
        )


# --- who speaks ---------------------------------------------------------------------------------


def test_one_speaker_at_most() -> None:
    """`auto` takes this computer where it can be heard; a person's word holds from then on."""
    assert Speaker("auto", True).where == "machine" and Speaker("auto", False).where == "page"
    assert Speaker("machine", False).where == "machine"
    auto = Speaker("auto", True)
    assert auto.failed() and auto.where == "page" and not auto.failed()
    auto.choose("page", "abc")
    assert auto.line() == {"where": "page", "page": "abc"}
    auto.choose("machine", "abc")
    assert auto.line() == {"where": "machine", "page": None}
    assert not auto.failed() and auto.line()["where"] == "machine", "a person's choice holds"


def test_a_page_that_is_gone_no_longer_speaks() -> None:
    """Its part is free then; a page that never had it takes nothing with it."""
    chosen = Speaker("off", False)
    chosen.choose("page", "a")
    assert not chosen.gone("b") and not chosen.gone(None) and chosen.page == "a"
    assert chosen.gone("a") and chosen.line() == {"where": "page", "page": None}
    assert not chosen.gone("a")


def test_a_computer_without_loudspeaker_is_known(tmp_path: Path) -> None:
    def here(**environ: str) -> bool:
        return audible("linux", environ, tmp_path)

    assert not here() and audible("darwin", {}, tmp_path) and audible("win32", {}, tmp_path)
    assert here(PULSE_SERVER="tcp:somewhere")
    (tmp_path / "pulse").mkdir()
    (tmp_path / "pulse" / "native").touch()
    assert here(XDG_RUNTIME_DIR=str(tmp_path)) and not here()
    (tmp_path / "pcmC0D0c").touch()
    assert not here(), "a microphone is no loudspeaker"
    (tmp_path / "pcmC0D0p").touch()
    assert here()


# --- programs that speak ------------------------------------------------------------------------


def test_each_platform_has_its_program() -> None:
    there = {"espeak-ng": "/usr/bin/espeak-ng", "say": "/usr/bin/say", "powershell": "C:\\ps.exe"}
    for platform, name in (("linux", "espeak-ng"), ("darwin", "say"), ("win32", "powershell")):
        chosen = speech.found(platform, there.get)
        assert chosen is not None and chosen.name == name
        assert speech.found(platform, lambda _: None) is None


@pytest.mark.parametrize("platform", PROGRAMS)
@given(text=st.text(), language=st.sampled_from(["en", "de"]))
def test_text_never_reaches_a_command_line(platform: str, text: str, language: str) -> None:
    """It goes by stdin: neither options nor the list of processes nor a shell ever see it."""
    for program in PROGRAMS[platform]:
        before = program.command("/x", language, 0.5, None)
        program.text(text, language, 0.5)
        assert program.command("/x", language, 0.5, None) == before
        if program.name == "say":
            assert "[[" not in program.text(text, language, 0.5).removeprefix("[[volm 0.50]] ")
        if program.slow_start:
            assert program.text(text, language, 0.5).isascii()


ESPEAK = shutil.which("espeak-ng")


@pytest.mark.skipif(ESPEAK is None, reason="espeak-ng is not installed")
def test_espeak_speaks_each_language_as_loud_as_asked(tmp_path: Path) -> None:
    """The real program into a file: German sounds otherwise than English, half the volume is half as loud."""

    def said(name: str, language: str, volume: float) -> FloatArray:
        path = tmp_path / f"{name}.wav"
        talks = Speech(PROGRAMS["linux"][0], str(ESPEAK), into=path)
        assert talks.say("now: one, two, three", language, volume).wait() is None
        with wave.open(str(path)) as file:
            return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)

    english, quiet, german = said("en", "en", 1.0), said("quiet", "en", 0.5), said("de", "de", 1.0)
    assert len(english) > 22050 and np.abs(english).max() > 3000
    assert np.abs(quiet).max() == pytest.approx(0.5 * np.abs(english).max(), rel=0.1)
    assert len(german) != len(english)


@pytest.mark.skipif(ESPEAK is None, reason="espeak-ng is not installed")
def test_a_text_like_an_option_is_spoken(tmp_path: Path) -> None:
    path = tmp_path / "option.wav"
    talks = Speech(PROGRAMS["linux"][0], str(ESPEAK), into=path)
    assert talks.say("--help; -w /nowhere", "en", 1.0).wait() is None
    assert path.stat().st_size > 1000


def fake(folder: Path, body: str) -> Program:
    """A program of that behaviour, in place of one of another platform."""
    path = folder / "fake"
    path.write_text(f"#!{sys.executable}\nimport sys, time\n{body}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return Program("fake", lambda _path, language, volume, _into: [str(path), language, f"{volume:g}"])


needs_programs = pytest.mark.skipif(os.name != "posix", reason="fake programs are POSIX scripts")


@needs_programs
def test_a_program_gets_text_language_and_volume(tmp_path: Path) -> None:
    out = tmp_path / "said"
    program = fake(tmp_path, f"open({str(out)!r}, 'w').write(sys.stdin.read() + str(sys.argv[1:]))")
    assert Speech(program, "").say("Grüß – 3", "de", 0.5).wait() is None
    assert out.read_text(encoding="utf-8") == "Grüß – 3['de', '0.5']"


@needs_programs
def test_a_program_that_fails_says_why(tmp_path: Path) -> None:
    program = fake(tmp_path, "sys.stdin.read(); sys.exit('no voice is called xx')")
    assert Speech(program, "").say("a", "xx", 1.0).wait() == "fake cannot be heard (no voice is called xx)"
    silent = fake(tmp_path, "sys.stdin.read(); print('error: no device', file=sys.stderr)")
    assert "no device" in str(Speech(silent, "").say("a", "en", 1.0).wait()), "status 0 and yet nothing heard"
    with pytest.raises(SpeechError, match="cannot be started"):
        Speech(Program("gone", lambda *_: [str(tmp_path / "gone")]), "").say("a", "en", 1.0)


@needs_programs
def test_a_program_is_silenced_at_once(tmp_path: Path) -> None:
    """Killed in the middle of a sentence, which is no failure."""
    utterance = Speech(fake(tmp_path, "time.sleep(600)"), "").say("a long story", "en", 1.0)
    utterance.stop()
    assert utterance.wait() is None


@needs_programs
def test_a_slow_program_is_started_ahead(tmp_path: Path) -> None:
    """The one kept waiting speaks; another is kept for the next; closing leaves none behind."""
    made = fake(tmp_path, f"open({str(tmp_path / 'log')!r}, 'a').write(sys.stdin.read() + ';')")
    talks = Speech(Program("slow", made.command, slow_start=True), "")
    for text in ("one", "two"):
        talks.warm("en")
        assert talks.say(text, "en", 1.0).wait() is None
    talks.warm("en")
    talks.close()
    assert (tmp_path / "log").read_text(encoding="utf-8") == "one;two;"


# --- players ------------------------------------------------------------------------------------


@needs_programs
def test_a_player_gets_the_sound_as_a_file(tmp_path: Path) -> None:
    out = tmp_path / "played"
    program = fake(tmp_path, f"import shutil; shutil.copyfile(sys.argv[1], {str(out)!r})")
    player = Files(0.5, program.command("", "", 0.0, None)[:1])
    player.play("counted")
    player._playing[0].wait()
    assert out.read_bytes() == earcons.wav("counted", 0.5)
    player.close()
    assert not Path(player._folder.name).exists()


@needs_programs
def test_a_player_that_fails_is_known_at_the_next_sound(tmp_path: Path) -> None:
    player = Files(1.0, fake(tmp_path, "sys.exit(3)").command("", "", 0.0, None)[:1])
    player.play("counted")
    player._playing[0].wait()
    with pytest.raises(SoundError, match="cannot be heard"):
        player.play("counted")
    player.close()


@needs_programs
def test_stuck_players_do_not_pile_up(tmp_path: Path) -> None:
    player = Files(1.0, fake(tmp_path, "time.sleep(600)").command("", "", 0.0, None)[:1])
    for _ in range(10):
        player.play("tick")
    assert len(player._playing) == players.MOST_AT_ONCE
    player.close()


def test_each_platform_has_its_player(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_card(_volume: float) -> None:
        raise SoundError("no card")

    monkeypatch.setattr(players, "Device", no_card)
    for platform, name in (("linux", "aplay"), ("darwin", "afplay"), ("win32", "winsound")):
        player = players.opened(1.0, platform, {name: f"/x/{name}"}.get)
        assert player.name == name and not player.pitched
        player.close()
    with pytest.raises(SoundError, match=r"no card.*hipturn\[sound\]"):
        players.opened(1.0, "linux", lambda _: None)


# --- the voice ----------------------------------------------------------------------------------


class Asked:
    """A player and a speech in one that only take down what is asked of them, and tell when."""

    name, pitched = "asked", True

    def __init__(self) -> None:
        self.log: list[str] = []
        self.there = threading.Condition()
        self.ends: list[threading.Event] = []
        self.says: Callable[[], str | None] = lambda: None
        self.breaks = False
        self.angles: list[float | None] = []

    def _add(self, what: str) -> None:
        with self.there:
            self.log.append(what)
            self.there.notify_all()

    def until(self, *what: str) -> None:
        """Wait until the log is this."""
        with self.there:
            assert self.there.wait_for(lambda: self.log == list(what), PATIENCE_S), self.log

    def play(self, name: str) -> None:
        if self.breaks:
            raise SoundError("the card broke")
        self._add(f"({name})")

    def pitch(self, angle_deg: float | None) -> None:
        self.angles.append(angle_deg)

    def close(self) -> None:
        self._add("closed")

    def warm(self, language: str) -> None:
        pass

    def say(self, text: str, language: str, volume: float) -> "Asked.Utterance":
        if self.breaks:
            raise SpeechError("no voice")
        self._add(f"{language}: {text}")
        self.ends.append(threading.Event())
        return self.Utterance(self, self.ends[-1])

    class Utterance:
        def __init__(self, asked: "Asked", end: threading.Event) -> None:
            self._asked, self._end = asked, end

        def stop(self) -> None:
            self._asked._add("stopped")
            self._end.set()

        def wait(self) -> str | None:
            self._end.wait(PATIENCE_S)
            return self._asked.says()


class Clock:
    """Time that stands until it is moved."""

    now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


@pytest.fixture
def asked() -> Asked:
    return Asked()


def voice(asked: Asked, told: list[str | None], *, speaks: bool = True, clock: Clock | None = None) -> Voice:
    made = Voice(
        told.append,
        player=lambda _: asked,
        speech=lambda: asked if speaks else None,  # type: ignore[arg-type, return-value]
        clock=clock or Clock(),
    )
    made.open()
    made.on = True
    return made


def prompt(say: str, earcon: str | None = None, key: str = "", language: str = "en") -> Prompt:
    return Prompt(0, say, earcon, key=key, language=language)


def test_a_prompt_is_asked_for_without_waiting_for_anything(asked: Asked) -> None:
    """Sound first, then words in the prompt's language; no event loop runs, so none can be waited for."""
    clock, told = Clock(), list[str | None]()
    talks = voice(asked, told, clock=clock)
    talks.hear(prompt("drei", "counted", "count", "de"))
    asked.until("(counted)")
    clock.now_ns = earcons.length_ns("counted")
    asked.until("(counted)", "de: drei")
    talks.close()
    asked.until("(counted)", "de: drei", "stopped", "closed", "closed")
    assert told == []


def test_a_new_count_stops_the_old_one_and_the_urgent_stops_all(asked: Asked) -> None:
    told: list[str | None] = []
    talks = voice(asked, told)
    talks.hear(prompt("3", key="count"))
    asked.until("en: 3")
    talks.hear(prompt("4", key="count"))
    asked.until("en: 3", "stopped", "en: 4")
    asked.ends[-1].set()
    talks.hear(prompt("a sentence", key="hold"))
    asked.until("en: 3", "stopped", "en: 4", "en: a sentence")
    talks.hear(prompt("sensor lost", key="lost"))
    asked.until("en: 3", "stopped", "en: 4", "en: a sentence", "stopped", "en: sensor lost")
    talks.close()
    assert told == []


def test_without_speech_words_have_a_sound(asked: Asked) -> None:
    """An earcon of its own where the prompt has one, else the one that stands for words."""
    talks = voice(asked, [], speaks=False)
    for each in (
        prompt("lie still"),
        prompt("3", key="count"),
        prompt("fast", "rejected", "reject.too-fast"),
    ):
        talks.hear(each)
    asked.until("(attention)", "(counted)", "(rejected)")
    talks.close()


def test_nothing_is_heard_while_another_speaks(asked: Asked) -> None:
    """Off silences what is spoken, and what comes while off is not made up for."""
    talks = voice(asked, [])
    talks.hear(prompt("a long story"))
    asked.until("en: a long story")
    talks.on = False
    asked.until("en: a long story", "stopped")
    talks.hear(prompt("unheard", "target"))
    talks.on = True
    talks.hear(prompt("heard"))
    asked.until("en: a long story", "stopped", "en: heard")
    assert asked.angles == [None]
    talks.close()


def test_a_failure_is_told_once_and_tried_again_later(asked: Asked) -> None:
    """Neither the caller nor the thread fails; when it can be heard again, that is told too."""
    clock, told = Clock(), list[str | None]()
    talks = voice(asked, told, clock=clock)
    asked.breaks = True
    done = threading.Event()
    talks._tell = lambda text: (told.append(text), done.set())[0]  # type: ignore[func-returns-value]
    talks.hear(prompt("a", "counted"))
    assert done.wait(PATIENCE_S)
    talks.hear(prompt("b", "counted"))
    clock.now_ns = 40 * NS_PER_S
    asked.breaks = False
    done.clear()
    talks.hear(prompt("c", "counted"))
    assert done.wait(PATIENCE_S)
    talks.close()
    assert told == ["the card broke", None]
    assert "(counted)" in asked.log


def test_speech_that_fails_leaves_the_sounds(asked: Asked) -> None:
    told: list[str | None] = []
    talks = voice(asked, told)
    asked.says = lambda: "fake cannot be heard (no device)"
    talks.hear(prompt("a", key="hold"))
    asked.until("en: a")
    asked.ends[-1].set()
    while not told:
        talks.hear(prompt("", None))  # nothing to say: only a turn of the thread
        threading.Event().wait(0.001)
    talks.hear(prompt("b", key="hold"))
    asked.until("en: a", "(attention)")
    talks.close()
    assert told == ["fake cannot be heard (no device)"]


def test_a_count_is_asked_for_within_150_ms_of_the_packet_that_completes_it(asked: Asked) -> None:
    """From the packet at the door through measuring and coach to the request of the sound.

    As live, where the next packet comes when there was time for it: nothing is pushed until the sound came.
    """
    sounded = threading.Event()
    asked.play = lambda name: sounded.set()  # type: ignore[method-assign]
    talks = voice(asked, [], clock=time.monotonic_ns)  # type: ignore[arg-type]
    counts: list[Prompt] = []

    def listen(heard: Heard) -> None:
        if isinstance(heard, Prompt) and heard.earcon == "counted":
            sounded.clear()
            counts.append(heard)
        talks.hear(heard)

    motion = body.simulate(body.Leg.random(1, side=Side.RIGHT), body.drill_script(9, 1))
    session = Session(CoreParams(), Coach(simulated.STREAM, Side.RIGHT, 0), None, listen)
    late_ms: list[float] = []
    for item in regrouped(simulated.inputs(motion), lambda: 1):
        begun, before = time.perf_counter(), len(counts)
        session.push(item)
        if len(counts) > before:
            assert sounded.wait(PATIENCE_S)
            late_ms.append(1e3 * (time.perf_counter() - begun))
    talks.close(1.0)
    assert len(late_ms) == 9
    assert sorted(late_ms)[4] < 150.0, late_ms
