"""Page, API, live stream and metrics: what the contract names, described by the API itself."""

import functools
import itertools
import json
import re
import tempfile
import warnings
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.routing import Mount, Route

import histories
from cli_runs import done, drill, record
from hipturn.coach import Coach
from hipturn.commands import COMMANDS, Begin, End, Speak
from hipturn.config import core_params, defaults
from hipturn.core.references import GROUPS, SCALES
from hipturn.model import HostNs, Mark, MarkKind, SessionStart, Side
from hipturn.offline import Request, analyse
from hipturn.recording import Writer
from hipturn.session import Session
from hipturn.sinks.hub import FRAME_NS, Hub
from hipturn.sinks.viewers import Viewer
from hipturn.sinks.voice import Speaker
from hipturn.sources import simulated
from hipturn.status import State
from hipturn.units import DEG_PER_RAD
from hipturn.web import angles, openapi
from hipturn.web.app import STATIC
from webs import Web, post, web

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Web:
    return web(tmp_path_factory.mktemp("web") / "recordings")


def test_the_page_and_all_it_loads_are_there(site: Web) -> None:
    """No file of it comes from elsewhere, and no script or style is inline."""
    client = site.client()
    page = client.get("/")
    assert page.status_code == 200 and "hipturn" in page.text
    assert not re.search(r"https?://", page.text)
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|style=", page.text)
    for path in re.findall(r'(?:src|href)="(/[^"]*)"', page.text):
        assert client.get(path).status_code == 200, path
    for file in STATIC.rglob("*"):
        if file.is_file():
            assert client.get(f"/static/{file.relative_to(STATIC).as_posix()}").status_code == 200


def test_reference_values_are_the_cores_in_degrees(site: Web) -> None:
    """Each with its source: a value without one does not exist."""
    told = site.client().get("/api/v1/references").json()
    assert [group["name"] for group in told["groups"]] == list(GROUPS)
    for group in told["groups"]:
        there = GROUPS[group["name"]]
        assert group["internal"]["mean_deg"] == pytest.approx(there.internal.mean_rad * DEG_PER_RAD, abs=0.05)
        assert (group["external"] is None) == (there.external is None)
        assert group["source"] == there.source
    assert [scale["name"] for scale in told["scales"]] == list(SCALES)
    assert [mark["deg"] for mark in told["scales"][0]["marks"]] == [5.0, 30.0, 45.0]


def test_the_page_that_speaks_is_missed(site: Web) -> None:
    """A page that goes leaves its part as the speaker, so that another can take it."""
    live = "ws://127.0.0.1:8710/api/v1/live"
    client = site.client()
    site.hub.speak("page", "p1")
    with client.websocket_connect(f"{live}?page=p2"):
        pass
    assert site.hub.status.speaker["page"] == "p1"
    with client.websocket_connect(f"{live}?page=p1"):
        assert site.hub.status.speaker["page"] == "p1"
    assert site.hub.status.speaker == {"where": "page", "page": None}


def test_the_state_is_the_hubs(site: Web) -> None:
    told = site.client().get("/api/v1/state").json()
    assert told["state"] in ("measuring", "stale") and told["sensor"] == "simulated"
    assert told["session"]["reps"] == site.hub.counters.reps >= 3
    assert told["battery_percent"] == 50 and told["rssi_dbm"] == -60
    assert told["phase"] == "drill"


def test_ready_only_when_samples_come_and_nothing_is_wrong() -> None:
    site = Web(Hub(), Path())
    client = site.client()
    assert client.get("/healthz").json()["status"] == "ok"
    answer = client.get("/readyz")
    assert answer.status_code == 503 and answer.json() == {"ready": False, "words": "searching"}
    site.hub.link(State.READY, "x")
    assert client.get("/readyz").json()["ready"] is True
    site.hub.trouble("recording", "disk full")
    answer = client.get("/readyz")
    assert answer.status_code == 503 and "disk full" in answer.json()["words"]


