"""Receives the answer to a consent on this machine, for a person at the command line."""

from __future__ import annotations

import asyncio
import html
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from aiohttp import web

from ml_connector.core.errors import AuthenticationError, ConfigurationError

if TYPE_CHECKING:
    from ml_connector.connections.consent import Consents
    from ml_connector.connections.rows import ConnectionRow

PATH = "/callback"
_HOST = "127.0.0.1"
_HEADERS = {
    # The address in the browser holds the code: it goes nowhere, and is kept nowhere.
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the vendor sent the person back with."""

    state: str
    code: str | None
    error: str | None
    """OAuth's error, when the person or the vendor said no."""


class LocalCallback:
    """Waits on this machine for the person to come back."""

    def __init__(self) -> None:
        self._answers: asyncio.Queue[Answer] = asyncio.Queue()
        self.redirect_uri = ""
        """To be registered at the vendor, port included."""

    async def answer(self, *, state: str, within: timedelta) -> Answer:
        """Return the answer to ``state``; others are not ours and are passed over.

        Raises AuthenticationError when none comes within that time.
        """
        try:
            async with asyncio.timeout(within.total_seconds()):
                while (answer := await self._answers.get()).state != state:
                    pass
        except TimeoutError:
            minutes = within / timedelta(minutes=1)
            raise AuthenticationError(f"nobody consented within {minutes:.0f} minutes") from None
        return answer

    async def receive(self, request: web.Request) -> web.Response:
        """Take the answer, and tell the person to go back to the command line."""
        query = request.query
        answer = Answer(
            state=query.get("state", ""), code=query.get("code"), error=query.get("error")
        )
        self._answers.put_nowait(answer)
        said = "Consent received." if answer.code else f"No consent: {answer.error or 'no code'}."
        page = f"<!doctype html><title>ml-connector</title><p>{html.escape(said)}"
        page += "<p>You can close this window and go back to the command line."
        return web.Response(text=page, content_type="text/html", headers=_HEADERS)


@asynccontextmanager
async def local_callback(*, port: int = 0, path: str = PATH) -> AsyncIterator[LocalCallback]:
    """Listen on this machine only. Port 0 picks a free one, where the vendor allows any."""
    callback = LocalCallback()
    application = web.Application()
    application.router.add_get(path, callback.receive)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, _HOST, port).start()
        except OSError as exc:
            raise ConfigurationError(
                f"port {port} for the answer to the consent cannot be opened: {exc.strerror}"
            ) from exc
        callback.redirect_uri = f"http://{_HOST}:{runner.addresses[0][1]}{path}"
        yield callback
    finally:
        await runner.cleanup()


async def finish_with(consents: Consents, answer: Answer) -> ConnectionRow:
    """Finish the consent with what came back, or raise AuthenticationError for a no."""
    if answer.code is not None:
        return await consents.finish(state=answer.state, code=answer.code)
    row = await consents.refuse(state=answer.state)
    raise AuthenticationError(
        f"the consent for connection {row.name!r} was not given: {answer.error or 'no code came'}"
    )
