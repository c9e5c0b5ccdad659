"""Finding records by what a field says.

A search is case-insensitive, runs over several fields at once, and its index lags behind. So
every hit is read again by its id and compared exactly, and what remains is what there is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, TypeVar

from ml_connector.core.errors import ContractError
from ml_connector.transport.loaders import Loader
from ml_connector.vendors.pipedrive import wire
from ml_connector.vendors.pipedrive.api import API
from ml_connector.vendors.pipedrive.custom_fields import is_key
from ml_connector.vendors.pipedrive.models import (
    Deal,
    Entity,
    Organization,
    Person,
    Product,
    SearchHit,
)
from ml_connector.vendors.pipedrive.pages import pages

R = TypeVar("R", Deal, Organization, Person, Product)

PATHS: dict[Entity, str] = {
    "deal": "deals",
    "organization": "organizations",
    "person": "persons",
    "product": "products",
}
BUILT_IN: dict[Entity, frozenset[str]] = {
    "deal": frozenset({"title"}),
    "organization": frozenset({"name"}),
    "person": frozenset({"name", "email", "phone"}),
    "product": frozenset({"name", "code"}),
}
"""Built-in fields that can be searched exactly. Custom fields can when they are of type address,
varchar, text, varchar_auto, double, monetary or phone."""

_SHORTEST_TERM = 2  # characters; one is enough for an exact match


async def search(
    api: API, entity: Entity, term: str, *, fields: Sequence[str], exact_match: bool
) -> tuple[SearchHit, ...]:
    """Return all hits. A term too short to be searched finds nothing."""
    if len(term.strip()) < (1 if exact_match else _SHORTEST_TERM):
        return ()
    path = PATHS[entity]
    params = [("term", term)]
    params += [("fields", ",".join(fields))] if fields else []
    params += [("exact_match", "true")] if exact_match else []
    found = pages(api, f"{path}/search", operation=f"{path}.search", params=params)
    return tuple([_hit(item) async for page in found for item in _items(page)])


async def candidates(api: API, entity: Entity, field: str, equals: str) -> list[int]:
    """Return the ids of records that may have ``equals`` in ``field``."""
    if is_key(field):
        group = "custom_fields"
    elif field in BUILT_IN[entity]:
        group = field
    else:
        raise ValueError(f"{field!r} of a {entity} cannot be searched exactly")
    hits = await search(api, entity, equals, fields=[group], exact_match=True)
    return sorted({hit.id for hit in hits})


async def reread(
    ids: Sequence[int], loader: Loader[int, R], field: str, equals: str
) -> tuple[R, ...]:
    """Return those of the records, read now, whose ``field`` is ``equals`` exactly."""
    # One that is no longer there may still be in the index.
    found = await asyncio.gather(*map(loader.find, ids))
    return tuple(
        each
        for each in found
        if each is not None and not each.is_deleted and _says(each, field, equals)
    )


def _says(record: Deal | Organization | Person | Product, field: str, equals: str) -> bool:
    """Compare exactly, but e-mail addresses without regard to case, as they are delivered."""
    texts = texts_of(record, field)
    if field == "email":
        return equals.casefold() in {text.casefold() for text in texts}
    return equals in texts


def texts_of(record: Deal | Organization | Person | Product, field: str) -> set[str]:
    """Return what a record says in a field: nothing, one text, or several."""
    if isinstance(record, Person) and field in {"email", "phone"}:
        points = record.emails if field == "email" else record.phones
        return {point.value for point in points}
    value: Any = record.custom_fields.get(field) if is_key(field) else getattr(record, field)
    if isinstance(value, dict):  # a monetary field or an address
        value = value.get("value")
    return set() if value is None else {str(value)}


def _items(page: wire.Envelope) -> list[Any]:
    """Return a search page's hits, which lie one level deeper than a list's."""
    found = page.data.get("items") if isinstance(page.data, dict) else None
    if not isinstance(found, list):
        raise ContractError("Pipedrive's search answer has no items")
    return found


def _hit(found: Any) -> SearchHit:
    """Return one hit; a deal's title counts as its name, and a code may be a number."""
    item = dict(found.get("item") or {}) if isinstance(found, dict) else {}
    named = {"name": item.get("name") or item.get("title")}
    code = item.get("code")
    scored = {"result_score": found.get("result_score")} if isinstance(found, dict) else {}
    return wire.record(
        SearchHit, item | named | scored | {"code": None if code is None else str(code)}
    )
