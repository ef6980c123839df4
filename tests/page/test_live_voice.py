"""One voice: who speaks, what sounds, and that nothing is heard twice."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page

from hipturn.coach import Prompt
from hipturn.sinks.voice import earcons
from hipturn.sinks.voice.turns import Saying, Turns
from hipturn.sinks.voice.voice import weight
from page.leading import step, until
from page.stage import Stage, Stages
from page.watching import Looks, Watched

SPOKEN = "__heard.filter((each) => each.kind === 'speak').length"


def touched(seen: Watched) -> Page:
    page = seen.open()
    page.locator("h1").first.wait_for(state="attached")
    page.locator("body").click(position={"x": 5, "y": 300})
    return page


def spoken_to(one: Stage) -> None:
    """Have the coach say something."""
    one.command(command="metronome", bpm=40)
    one.command(command="metronome", bpm=0)


def test_one_page_speaks_and_then_another(stage: Stages, look: Looks) -> None:
    """The first page that is touched speaks; a second does not; when the first is gone, the second does."""
    one = stage(speed=2.0)
    first, second = look(one.url), look(one.url)
    a = touched(first)
    until(a, "hipturn.store.speaker.page !== null")
    b = touched(second)
    until(b, "hipturn.store.running")
    spoken_to(one)
    until(a, f"{SPOKEN} > 0")
    b.wait_for_timeout(200)
    assert second.said == []
    name = one.do(lambda: one.hub.status.speaker["page"])
    a.close()
    one.until(lambda: one.hub.status.speaker["page"] not in (name, None))
    spoken_to(one)
    until(b, f"{SPOKEN} > 0")


def test_the_computer_speaks_or_the_page(stage: Stages, look: Looks) -> None:
    """Whoever is chosen last speaks alone; nobody is a choice, too."""
    one = stage(speed=2.0)
    seen = look(one.url)
    page = touched(seen)
    until(page, "hipturn.store.speaker.page !== null && hipturn.store.running")
    page.get_by_role("button", name="Voice and sounds").click()
    page.locator(".segment", has_text="The computer").click()
    one.until(lambda: one.hub.status.speaker["where"] == "machine")
    until(page, "hipturn.store.speaker.where === 'machine'")
    before = page.evaluate("__heard.filter((each) => each.kind !== 'cancel').length")
    spoken_to(one)
    page.wait_for_timeout(300)
    assert page.evaluate("__heard.filter((each) => each.kind !== 'cancel').length") == before
    page.locator(".segment", has_text="This page").click()
    one.until(lambda: one.hub.status.speaker["where"] == "page")
    until(page, "hipturn.store.speaker.page !== null")
    spoken_to(one)
    until(page, f"__heard.filter((each) => each.kind !== 'cancel').length > {before}")


def test_mute_and_volume(stage: Stages, look: Looks) -> None:
    """Mute silences what is being said; the volume goes to speech and to sounds."""
    one = stage(speed=2.0)
    seen = look(one.url)
    page = touched(seen)
    until(page, "hipturn.store.speaker.page !== null && hipturn.store.running")
    page.get_by_role("button", name="Voice and sounds").click()
    page.locator("#volume").fill("30")
    spoken_to(one)
    until(page, "__heard.some((each) => each.volume === 0.3)")
    page.locator("#muted").check()
    until(page, "__heard.at(-1).kind === 'cancel'")
    spoken_to(one)
    page.wait_for_timeout(300)
    assert page.evaluate("__heard.at(-1).kind") == "cancel"
    page.keyboard.press("Escape")
    page.keyboard.press("v")
    spoken_to(one)
    until(page, "__heard.at(-1).kind !== 'cancel'")


def test_the_pitch_follows_the_angle_only_where_it_is_wanted(stage: Stages, look: Looks) -> None:
    one = stage(speed=8.0)
    seen = look(one.url)
    page = touched(seen)
    until(page, "hipturn.store.speaker.page !== null && hipturn.store.running")
    one.command(command="start", drill="seated-mobilisation", side="right")
    step(page, "reps")
    until(page, "hipturn.store.angle !== null")
    assert 262 not in {round(each["hz"]) for each in seen.heard if each["kind"] == "tone"}
    page.get_by_role("button", name="Voice and sounds").click()
    page.locator("#pitch").check()
    until(page, "__heard.some((each) => Math.round(each.hz) === 262)")


def test_german_is_spoken_as_german(stage: Stages, look: Looks) -> None:
    one = stage(speed=2.0)
    seen = look(one.url, language="de")
    page = touched(seen)
    until(page, "hipturn.store.speaker.page !== null && hipturn.store.running")
    one.command(command="start", drill="prone-rotation", side="left", language="de")
    until(page, "__heard.some((each) => each.kind === 'speak' && each.lang === 'de-DE')")


def test_only_voices_of_the_device_speak(stage: Stages, look: Looks) -> None:
    """Others would send their makers what is said; where there is no other, sounds stand for words."""
    one = stage(speed=2.0)
    seen = look(one.url)
    page = touched(seen)
    until(page, "hipturn.store.speaker.page !== null && hipturn.store.running")
    chosen = page.evaluate(
        """() => import('/static/voice.js').then(({ voiceFor }) => {
        const far = { lang: 'en-US', localService: false, default: true };
        const near = { lang: 'en-GB', localService: true, default: false };
        return [voiceFor('en', [far, near]) === near, voiceFor('en', []), typeof voiceFor('de', [far, near])];
        })"""
    )
    assert chosen == [True, None, "undefined"]
    page.evaluate(
        "speechSynthesis.getVoices = () => [{ lang: 'en-US', localService: false, default: true }];"
        "__heard.length = 0"
    )
    spoken_to(one)
    attention = round(earcons.EARCONS["attention"][0].frequency_hz)
    until(page, f"__heard.some((each) => Math.round(each.hz) === {attention})")
    assert seen.said == []


@pytest.fixture
def plain(stage: Stages, look: Looks) -> Page:
    """A page, to try its modules in."""
    page = look(stage(linked=False).url).open()
    until(page, "window.hipturn")
    return page


def test_the_earcons_are_the_machines(plain: Page) -> None:
    """Note for note: who changes from one speaker to the other need not learn new sounds."""
    table = plain.evaluate("import('/static/earcons.js').then((module) => module.EARCONS)")
    there = {name: [tone._asdict() for tone in tones] for name, tones in earcons.EARCONS.items()}
    assert table == there


def test_turns_are_the_machines(plain: Page) -> None:
    """Whatever is said when, the page speaks the same texts in the same order as this computer would."""
    keys = st.sampled_from(["count", "reject.too-fast", "lost", "setup", "hold", "rest", "pain.stop", "tick"])
    told = st.tuples(st.just("add"), keys, st.integers(0, 400))
    act = st.one_of(told, st.just(("next", "", 0)), st.just(("over", "", 0)))
    timed = st.lists(st.tuples(st.integers(0, 3000), act), max_size=25)

    @given(timed)
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def alike(acts: list[tuple[int, tuple[str, str, int]]]) -> None:
        assert plain.evaluate(IN_PAGE, acts) == machine(acts)

    alike()


def machine(acts: list[tuple[int, tuple[str, str, int]]]) -> list[object]:
    turns, now = Turns(), 0
    out: list[object] = []
    for n, (later, (what, key, after)) in enumerate(acts):
        now += later
        if what == "add":
            kind = weight(Prompt(0, "", None, key))
            saying = Saying(f"{n}", "en", kind, key, now * 1_000_000, (now + after) * 1_000_000)
            if turns.add(saying):
                turns.over()
            out.append(kind.name.lower())
        elif what == "next":
            found = turns.next(now * 1_000_000)
            out.append(
                found.text if isinstance(found, Saying) else None if found is None else found // 1_000_000
            )
        else:
            turns.over()
    return out


IN_PAGE = """async (acts) => {
  const { Turns, weight } = await import('/static/turns.js');
  const turns = new Turns();
  const out = [];
  let now = 0;
  for (const [n, [later, [what, key, after]]] of acts.entries()) {
    now += later;
    if (what === 'add') {
      const kind = weight(key);
      const saying = { text: `${n}`, language: 'en', weight: kind, key, at: now, after: now + after };
      if (turns.add(saying)) turns.over();
      out.push(kind);
    } else if (what === 'next') {
      const found = turns.next(now);
      out.push(found !== null && typeof found === 'object' ? found.text : found);
    } else turns.over();
  }
  return out;
}"""
