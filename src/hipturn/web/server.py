"""The web server: uvicorn inside the daemon's loop."""

import asyncio
import contextlib
import errno
import re
import secrets
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from hipturn.commands import Told
from hipturn.errors import HipturnError, UsageError
from hipturn.sinks.hub import Hub
from hipturn.web import app
from hipturn.web.guard import is_loopback, names_of

TOKEN_BYTES = 18
"""144 bits, 24 characters."""
LEAST_TOKEN = 16
SEND_BUFFER_BYTES = 32 << 10
"""What the system keeps for a slow viewer: some seconds of angles."""


ASK_S = 10.0
"""A request that takes longer to arrive is none."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens and how it is reached."""

    host: str
    port: int
    token: str | None
    names: frozenset[str]
    scheme: str = "http"

    @property
    def url(self) -> str:
        """The address to open, token included."""
        host = own_address() if self.host in ("0.0.0.0", "::") else self.host
        shown = f"[{host}]" if ":" in host else host
        return f"{self.scheme}://{shown}:{self.port}/" + (f"?token={self.token}" if self.token else "")


class _Impatient(H11Protocol):
    """Lets go of who connects and asks nothing, or never comes to the end of asking.

    There is room for so many connections; whoever holds them all open would keep everybody else out.
    """

    _asking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._asking = self.loop.call_later(ASK_S, transport.close)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        upgraded = self.transport.get_protocol() is not self
        asked = upgraded or self.conn.their_state not in (h11.IDLE, h11.SEND_BODY)
        if self._asking is not None and asked:
            self._asking.cancel()
            self._asking = None
        elif self._asking is None and not asked:
            self._asking = self.loop.call_later(ASK_S, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._asking is not None:
            self._asking.cancel()


class _Server(uvicorn.Server):
    """Without handlers of its own: signals are the daemon's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class WebServer:
    """Serves page and API. Binds at once, so that a taken port is told before anything starts."""

    def __init__(
        self,
        hub: Hub,
        recordings: Path,
        host: str,
        port: int,
        token: str,
        names: list[str],
        certificate: tuple[str, str] = ("", ""),
    ) -> None:
        """Bind; raise `HipturnError` if the port is taken, `UsageError` for an address that is none.

        `certificate` names the files of a certificate chain and its key, for TLS; neither for none.
        """
        if token and not re.fullmatch(rf"[A-Za-z0-9_~.-]{{{LEAST_TOKEN},200}}", token):
            raise UsageError(f"web.token must be {LEAST_TOKEN} to 200 letters, digits, or - _ . ~")
        self._certificate = checked(*certificate)
        self._hub, self._recordings = hub, recordings
        self._socket: socket.socket | None = bound(host, port)
        bound_port = self._socket.getsockname()[1]
        needs_token = not is_loopback(host)
        every = [*names, socket.gethostname(), f"{socket.gethostname()}.local"] if needs_token else names
        if host in ("0.0.0.0", "::"):
            every = [*every, own_address()]
        self.address = Address(
            host=host,
            port=bound_port,
            token=(token or secrets.token_urlsafe(TOKEN_BYTES)) if needs_token else (token or None),
            names=names_of(f"[{host}]" if ":" in host else host, every),
            scheme="https" if self._certificate else "http",
        )

    async def serve(self, tell: Callable[[Told], None], stream: str) -> None:
        """Serve until cancelled; may be called again after it failed."""
        address = self.address
        listening = self._socket or bound(address.host, address.port)
        self._socket = None
        guarded = app.create(
            self._hub, tell, self._recordings, stream, names=address.names, token=address.token
        )
        server = _Server(
            uvicorn.Config(
                guarded,
                http=_Impatient,
                ws="websockets-sansio",
                ws_max_size=4096,
                ws_per_message_deflate=False,
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                limit_concurrency=96,
                backlog=64,
                timeout_keep_alive=15,
                timeout_graceful_shutdown=1,
                h11_max_incomplete_event_size=16 << 10,
                ssl_certfile=self._certificate[0] if self._certificate else None,
                ssl_keyfile=self._certificate[1] if self._certificate else None,
            )
        )
        serving = asyncio.create_task(server.serve(sockets=[listening]), name="uvicorn")
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            server.should_exit = True
            await serving
            raise
        finally:
            listening.close()


def checked(chain: str, key: str) -> tuple[str, str] | None:
    """Return the files of certificate and key, None for neither; raise `UsageError` if they do not fit."""
    if not (chain or key):
        return None
    if not (chain and key):
        raise UsageError(
            "TLS needs both web.tls_cert and web.tls_key: the certificate chain and its key, PEM"
        )
    try:
        # an empty password, so that a key that wants one is refused and nobody is asked for it
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(chain, key, password="")
    except (OSError, ValueError) as error:
        raise UsageError(
            f"web.tls_cert {chain} and web.tls_key {key} are no certificate and key ({error}): both are PEM "
            "files, the key without a password"
        ) from error
    return chain, key


def bound(host: str, port: int) -> socket.socket:
    """Return a socket bound to the address; raise as `WebServer` does."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise UsageError(f"--host {host}: no such address on this computer: 127.0.0.1 is usual") from error
    listening = socket.socket(family, kind, protocol)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            # Windows lets others steal a port otherwise
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # connections inherit it: a viewer that stalled is to see what is now, not what was minutes ago
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        listening.bind(address)
        listening.listen(64)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise HipturnError(
                f"port {port} of {host} is taken by another program: choose another with --port, or --no-web"
            ) from error
        raise HipturnError(
            f"cannot listen on {host}:{port} ({error.strerror}): choose another --host or --port, or --no-web"
        ) from error
    return listening


def own_address() -> str:
    """Return the address other computers most likely reach this one by; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # a datagram socket that connects only looks up the route; this address is for documentation
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
