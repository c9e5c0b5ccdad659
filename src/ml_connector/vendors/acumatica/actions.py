"""Actions on records: started by POST, answered 202, asked after until they are done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from http import HTTPStatus

from ml_connector.core.errors import (
    AuthenticationError,
    ConfigurationError,
    OutcomeUnknownError,
    RateLimitedError,
    UnavailableError,
)
from ml_connector.vendors.acumatica import bodies
from ml_connector.vendors.acumatica.drafts import Scalar
from ml_connector.vendors.acumatica.endpoint import Endpoint
from ml_connector.vendors.acumatica.models import Record

PATIENCE = timedelta(seconds=90)
"""How long an operation is asked after; then it is left to itself and the record tells."""

_FIRST_PAUSE = 1.0  # seconds; the vendor's own client asks every second
_LONGEST_PAUSE = 5.0
_GROWTH = 1.5
_UNTOLD = (UnavailableError, RateLimitedError, AuthenticationError, ConfigurationError)
"""What may befall the question and says nothing about the operation."""

Pause = Callable[[float], Awaitable[object]]


class Actions:
    """Runs actions of one endpoint to their end."""

    def __init__(self, endpoint: Endpoint, *, pause: Pause = asyncio.sleep) -> None:
        self._endpoint = endpoint
        self._pause = pause

    async def run(
        self,
        model: type[Record],
        action: str,
        keys: tuple[str, ...],
        *,
        parameters: Mapping[str, Scalar] | None = None,
        patience: timedelta = PATIENCE,
    ) -> None:
        """Run an action on a record and return when it is done.

        Raises the error that the operation ended with, and OutcomeUnknownError when its end
        could not be seen: then the record's own status tells.
        """
        body = {
            # The least that names the record: further fields would be written.
            "entity": dict(zip(model.KEYS, map(bodies.wrapped, keys), strict=True)),
            "parameters": {
                name: bodies.wrapped(value) for name, value in (parameters or {}).items()
            },
        }
        started = await self._endpoint.post(model.ENTITY, action, body)
        location = started.headers.get("location", "")
        # 204 at once is done, or nothing to do; its Location names a record, not an operation.
        if started.status == HTTPStatus.ACCEPTED and location:
            await self._see_it_end(location, f"{model.ENTITY}.{action}", patience)

    async def _see_it_end(self, location: str, operation: str, patience: timedelta) -> None:
        clock = self._endpoint.clock
        give_up_at = clock.monotonic() + patience.total_seconds()
        pause = _FIRST_PAUSE
        while clock.monotonic() < give_up_at:
            await self._pause(pause)
            if await self._is_done(location, operation):
                return
            pause = min(_LONGEST_PAUSE, pause * _GROWTH)
        raise OutcomeUnknownError(
            f"Acumatica is still busy with {operation} after {patience.total_seconds():.0f} s"
        )

    async def _is_done(self, location: str, operation: str) -> bool:
        try:
            answer = await self._endpoint.operation_status(
                location, operation=f"{operation}.status"
            )
        except _UNTOLD as exc:
            # It was accepted; a new session or a restarted site no longer knows of it.
            raise OutcomeUnknownError(f"How {operation} ended is not known: {exc}") from exc
        return answer.status != HTTPStatus.ACCEPTED
