"""Who looks on at a daemon while it measures: pages opened and closed by its own application, no network."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hipturn.commands import Told
from hipturn.daemon import STREAM
from hipturn.sinks.hub import Hub
from hipturn.web import app
from hipturn.web.guard import names_of

HOST = "127.0.0.1"
COMES_AFTER_S = (10.0, 60.0)
STAYS_S = (1.0, 300.0)
ASKED = ("/api/v1/state", "/api/v1/results", "/api/v1/sessions", "/metrics")
"""What a page that comes, or a monitor, asks for."""
VISITING = ("visitor", "connection", "viewer")
"""The names of the tasks that somebody who looks on takes."""
MANNERS = {"reads": 0.7, "slow": 0.15, "stuck": 0.15}
"""How often one takes all at once, a line every few seconds, or none after the first and never leaves."""
SLOW_S = 4.0


@dataclass(slots=True)
class Onlookers:
    """Visitors who come, look on for a while and leave, some of them slow or stuck."""

    hub: Hub
    tell: Callable[[Told], None]
    folder: Path
    seed: int = 1
    manners: Counter[str] = field(default_factory=Counter)
    lines: int = 0
    kinds: set[str] = field(default_factory=set)
    """Types of the lines that were told."""
    refused: list[tuple[str, int]] = field(default_factory=list)
    """What was not answered, though the disk had room."""
    _application: Any = None

    async def come_and_go(self) -> None:
        """Let them come for ever; all are gone when this is cancelled."""
        names = names_of(HOST, [])
        self._application = app.create(self.hub, self.tell, self.folder, STREAM, names=names, token=None)
        rng = random.Random(self.seed)
        async with asyncio.TaskGroup() as visitors:
            while True:
                await asyncio.sleep(rng.uniform(*COMES_AFTER_S))
                (manner,) = rng.choices(list(MANNERS), list(MANNERS.values()))
                visitors.create_task(self._visit(rng.uniform(*STAYS_S), manner), name="visitor")

    async def _visit(self, stays_s: float, manner: str) -> None:
        self.manners[manner] += 1
        for path in ASKED:
            status = await self._get(path)
            if status != 200 and "recording" not in self.hub.status.troubles:
                self.refused.append((path, status))
        gone = asyncio.Event()
        taken = 0

        async def receive() -> dict[str, Any]:
            nonlocal taken
            taken += 1
            if taken == 1:
                return {"type": "websocket.connect"}
            await gone.wait()
            return {"type": "websocket.disconnect", "code": 1001}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] != "websocket.send":
                return
            self.lines += 1
            self.kinds.add(json.loads(message["text"])["type"])
            if manner != "reads":
                await (asyncio.sleep(SLOW_S) if manner == "slow" else asyncio.Event().wait())

        scope = {**self._scope("/api/v1/live"), "type": "websocket", "scheme": "ws", "subprotocols": []}
        async with self._served(scope, receive, send) as serving:
            # one that is stuck never leaves: it is let go
            await asyncio.wait([serving], timeout=None if manner == "stuck" else stays_s)
            gone.set()

    async def _get(self, path: str) -> int:
        status = 0

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            nonlocal status
            status = message.get("status", status)

        http = {"type": "http", "scheme": "http", "method": "GET", "http_version": "1.1"}
        await self._application({**self._scope(path), **http}, receive, send)
        return status

    @asynccontextmanager
    async def _served(self, *call: Any) -> AsyncIterator["asyncio.Task[None]"]:
        """Have a connection served beside; it is over at the end."""
        serving = asyncio.create_task(self._application(*call), name="connection")
        try:
            yield serving
            await serving
        finally:
            serving.cancel()
            # over only when it has wound up, or it would be taken for left over
            await asyncio.wait([serving])

    def _scope(self, path: str) -> dict[str, Any]:
        headers = [(b"host", f"{HOST}:8710".encode())]
        where = {"path": path, "raw_path": path.encode(), "query_string": b"", "root_path": ""}
        ends = {"client": (HOST, 1), "server": (HOST, 8710)}
        return {**where, **ends, "asgi": {"version": "3.0"}, "headers": headers}
