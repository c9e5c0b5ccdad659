"""Which products carry a code: the list of products, read once and then kept up to date.

A search would find a code too, but for 20 tokens each, ten of them in two seconds, from an index
that lags, and not one that is spaced otherwise. The whole list costs 10 tokens for 500 products,
and what changed since the last look one page. So many runs that each ask for one code cost one
call; what is found is then read again by its id, because products are deleted without a trace.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from ml_connector.core.clock import Clock
from ml_connector.transport.loaders import Loader
from ml_connector.vendors.pipedrive import wire
from ml_connector.vendors.pipedrive.api import API
from ml_connector.vendors.pipedrive.models import Product
from ml_connector.vendors.pipedrive.pages import pages

KEPT_FOR = timedelta(hours=6)
"""After so long the whole list is read again: what an import did may have moved no timestamp."""

_LATE = timedelta(minutes=2)  # as the stream of products has it (`profile.py`)
_LARGEST = 500  # codes looked up at once; asking costs the same for one and for all


def folded_code(code: str | None) -> str:
    """Return a code as people take it for the same: without case and spaces."""
    return "".join((code or "").split()).casefold()


class ProductCodes:
    """The codes of one account's products."""

    def __init__(self, api: API, products: Loader[int, Product], *, clock: Clock) -> None:
        self._api = api
        self._products = products
        self._clock = clock
        self._codes: dict[int, str] = {}
        self._ids: dict[str, set[int]] = defaultdict(set)
        self._newest: datetime | None = None
        """The last change that was seen, by Pipedrive's own clock."""
        self._listed_at = float("-inf")
        self._reading = asyncio.Lock()
        self._loader: Loader[str, tuple[int, ...]] = Loader(self._fetch, largest=_LARGEST)

    async def alike(self, code: str) -> tuple[Product, ...]:
        """Return the products whose code is this one but for case and spaces, by id."""
        ids = await self._loader.find(folded_code(code)) or ()
        found = await asyncio.gather(*map(self._products.find, ids))
        return tuple(
            each
            for each in found
            if each is not None
            and not each.is_deleted
            and folded_code(each.code) == folded_code(code)
        )

    async def _fetch(self, codes: Sequence[str]) -> Mapping[str, tuple[int, ...]]:
        async with self._reading:
            await self._refresh()
            return {code: tuple(sorted(self._ids[code])) for code in codes if code in self._ids}

    async def _refresh(self) -> None:
        now = self._clock.monotonic()
        is_whole = self._newest is None or now - self._listed_at > KEPT_FOR.total_seconds()
        if is_whole:
            self._codes.clear()
            self._ids.clear()
            self._newest = None
        since = [] if self._newest is None else [
            ("updated_since", wire.stamp(self._newest - _LATE))
        ]  # fmt: skip
        async for page in pages(self._api, "products", operation="products.list", params=since):
            for product in wire.records(Product, page.items):
                self._note(product)
        if is_whole:
            self._listed_at = now

    def _note(self, product: Product) -> None:
        before, now = self._codes.get(product.id), folded_code(product.code)
        if before is not None and before != now:
            self._ids[before].discard(product.id)
        if now:
            self._codes[product.id] = now
            self._ids[now].add(product.id)
        else:
            self._codes.pop(product.id, None)
        changed_at = product.update_time or product.add_time
        if changed_at is not None:
            self._newest = max(self._newest or changed_at, changed_at)
