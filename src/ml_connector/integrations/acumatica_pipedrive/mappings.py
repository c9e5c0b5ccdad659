"""From Pipedrive's words to Acumatica's: pure functions, both names side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from ml_connector.core.countries import (
    UnknownCountryError,
    find_country,
    find_country_in_address,
    find_state,
)
from ml_connector.core.errors import HeldError, MissingMappingError
from ml_connector.sync.context import plain
from ml_connector.vendors.acumatica.drafts import (
    AccountContactDraft,
    AddressDraft,
    CustomerDraft,
    DocumentContactDraft,
    SalesOrderDraft,
    SalesOrderLineDraft,
)
from ml_connector.vendors.acumatica.models import Item
from ml_connector.vendors.pipedrive.deal_lines import DealLines, NetLine
from ml_connector.vendors.pipedrive.models import Address, Deal, Product

_LONGEST_ADDRESS_LINE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """A net line of the deal with the item that it is in the ERP."""

    net: NetLine
    item: Item
    unit: str | None
    values: Mapping[str, Any]
    """From the line mapping."""


def customer_draft(
    values: Mapping[str, Any], *, reference: str, address: AddressDraft | UnsetType
) -> CustomerDraft:
    """Return the customer that an organization (or a person alone) becomes."""
    return CustomerDraft(
        customer_name=values.get("CustomerName", UNSET),
        customer_class=values.get("CustomerClass", UNSET),
        account_ref=reference,
        currency_id=values.get("CurrencyID", UNSET),
        terms=values.get("Terms", UNSET),
        tax_zone=values.get("TaxZone", UNSET),
        tax_registration_id=values.get("TaxRegistrationID", UNSET),
        statement_cycle_id=values.get("StatementCycleID", UNSET),
        price_class_id=values.get("PriceClassID", UNSET),
        ship_via=values.get("ShipVia", UNSET),
        warehouse_id=values.get("WarehouseID", UNSET),
        main_contact=AccountContactDraft(
            attention=values.get("Attention", UNSET),
            email=values.get("Email", UNSET),
            phone1=values.get("Phone", UNSET),
            web_site=values.get("WebSite", UNSET),
            address=address,
        ),
    )


def address_draft(address: Address | None, *, of: str) -> AddressDraft | UnsetType:
    """Return an address in Acumatica's codes, from its parts or from free text.

    Raises MissingMappingError for a country that no table knows.
    """
    if address is None or not (address.value or address.country):
        return UNSET
    try:
        country = (
            find_country(address.country)
            if address.country
            else find_country_in_address(address.value or "")
        )
    except UnknownCountryError as exc:
        raise MissingMappingError(
            f"The address of {of}: {exc}", waits_for=f"mapping:countries:{address.country}"
        ) from exc
    state = address.admin_area_level_1
    line1, line2 = _street(address)
    return AddressDraft(
        address_line1=line1 or UNSET,
        address_line2=line2 or UNSET,
        city=address.locality or UNSET,
        state=(find_state(state, country=country.iso2) if state else None) or UNSET,
        postal_code=address.postal_code or UNSET,
        country=country.iso2,
    )


def _street(address: Address) -> tuple[str, str]:
    """Return street and number as typed: both ways of writing them begin the address's text."""
    if not address.route:
        return (address.value or "")[:_LONGEST_ADDRESS_LINE], ""
    typed = (address.value or "").split(",")[0].strip()
    number = address.street_number or ""
    line = typed or f"{address.route} {number}".strip()
    return line[:_LONGEST_ADDRESS_LINE], address.subpremise or ""


def sales_order_draft(
    values: Mapping[str, Any],
    lines: Sequence[OrderLine],
    *,
    order_type: str,
    customer_id: str,
    currency: str,
    reference: str,
    on_hold: bool,
    keeps_price: bool,
) -> SalesOrderDraft:
    """Return the order of a deal."""
    attention = values.get("ShipToAttention")
    return SalesOrderDraft(
        order_type=order_type,
        customer_id=customer_id,
        external_ref=reference,
        currency_id=currency,
        hold=on_hold,
        description=values.get("Description", UNSET),
        customer_order=values.get("CustomerOrder", UNSET),
        date=_day(values.get("Date")),
        requested_on=_day(values.get("RequestedOn")),
        location_id=values.get("LocationID", UNSET),
        branch=values.get("Branch", UNSET),
        preferred_warehouse_id=values.get("PreferredWarehouseID", UNSET),
        ship_via=values.get("ShipVia", UNSET),
        project=values.get("Project", UNSET),
        owner=values.get("Owner", UNSET),
        salesperson=values.get("Salesperson", UNSET),
        terms=values.get("Terms", UNSET),
        tax_zone=values.get("TaxZone", UNSET),
        ship_to_contact=DocumentContactDraft(attention=attention) if attention else UNSET,
        ship_to_address=_ship_to(values.get("ShipToAddress")),
        details=tuple(sales_order_line(line, keeps_price=keeps_price) for line in lines),
    )


