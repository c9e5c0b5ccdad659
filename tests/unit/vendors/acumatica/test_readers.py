"""Records asked for one at a time, fetched together."""

from __future__ import annotations

from typing import Any

import pytest

from ml_connector.core.errors import NotFoundError
from ml_connector.vendors.acumatica.models import Customer
from ml_connector.vendors.acumatica.readers import Readers


class LaggingSite:
    """An endpoint whose lists do not show what was made a moment ago."""

    version = (24, 200, 1)

    def __init__(self, *, listed: list[str], there: list[str]) -> None:
        self.listed = listed
        self.there = there
        self.asked: list[str] = []

    async def list(self, model: type[Customer], where: str, **_: Any) -> list[Customer]:
        self.asked.append("list")
        return [customer(key) for key in self.listed if f"'{key}'" in where]

    async def get(self, model: type[Customer], key: str) -> Customer:
        self.asked.append(key)
        if key not in self.there:
            raise NotFoundError(f"Acumatica has no Customer/{key}")
        return customer(key)


def customer(key: str) -> Customer:
    return Customer(id=f"id-{key}", customer_id=key)


async def test_customer_that_lists_do_not_show_yet_is_read_by_its_own_path():
    site = LaggingSite(listed=["C1"], there=["C1", "C2"])
    readers = Readers(site)  # type: ignore[arg-type] # what of an endpoint the readers use

    found = await readers.customers.load("C2")

    assert found.customer_id == "C2"
    assert site.asked == ["list", "C2"]


async def test_customer_on_the_list_costs_one_call():
    site = LaggingSite(listed=["C1"], there=["C1"])
    readers = Readers(site)  # type: ignore[arg-type] # what of an endpoint the readers use

    await readers.customers.load("C1")

    assert site.asked == ["list"]


async def test_customer_that_is_nowhere_is_not_found():
    site = LaggingSite(listed=[], there=[])
    readers = Readers(site)  # type: ignore[arg-type] # what of an endpoint the readers use

    with pytest.raises(NotFoundError):
        await readers.customers.load("C9")
