"""Where a connection keeps the tokens and sessions that it won by logging in.

In the service that is the vault, encrypted and shared by all processes; in a REPL, memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ml_connector.core.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What a vendor gave for a login."""

    values: Mapping[str, Secret]
    """By the vendor's names: ``access_token``, ``refresh_token``, ``session_id``, ..."""
    facts: Mapping[str, str]
    """What is not secret: ``api_domain``, ``scope``, ``endpoint``."""
    expires_at: datetime | None
    """When it stops working, by our clock; None when the vendor does not say."""
    version: int = 0
    """Raised by the store with each renewal; never set by a vendor package."""


Renewal = Callable[[Login | None], Awaitable[Login]]
"""Logs in: gets the stored login (or none), returns the new one."""


class LoginStore(Protocol):
    """One connection's logins, by name (``user``, ``gateway_session``)."""

    async def current(self, name: str) -> Login | None:
        """Return the stored login, expired or not."""
        ...

    async def renew(self, name: str, *, replacing: int | None, renewal: Renewal) -> Login:
        """Log in again and return the new login, which is stored before it is returned.

        ``replacing`` is the version found wanting (None: there was none). When the store
        already holds a newer one, that is returned and nothing is called. One renewal at a
        time, however many processes need it; a slow one cannot overwrite a newer login.
        """
        ...

    async def forget(self, name: str, *, version: int) -> None:
        """Drop the login of that version: the vendor says that it no longer counts."""
        ...


class MemoryLogins:
    """A LoginStore for one process without a database."""

    def __init__(self, **logins: Login) -> None:
        self._logins = dict(logins)
        self._renewing = asyncio.Lock()

    async def current(self, name: str) -> Login | None:
        """Return the stored login, expired or not."""
        return self._logins.get(name)

    async def renew(self, name: str, *, replacing: int | None, renewal: Renewal) -> Login:
        """Log in again, unless somebody else just did."""
        async with self._renewing:
            held = self._logins.get(name)
            if held is not None and (replacing is None or held.version > replacing):
                return held
            won = await renewal(held)
            version = 1 if held is None else held.version + 1
            stored = Login(
                values=won.values, facts=won.facts, expires_at=won.expires_at, version=version
            )
            self._logins[name] = stored
            return stored

    async def forget(self, name: str, *, version: int) -> None:
        """Drop the login of that version."""
        held = self._logins.get(name)
        if held is not None and held.version == version:
            del self._logins[name]
