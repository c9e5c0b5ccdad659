"""A vendor that counts calls in a rolling window, as strict as the documented ones."""

from __future__ import annotations

import time
from collections import deque
from types import TracebackType
from typing import Self

from aiohttp import web


class RollingServer:
    """Answers 200 up to ``calls`` in any ``seconds``, then 429, and says so in headers."""

    def __init__(self, *, calls: int, seconds: float) -> None:
        self.calls = calls
        self.seconds = seconds
        self.accepted: list[float] = []
        self.declined = 0
        self.at_once = 0
        self.most_at_once = 0
        self.url = ""
        self._window: deque[float] = deque()
        self._runner: web.AppRunner | None = None

    def used_share(self) -> float:
        """Return the rate reached over the rate permitted.

        Between the n-th call and the one that is ``calls`` later lies at least the window; the
        mean of those times tells the rate without regard to where in a burst we look.
        """
        spans = [
            later - first
            for first, later in zip(self.accepted, self.accepted[self.calls :], strict=False)
        ]
        return self.seconds * len(spans) / sum(spans)

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, _: web.Request) -> web.Response:
        now = time.monotonic()
        while self._window and self._window[0] <= now - self.seconds:
            self._window.popleft()
        is_accepted = len(self._window) < self.calls
        if is_accepted:
            self._window.append(now)
            self.accepted.append(now)
        else:
            self.declined += 1
        return web.Response(
            status=200 if is_accepted else 429,
            body=b"{}",
            headers={
                "x-ratelimit-limit": str(self.calls),
                "x-ratelimit-remaining": str(self.calls - len(self._window)),
            },
        )