def _ship_to(text: str | None) -> AddressDraft | UnsetType:
    if not text:
        return UNSET
    return address_draft(Address(value=text), of="the delivery")


def sales_order_line(line: OrderLine, *, keeps_price: bool) -> SalesOrderLineDraft:
    """Return one line: quantity times price, less the discount, is the deal's net amount."""
    net = line.net
    return SalesOrderLineDraft(
        inventory_id=line.item.inventory_id,
        order_qty=net.quantity,
        uom=line.unit or UNSET,
        unit_price=net.unit_price,
        manual_price=True if keeps_price else UNSET,
        discount_amount=net.discount if net.discount or keeps_price else UNSET,
        manual_discount=True if keeps_price else UNSET,
        line_description=line.values.get("LineDescription", UNSET),
        warehouse_id=line.values.get("WarehouseID", UNSET),
        tax_category=line.values.get("TaxCategory", UNSET),
        branch=line.values.get("Branch", UNSET),
        project_task=line.values.get("ProjectTask", UNSET),
        requested_on=_day(line.values.get("RequestedOn")),
        ship_on=_day(line.values.get("ShipOn")),
        note=net.comments or UNSET,
    )


def unit_of(
    wanted: str | None, item: Item, conversions: Sequence[str], *, line: NetLine
) -> str | None:
    """Return the item's own spelling of the deal's unit; None leaves the item's default.

    Raises MissingMappingError for a unit that the item is not sold in.
    """
    if not wanted:
        return None
    known = [unit for unit in (item.sales_unit, item.base_unit, *conversions) if unit]
    for unit in known:
        if unit.casefold() == wanted.strip().casefold():
            return unit
    raise MissingMappingError(
        f"Unit {wanted!r} of the line {line.name!r} is none of item {item.inventory_id} "
        f"({', '.join(known) or 'no unit known'}); add it to the table of units under the line "
        "mapping",
        waits_for=f"mapping:units:{wanted}",
    )


def require_whole_quantity(line: NetLine, unit: str | None, whole_units: Sequence[str]) -> None:
    """Hold a fraction of a unit that is not divided."""
    is_whole = (unit or "").casefold() in {name.casefold() for name in whole_units}
    if is_whole and not line.has_whole_quantity:
        raise HeldError(
            f"The line {line.name!r} has {line.quantity:f} {unit}, which is not divided; "
            "correct its quantity or its unit"
        )


def handed_over(deal: Deal, lines: DealLines, skus: Sequence[str | None]) -> dict[str, Any]:
    """Return what of a deal went into its order: a later difference is a change to tell."""
    return {
        "currency": lines.currency,
        "net": plain(lines.net),
        "organization": deal.org_id,
        "lines": [
            [sku or "", plain(line.quantity), plain(line.unit_price), plain(line.net)]
            for sku, line in zip(skus, lines.lines, strict=True)
        ],
    }


def difference_words(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Say what of a handed-over deal is different now."""
    parts = [
        f"{name} was {before.get(name)!r} and is {now[name]!r}"
        for name in ("net", "currency", "organization")
        if before.get(name) != now[name]
    ]
    if not parts and before.get("lines") != now["lines"]:
        parts.append("its lines differ")
    return "; ".join(parts)


def sku_of(product: Product | None, line: NetLine) -> str:
    """Return the product's code, which names the item.

    Raises HeldError where there is none.
    """
    if product is None:
        raise HeldError(
            f"The line {line.name or line.line_id!r} has lost its product, which was deleted in "
            "Pipedrive; put a product in its place"
        )
    if not (product.code or "").strip():
        raise HeldError(
            f"Product {product.id} ({product.name}) has no product code, so it names no Acumatica "
            "item; enter the Inventory ID as its code",
            waits_for=f"product:{product.id}",
        )
    return str(product.code).strip()


def changed(draft: CustomerDraft, **fields: Any) -> CustomerDraft:
    """Return a draft with some fields set otherwise."""
    return msgspec.structs.replace(draft, **fields)


def draft_fields(draft: msgspec.Struct) -> dict[str, Any]:
    """Return what a draft would set, for plans and the trail."""
    shown: dict[str, Any] = {}
    for name in draft.__struct_fields__:
        value = getattr(draft, name)
        if value is UNSET or value in ((), {}):
            continue
        shown[name] = _shown(value)
    return shown


def _shown(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return draft_fields(value)
    if isinstance(value, tuple):
        return [_shown(item) for item in value]
    return value


def _day(value: date | None) -> date | UnsetType:
    return UNSET if value is None else value


def net_total(order_total: Decimal | None, tax_total: Decimal | None) -> Decimal | None:
    """Return an order's total without tax, as the ERP computed it."""
    return None if order_total is None else order_total - (tax_total or Decimal(0))
