"""A web application over a hub, without a server, for the tests of API and security."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from cli_runs import bundled, drill
from hipturn.coach import Coach
from hipturn.commands import Told
from hipturn.config import core_params, defaults
from hipturn.model import SessionStart
from hipturn.session import Session
from hipturn.sinks.hub import Hub
from hipturn.sources import simulated
from hipturn.status import State
from hipturn.web import app
from hipturn.web.guard import names_of

TOKEN = "a-token-of-24-characters"


@dataclass
class Web:
    """The application, what it was told, and a client for it."""

    hub: Hub
    folder: Path
    told: list[Told] = field(default_factory=list)
    token: str | None = None
    host: str = "127.0.0.1"

    @property
    def application(self) -> Any:
        names = names_of(self.host, ["mybox.local"])
        return app.create(self.hub, self.told.append, self.folder, "shin", names=names, token=self.token)

    def client(self, **options: Any) -> TestClient:
        return TestClient(self.application, base_url="http://127.0.0.1:8710", **options)


def web(folder: Path, *, token: str | None = None) -> Web:
    """A hub that has heard a session, over a folder with a recording."""
    hub = Hub()
    motion = drill(reps=3)
    hub.link(State.MEASURING, "played")
    hub.vitals(50, -60)
    coach = Coach(simulated.STREAM, motion.leg.side, 0)
    hub.begin("x.mcap", motion.leg.side, lambda: coach.phase.value)
    session = Session(core_params(defaults()), coach, None, hub.hear)
    session.push(SessionStart("test", "2026-01-01T12:00:00+00:00", settings=defaults(), drill="d"))
    for item in simulated.inputs(motion):
        session.push(item)
    folder.mkdir(exist_ok=True)
    bundled("clean-drill", folder / "clean-drill.mcap")
    (folder / "broken.mcap").write_bytes(b"not a recording")
    (folder.parent / "outside.mcap").write_bytes((folder / "clean-drill.mcap").read_bytes())
    (folder / "link.mcap").symlink_to(folder.parent / "outside.mcap")
    return Web(hub, folder, token=token)


def post(client: TestClient, body: object, **headers: str) -> Any:
    return client.post("/api/v1/commands", json=body, headers=headers)
