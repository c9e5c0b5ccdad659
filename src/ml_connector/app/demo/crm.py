"""Records as Pipedrive's simulator is seeded with them, and back into ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from ml_connector.app.demo.lines import DealDiscount, DealLine, Product, TaxMethod
from ml_connector.app.demo.parties import Organization, Person

VAT_FIELD = "VAT number"
_ENTERED_BEFORE = timedelta(days=11)


class SeededDeal(Protocol):
    """A deal with what stands on it."""

    @property
    def ref(self) -> str:
        """What the demo calls it."""

    @property
    def title(self) -> str:
        """What it is called in the CRM."""

    @property
    def organization(self) -> Organization | None:
        """Who buys."""

    @property
    def person(self) -> str | None:
        """The ref of the person there."""

    @property
    def currency(self) -> str:
        """What it is in."""

    @property
    def value(self) -> Decimal:
        """What it is worth without products."""

    @property
    def lines(self) -> Sequence[DealLine[Any]]:
        """Its products."""

    @property
    def discounts(self) -> Sequence[DealDiscount]:
        """Discounts on the whole of it."""

    @property
    def tax_method(self) -> TaxMethod:
        """Of all its lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipedriveIds:
    """What Pipedrive calls the records, by our refs."""

    deals: Mapping[str, int]
    organizations: Mapping[str, int]


def product(good: Product, **more: Any) -> dict[str, Any]:
    """Return a product; its price is in US dollars."""
    return {
        "ref": good.sku,
        "name": good.name,
        "code": good.sku,
        "unit": good.unit,
        "prices": [{"currency": "USD", "price": number(good.price)}],
        **more,
    }


def organization(one: Organization, **more: Any) -> dict[str, Any]:
    """Return an organization, with its tax number in the field that is called so."""
    made: dict[str, Any] = {"ref": one.ref, "name": one.name, "address": one.address, **more}
    if one.vat is not None:
        made["custom_fields"] = {VAT_FIELD: one.vat}
    return made


def person(one: Person) -> dict[str, Any]:
    """Return a person."""
    return {
        "ref": one.ref,
        "name": one.name,
        "org_id": one.organization,
        "emails": [{"value": one.email}] if one.email else [],
    }


def deal(one: SeededDeal, *, won_before: timedelta | None = None) -> dict[str, Any]:
    """Return a deal that was entered some weeks before now or before it was won."""
    won = {} if won_before is None else {"status": "won", "won_time": ago(won_before)}
    entered = ago(_ENTERED_BEFORE + (won_before or timedelta()))
    return {
        **won,
        "add_time": entered,
        "update_time": entered,
        "ref": one.ref,
        "title": one.title,
        "org_id": one.organization.ref if one.organization else None,
        "person_id": one.person,
        "currency": one.currency,
        "value": number(one.value),
        "products": [_line(line, one.tax_method) for line in one.lines],
        "discounts": [{"amount": number(each.amount), "type": each.type} for each in one.discounts],
    }


def ids(
    deals: Sequence[SeededDeal], organizations: Sequence[Organization], made: Mapping[str, Any]
) -> PipedriveIds:
    """Return what the seeded records are called, by our refs."""
    return PipedriveIds(
        deals=_by_ref([one.ref for one in deals], made["deals"]),
        organizations=_by_ref([one.ref for one in organizations], made["organizations"]),
    )


def ago(length: timedelta) -> str:
    """Return a moment before the simulators' clock is moved, as Pipedrive writes it."""
    return (datetime.now(UTC) - length).strftime("%Y-%m-%dT%H:%M:%SZ")


def number(amount: Decimal) -> float | int:
    """Return an amount as JSON writes it; the few digits of a price survive a float."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def _line(line: DealLine[Any], tax_method: TaxMethod) -> dict[str, Any]:
    made: dict[str, Any] = {
        "product_id": line.good.sku,
        "quantity": number(line.quantity),
        "item_price": number(line.price),
        "discount": number(line.discount),
        "discount_type": line.discount_type,
        "tax": line.tax,
        "tax_method": tax_method,
        "is_enabled": line.is_enabled,
        "comments": line.comments,
    }
    if line.months is not None:
        made |= {"billing_frequency": "monthly", "billing_frequency_cycles": line.months}
    return made


def _by_ref(refs: Sequence[str], numbers: Sequence[int]) -> Mapping[str, int]:
    return dict(zip(refs, numbers, strict=True))
