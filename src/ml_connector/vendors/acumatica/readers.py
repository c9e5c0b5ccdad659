"""Records asked for one at a time by several runs, fetched in one list.

One list with conditions joined by ``or`` takes the place of many reads; each counts against the
licence's requests per minute. Conditions that would make the address too long go in parts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from ml_connector.core.errors import NotFoundError
from ml_connector.transport.loaders import Loader
from ml_connector.vendors.acumatica import odata, wire
from ml_connector.vendors.acumatica.endpoint import Endpoint
from ml_connector.vendors.acumatica.models import (
    BusinessAccount,
    Contact,
    Customer,
    Invoice,
    Item,
    NonStockItem,
    Payment,
    Record,
    SalesInvoice,
    SalesOrder,
    StockItem,
    document_key,
)

R = TypeVar("R", bound=Record)

LARGEST = 100
"""Records gathered for one fetch."""

_EMAIL_ON_CUSTOMER_SINCE = (23, 200, 1)
_PARAMETER_NAMES = 80  # bytes for the names, separators and $top beside the conditions


class Readers:
    """The loaders of one client."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.customers = _one(endpoint, Customer, _by_key(Customer))
        self.contacts = _one(endpoint, Contact, _by_contact_id)
        self.sales_orders = _one(endpoint, SalesOrder, _by_document(SalesOrder))
        self.sales_invoices = _one(endpoint, SalesInvoice, _by_document(SalesInvoice))
        self.invoices = _one(endpoint, Invoice, _by_document(Invoice))
        self.payments = _one(endpoint, Payment, _by_document(Payment))
        self.items: Loader[str, Item] = Loader(_Items(endpoint).fetch, largest=LARGEST)
        self.customers_by_account_ref = _all(
            endpoint, Customer, "AccountRef", lambda one: one.account_ref
        )
        self.customers_by_tax_id = _all(
            endpoint, Customer, "TaxRegistrationID", lambda one: one.tax_registration_id
        )
        self.customers_by_name = _all(
            endpoint, Customer, "CustomerName", lambda one: one.customer_name
        )
        self.customers_by_name_start: Loader[str, tuple[Customer, ...]] = Loader(
            _NameStarts(endpoint).fetch, largest=LARGEST
        )
        self.customers_by_email_domain: Loader[str, tuple[Customer, ...]] = Loader(
            _EmailDomains(endpoint).fetch, largest=LARGEST
        )
        self.business_accounts_by_name = _all(
            endpoint, BusinessAccount, "Name", lambda one: one.name
        )
        self.contacts_by_reference = _all(
            endpoint, Contact, "ExtRefNbr", lambda one: one.ext_ref_nbr
        )
        self.sales_orders_by_reference = _all(
            endpoint, SalesOrder, "ExternalRef", lambda one: one.external_ref
        )
        self.sales_invoices_by_reference = _all(
            endpoint, SalesInvoice, "ExternalRef", lambda one: one.external_ref
        )
        self.sales_invoices_by_customer_order = _all(
            endpoint, SalesInvoice, "CustomerOrder", lambda one: one.customer_order
        )


class _Single(Generic[R]):
    """Fetches records by their keys.

    With ``asks_singly`` a key that the list leaves out is asked for by its own path before it
    counts as not there: a record that was just made may not be on lists yet (`profile.py`).
    """

    def __init__(
        self,
        endpoint: Endpoint,
        model: type[R],
        condition_of: Callable[[str], str],
        *,
        asks_singly: bool = False,
    ) -> None:
        self._endpoint = endpoint
        self._model = model
        self._condition_of = condition_of
        self._asks_singly = asks_singly

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, R]:
        """Return what there is, by key; what is missing is left out."""
        by_key = {
            _folded(one.key): one
            for one in await _matching(
                self._endpoint, self._model, [self._condition_of(key) for key in keys]
            )
        }
        found = {key: by_key[_folded(key)] for key in keys if _folded(key) in by_key}
        missing = [key for key in keys if key not in found] if self._asks_singly else []
        single = await asyncio.gather(*(self._one(key) for key in missing))
        return found | {key: one for key, one in zip(missing, single, strict=True) if one}

    async def _one(self, key: str) -> R | None:
        parts = document_key(key) if len(self._model.KEYS) > 1 else (key,)
        try:
            return await self._endpoint.get(self._model, *parts)
        except NotFoundError:
            return None


