"""Asking who is at an address: each way in which there is no programme there has its own answer."""

import asyncio
import gzip
import json
import ssl
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mirabelle.client.use_cases.ask_server import CannotJoin, ask_server
from mirabelle.contract.endpoints import CONTRACT
from tests.backend import Backend

JSON, PAGE = "application/json", "text/html; charset=utf-8"
GREETING = {"name": "Elsewhere", "currency": "EUR", "time_zone": "UTC", "server_time": "2026-01-01T00:00:00Z"}


@asynccontextmanager
async def somebody(
    status: int, kind: str, body: str | bytes, *, extra: str = "", secure: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Somebody who has one answer to everything; the port where."""
    said = body.encode() if isinstance(body, str) else body

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(said)}\r\n{extra}\r\n"
        writer.write(head.encode() + said)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=secure)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_a_server_says_who_it_is_before_anything_is_kept(backend: Backend) -> None:
    found = await ask_server(backend.url)
    assert (found.address, found.name, found.is_demo) == (backend.url, "Mirabelle", True)


@pytest.mark.parametrize(
    ("status", "kind", "body", "extra", "trouble"),
    [
        (302, PAGE, "", "Location: http://192.0.2.1/hotel\r\n", "portal"),
        (200, PAGE, "<html>Welcome to our network</html>", "", "portal"),
        (511, PAGE, "<html>Sign in</html>", "", "portal"),
        (404, PAGE, "<html>Nothing here</html>", "", "wrong"),
        (200, JSON, '{"hello": "world"}', "", "wrong"),
        (200, JSON, '{"name": "cut', "", "wrong"),
        (503, PAGE, "", "", "silent"),
        (200, JSON, json.dumps({**GREETING, "contract": CONTRACT + 1}), "", "app_too_old"),
        (200, JSON, json.dumps({**GREETING, "contract": 0}), "", "server_too_old"),
        (404, "application/problem+json", '{"type": "", "code": "not_found", "status": 404, "title": ""}', "",
         "app_too_old"),
    ],
)  # fmt: skip
async def test_whoever_else_answers_is_told_apart(status: int, kind: str, body: str, extra: str, trouble: str) -> None:
    async with somebody(status, kind, body, extra=extra) as port:
        with pytest.raises(CannotJoin) as told:
            await ask_server(f"http://127.0.0.1:{port}")
    assert told.value.trouble == trouble


async def test_a_greeting_that_unpacks_to_more_than_any_is_says_who_is_wrong_and_takes_no_memory() -> None:
    packed = gzip.compress(json.dumps(GREETING).encode() + b" " * 2**25)
    tracemalloc.start()
    try:
        async with somebody(200, JSON, packed, extra="Content-Encoding: gzip\r\n") as port:
            with pytest.raises(CannotJoin, match="wrong"):
                await ask_server(f"http://127.0.0.1:{port}")
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("extra", "cut", "trouble"),
    [
        ("Content-Encoding: br\r\n", None, "wrong"),
        ("Content-Encoding: gzip, gzip\r\n", None, "wrong"),
        ("Content-Encoding: gzip\r\n", -9, "silent"),
        ("Content-Encoding: GZIP\r\n", None, None),
    ],
)
async def test_a_packed_greeting_is_read_whole_or_not_at_all(extra: str, cut: int | None, trouble: str | None) -> None:
    packed = gzip.compress(json.dumps({**GREETING, "contract": CONTRACT}).encode())[:cut]
    async with somebody(200, JSON, packed, extra=extra) as port:
        if trouble is None:
            assert (await ask_server(f"http://127.0.0.1:{port}")).name == "Elsewhere"
        else:
            with pytest.raises(CannotJoin, match=trouble):
                await ask_server(f"http://127.0.0.1:{port}")


async def test_nobody_there_and_somebody_who_cannot_prove_to_be_it_are_told_apart(tmp_path: Path) -> None:
    async with somebody(200, JSON, json.dumps(GREETING), secure=_unknown(tmp_path)) as port:
        with pytest.raises(CannotJoin, match="untrusted"):
            await ask_server(f"https://127.0.0.1:{port}")
    with pytest.raises(CannotJoin, match="unreachable"):
        await ask_server(f"http://127.0.0.1:{port}")


def _unknown(folder: Path) -> ssl.SSLContext:
    """A certificate that nobody vouches for."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "both.pem").write_bytes(private + certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return context