def test_results_are_the_lines_of_a_replay(site: Web) -> None:
    lines = site.client().get("/api/v1/results").json()["lines"]
    kinds = [line["type"] for line in lines]
    assert kinds[0] == "session" and kinds[-1] == "summary" and kinds.count("rep") >= 3
    assert lines[-1]["reps"] == kinds.count("rep")
    assert lines[0]["samples"] == len(drill(reps=3).t_s)
    assert Web(Hub(), Path()).client().get("/api/v1/results").json()["lines"] == []


def test_recordings_are_listed_and_told(site: Web) -> None:
    client = site.client()
    names = [one["name"] for one in client.get("/api/v1/sessions").json()["sessions"]]
    assert sorted(names) == ["broken.mcap", "clean-drill.mcap"]
    told = client.get("/api/v1/sessions/clean-drill.mcap").json()
    _, events, _ = analyse(site.folder / "clean-drill.mcap", Request()).lines("clean-drill.mcap")
    assert told["events"] == events
    broken = client.get("/api/v1/sessions/broken.mcap")
    assert broken.status_code == 422 and str(site.folder) not in broken.text
    assert client.get("/api/v1/sessions/none.mcap").status_code == 404
    assert Web(Hub(), site.folder / "none").client().get("/api/v1/sessions").json()["sessions"] == []


def test_recordings_tell_what_they_are_about(site: Web, tmp_path: Path) -> None:
    """In the list what their beginnings say, and who the people are; nothing of one that cannot be read."""
    record(tmp_path / "a.mcap", drill(), person="A1")
    record(tmp_path / "b.mcap", drill(), person="B2")
    record(tmp_path / "c.mcap", drill(), person="A1")
    (tmp_path / "broken.mcap").write_bytes(b"not a recording")
    client = Web(Hub(), tmp_path).client()
    about = {one["name"]: one for one in client.get("/api/v1/sessions").json()["sessions"]}
    assert about["a.mcap"]["person"] == "A1" and about["a.mcap"]["wall_time"].startswith("2026-01-01")
    assert set(about["broken.mcap"]) == {"name", "bytes", "modified_s"}
    assert client.get("/api/v1/people").json() == {"v": 1, "people": ["A1", "B2"]}
    assert site.client().get("/api/v1/people").json()["people"] == []
    told = client.get("/api/v1/sessions/b.mcap").json()
    assert (told["person"], told["side"]) == ("B2", "right")


def test_a_recordings_angle_can_be_drawn(site: Web, tmp_path: Path) -> None:
    """On an even grid of 20 Hz what a replay measures; nothing in a gap or before the calibration."""
    record(tmp_path / "lossy.mcap", drill(), lost=range(2300, 2500))
    got = Web(Hub(), tmp_path).client().get("/api/v1/sessions/lossy.mcap/angles").json()
    assert got["rate_hz"] == 20.0 and len(got["t_s"]) == len(got["angle_deg"])
    assert got["t_s"][:3] == [0.0, 0.05, 0.1] and got["angle_deg"][0] is None
    blocks = analyse(tmp_path / "lossy.mcap", Request(), keep_angles=True).angles
    measured = {
        round(t / 5e7): a for block in blocks for t, a in zip(block.t_ns, np.rad2deg(block.angle_rad))
    }
    for t_s, angle_deg in zip(got["t_s"], got["angle_deg"]):
        if angle_deg is not None:
            near = [measured[k] for k in (round(t_s * 20), round(t_s * 20) + 1) if k in measured]
            assert min(abs(angle_deg - each) for each in near) < 3.0
    gap = [a for t, a in zip(got["t_s"], got["angle_deg"]) if 23.1 < t < 24.9]
    assert gap and not any(gap), "nothing is drawn where nothing was measured"
    assert max(filter(None, got["angle_deg"])) > 25.0
    client = site.client()
    for name, status in (
        ("none.mcap", 404),
        ("link.mcap", 404),
        ("..%2Foutside.mcap", 404),
        ("broken.mcap", 422),
    ):
        assert client.get(f"/api/v1/sessions/{name}/angles").status_code == status, name


