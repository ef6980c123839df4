"""Who may ask what, from where, how much: attacks that must fail, and what they must not cost."""

import asyncio
import re
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from websockets.asyncio.client import connect
from websockets.typing import Origin

from hipturn.errors import HipturnError, UsageError
from hipturn.sinks.hub import Hub
from hipturn.web import server
from hipturn.web.app import STATIC
from hipturn.web.catalogue import Catalogue
from hipturn.web.guard import COOKIE, MAX_BODY_BYTES, Bucket, is_loopback, names_of
from hipturn.web.server import WebServer
from webs import TOKEN, Web, post, web

LIVE = "/api/v1/live"
EVERY = ["/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/api/v1/state", "/api/v1/sessions",
         "/api/v1/sessions/clean-drill.mcap", "/api/v1/results", "/static/app.js"]  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Web:
    return web(tmp_path_factory.mktemp("web") / "recordings")


def guarded(site: Web) -> TestClient:
    return Web(site.hub, site.folder, site.told, token=TOKEN).client()


# --- names and origins --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8710",
        "127.0.0.1.evil.example",
        "localhost.evil",
        "[::2]:8710",
        "",
        "x@127.0.0.1",
    ],
)
def test_a_name_that_is_not_ours_is_not_answered(site: Web, host: str) -> None:
    """DNS rebinding: a foreign name that resolves to this computer gets nothing, page included."""
    for path in EVERY:
        assert site.client().get(path, headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8710", "127.0.0.1:1", "[::1]:8710", "mybox.local"])
def test_our_names_are_answered(site: Web, host: str) -> None:
    assert site.client().get("/healthz", headers={"Host": host}).status_code == 200


ORIGINS = ["http://evil.example", "https://127.0.0.1.evil.example:8710", "null", "file://", "http://127.0.0.1:9999",
           "http://localhost:8710", "http://[", "http://[v1.x]:8710"]  # fmt: skip


@pytest.mark.parametrize("origin", ORIGINS)
def test_other_sites_can_neither_command_nor_look_on(site: Web, origin: str) -> None:
    """Cross-site requests and WebSockets: a browser names the page that asks, and it must be ours."""
    site.told.clear()
    client = site.client()
    assert post(client, {"command": "stop"}, Origin=origin).status_code == 403
    assert client.get("/api/v1/state", headers={"Origin": origin}).status_code == 403
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(f"ws://127.0.0.1:8710{LIVE}", headers={"Origin": origin}),
    ):
        pass
    assert site.told == [] and len(site.hub.viewers) == 0


def test_our_own_page_can(site: Web) -> None:
    origin = "http://127.0.0.1:8710"
    assert post(site.client(), {"command": "stop"}, Origin=origin).status_code == 202
    with site.client().websocket_connect(f"ws://127.0.0.1:8710{LIVE}", headers={"Origin": origin}) as socket:
        assert socket.receive_json()["type"] == "state"


