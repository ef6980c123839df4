"""What stands before every request: who may ask, from where, how much and how often.

- ``Host`` must be a name this server goes by: a foreign page cannot reach it by DNS rebinding.
- ``Origin``, where a browser sends one, must be such a name too: no cross-site requests or WebSockets.
- Off the loopback a token is needed, compared in constant time: ``Authorization: Bearer``, the cookie
  that opening the page with ``?token=`` sets, or ``?token=`` on a WebSocket.
- Requests are bounded in size and, for each address, in number; wrong tokens more tightly.
- Every answer carries a policy that lets the page load nothing but its own files.
"""

import hmac
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 16 << 10
"""No command needs more."""
MAX_QUERY_BYTES = 2048
MOST_AT_ONCE = 600.0
"""Requests of one address: the page with all its files some ten times over."""
COOKIE = "hipturn_token"

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; media-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), usb=()",
    "Cache-Control": "no-store",
}


@dataclass(slots=True)
class Bucket:
    """Tokens that come back with time: `rate` a second, at most `size` saved up."""

    rate: float
    size: float
    clock: Callable[[], float] = time.monotonic
    _left: "OrderedDict[str, tuple[float, float]]" = field(default_factory=OrderedDict)

    def take(self, who: str) -> bool:
        """Take one for `who`; return False if there is none left."""
        now = self.clock()
        left, at = self._left.pop(who, (self.size, now))
        left = min(self.size, left + (now - at) * self.rate)
        self._left[who] = (left - 1.0 if left >= 1.0 else left, now)
        while len(self._left) > 1024:
            self._left.popitem(last=False)
        return left >= 1.0

    def empty(self, who: str) -> bool:
        """Return whether `who` has none left, without taking one."""
        left, at = self._left.get(who, (self.size, self.clock()))
        return left + (self.clock() - at) * self.rate < 1.0


def is_loopback(host: str) -> bool:
    """Return whether an address or name means this computer itself."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def names_of(host: str, further: Iterable[str]) -> frozenset[str]:
    """Return the host names a server listening on `host` may be called by, lower case, without port."""
    return frozenset({"localhost", "127.0.0.1", "[::1]", host.lower(), *(name.lower() for name in further)})


class Guard:
    """ASGI middleware; `token` None asks for none, and is for the loopback only."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        names: frozenset[str],
        token: str | None,
        requests: Bucket | None = None,
        failures: Bucket | None = None,
    ) -> None:
        self._app = app
        self._names = names
        self._token = token
        self._requests = requests or Bucket(rate=50.0, size=MOST_AT_ONCE)
        self._failures = failures or Bucket(rate=0.1, size=10.0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what may not pass; give the rest on, with a bounded body and the headers."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal, cookie = self._look(scope)
        if scope["type"] == "websocket":
            if refusal is None:
                await self._app(scope, receive, send)
            else:
                await _refuse_websocket(refusal, scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if cookie:
                    headers.append("Set-Cookie", cookie)
            await send(message)

        if refusal is None:
            await self._app(scope, _bounded(receive), with_headers)
        else:
            await refusal(scope, receive, with_headers)

    def _look(self, scope: Scope) -> tuple[Response | None, str | None]:
        """Return the refusal, if any, and a cookie to set."""
        headers = Headers(scope=scope)
        who = scope["client"][0] if scope.get("client") else ""
        if not self._requests.take(who):
            return problem(429, "too many requests: wait a second", {"Retry-After": "1"}), None
        if len(headers.getlist("host")) != 1 or not self._known(headers["host"]):
            return problem(421, "this server does not go by that name: set web.names to allow it"), None
        origins = headers.getlist("origin")
        if any(not self._same(origin, headers["host"]) for origin in origins):
            return problem(403, "only pages of this server itself may ask"), None
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and _needs_origin(scope):
            return problem(403, "only pages of this server itself may ask"), None
        if len(scope["query_string"]) > MAX_QUERY_BYTES:
            return problem(400, "the query is too long"), None
        length = headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > 9 or int(length) > MAX_BODY_BYTES:
            return problem(413, f"more than {MAX_BODY_BYTES} bytes"), None
        return self._admit(scope, headers, who)

    def _admit(self, scope: Scope, headers: Headers, who: str) -> tuple[Response | None, str | None]:
        if self._token is None:
            return None, None
        if self._failures.empty(who):
            return problem(429, "too many wrong tokens: wait a minute", {"Retry-After": "60"}), None
        query = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        for given in (bearer, _cookie(headers), *query):
            if given and hmac.compare_digest(given.encode(), self._token.encode()):
                fresh = bool(query) and scope["type"] == "http"
                secure = "; Secure" if scope.get("scheme") == "https" else ""
                cookie = f"{COOKIE}={self._token}; Path=/; HttpOnly; SameSite=Strict{secure}"
                return None, cookie if fresh else None
        if bearer or query or _cookie(headers):
            self._failures.take(who)
        text = "a token is needed: open the address shown where hipturn was started, or scan its code"
        return problem(401, text, {"WWW-Authenticate": "Bearer"}), None

    def _known(self, host: str) -> bool:
        return _name(host) in self._names

    def _same(self, origin: str, host: str) -> bool:
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return an answer that says what is wrong."""
    return JSONResponse({"v": 1, "type": "problem", "status": status, "detail": detail}, status, headers)


class TooLargeError(Exception):
    """More came than is taken: raised out of `receive`, answered with 413."""


def _bounded(receive: Receive) -> Receive:
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MAX_BODY_BYTES:
            raise TooLargeError
        return message

    return bounded


async def _refuse_websocket(refusal: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer the handshake with the refusal's status, or close where the server cannot."""
    await receive()
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    raw = list(refusal.raw_headers)
    await send({"type": "websocket.http.response.start", "status": refusal.status_code, "headers": raw})
    await send({"type": "websocket.http.response.body", "body": refusal.body})


def _needs_origin(scope: Scope) -> bool:
    return scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD")


def _name(host: str) -> str:
    """Return a Host header without its port, lower case."""
    name = host.lower()
    if name.startswith("["):
        return name[: name.find("]") + 1]
    return name.partition(":")[0]


def _cookie(headers: Headers) -> str:
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return cookie.value if cookie is not None else ""