def test_long_recordings_are_thinned_further_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is bounded whatever was recorded."""
    record(tmp_path / "a.mcap", drill())
    client = Web(Hub(), tmp_path).client()
    got = client.get("/api/v1/sessions/a.mcap/angles?rows=100").json()
    assert len(got["t_s"]) <= 100 and got["rate_hz"] < 5.0
    monkeypatch.setattr(angles, "MOST_BYTES", 1000)
    answer = Web(Hub(), tmp_path).client().get("/api/v1/sessions/a.mcap/angles")
    assert answer.status_code == 422 and "too long" in answer.json()["detail"]


@functools.cache
def measured() -> angles.Measured:
    with tempfile.TemporaryDirectory() as folder:
        return angles.of(record(Path(folder) / "a.mcap", drill(), lost=range(2300, 2500)))


@given(st.floats(0.0, 50.0), st.floats(0.0, 60.0), st.integers(1, 2000))
def test_what_is_drawn_holds_every_sample_that_was_measured(from_s: float, span_s: float, rows: int) -> None:
    """Whatever the stretch and however thin: each cell's extremes are those of its samples, none is lost.

    And it is bounded: at most as many rows as asked for, at 20 Hz or less.
    """
    whole = measured()
    got = whole.drawn(angles.Window(from_s, from_s + span_s, rows))
    assert len({len(got[key]) for key in ("t_s", "angle_deg", "low_deg", "high_deg")}) == 1
    assert len(got["t_s"]) <= rows and got["rate_hz"] <= 20.0
    inside = whole.trusted & (whole.t_s >= from_s) & (whole.t_s <= from_s + span_s)
    filled = [
        (low, angle, high)
        for low, angle, high in zip(got["low_deg"], got["angle_deg"], got["high_deg"])
        if angle is not None
    ]
    assert bool(filled) == bool(inside.any())
    assert all(low <= angle <= high for low, angle, high in filled)
    if filled:
        assert min(low for low, _, _ in filled) == pytest.approx(whole.angle_deg[inside].min(), abs=0.006)
        assert max(high for _, _, high in filled) == pytest.approx(whole.angle_deg[inside].max(), abs=0.006)


def test_a_wrong_stretch_is_answered_with_the_right_one(site: Web) -> None:
    client = site.client()
    for query in ("from_s=-1", "to_s=nan", "rows=0", "rows=1.5", "rows=40000", "from_s=x"):
        answer = client.get(f"/api/v1/sessions/clean-drill.mcap/angles?{query}")
        assert answer.status_code == 422 and query.partition("=")[0] in answer.json()["detail"], query
    assert client.get("/api/v1/sessions?side=up").status_code == 422


def test_recordings_are_chosen_by_person_leg_and_drill(tmp_path: Path) -> None:
    """Newest first, with what was found of each leg; the choice there is covers all recordings."""
    histories.weeks(tmp_path, [0.0, 1.0])
    histories.session(tmp_path, person="B2", drill="clean-drill", name="b.mcap")
    client = Web(Hub(), tmp_path).client()
    every = client.get("/api/v1/sessions").json()
    assert (every["people"], len(every["sessions"]), len(every["drills"])) == (["B2", "P-07"], 5, 2)
    times = [datetime.fromisoformat(one["wall_time"]) for one in every["sessions"]]
    assert times == sorted(times, reverse=True)
    for query, count in (("person=P-07", 4), ("side=right", 3), ("drill=prone-rotation&side=left", 2)):
        chosen = client.get(f"/api/v1/sessions?{query}").json()
        assert len(chosen["sessions"]) == count and chosen["people"] == every["people"], query
    (leg,) = client.get("/api/v1/sessions?person=P-07&side=left").json()["sessions"][0]["legs"]
    assert leg["trials"] == 6 and leg["reps"] >= 6 and leg["best_deg"] > 20.0
    assert client.get("/api/v1/sessions?person=nobody").json()["sessions"] == []


def test_what_sessions_come_to_over_weeks(tmp_path: Path) -> None:
    """The very lines of `hipturn history progress`; nothing of nobody."""
    histories.weeks(tmp_path, [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0])
    client = Web(Hub(), tmp_path).client()
    got = client.get("/api/v1/people/P-07/progress").json()
    told = done("history", "--recordings", tmp_path, "progress", "P-07", "--json").lines
    assert got == {"v": 1, "person": "P-07", "lines": told}
    trends = {(line["side"], line["of"]): line["real"] for line in told if line["type"] == "trend"}
    assert trends["left", "internal"] and not trends["right", "internal"]
    histories.session(tmp_path, person="A/B #1?", name="ab.mcap")
    odd = client.get("/api/v1/people/A%2FB%20%231%3F/progress").json()
    assert odd["person"] == "A/B #1?" and odd["lines"]
    for name in ("nobody", "%00", "P-07%2F"):
        assert client.get(f"/api/v1/people/{name}/progress").status_code == 404
    assert Web(Hub(), tmp_path / "none").client().get("/api/v1/people/P-07/progress").status_code == 404


def test_a_recording_tells_results_and_what_was_told_meanwhile(tmp_path: Path) -> None:
    """Of a test mean and uncertainty, as `hipturn history show`; notes and pauses at their time."""
    histories.session(tmp_path, name="t.mcap")
    client = Web(Hub(), tmp_path).client()
    told = client.get("/api/v1/sessions/t.mcap").json()
    shown = done("history", "--recordings", tmp_path, "show", "t.mcap", "--json")
    assert told["tests"] == shown.of("test_result") and told["tests"][0]["internal"]["value_deg"] > 20.0
    motion = drill()
    with Writer(tmp_path / "m.mcap") as writer:
        session = Session(core_params(defaults()), Coach("shin", Side.RIGHT, 0), writer, lambda _: None)
        session.push(SessionStart("test", "2026-01-01T12:00:00+00:00", settings=defaults()))
        for number, item in enumerate(simulated.inputs(motion)):
            session.push(item)
            if number == 2001:
                session.push(Mark("shin", HostNs(0), MarkKind.NOTE, {"text": "näher"}))
    (mark,) = client.get("/api/v1/sessions/m.mcap").json()["marks"]
    assert mark == {"t_s": 20.0, "kind": "note", "value": {"text": "näher"}}


def test_one_speaker_is_chosen_and_everybody_knows_it(tmp_path: Path) -> None:
    """The command reaches hub, viewers and state; whoever makes the sounds hears of it at once."""
    site = Web(Hub(speaker=Speaker("auto", audible=True)), tmp_path)
    where: list[str] = []
    site.hub.watch_speaker(where.append)
    client = site.client()
    assert client.get("/api/v1/state").json()["speaker"] == {"where": "machine", "page": None}
    assert post(client, {"command": "speaker", "where": "page", "page": "abc"}).status_code == 202
    (told,) = site.told
    assert told == Speak("page", "abc")
    viewer = site.hub.viewers.join()
    site.hub.speak(told.where, told.page)
    lines = [json.loads(line) for line in viewer._lines]
    assert lines[0] == {"v": 1, "type": "speaker", "where": "page", "page": "abc"}
    assert lines[1]["speaker"] == {"where": "page", "page": "abc"}
    site.hub.speak("machine")
    site.hub.mute("no loudspeaker")
    assert where == ["machine", "page", "machine"], "chosen by a person: told, not changed"
    assert site.hub.status.troubles == {"voice": "no loudspeaker"}
    for wrong in ({"where": "both"}, {"where": "page", "page": ""}, {"where": "page", "page": "x" * 65}, {}):
        assert post(client, {"command": "speaker", **wrong}).status_code == 422


def test_the_page_speaks_where_this_computer_cannot(tmp_path: Path) -> None:
    """Nobody chose: no trouble, another speaker."""
    hub = Hub(speaker=Speaker("auto", audible=True))
    hub.mute("no loudspeaker")
    assert hub.status.speaker["where"] == "page" and not hub.status.troubles


def test_commands_go_into_the_stream(site: Web) -> None:
    client = site.client()
    site.told.clear()
    for body in (
        {"command": "stop"},
        {"command": "side", "side": "left"},
        {"command": "count", "on": False},
        {"command": "note", "text": "näher"},
    ):
        answer = post(client, body)
        assert answer.status_code == 202 and answer.json()["command"] == body["command"]
    assert site.told[:2] == [End(), Begin(Side.LEFT)]
    kinds = [(told.kind, told.value) for told in site.told if isinstance(told, Mark)]
    assert kinds == [(MarkKind.COUNT, {"on": False}), (MarkKind.NOTE, {"text": "näher"})]
    assert all(told.stream == "shin" and told.at_ns > 0 for told in site.told if isinstance(told, Mark))


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ({"command": "reference", "last": 5.0}, {"last": 5}),
        ({"command": "answer", "question": "pain", "value": 3.0}, {"question": "pain", "value": 3}),
        ({"command": "metronome", "bpm": 60.0}, {"bpm": 60}),
    ],
)
def test_a_whole_number_is_one_however_json_writes_it(site: Web, body: Any, value: dict[str, Any]) -> None:
    """What a replay refuses must not enter a session."""
    site.told.clear()
    assert post(site.client(), body).status_code == 202
    (mark,) = site.told
    assert isinstance(mark, Mark) and mark.value == value
    assert not any(isinstance(each, float) for each in mark.value.values())


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"command": "undoo"}, 422, "there are start, stop"),
        ({"command": "side"}, 422, "needs side: left or right"),
        ({"command": "side", "side": "up"}, 422, "left or right"),
        ({"command": "note", "text": "x" * 1001}, 422, "1 to 1000"),
        ({"command": "start", "person": " "}, 422, "one line of text of 1 to 200"),
        ({"command": "start", "person": "Ada\n"}, 422, "one line of text"),
        ({"command": "start", "person": "\x1b[31mAda"}, 422, "one line of text"),
        ([], 422, "is an object"),
        ("stop", 422, "is an object"),
    ],
)
def test_a_wrong_command_is_answered_with_the_right_one(site: Web, body: Any, status: int, says: str) -> None:
    site.told.clear()
    answer = post(site.client(), body)
    assert (answer.status_code, site.told) == (status, [])
    assert answer.json()["type"] == "problem" and says in answer.json()["detail"]


def test_what_is_no_json_is_refused(site: Web) -> None:
    client = site.client()
    for content in (b"{", b"\xff", b"[" * 10_000):
        headers = {"Content-Type": "application/json"}
        assert client.post("/api/v1/commands", content=content, headers=headers).status_code == 400


def test_metrics_are_in_prometheus_form(site: Web) -> None:
    """Every line is a comment or a sample; each metric is described once; the contract's are there."""
    answer = site.client().get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    sample = re.compile(r'(hipturn_[a-z_]+)(\{[a-z]+="[a-z]+"\})? -?[0-9.e+-]+')
    names = set()
    for line in answer.text.splitlines():
        if not line.startswith("# "):
            match = sample.fullmatch(line)
            assert match, line
            names.add(match[1].removeprefix("hipturn_"))
    described = re.findall(r"^# TYPE hipturn_(\w+) (?:counter|gauge)$", answer.text, re.M)
    assert sorted(described) == sorted(names)
    assert names >= {
        "samples_total",
        "lost_samples_total",
        "reconnects_total",
        "rssi_dbm",
        "battery_percent",
        "last_sample_age_seconds",
        "loop_lag_seconds",
        "viewers",
        "dropped_frames_total",
    }
    assert f"hipturn_samples_total {len(drill(reps=3).t_s)}" in answer.text


