"""The page over https: with a certificate of one's own; files that are none are told at the start."""

import asyncio
import ipaddress
import json
import ssl
import urllib.request
from datetime import UTC, datetime, timedelta
from http.client import RemoteDisconnected
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from websockets.sync.client import connect

from cli_runs import refused
from hipturn.commands import Told
from hipturn.errors import UsageError
from hipturn.sinks.hub import Hub
from hipturn.web.server import WebServer
from webs import TOKEN


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that is its own authority, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hipturn test")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(here, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    for file, how in (
        ("key.pem", serialization.NoEncryption()),
        ("locked.pem", serialization.BestAvailableEncryption(b"x")),
    ):
        (folder / file).write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)
        )
    return folder / "cert.pem", folder / "key.pem"


def test_page_api_and_stream_over_tls(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    """Checked by clients that trust the certificate; the cookie is for https only; http gets nothing."""
    cert, key = certificate
    trusted = ssl.create_default_context(cafile=cert)
    server = WebServer(Hub(), tmp_path, "127.0.0.1", 0, TOKEN, [], (str(cert), str(key)))
    told: list[Told] = []
    page = server.address.url.partition("?")[0]
    assert page.startswith("https://127.0.0.1:") and "token=" in server.address.url

    def look() -> None:
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        with urllib.request.urlopen(server.address.url, timeout=20, context=trusted) as answer:
            assert "; Secure" in answer.headers["Set-Cookie"]
        origin = {"Origin": page.rstrip("/"), "Content-Type": "application/json", **bearer}
        stop = urllib.request.Request(page + "api/v1/commands", b'{"command": "stop"}', origin)
        with urllib.request.urlopen(stop, timeout=20, context=trusted) as answer:
            assert answer.status == 202
        url = page.replace("https", "wss") + "api/v1/live"
        with connect(url, ssl=trusted, additional_headers=bearer, open_timeout=20) as viewer:
            assert json.loads(viewer.recv(timeout=20))["type"] == "state"
        with pytest.raises((RemoteDisconnected, ConnectionError)):
            urllib.request.urlopen(page.replace("https", "http"), timeout=20)

    async def main() -> None:
        serving = asyncio.create_task(server.serve(told.append, "shin"))
        try:
            await asyncio.to_thread(look)
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

    asyncio.run(main())
    assert len(told) == 1


def test_a_certificate_that_is_none_is_told_in_one_line(
    tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    """Missing, swapped, of another, or locked with a password that nobody is asked for."""
    cert, key = map(str, certificate)
    (tmp_path / "text.pem").write_text("not a certificate")
    for chain, secret in (
        (cert, ""), ("", key), (key, cert), (cert, str(tmp_path / "nowhere")),
        (str(tmp_path / "text.pem"), key), (cert, str(certificate[1].with_name("locked.pem"))),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=r"web\.tls_key") as raised:
            WebServer(Hub(), tmp_path, "127.0.0.1", 0, "", [], (chain, secret))
        assert "\n" not in str(raised.value)


def test_run_refuses_half_a_certificate(tmp_path: Path) -> None:
    said = refused("run", "--tls-cert", tmp_path / "x.pem", "--recordings", tmp_path, code=2)
    assert "needs both" in said
