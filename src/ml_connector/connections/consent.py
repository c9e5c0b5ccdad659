"""OAuth consent: a person is sent to the vendor and comes back with a code.

Authorization code with PKCE. Between the two there is a row that names the connection and holds
the sealed verifier; its key is the hash of OAuth's ``state``, it is good once, and for ten
minutes. Whoever receives the answer (the CLI's callback on this machine, the console, the API)
calls `Consents.finish`.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert

from ml_connector.connections.rows import ConnectionRow, owner_of, workspace_connection
from ml_connector.connections.tables import consent
from ml_connector.core.errors import AuthenticationError, ConfigurationError
from ml_connector.core.ids import new_token
from ml_connector.transport.http import Writes
from ml_connector.vault.envelopes import open_envelope, seal
from ml_connector.vault.secrets import envelope_of, envelope_values

if TYPE_CHECKING:
    from ml_connector.connections.opening import Connections
    from ml_connector.core.clock import Clock
    from ml_connector.storage.database import Database
    from ml_connector.transport.vendor import Consent
    from ml_connector.vault.keyring import Keyring

GOOD_FOR = timedelta(minutes=10)
_VERIFIER_BYTES = 48  # 64 characters; RFC 7636 allows 43 to 128
_FIELD = "consent verifier "


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedConsent:
    """Where to send the person."""

    url: str
    state: str
    """What comes back with the code; it proves that we asked."""
    expires_at: datetime


class Consents:
    """Consents of people for connections."""

    def __init__(
        self,
        *,
        connections: Connections,
        database: Database,
        keyring: Keyring,
        clock: Clock,
    ) -> None:
        self._connections = connections
        self._database = database
        self._keyring = keyring
        self._clock = clock

    async def start(
        self, *, workspace_id: int, connection_id: int, redirect_uri: str
    ) -> StartedConsent:
        """Return the address at which the person consents.

        ``redirect_uri`` must be registered at the vendor. Raises ConfigurationError for a
        vendor without consent.
        """
        state, verifier = new_token(), secrets.token_urlsafe(_VERIFIER_BYTES)
        expires_at = self._clock.now() + GOOD_FOR
        async with self._database.transaction() as db:
            row = await workspace_connection(db, workspace_id, connection_id)
            settings = await self._connections.accounts.settings_of(db, row)
            vendor_consent = self._consent_of(row)
            binding = row.owner.binding(_FIELD + _hash(state))
            await db.execute(
                insert(consent).values(
                    state_hash=_hash(state),
                    workspace_id=workspace_id,
                    connection_id=connection_id,
                    settings_version=row.settings_version,
                    redirect_uri=redirect_uri,
                    expires_at=expires_at,
                    **envelope_values(seal(verifier.encode(), binding, self._keyring)),
                )
            )
            await db.execute(delete(consent).where(consent.c.expires_at < self._clock.now()))
        url = vendor_consent.authorize_url(settings, redirect_uri, state, verifier)
        return StartedConsent(url=url, state=state, expires_at=expires_at)

    async def finish(self, *, state: str, code: str) -> ConnectionRow:
        """Exchange the code for a login, store it, and let the connection be looked at.

        Raises AuthenticationError for a state that we did not issue, that is used up or too
        old, and whatever the vendor says to the code.
        """
        asked = await self._take(state)
        if asked.row.settings_version != asked.settings_version:
            raise ConfigurationError(
                f"the settings of connection {asked.row.name!r} were changed after the consent "
                "began; start it again"
            )
        vendor_consent = self._consent_of(asked.row)
        # What was entered a moment ago counts, not the row that this process remembers.
        await self._connections.read(asked.row.id)
        async with self._connections.open(asked.row.id, writes=Writes.REFUSED) as opened:
            login = await vendor_consent.exchange(
                opened.settings,
                code=code,
                redirect_uri=asked.redirect_uri,
                verifier=asked.verifier,
                transport=opened.transport,
                clock=self._clock,
            )
            await opened.logins.store(vendor_consent.login_name, login)
        return await self._back_to_work(asked.row)

    async def refuse(self, *, state: str) -> ConnectionRow:
        """Take notice that the person, or the vendor, said no; the state is used up."""
        return (await self._take(state)).row

    async def _take(self, state: str) -> _Asked:
        """Use the state up, and return what it stood for."""
        statement = delete(consent).where(consent.c.state_hash == _hash(state)).returning(consent)
        async with self._database.transaction() as db:
            found = (await db.execute(statement)).one_or_none()
            if found is None:
                raise AuthenticationError(
                    "this consent is not known or was used already; start it again"
                )
            row = await workspace_connection(db, found.workspace_id, found.connection_id)
        if found.expires_at <= self._clock.now():
            raise AuthenticationError(
                f"the consent for connection {row.name!r} took longer than "
                f"{GOOD_FOR // timedelta(minutes=1)} minutes; start it again"
            )
        binding = owner_of(row.workspace_id, row.id).binding(_FIELD + found.state_hash)
        verifier = open_envelope(envelope_of(found), binding, self._keyring).decode()
        return _Asked(
            row=row,
            settings_version=found.settings_version,
            redirect_uri=found.redirect_uri,
            verifier=verifier,
        )

    async def _back_to_work(self, row: ConnectionRow) -> ConnectionRow:
        """Close clients that were opened with the login before, and have it looked at."""
        await self._connections.accounts.renew_version(row.id)
        await self._connections.health.looked(await self._connections.read(row.id), None)
        return await self._connections.read(row.id)

    def _consent_of(self, row: ConnectionRow) -> Consent:
        found = self._connections.accounts.vendor(row.vendor).consent
        if found is None:
            raise ConfigurationError(
                f"connection {row.name!r}: {row.vendor} has no log-in by consent; "
                "enter its credentials in the settings"
            )
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    row: ConnectionRow
    settings_version: int
    redirect_uri: str
    verifier: str


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