def test_the_live_stream_begins_with_the_state_and_goes_on_with_what_happens(site: Web) -> None:
    with site.client().websocket_connect("ws://127.0.0.1:8710/api/v1/live") as socket:
        assert socket.receive_json()["type"] == "state"
        assert len(site.hub.viewers) == 1
        site.hub.trouble("recording", "disk full")
        assert socket.receive_json()["troubles"] == {"recording": "disk full"}
        site.hub.trouble("recording", None)
        assert socket.receive_json()["troubles"] == {}
    assert len(site.hub.viewers) == 0


def test_a_whole_session_is_told_live_as_it_is_replayed() -> None:
    """A viewer from the start gets every line of the results, and angles no faster than a screen draws."""

    now = [0]
    hub = Hub(lambda: now[0])

    class All(Viewer):
        lines: list[Any]
        angles: list[tuple[int, Any]]

        def put(self, line: str) -> None:
            self.lines.append(json.loads(line))

        def put_angle(self, line: str) -> None:
            self.angles.append((now[0], json.loads(line)))

    viewer = All()
    viewer.lines, viewer.angles = [], []
    hub.viewers._all.add(viewer)
    motion = drill(reps=3)
    session = Session(core_params(defaults()), Coach("shin", motion.leg.side, 0), None, hub.hear)
    hub.link(State.MEASURING, "played")
    hub.begin("x.mcap", motion.leg.side, lambda: None)
    session.push(SessionStart("test", "2026-01-01T12:00:00+00:00", settings=defaults()))
    for item in simulated.inputs(motion):
        now[0] += 10_000_000
        session.push(item)
    hub.end()
    kinds = ("calibration", "rep", "hold", "gap", "summary")
    assert [line for line in viewer.lines if line["type"] in kinds] == [
        json.loads(line) for line in hub.results()[1:]
    ]
    states = [line["state"] for line in viewer.lines if line["type"] == "state"]
    assert [one for one, _ in itertools.groupby(states)][-3:] == ["ready", "measuring", "ready"]
    gaps = [b - a for (a, _), (b, _) in itertools.pairwise(viewer.angles)]
    assert min(gaps) >= FRAME_NS and max(gaps) <= 2 * FRAME_NS
    assert {"t_s", "angle_deg", "rate_dps", "off_axis_deg", "trusted"} <= viewer.angles[0][1].keys()
    assert any(line["type"] == "prompt" and "calibrated" in line["say"] for line in viewer.lines)