class _Several(Generic[R]):
    """Fetches records by a field that several may share."""

    def __init__(
        self,
        endpoint: Endpoint,
        model: type[R],
        name: str,
        value_of: Callable[[R], str | None],
    ) -> None:
        self._endpoint = endpoint
        self._model = model
        self._name = name
        self._value_of = value_of

    async def fetch(self, values: Sequence[str]) -> Mapping[str, tuple[R, ...]]:
        """Return for each value all records that carry it: none, one or several."""
        conditions = [odata.compare(self._name, "eq", value) for value in values]
        found = await _matching(self._endpoint, self._model, conditions)
        return {
            value: tuple(
                one for one in found if _folded(self._value_of(one) or "") == _folded(value)
            )
            for value in values
        }


class _NameStarts:
    """Fetches customers by the beginning of their names."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def fetch(self, starts: Sequence[str]) -> Mapping[str, tuple[Customer, ...]]:
        """Return for each beginning the customers whose name begins so."""
        conditions = [odata.starts_with("CustomerName", start) for start in starts]
        found = await _matching(self._endpoint, Customer, conditions)
        return {
            start: tuple(
                one for one in found if _folded(one.customer_name or "").startswith(_folded(start))
            )
            for start in starts
        }


class _EmailDomains:
    """Fetches customers by the domain of their main contact's address."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def fetch(self, domains: Sequence[str]) -> Mapping[str, tuple[Customer, ...]]:
        """Return for each domain the customers whose address ends with it."""
        if self._endpoint.version >= _EMAIL_ON_CUSTOMER_SINCE:
            found = await _matching(self._endpoint, Customer, [_ends(each) for each in domains])
            return {
                domain: tuple(
                    one for one in found if _folded(one.email or "").endswith(f"@{domain}")
                )
                for domain in domains
            }
        # Before, a list does not tell the address, and so not which of the domains it has.
        return {
            domain: tuple(await _matching(self._endpoint, Customer, [_ends(domain)]))
            for domain in domains
        }


class _Items:
    """Fetches items, which are in two entities that share their numbers."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._stock = _Single(endpoint, StockItem, _by_key(StockItem))
        self._other = _Single(endpoint, NonStockItem, _by_key(NonStockItem))

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, Item]:
        """Return what there is, stock items first; what is missing is left out."""
        stock = await self._stock.fetch(keys)
        left = [key for key in keys if key not in stock]
        other = await self._other.fetch(left) if left else {}
        found: dict[str, StockItem | NonStockItem] = {**other, **stock}
        return {key: Item.of(one) for key, one in found.items()}


def _ends(domain: str) -> str:
    return odata.ends_with("MainContact/Email", f"@{domain}")


async def _matching(endpoint: Endpoint, model: type[R], conditions: Sequence[str]) -> list[R]:
    select = ",".join(wire.selection(model, endpoint.version))
    # Commas may be sent as %2C: three bytes each.
    room = odata.LONGEST_QUERY - _PARAMETER_NAMES - len(select) - 2 * select.count(",")
    found: list[R] = []
    for part in odata.in_parts(conditions, room=room):
        found += await endpoint.list(model, odata.any_of(*part))
    return found


def _one(endpoint: Endpoint, model: type[R], condition_of: Callable[[str], str]) -> Loader[str, R]:
    reader = _Single(endpoint, model, condition_of, asks_singly=True)
    return Loader(reader.fetch, largest=LARGEST)


def _all(
    endpoint: Endpoint, model: type[R], name: str, value_of: Callable[[R], str | None]
) -> Loader[str, tuple[R, ...]]:
    return Loader(_Several(endpoint, model, name, value_of).fetch, largest=LARGEST)


def _by_key(model: type[Record]) -> Callable[[str], str]:
    (name,) = model.KEYS
    return lambda key: odata.compare(name, "eq", key)


def _by_contact_id(key: str) -> str:
    return odata.compare("ContactID", "eq", int(key))


def _by_document(model: type[Record]) -> Callable[[str], str]:
    def condition_of(key: str) -> str:
        parts = zip(model.KEYS, document_key(key), strict=True)
        return odata.all_of(*(odata.compare(name, "eq", part) for name, part in parts))

    return condition_of


def _folded(text: str) -> str:
    # Keys are upper-cased by the site and compared without case by its database.
    return text.strip().casefold()
