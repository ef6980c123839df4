"""What watches the page notices: a test of the page that cannot fail would prove nothing."""

import pytest

from page.stage import Stages
from page.watching import PHONE, Looks, Watched


@pytest.fixture
def seen(stage: Stages, look: Looks) -> Watched:
    one = look(stage(linked=False).url)
    one.open()
    return one


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("console.error('it broke')", "it broke"),
        ("setTimeout(() => { throw new Error('thrown'); })", "thrown"),
        ("fetch('/api/v1/nothing')", "/api/v1/nothing"),
        ("fetch('http://127.0.0.1:9/').catch(() => {})", "Content Security Policy"),
        ("window.open('http://example.com/')", "asked elsewhere"),
        ("location.href = 'http://127.0.0.1:9/'", "asked elsewhere"),
        ("new WebSocket('ws://127.0.0.1:9/')", "Content Security Policy"),
    ],
)
def test_what_goes_wrong_is_noticed(seen: Watched, script: str, told: str) -> None:
    seen.page.evaluate(f"() => {{ {script}; }}")
    seen.noticed(told)


def test_barriers_are_noticed(seen: Watched) -> None:
    """A picture without words, a faint text, a page wider than the phone."""
    seen.page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<img src=\"data:,\"><button></button>"
        "<div id=wide>x</div>'); document.getElementById('wide').style.width = '3000px';"
    )
    with pytest.raises(AssertionError, match="button-name"):
        seen.accessible()
    with pytest.raises(AssertionError, match="px too wide"):
        seen.fits()
    seen.wrong.clear()


def test_speech_and_tones_are_heard(seen: Watched) -> None:
    """With start and end, one after the other, as a browser with a voice does it."""
    ends = seen.page.evaluate(
        """async () => {
        const ends = [];
        for (const text of ["one", "two"]) {
          const one = new SpeechSynthesisUtterance(text);
          one.onend = () => ends.push(text);
          speechSynthesis.speak(one);
        }
        const sound = new AudioContext();
        const tone = sound.createOscillator();
        tone.frequency.value = 440;
        tone.connect(sound.destination);
        tone.start();
        await new Promise((done) => setTimeout(done, 150));
        return ends;
        }"""
    )
    assert ends == seen.said == ["one", "two"]
    assert [each["hz"] for each in seen.heard if each["kind"] == "tone"] == [440]


def test_a_guided_session_runs_beside_the_browser(stage: Stages, look: Looks) -> None:
    """The person obeys, many times as fast as people do: the page of today shows it, and its end."""
    one = stage(speed=20.0)
    seen = look(one.url, size=PHONE)
    seen.open()
    one.command(command="start", drill="seated-mobilisation", reps=2, person="A1")
    one.until(lambda: (one.hub.status.coach or {}).get("step") == "done")
    assert one.hub.status.coach is not None and one.hub.status.coach["result"]["controlled"] == 2
    seen.until("document.body.innerText.includes('2')")
    seen.picture("harness-session")