def test_a_form_of_another_site_is_no_command(site: Web) -> None:
    """Only JSON is taken: what a form can send without being asked for leave is not."""
    site.told.clear()
    client = site.client()
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "",
        "application/jsonp",
    ):
        answer = client.post(
            "/api/v1/commands", content=b'{"command":"stop"}', headers={"Content-Type": kind}
        )
        assert answer.status_code == 415
    assert post(client, {"command": "stop"}, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert site.told == []


def test_no_other_site_may_read_answers(site: Web) -> None:
    for path in EVERY:
        assert not any(name.startswith("access-control") for name in site.client().get(path).headers)


def test_every_answer_forbids_foreign_content(site: Web) -> None:
    client = site.client()
    answers = [client.get(path) for path in [*EVERY, "/nowhere", "/static/nowhere"]]
    answers += [client.get("/", headers={"Host": "evil"}), client.post("/healthz"), post(client, [])]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'") and "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "server" not in answer.headers


# --- tokens -------------------------------------------------------------------------------------


def test_without_the_token_nothing_is_told(site: Web) -> None:
    client = guarded(site)
    for path in [*EVERY, "/nowhere"]:
        answer = client.get(path)
        assert answer.status_code == 401 and TOKEN not in answer.text
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(f"ws://127.0.0.1:8710{LIVE}"):
        pass
    assert post(client, {"command": "stop"}).status_code == 401


def test_the_token_is_taken_as_bearer_query_and_cookie(site: Web) -> None:
    """Opening the page with it once is enough: the cookie is for this server's pages alone."""
    client = guarded(site)
    assert client.get("/api/v1/state", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    page = client.get(f"/?token={TOKEN}")
    assert page.status_code == 200
    cookie = page.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Strict", "Path=/"))
    client.cookies.set(COOKIE, TOKEN)
    assert client.get("/api/v1/state").status_code == 200
    with client.websocket_connect(f"ws://127.0.0.1:8710{LIVE}?token={TOKEN}") as socket:
        assert socket.receive_json()["type"] == "state"


def test_wrong_tokens_are_few(site: Web) -> None:
    """Guessing is stopped long before it could succeed, and then the right one waits too."""
    client = guarded(site)
    codes = [client.get("/", headers={"Authorization": f"Bearer {n}"}).status_code for n in range(30)]
    assert codes[:10] == [401] * 10 and set(codes[10:]) == {429}
    assert client.get("/", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 429


@given(st.binary(max_size=40))
@settings(max_examples=50)
def test_any_other_token_is_wrong(given_: bytes) -> None:
    site = Web(Hub(), Path(), token=TOKEN)
    header = b"Bearer " + re.sub(rb"[\r\n\0]", b"", given_)
    answer = site.client().get("/healthz", headers={b"Authorization": header})
    assert answer.status_code == (200 if header == b"Bearer " + TOKEN.encode() else 401)


# --- how much and how often ---------------------------------------------------------------------


def test_requests_are_bounded_in_size(site: Web) -> None:
    client = site.client()
    headers = {"Content-Type": "application/json"}
    big = b'"' + b"x" * MAX_BODY_BYTES + b'"'
    assert client.post("/api/v1/commands", content=big, headers=headers).status_code == 413

    def drops() -> Any:
        for _ in range(100):
            yield b" " * 1000

    assert client.post("/api/v1/commands", content=drops(), headers=headers).status_code == 413
    assert client.get("/healthz?" + "x" * 5000).status_code == 400


def test_requests_are_bounded_in_number(site: Web) -> None:
    codes = []
    client = site.client()
    for _ in range(4000):
        codes.append(client.get("/healthz").status_code)
        if codes[-1] == 429:
            break
    files = sum(file.is_file() for file in STATIC.rglob("*"))
    assert 429 in codes and set(codes[: 8 * files]) == {200}, "a page may be loaded anew and anew"


def test_a_bucket_fills_again_for_each_alone_and_forgets_the_oldest() -> None:
    now = [0.0]
    bucket = Bucket(rate=2.0, size=3.0, clock=lambda: now[0])
    assert [bucket.take("a") for _ in range(4)] == [True, True, True, False]
    assert bucket.take("b") and bucket.empty("a") and not bucket.empty("c")
    now[0] = 1.0
    assert [bucket.take("a") for _ in range(3)] == [True, True, False]
    for number in range(5000):
        bucket.take(str(number))
    assert len(bucket._left) <= 1024


# --- paths --------------------------------------------------------------------------------------

TRICKS = [
    "..%2foutside.mcap", "%2e%2e/outside.mcap", "../outside.mcap", "..\\outside.mcap", "..%5coutside.mcap",
    "link.mcap", "%00.mcap", "clean-drill.mcap%00", "clean-drill.mcap/", "/etc/passwd", "C:outside.mcap",
    "....//outside.mcap", "clean-drill.mcap::$DATA", ".hidden.mcap", "%ff.mcap", "CON.mcap",
]  # fmt: skip


@pytest.mark.parametrize("name", TRICKS)
def test_path_tricks_never_leave_the_folder(site: Web, name: str) -> None:
    (site.folder / ".hidden.mcap").write_bytes((site.folder / "clean-drill.mcap").read_bytes())
    answer = site.client().get(f"/api/v1/sessions/{name}", follow_redirects=False)
    assert answer.status_code in (404, 307) and "drill" not in answer.text


@pytest.mark.parametrize("path", ["../app.py", "..%2fapp.py", "%2e%2e/app.py", "/etc/passwd", "..\\app.py"])
def test_only_the_pages_files_are_served(site: Web, path: str) -> None:
    answer = site.client().get(f"/static/{path}")
    assert answer.status_code == 404 and "import" not in answer.text


@given(
    st.text(max_size=30)
    | st.lists(st.sampled_from(["..", "/", "\\", "outside", ".mcap", "\0", "link"])).map("".join)
)
@settings(max_examples=150)
def test_no_name_reaches_outside(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    """Whatever the name, what is opened lies directly in the folder and is a plain file."""
    folder = tmp_path_factory.mktemp("paths") / "recordings"
    folder.mkdir()
    (folder.parent / "outside.mcap").touch()
    (folder / "link.mcap").symlink_to(folder.parent / "outside.mcap")
    path = Catalogue(folder)._path(name)
    assert path is None or (path.parent == folder and path.is_file() and not path.is_symlink())


# --- where it listens ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "own"),
    [
        *(
            (host, True)
            for host in ("127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost", "::ffff:127.0.0.1")
        ),
        *((host, False) for host in ("0.0.0.0", "::", "192.168.1.5", "example.org")),
    ],
)
def test_the_loopback_is_known(host: str, own: bool) -> None:
    assert is_loopback(host) is own


def closed(server: WebServer) -> WebServer:
    if server._socket is not None:
        server._socket.close()
    return server


def test_off_the_loopback_there_is_always_a_token(tmp_path: Path) -> None:
    """And a new one each time, long enough that nobody guesses it; on the loopback none is needed."""
    here = closed(WebServer(Hub(), tmp_path, "127.0.0.1", 0, "", []))
    assert here.address.token is None and here.address.url.endswith(f":{here.address.port}/")
    tokens = {closed(WebServer(Hub(), tmp_path, "0.0.0.0", 0, "", [])).address.token for _ in range(3)}
    assert len(tokens) == 3 and all(token and len(token) >= 24 for token in tokens)
    chosen = closed(WebServer(Hub(), tmp_path, "0.0.0.0", 0, TOKEN, []))
    assert chosen.address.url.endswith(f"/?token={TOKEN}")
    for weak in ("short", "has spaces in it and so on", "x" * 300, "semi;colon;semi;colon"):
        with pytest.raises(UsageError, match=r"web\.token"):
            WebServer(Hub(), tmp_path, "127.0.0.1", 0, weak, [])


def test_an_address_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--host"):
        WebServer(Hub(), tmp_path, "no.such.host.invalid", 0, "", [])
    with pytest.raises(HipturnError, match="--port"):
        WebServer(Hub(), tmp_path, "192.0.2.1", 0, "", [])


def test_the_names_are_lower_case_and_include_the_loopback() -> None:
    assert names_of("MyHost", ["Other.Local"]) >= {"localhost", "127.0.0.1", "[::1]", "myhost", "other.local"}


def test_a_served_page_is_guarded_too(tmp_path: Path) -> None:
    """The real server, over a socket: a smuggled or absurd request is refused, a proper one answered."""

    def ask(port: int, request: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(request)
            connection.settimeout(20)
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
                if b"\r\n\r\n" in answer:
                    break
            return answer

    async def main() -> None:
        server = WebServer(Hub(), tmp_path, "127.0.0.1", 0, "", [])
        port = server.address.port
        task = asyncio.create_task(server.serve(lambda _: None, "shin"))
        try:
            proper = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
            assert b" 200 " in await asyncio.to_thread(ask, port, proper)
            for request, code in (
                (b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n", b" 400 "),
                (b"GET /healthz HTTP/1.1\r\nHost: evil\r\nConnection: close\r\n\r\n", b" 421 "),
                (b"GET http://evil/healthz HTTP/1.1\r\nHost: evil\r\nConnection: close\r\n\r\n", b" 421 "),
                (b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b" 400 "),
                (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b" 400 "),
            ):
                assert code in await asyncio.to_thread(ask, port, request), request[:60]
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())


def test_who_never_comes_to_the_end_of_asking_is_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connections that say nothing, half a request or half a body keep nobody out; a viewer stays."""
    monkeypatch.setattr(server, "ASK_S", 0.3)
    told = b"POST /api/v1/commands HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    begun = [b"", b"GET / HTTP/1.1\r\nX-", told, told + b"Content-Length: 20\r\n\r\n{"]

    async def tried() -> tuple[list[bytes], bytes, str]:
        site = server.WebServer(Hub(), tmp_path, "127.0.0.1", 0, "", [])
        port = site.address.port
        serving = asyncio.create_task(site.serve(lambda _: None, "shin"))
        viewer = await connect(f"ws://127.0.0.1:{port}{LIVE}", origin=Origin(f"http://127.0.0.1:{port}"))
        slow = [await asyncio.open_connection("127.0.0.1", port) for _ in begun]
        for (_, writer), some in zip(slow, begun):
            writer.write(some)
        # the first has asked once, and does not come to the end the second time
        slow[0][1].write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert b"200" in await slow[0][0].readuntil(b"}")
        slow[0][1].write(b"GET / HT")
        async with asyncio.timeout(10):
            heard = [await reader.read() for reader, _ in slow]
            reader, asking = await asyncio.open_connection("127.0.0.1", port)
            asking.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            answer = await reader.read()
            await (await viewer.ping())
        state = viewer.state.name
        for writer in (asking, *(writer for _, writer in slow)):
            writer.close()
            # some were cut while they still had something to say
            with suppress(ConnectionError):
                await writer.wait_closed()
        await viewer.close()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        return heard, answer, state

    heard, answer, state = asyncio.run(tried())
    assert not any(heard[:3])
    assert answer.startswith(b"HTTP/1.1 200") and state == "OPEN"
