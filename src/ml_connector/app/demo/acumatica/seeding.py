"""Putting the company into both products, and back into ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from ml_connector.app.demo.acumatica.catalogue import GHOST, GOODS, NO_PRODUCTS, UNMAPPED, Good
from ml_connector.app.demo.acumatica.company import Case, Company, Deal, Organization
from ml_connector.app.demo.acumatica.configuration import VAT_FIELD
from ml_connector.app.demo.acumatica.orders import DealLine
from ml_connector.app.demo.simulators import Simulators

_ENTERED_BEFORE, _WON_BEFORE = timedelta(days=20), timedelta(days=9)
_LIST_PRICES = {"USD": "21.50", "EUR": "20.90"}  # of PANEL-A4; no deal was agreed on them


@dataclass(frozen=True, slots=True, kw_only=True)
class Ids:
    """What the vendors call the records, by our refs."""

    deals: Mapping[str, int]
    organizations: Mapping[str, int]
    customers: Mapping[str, str]
    """Those that the ERP had before."""


async def seed(company: Company, simulators: Simulators) -> Ids:
    """Put everything into both products; only deals from before go-live are won already."""
    customers = await _seed_erp(company, simulators)
    made = await simulators.seed("pipedrive", _crm_records(company))
    return Ids(
        deals=_by_ref([deal.ref for deal in company.deals], made["deals"]),
        organizations=_by_ref([one.ref for one in company.organizations], made["organizations"]),
        customers=customers,
    )


async def _seed_erp(company: Company, simulators: Simulators) -> Mapping[str, str]:
    goods = (*GOODS, UNMAPPED, NO_PRODUCTS)
    made = await simulators.seed(
        "acumatica",
        {
            "stock_items": [_stock_item(good) for good in goods if good.is_stock],
            "non_stock_items": [_non_stock_item(good) for good in goods if not good.is_stock],
            "prices": [
                {"inventory_id": "PANEL-A4", "price": price, "currency": currency}
                for currency, price in _LIST_PRICES.items()
            ],
            "customers": [
                {"CustomerName": one.name, **one.fields} for one in company.known_customers
            ],
        },
    )
    numbers = [row["CustomerID"] for row in made["customers"]]
    return dict(zip((one.ref for one in company.known_customers), numbers, strict=True))


def _stock_item(good: Good) -> dict[str, Any]:
    item: dict[str, Any] = {
        "InventoryID": good.sku,
        "Description": good.name,
        "BaseUOM": good.base_unit,
        "SalesUOM": good.base_unit,
        "DefaultPrice": str(good.price),
    }
    if good.units_in_one is not None:
        item["UOMConversions"] = [
            {
                "FromUOM": good.erp_unit,
                "ToUOM": good.base_unit,
                "MultiplyOrDivide": "Multiply",
                "ConversionFactor": str(good.units_in_one),
            }
        ]
    return item


def _non_stock_item(good: Good) -> dict[str, Any]:
    return {
        "InventoryID": good.sku,
        "Description": good.name,
        "BaseUnit": good.base_unit,
        "SalesUnit": good.base_unit,
        "DefaultPrice": str(good.price),
    }


def _crm_records(company: Company) -> dict[str, Any]:
    return {
        "fields": {"organization": [{"field_name": VAT_FIELD, "field_type": "varchar"}]},
        "products": [_product(good) for good in (*GOODS, UNMAPPED, GHOST)],
        "organizations": [_organization(one) for one in company.organizations],
        "persons": [
            {
                "ref": one.ref,
                "name": one.name,
                "org_id": one.organization,
                "emails": [{"value": one.email}] if one.email else [],
            }
            for one in company.persons
        ],
        "deals": [_deal(deal) for deal in company.deals],
    }


def _product(good: Good) -> dict[str, Any]:
    return {
        "ref": good.sku,
        "name": good.name,
        "code": good.sku,
        "unit": good.unit,
        "prices": [{"currency": "USD", "price": _number(good.price)}],
    }


def _organization(one: Organization) -> dict[str, Any]:
    made: dict[str, Any] = {"ref": one.ref, "name": one.name, "address": one.address}
    if one.vat is not None:
        made["custom_fields"] = {VAT_FIELD: one.vat}
    return made


def _deal(deal: Deal) -> dict[str, Any]:
    won = {"status": "won", "won_time": _ago(_WON_BEFORE)}
    return {
        **(won if deal.case is Case.BEFORE_GO_LIVE else {}),
        "add_time": _ago(_ENTERED_BEFORE),
        "update_time": _ago(_ENTERED_BEFORE),
        "ref": deal.ref,
        "title": deal.title,
        "org_id": deal.organization.ref if deal.organization else None,
        "person_id": deal.person,
        "currency": deal.currency,
        "value": _number(deal.value),
        "products": [_line(line, deal) for line in deal.lines],
        "discounts": [{"amount": _number(one.amount), "type": one.type} for one in deal.discounts],
    }


def _ago(length: timedelta) -> str:
    return (datetime.now(UTC) - length).strftime("%Y-%m-%dT%H:%M:%SZ")


def _line(line: DealLine, deal: Deal) -> dict[str, Any]:
    made: dict[str, Any] = {
        "product_id": line.good.sku,
        "quantity": _number(line.quantity),
        "item_price": _number(line.price),
        "discount": _number(line.discount),
        "discount_type": line.discount_type,
        "tax": line.tax,
        "tax_method": deal.tax_method,
        "is_enabled": line.is_enabled,
        "comments": line.comments,
    }
    if line.months is not None:
        made |= {"billing_frequency": "monthly", "billing_frequency_cycles": line.months}
    return made


def _number(amount: Decimal) -> float | int:
    """Return an amount as JSON writes it; the few digits of a price survive a float."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def _by_ref(refs: Sequence[str], ids: Sequence[int]) -> Mapping[str, int]:
    return dict(zip(refs, ids, strict=True))