def test_viewers_are_limited(tmp_path: Path) -> None:
    site = Web(Hub(), tmp_path)
    joined = [site.hub.viewers.join() for _ in range(32)]
    from starlette.websockets import WebSocketDisconnect

    with (
        pytest.raises(WebSocketDisconnect),
        site.client().websocket_connect("ws://127.0.0.1:8710/api/v1/live"),
    ):
        pass
    for viewer in joined:
        site.hub.viewers.leave(viewer)


# --- the API describes itself -------------------------------------------------------------------


def test_every_route_is_described_and_every_description_has_its_route(site: Web) -> None:
    inner = site.application._app
    routes = {
        (route.path.replace(":path}", "}"), method.lower())
        for route in inner.routes
        if isinstance(route, Route)
        for method in route.methods or ()
        if method != "HEAD" and route.path != "/"
    }
    described = {
        (path, method) for path, methods in openapi.document()["paths"].items() for method in methods
    }
    assert routes == described
    assert [route.path for route in inner.routes if isinstance(route, Mount)] == ["/static"]
    assert len(openapi.document()["components"]["schemas"]["Command"]["oneOf"]) == len(COMMANDS)


@functools.cache
def described() -> Any:
    """The API as it describes itself, without a limit on the number of requests."""
    application = web(Path(tempfile.mkdtemp()) / "recordings").application
    application._requests.rate = application._requests.size = 1e9
    return schemathesis.openapi.from_asgi("/openapi.json", application, headers=HOST)


HOST = {"Host": "127.0.0.1:8710"}
PATHS = [(path, method) for path, methods in openapi.document()["paths"].items() for method in methods]


@pytest.mark.parametrize(("path", "method"), PATHS)
@pytest.mark.filterwarnings("ignore")
@settings(max_examples=40)
@given(st.data())
def test_every_operation_keeps_to_its_description(path: str, method: str, data: st.DataObject) -> None:
    """Whatever is sent, right or wrong, the answer's status, type and content are among those described."""
    modes = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]
    operation = described()[path][method.upper()]
    wrong = method == "post" or "{" in path
    case = data.draw(
        operation.as_strategy(generation_mode=data.draw(st.sampled_from(modes if wrong else modes[:1])))
    )
    case.headers = {**(case.headers or {}), **HOST}
    case.call_and_validate()


def test_the_description_is_json(site: Web) -> None:
    assert json.loads(json.dumps(openapi.document())) == site.client().get("/openapi.json").json()
