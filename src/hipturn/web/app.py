"""The routes: each shows what the hub knows or passes a command on."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

import hipturn
from hipturn import commands, lines
from hipturn.commands import Told
from hipturn.errors import InputError, UsageError
from hipturn.model import HostNs
from hipturn.sinks.hub import Hub
from hipturn.sinks.offers import offers, references
from hipturn.status import State
from hipturn.web import asked, metrics, openapi
from hipturn.web.catalogue import Catalogue
from hipturn.web.guard import MAX_BODY_BYTES, Guard, TooLargeError, problem

STATIC = Path(__file__).parent / "static"
SEND_S = 30.0
"""A viewer that takes nothing for so long is let go."""


def create(
    hub: Hub,
    tell: Callable[[Told], None],
    recordings: Path,
    stream: str,
    *,
    names: frozenset[str],
    token: str | None,
) -> Guard:
    """Return the application; `tell` passes a command into the stream called `stream`."""
    rooms = _Rooms(hub, tell, Catalogue(recordings), stream)
    app = Starlette(
        routes=[
            Route("/", rooms.page),
            Route("/healthz", rooms.healthz),
            Route("/readyz", rooms.readyz),
            Route("/metrics", rooms.metrics),
            Route("/openapi.json", rooms.openapi),
            Route("/api/v1/state", rooms.state),
            Route("/api/v1/sessions", rooms.sessions),
            Route("/api/v1/sessions/{name}", rooms.session),
            Route("/api/v1/sessions/{name}/angles", rooms.angles),
            Route("/api/v1/people", rooms.people),
            Route("/api/v1/people/{person:path}/progress", rooms.progress),
            Route("/api/v1/drills", rooms.drills),
            Route("/api/v1/references", rooms.references),
            Route("/api/v1/results", rooms.results),
            Route("/api/v1/commands", rooms.command, methods=["POST"]),
            WebSocketRoute("/api/v1/live", rooms.live),
            Mount("/static", StaticFiles(directory=STATIC, follow_symlink=False)),
        ],
        exception_handlers={HTTPException: _http_problem, TooLargeError: _too_large, Exception: _fault},
    )
    return Guard(app, names=names, token=token)


class _Rooms:
    """What each route does."""

    def __init__(self, hub: Hub, tell: Callable[[Told], None], catalogue: Catalogue, stream: str) -> None:
        self._hub = hub
        self._tell = tell
        self._catalogue = catalogue
        self._stream = stream
        self._reading = asyncio.Semaphore(2)
        """Recordings read at a time: reading takes processor time that the measurement needs."""

    async def page(self, _request: Request) -> Response:
        return FileResponse(STATIC / "index.html")

    async def healthz(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok", "version": hipturn.__version__})

    async def readyz(self, _request: Request) -> Response:
        status = self._hub.status
        ready = status.state in (State.READY, State.MEASURING) and not status.troubles
        return JSONResponse({"ready": ready, "words": status.words}, 200 if ready else 503)

    async def metrics(self, _request: Request) -> Response:
        return PlainTextResponse(metrics.exposition(self._hub), media_type=metrics.CONTENT_TYPE)

    async def openapi(self, _request: Request) -> Response:
        return JSONResponse(openapi.document())

    async def state(self, _request: Request) -> Response:
        return JSONResponse(self._hub.status.line())

    async def sessions(self, request: Request) -> Response:
        try:
            which = asked.which(request.query_params)
        except UsageError as error:
            return problem(422, str(error))
        return await self._read(lambda: {"v": 1, **self._catalogue.sessions(which)})

    async def people(self, _request: Request) -> Response:
        return await self._read(lambda: {"v": 1, "people": self._catalogue.people()})

    async def progress(self, request: Request) -> Response:
        person = request.path_params["person"]
        return await self._read(
            lambda: self._catalogue.progress(person), "nobody is called so: see /api/v1/people"
        )

    async def drills(self, request: Request) -> Response:
        language = request.query_params.get("language", "en")
        try:
            return JSONResponse(await asyncio.to_thread(offers, language))
        except InputError as error:
            # a person's own drill; where it lies is nobody's business
            return problem(422, str(error).rpartition("/")[2])

    async def session(self, request: Request) -> Response:
        name = request.path_params["name"]
        return await self._read(lambda: self._catalogue.session(name))

    async def angles(self, request: Request) -> Response:
        try:
            window = asked.window(request.query_params)
        except UsageError as error:
            return problem(422, str(error))
        name = request.path_params["name"]
        return await self._read(lambda: self._catalogue.angles(name, window))

    async def _read(
        self,
        read: Callable[[], dict[str, Any] | None],
        none: str = "no recording is called so: see /api/v1/sessions",
    ) -> Response:
        """Return what is read of recordings, in a thread; `none` says why there is nothing."""
        try:
            async with self._reading:
                found = await asyncio.to_thread(lambda: _encoded(read()))
        except InputError as error:
            # the folder's place is nobody's business
            return problem(422, str(error).replace(str(self._catalogue.folder), "…"))
        return problem(404, none) if found is None else Response(found, media_type="application/json")

    async def references(self, request: Request) -> Response:
        return JSONResponse(references(request.query_params.get("language", "en")))

    async def results(self, _request: Request) -> Response:
        told = ",".join(self._hub.results())
        return Response(f'{{"v":1,"lines":[{told}]}}', media_type="application/json")

    async def command(self, request: Request) -> Response:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            # a form of another site could send anything else without being asked
            return problem(415, "send JSON: Content-Type: application/json")
        try:
            body = await request.body()
        except ClientDisconnect:
            return problem(408, "the request did not arrive")
        try:
            given = json.loads(body)
        except (ValueError, RecursionError):
            return problem(400, "that is no JSON")
        try:
            told = commands.parse(given, self._stream, HostNs(time.monotonic_ns()))
        except UsageError as error:
            return problem(422, str(error))
        self._tell(told)
        return JSONResponse({"v": 1, "type": "accepted", "command": given["command"]}, 202)

    async def live(self, socket: WebSocket) -> None:
        """Send lines as they come until the viewer goes; what it says is thrown away.

        A page that gives its name (``?page=``) is missed when it was the one that speaks.
        """
        if self._hub.viewers.full:
            await socket.close(1013, "too many viewers")
            return
        await socket.accept()
        viewer = self._hub.viewers.join()
        try:
            viewer.put(lines.dumps(self._hub.status.line()))
            async with asyncio.TaskGroup() as tasks:
                sending = tasks.create_task(_send(socket, viewer.get), name="viewer")
                await _until_gone(socket)
                sending.cancel()
        except* _StuckError:
            pass
        finally:
            self._hub.viewers.leave(viewer)
            self._hub.left(socket.query_params.get("page"))
        with suppress(RuntimeError, WebSocketDisconnect):  # closed already
            await socket.close()


def _encoded(found: dict[str, Any] | None) -> bytes | None:
    """Return it as JSON: of a long recording that takes its time, so it is done where it is read."""
    return None if found is None else lines.dumps(found).encode(errors="replace")


class _StuckError(Exception):
    """A viewer takes nothing any more."""


async def _send(socket: WebSocket, get: Callable[[], Awaitable[str]]) -> None:
    while True:
        line = await get()
        try:
            async with asyncio.timeout(SEND_S):
                await socket.send_text(line)
        except (TimeoutError, WebSocketDisconnect, RuntimeError) as error:
            raise _StuckError from error


async def _until_gone(socket: WebSocket) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):
        while (await socket.receive())["type"] != "websocket.disconnect":
            pass


async def _http_problem(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return problem(error.status_code, error.detail, dict(error.headers or {}))


async def _too_large(_request: Request, _error: Exception) -> Response:
    return problem(413, f"more than {MAX_BODY_BYTES} bytes")


async def _fault(_request: Request, _error: Exception) -> Response:
    return problem(500, "a mistake in hipturn: its log says more")
