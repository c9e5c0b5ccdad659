"""Putting the company into both products, and back into ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ml_connector.app.demo import crm
from ml_connector.app.demo.acumatica.catalogue import GHOST, GOODS, NO_PRODUCTS, UNMAPPED, Good
from ml_connector.app.demo.acumatica.company import Case, Company
from ml_connector.app.demo.crm import PipedriveIds
from ml_connector.app.demo.simulators import CRM, Simulators

_WON_BEFORE = timedelta(days=9)
_LIST_PRICES = {"USD": "21.50", "EUR": "20.90"}  # of PANEL-A4; no deal was agreed on them


@dataclass(frozen=True, slots=True, kw_only=True)
class Ids(PipedriveIds):
    """What the vendors call the records, by our refs."""

    customers: Mapping[str, str]
    """Those that the ERP had before."""


async def seed(company: Company, simulators: Simulators) -> Ids:
    """Put everything into both products; only deals from before go-live are won already."""
    customers = await _seed_erp(company, simulators)
    made = await simulators.seed(CRM, _crm_records(company))
    known = crm.ids(company.deals, company.organizations, made)
    return Ids(deals=known.deals, organizations=known.organizations, customers=customers)


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
        "fields": {"organization": [{"field_name": crm.VAT_FIELD, "field_type": "varchar"}]},
        "products": [crm.product(good) for good in (*GOODS, UNMAPPED, GHOST)],
        "organizations": [crm.organization(one) for one in company.organizations],
        "persons": [crm.person(one) for one in company.persons],
        "deals": [
            crm.deal(deal, won_before=_WON_BEFORE if deal.case is Case.BEFORE_GO_LIVE else None)
            for deal in company.deals
        ],
    }
