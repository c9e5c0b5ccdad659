"""What entries are posted to: accounts, journals, places and books, kept for a quarter of an hour.

What is found good is believed for that long; what is found wanting is asked for anew before a deal
is held for it. The gateway's own answer stays the last word.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from weakref import WeakKeyDictionary

from ml_connector.core.clock import Clock
from ml_connector.core.errors import AccessDeniedError, ConfigurationError, NotFoundError
from ml_connector.integrations.sage_intacct_pipedrive import targets
from ml_connector.transport.kept import Kept
from ml_connector.vendors import sage_intacct
from ml_connector.vendors.sage_intacct.models import (
    Customer,
    DimensionValue,
    Entity,
    GLAccount,
    Journal,
    Location,
    Vendor,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The company's locations, and the entity that each belongs to."""

    locations: Mapping[str, Location]
    entities: Mapping[str, Entity]

    def entity_of(self, location_id: str) -> Entity | None:
        """Return the entity of a location: itself, or the nearest above it."""
        seen: set[str] = set()
        current: str | None = location_id
        while current and current not in seen:
            seen.add(current)
            if current in self.entities:
                return self.entities[current]
            place = self.locations.get(current)
            current = (place.parent_id or place.entity) if place is not None else None
        return None


class Ledger:
    """The set-up of one company, as one connection sees it."""

    def __init__(self, client: sage_intacct.Client, clock: Clock) -> None:
        self._client = client
        self._kept = Kept(clock=clock)

    async def account(self, number: str) -> GLAccount | None:
        """Return an account; one that is not there, or not active, is asked for anew."""
        known = (await self._accounts()).get(number)
        if known is not None and known.is_active:
            return known
        try:
            return await self._client.gl_account(number)
        except NotFoundError:
            return None

    async def bank_of(self, number: str) -> str | None:
        """Return the bank account that an account of the ledger stands for, if it does."""
        return (await self._kept.get("banks", self._read_banks)).get(number)

    async def journal(self, symbol: str) -> Journal | None:
        """Return a journal; one that is not there, or not active, is asked for anew."""
        for is_fresh in (False, True):
            journals = await self._kept.get("journals", self._client.journals, fresh=is_fresh)
            found = next((each for each in journals if each.symbol == symbol), None)
            if found is not None and found.is_active:
                return found
        return found

    async def places(self, wanted: Iterable[str]) -> Places:
        """Return the company's places; read anew if one of ``wanted`` is not among them."""
        found = await self._kept.get("places", self._read_places)
        if all(each in found.locations or each in found.entities for each in wanted):
            return found
        return await self._kept.get("places", self._read_places, fresh=True)

    async def open_day(self, day: date, entities: Iterable[str | None]) -> date:
        """Return ``day``, or the first open one after it in all these entities."""
        first = day
        for entity in set(entities) or {self._client.settings.entity_id}:
            first = max(first, await self._open_day_in(self._client.at(entity), first))
        return first

    async def value(self, dimension: str, value: str) -> DimensionValue | None:
        """Return a value of a dimension, by the dimension's name on a line; None for an unknown.

        Raises ConfigurationError when the company has no such dimension.
        """
        if dimension in {targets.CUSTOMER, targets.VENDOR}:
            return _as_value(await self._party(dimension, value))
        for is_fresh in (False, True):
            found = await self._listed(dimension, value, is_fresh=is_fresh)
            if found is not None and found.is_active:
                return found
        return found

    async def _open_day_in(self, client: sage_intacct.Client, day: date) -> date:
        closed = await client.closed_through()
        if closed is not None and day <= closed:
            closed = await client.closed_through(fresh=True)
        return day if closed is None or day > closed else closed + timedelta(days=1)

    async def _party(self, dimension: str, key: str) -> Customer | Vendor | None:
        if dimension == targets.CUSTOMER:
            return await self._client.find_customer(key)
        return await self._client.find_vendor(key)

    async def _listed(self, name: str, value: str, *, is_fresh: bool) -> DimensionValue | None:
        definitions = self._client.definitions
        dimensions = await definitions.dimensions(fresh=is_fresh)
        dimension = next((each for each in dimensions if each.line_field == name), None)
        if dimension is None:
            if not is_fresh:
                return None
            raise ConfigurationError(
                f"The company has no dimension {name} in Intacct; subscribe to it there, or take "
                f"{name} out of line_mapping",
                waits_for=f"dimension:{name}",
            )
        try:
            values = await definitions.values(dimension, fresh=is_fresh)
        except ConfigurationError:
            # Not every dimension can be listed (tasks, contracts): the gateway checks those.
            return DimensionValue(value=value, title=None, is_active=True)
        return next((each for each in values if each.value == value), None)

    async def _accounts(self) -> Mapping[str, GLAccount]:
        async def read() -> Mapping[str, GLAccount]:
            return {each.account_no: each for each in await self._client.gl_accounts()}

        return await self._kept.get("accounts", read)

    async def _read_places(self) -> Places:
        locations, entities = await asyncio.gather(
            self._client.locations(), self._client.entities()
        )
        return Places(
            locations={each.location_id: each for each in locations},
            entities={each.location_id: each for each in entities},
        )

    async def _read_banks(self) -> Mapping[str, str]:
        """Return bank accounts by their account of the ledger, as far as we may see them."""
        found: dict[str, str] = {}
        for read in (self._client.checking_accounts, self._client.savings_accounts):
            try:
                banks = await read()
            except (AccessDeniedError, ConfigurationError):
                continue  # Cash Management is not subscribed, or not ours to see
            found |= {each.gl_account_no: each.key for each in banks if each.gl_account_no}
        return found


_LEDGERS: WeakKeyDictionary[sage_intacct.Client, Ledger] = WeakKeyDictionary()
"""By open client, and with it they go."""


def ledger_of(client: sage_intacct.Client, clock: Clock) -> Ledger:
    """Return the ledger of a client."""
    ledger = _LEDGERS.get(client)
    if ledger is None:
        ledger = _LEDGERS[client] = Ledger(client, clock)
    return ledger


def _as_value(party: Customer | Vendor | None) -> DimensionValue | None:
    if party is None:
        return None
    return DimensionValue(value=party.key, title=party.name, is_active=party.is_active)
