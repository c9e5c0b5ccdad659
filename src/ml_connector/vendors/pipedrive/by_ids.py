"""Reading records by their ids: several runs' wishes in one call.

One record by its own path costs 1 token, a list 10 whatever its length. So few ids are read one
by one at the same time, and more in one list. A list leaves out silently what it does not show,
and every id that it left out is asked for singly before it counts as not there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from ml_connector.core.errors import NotFoundError
from ml_connector.transport.loaders import Loader
from ml_connector.vendors.pipedrive import wire
from ml_connector.vendors.pipedrive.api import API, Params
from ml_connector.vendors.pipedrive.models import (
    Deal,
    DealProduct,
    Installment,
    Organization,
    Person,
    Product,
)
from ml_connector.vendors.pipedrive.pages import LARGEST_IDS, all_items

LIST_FROM = 4
"""From how many ids on a list is asked for. Three single calls are 3 tokens instead of 10 and
take no longer; from four on the burst window is worth more than the tokens."""

EVERY_STATUS = "open,won,lost,deleted"
"""Without it a list of deals leaves out those in the bin."""

COUNTS_DEALS = ("include_fields", "won_deals_count")
"""A call costs the same whatever it tells; asking for the deals of each would cost 10 more."""

R = TypeVar("R", Deal, Organization, Person, Product)
Part = TypeVar("Part", DealProduct, Installment)


class Readers:
    """The loaders of one client."""

    def __init__(self, api: API) -> None:
        self.deals = _loader(_Records(api, Deal, "deals", archive="deals/archived"), "deal")
        self.organizations = _loader(_Records(api, Organization, "organizations"), "organization")
        self.persons = _loader(_Records(api, Person, "persons"), "person")
        self.products = _loader(_Records(api, Product, "products"), "product")
        lines = _DealParts(api, DealProduct, "deals/products", "deal_products.list")
        self.deal_products: Loader[int, tuple[DealProduct, ...]] = Loader(
            lines.fetch, largest=LARGEST_IDS
        )
        parts = _DealParts(api, Installment, "deals/installments", "installments.list")
        self.installments: Loader[int, tuple[Installment, ...]] = Loader(
            parts.fetch, largest=LARGEST_IDS
        )


class _Records(Generic[R]):
    """Fetches records of one kind."""

    def __init__(self, api: API, type_: type[R], path: str, *, archive: str | None = None) -> None:
        self._api = api
        self._type: type[R] = type_
        self._path = path
        self._archive = archive
        self._params: Params = [("status", EVERY_STATUS)] if type_ is Deal else []
        self._further: Params = [COUNTS_DEALS] if type_ in {Organization, Person} else []

    async def fetch(self, ids: Sequence[int]) -> Mapping[int, R]:
        """Return what there is of ``ids``."""
        found: dict[int, R] = {}
        if len(ids) >= LIST_FROM:
            params = [*self._params, *self._further]
            found |= await self._listed(self._path, f"{self._path}.list", ids, params)
        found |= await self._singly(_missing(ids, found))
        if self._archive and (missing := _missing(ids, found)):
            # Whether an archived deal is answered by its own path is not documented.
            found |= await self._listed(self._archive, f"{self._path}.archived", missing, [])
        return found

    async def _listed(
        self, path: str, operation: str, ids: Sequence[int], params: Params
    ) -> dict[int, R]:
        wanted = ("ids", ",".join(map(str, ids)))
        items = await all_items(
            self._api, path, operation=operation, params=[wanted, *params], limit=LARGEST_IDS
        )
        return {each.id: each for each in wire.records(self._type, items)}

    async def _singly(self, ids: Sequence[int]) -> dict[int, R]:
        outcomes = await asyncio.gather(*map(self._one, ids), return_exceptions=True)
        found: dict[int, R] = {}
        for outcome in outcomes:
            if isinstance(outcome, NotFoundError):
                continue
            if isinstance(outcome, BaseException):
                raise outcome
            found[outcome.id] = outcome
        return found

    async def _one(self, record_id: int) -> R:
        answer = await self._api.read(
            f"{self._path}/{record_id}",
            operation=f"{self._path}.get",
            params=self._further or None,
        )
        return wire.record(self._type, answer.data)


class _DealParts(Generic[Part]):
    """Fetches what belongs to deals, for up to 100 deals at once; a deal may have none."""

    def __init__(self, api: API, type_: type[Part], path: str, operation: str) -> None:
        self._api = api
        self._type: type[Part] = type_
        self._path = path
        self._operation = operation

    async def fetch(self, deal_ids: Sequence[int]) -> Mapping[int, tuple[Part, ...]]:
        """Return the parts of each deal, in their order on the deal."""
        params = [("deal_ids", ",".join(map(str, deal_ids)))]
        items = await all_items(self._api, self._path, operation=self._operation, params=params)
        parts: dict[int, list[Part]] = {deal_id: [] for deal_id in deal_ids}
        for part in wire.records(self._type, items):
            parts.setdefault(part.deal_id, []).append(part)
        return {deal_id: tuple(sorted(own, key=_position)) for deal_id, own in parts.items()}


def _loader(records: _Records[R], what: str) -> Loader[int, R]:
    return Loader(records.fetch, largest=LARGEST_IDS, what=f"Pipedrive's {what}")


def _missing(ids: Sequence[int], found: Mapping[int, object]) -> list[int]:
    return [record_id for record_id in ids if record_id not in found]


def _position(part: DealProduct | Installment) -> tuple[str, int]:
    if isinstance(part, DealProduct):
        return f"{part.order_nr or 0:012}", part.id
    return str(part.billing_date or ""), part.id
