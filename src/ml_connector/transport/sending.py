"""One attempt on the wire: bytes out, bytes in, or a failure told apart.

Two things are settled here because aiohttp alone would do them otherwise. It sends an idempotent
request again by itself when a kept-alive connection turns out dead; here no request leaves twice
unless `retries` says so. And whether bytes may have left decides what a failure means, so each
attempt keeps that, together with the moment after which its bytes must not leave any more.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from datetime import timedelta

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.client_reqrep import ClientResponse
from aiohttp.connector import Connection
from multidict import CIMultiDict
from yarl import URL

from ml_connector.core.clock import Clock
from ml_connector.core.errors import WriteWindowClosedError
from ml_connector.transport.failures import UnreadableAnswerError, failure_of
from ml_connector.transport.messages import Request, Response
from ml_connector.transport.targets import PublicResolver

_CONNECTING_TAKES = 15.0  # seconds for one address; another address of the name may do better
_KEPT_FOR = 15.0  # seconds; a longer idle connection is likelier to be closed over there
_LONGEST_HEADER = 64 * 1024  # bytes; tokens in cookies are longer than aiohttp's default allows


class Departure:
    """Whether the bytes of one attempt may leave, and whether they may have."""

    __slots__ = ("_clock", "_not_after", "_on_leaving", "has_left", "refusal")

    def __init__(
        self, *, clock: Clock, not_after: float | None, on_leaving: Callable[[], None] | None = None
    ) -> None:
        self._clock = clock
        self._not_after = not_after
        self._on_leaving = on_leaving
        self.has_left = False
        self.refusal: WriteWindowClosedError | None = None

    def leave(self) -> None:
        """Note that bytes go out now; WriteWindowClosedError when it is too late for them."""
        if self._not_after is not None and self._clock.monotonic() >= self._not_after:
            self.has_left = False
            self.refusal = WriteWindowClosedError(
                "the time in which this write could be sent has passed while it waited; "
                "nothing was sent, another attempt looks first and then sends it"
            )
            raise self.refusal
        self.has_left = True
        self.end()

    def end(self) -> None:
        """Tell the pacer, once, that the call has left or will not leave any more."""
        if self._on_leaving is not None:
            tell, self._on_leaving = self._on_leaving, None
            tell()


class _Wire(aiohttp.ClientRequest):
    """A request that asks its departure with a connection in hand, just before the bytes go."""

    departure: Departure

    async def send(self, conn: Connection) -> ClientResponse:
        self.departure.leave()
        return await super().send(conn)

    async def write_bytes(
        self, writer: AbstractStreamWriter, conn: Connection, content_length: int | None = None
    ) -> None:
        # With a body nothing has gone out yet: aiohttp keeps the headers back for this task,
        # which the loop may start late. So it is asked again.
        try:
            self.departure.leave()
        except WriteWindowClosedError:
            conn.close()  # ends the wait for an answer; Sender raises the refusal
            return
        await super().write_bytes(writer, conn, content_length)


class _NoAnswerError(Exception):
    """Carries aiohttp's error past aiohttp's own repeating."""


class Sender:
    """The sockets of one connection."""

    def __init__(
        self, *, allow_private_targets: bool, tls: ssl.SSLContext | None, largest_answer: int
    ) -> None:
        self._allow_private_targets = allow_private_targets
        self._tls = tls
        self._largest_answer = largest_answer
        self._session: aiohttp.ClientSession | None = None

    async def send(
        self,
        request: Request,
        url: URL,
        headers: CIMultiDict[str],
        *,
        departure: Departure,
        within: float,
    ) -> Response:
        """Return the whole answer, whatever its status.

        Raises UnreachableError, CertificateError and WriteWindowClosedError when nothing was
        sent; TimedOutError, DroppedError and UnreadableAnswerError when something may have been.
        """
        started = time.monotonic()

        async def guarded(
            wire: aiohttp.ClientRequest, go_on: aiohttp.ClientHandlerType
        ) -> ClientResponse:
            wire.departure = departure  # type: ignore[attr-defined] # a _Wire: the session makes them
            try:
                return await go_on(wire)
            except (aiohttp.ClientError, OSError) as exc:
                raise _NoAnswerError from exc

        try:
            async with asyncio.timeout(within):
                answer = await self._opened().request(
                    request.method,
                    url,
                    headers=headers,
                    data=request.body,
                    allow_redirects=False,
                    middlewares=(guarded,),
                )
                body = await self._read(answer)
        except _NoAnswerError as exc:
            raise departure.refusal or failure_of(
                exc.__cause__, url, has_left=departure.has_left, within=within
            ) from exc.__cause__
        except (aiohttp.ClientError, OSError) as exc:  # TimeoutError is an OSError
            raise departure.refusal or failure_of(
                exc, url, has_left=departure.has_left, within=within
            ) from exc
        return Response(
            status=answer.status,
            headers={name.lower(): value for name, value in answer.headers.items()},
            cookies=_cookies(answer),
            body=body,
            url=request.url,
            elapsed=timedelta(seconds=time.monotonic() - started),
        )

    async def close(self) -> None:
        """Close every socket."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _read(self, answer: ClientResponse) -> bytes:
        told = answer.content_length
        if told is not None and told > self._largest_answer:
            answer.close()
            raise _too_long(answer, self._largest_answer)
        if told is not None and "Content-Encoding" not in answer.headers:
            return await answer.read()
        chunks: list[bytes] = []
        length = 0
        async for chunk in answer.content.iter_any():
            length += len(chunk)
            if length > self._largest_answer:
                answer.close()
                raise _too_long(answer, self._largest_answer)
            chunks.append(chunk)
        return b"".join(chunks)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            resolver: aiohttp.abc.AbstractResolver = aiohttp.DefaultResolver()
            if not self._allow_private_targets:
                resolver = PublicResolver(resolver)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    ssl=self._tls or True,
                    resolver=resolver,
                    limit=0,  # how many go at once is the pacer's to say
                    keepalive_timeout=_KEPT_FOR,
                ),
                request_class=_Wire,
                cookie_jar=aiohttp.DummyCookieJar(),  # a session cookie is the login's affair
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECTING_TAKES),
                skip_auto_headers=("Content-Type",),
                max_line_size=_LONGEST_HEADER,
                max_field_size=_LONGEST_HEADER,
            )
        return self._session


def _too_long(answer: ClientResponse, largest: int) -> UnreadableAnswerError:
    return UnreadableAnswerError(
        f"the answer of {answer.url.host} to {answer.method} {answer.url.path} is longer than "
        f"{largest} bytes and was not read; ask for less at once"
    )


def _cookies(answer: ClientResponse) -> Mapping[str, str]:
    if "Set-Cookie" not in answer.headers:
        return {}
    return {name: morsel.value for name, morsel in answer.cookies.items()}
