"""A certificate that is not good is told from an address that is not, and from an outage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.unit.transport.certificates import serving, trusting, write_certificate
from tests.unit.transport.servers import RawServer, answer

from ml_connector.core.errors import ConfigurationError, UnavailableError
from ml_connector.transport.failures import CertificateError, UnreachableError


async def test_a_trusted_certificate_passes(open_http, tmp_path):
    good = write_certificate(tmp_path, address="127.0.0.1")
    async with RawServer([answer()], tls=serving(good)) as server:
        response = await open_http(server.url, tls=trusting(good)).call("GET", "x", operation="x")

    assert response.status == 200


async def test_an_unknown_authority_is_a_certificate_error(open_http, tmp_path):
    good = write_certificate(tmp_path, address="127.0.0.1")
    async with RawServer([answer()], tls=serving(good)) as server:
        with pytest.raises(CertificateError, match=r"certificate of 127.*self-signed"):
            await open_http(server.url).call("GET", "x", operation="x")

    assert server.requests == []


@pytest.mark.parametrize(
    ("address", "days", "reason"),
    [("127.0.0.9", 1, "IP address mismatch"), ("127.0.0.1", -1, "expired")],
)
async def test_what_is_wrong_with_the_certificate_is_said(
    open_http, tmp_path, address, days, reason
):
    bad = write_certificate(tmp_path, address=address, days=days)
    async with RawServer([answer()], tls=serving(bad)) as server:
        with pytest.raises(CertificateError, match=reason) as raised:
            await open_http(server.url, tls=trusting(bad)).call(
                "POST", "x", operation="x", json=b"{}"
            )

    assert isinstance(raised.value, ConfigurationError)
    assert server.requests == []


async def test_a_server_without_tls_is_not_taken_for_an_outage(open_http):
    async with listening(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        with pytest.raises(CertificateError, match="does not agree to TLS"):
            await open_http(f"https://127.0.0.1:{port}").call("GET", "x", operation="x")


async def test_a_server_that_hangs_up_during_the_handshake_is_unreachable(open_http):
    async with listening(b"") as port:
        with pytest.raises(UnreachableError, match="nothing was sent") as raised:
            await open_http(f"https://127.0.0.1:{port}").call(
                "POST", "x", operation="x", json=b"{}"
            )

    assert isinstance(raised.value, UnavailableError)


@asynccontextmanager
async def listening(says: bytes) -> AsyncIterator[int]:
    """Answer the first bytes of every connection with ``says`` and hang up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(says)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
