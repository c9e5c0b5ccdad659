"""From Pipedrive's words to Acumatica's: pure functions, both names side by side."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from ml_connector.core.countries import (
    Country,
    UnknownCountryError,
    find_country,
    find_country_in_address,
    find_state,
)
from ml_connector.core.errors import HeldError, MissingMappingError
from ml_connector.integrations.acumatica_pipedrive import targets
from ml_connector.integrations.acumatica_pipedrive.settings import Codes
from ml_connector.sync.mapping.fields import folded
from ml_connector.vendors.acumatica.drafts import (
    AccountContactDraft,
    AddressDraft,
    AttributeDraft,
    CustomerDraft,
    DocumentContactDraft,
    Draft,
    SalesInvoiceDraft,
    SalesInvoiceLineDraft,
    SalesOrderDraft,
    SalesOrderLineDraft,
)
from ml_connector.vendors.acumatica.models import Item
from ml_connector.vendors.pipedrive.deal_lines import DealLines, NetLine
from ml_connector.vendors.pipedrive.models import Address, Product

_LONGEST_ADDRESS_LINE = 50  # characters; from the form, the contract names no length
_AS_THEY_ARE = Codes()

D = TypeVar("D", bound=Draft)


# Customers ----------------------------------------------------------------------------------


def customer_draft(
    values: Mapping[str, Any], *, reference: str, address: AddressDraft | UnsetType
) -> CustomerDraft:
    """Return the customer that an organization (or a person alone) becomes."""
    draft = CustomerDraft(
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
        attributes=tuple(
            AttributeDraft(attribute_id=name.removeprefix(targets.ATTRIBUTE), value=value)
            for name, value in values.items()
            if name.startswith(targets.ATTRIBUTE)
        ),
    )
    further = {
        name: value for name, value in values.items() if not name.startswith(targets.ATTRIBUTE)
    }
    return with_further(draft, further, offered=targets.CUSTOMER.fields)


def with_further(draft: D, values: Mapping[str, Any], *, offered: Collection[Any]) -> D:
    """Add the values of targets that the site offers beyond those that every site has."""
    named = {field.key for field in offered}
    further = {name: value for name, value in values.items() if name not in named}
    if not further:
        return draft
    return msgspec.structs.replace(
        draft,
        fields={name: value for name, value in further.items() if "." not in name},
        custom={name: value for name, value in further.items() if "." in name},
    )


def country_of(address: Address | None, codes: Codes = _AS_THEY_ARE) -> Country | None:
    """Return the country of an address, from its part or from the end of its text.

    None for an address that says nothing at all. Raises UnknownCountryError.
    """
    if address is None or not (address.value or address.country):
        return None
    if address.country:
        return find_country(address.country, own=codes.countries)
    return find_country_in_address(address.value or "", own=codes.countries)


def address_draft(
    address: Address | None, *, of: str, codes: Codes = _AS_THEY_ARE
) -> AddressDraft | UnsetType:
    """Return an address in Acumatica's codes, from its parts or from free text.

    Raises MissingMappingError for a country or a state that no table knows.
    """
    try:
        country = country_of(address, codes)
        if address is None or country is None:
            return UNSET
        state = _state(address.admin_area_level_1, country, codes)
    except MissingMappingError as exc:
        where = "codes.countries" if isinstance(exc, UnknownCountryError) else "codes.states"
        raise MissingMappingError(
            f"The address of {of}: {exc.message} (in the settings: {where})",
            waits_for=exc.waits_for,
        ) from exc
    line1, line2 = _street(address)
    return AddressDraft(
        address_line1=line1 or UNSET,
        address_line2=line2 or UNSET,
        city=address.locality or UNSET,
        state=state or UNSET,
        postal_code=address.postal_code or UNSET,
        country=country.iso2,
    )


def mapped_address(value: Any) -> Address | None:
    """Return an address as a mapping gives it: a text, or a record with its parts."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        return Address(value=str(value))
    return Address(**{name: value.get(name) for name in Address.__struct_fields__})


def _state(text: str | None, country: Country, codes: Codes) -> str | None:
    if not text:
        return None
    for words, code in codes.states.items():
        if folded(words) == folded(text):
            return code
    return find_state(text, country=country.iso2)


def _street(address: Address) -> tuple[str, str]:
    """Return street and number as typed: both ways of writing them begin the address's text."""
    if not address.route:
        return _in_two(address.value or "")
    typed = (address.value or "").split(",")[0].strip()
    number = address.street_number or ""
    line = typed or f"{address.route} {number}".strip()
    return line[:_LONGEST_ADDRESS_LINE], address.subpremise or ""


def _in_two(text: str) -> tuple[str, str]:
    """Put a long free text on two lines, parted at a comma if one is near."""
    if len(text) <= _LONGEST_ADDRESS_LINE:
        return text, ""
    cut = text.rfind(",", 0, _LONGEST_ADDRESS_LINE + 1)
    first = text[: cut if cut > 0 else _LONGEST_ADDRESS_LINE]
    return first.strip(), text[len(first) :].strip(" ,")[:_LONGEST_ADDRESS_LINE]


# Documents ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """A net line of the deal with the item that it is in the ERP."""

    net: NetLine
    item: Item
    unit: str | None
    values: Mapping[str, Any]
    """From the line mapping."""
    note: str = ""
    """What no field of a line holds: comments, variation, how often it is billed."""


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
    note: str = "",
    codes: Codes = _AS_THEY_ARE,
) -> SalesOrderDraft:
    """Return the order of a deal."""
    attention = values.get("ShipToAttention")
    draft = SalesOrderDraft(
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
        # the deal's discounts are in its lines: a policy of the ERP would take off more
        disable_automatic_discount_update=True if keeps_price else UNSET,
        ship_to_contact=DocumentContactDraft(attention=attention) if attention else UNSET,
        ship_to_address=address_draft(
            mapped_address(values.get("ShipToAddress")), of="the delivery", codes=codes
        ),
        note=note or UNSET,
        details=tuple(sales_order_line(line, keeps_price=keeps_price) for line in lines),
    )
    return with_further(draft, values, offered=targets.ORDER.fields)


def sales_order_line(line: OrderLine, *, keeps_price: bool) -> SalesOrderLineDraft:
    """Return one line: quantity times price, less the discount, is the deal's net amount."""
    net, values = line.net, line.values
    draft = SalesOrderLineDraft(
        inventory_id=line.item.inventory_id,
        order_qty=net.quantity,
        uom=line.unit or UNSET,
        unit_price=net.unit_price,
        manual_price=True if keeps_price else UNSET,
        discount_amount=net.discount if net.discount or keeps_price else UNSET,
        manual_discount=True if keeps_price else UNSET,
        line_description=values.get("LineDescription", UNSET),
        warehouse_id=values.get("WarehouseID", UNSET),
        tax_category=values.get("TaxCategory", UNSET),
        branch=values.get("Branch", UNSET),
        salesperson_id=values.get("Salesperson", UNSET),
        project_task=values.get("ProjectTask", UNSET),
        requested_on=_day(values.get("RequestedOn")),
        ship_on=_day(values.get("ShipOn")),
        note=line.note or UNSET,
    )
    return with_further(draft, values, offered=targets.ORDER_LINE.fields)


def sales_invoice_draft(
    values: Mapping[str, Any],
    lines: Sequence[OrderLine],
    *,
    customer_id: str,
    currency: str,
    reference: str,
    on_hold: bool,
    keeps_price: bool,
    note: str = "",
) -> SalesInvoiceDraft:
    """Return the sales invoice of a deal."""
    draft = SalesInvoiceDraft(
        type="Invoice",
        customer_id=customer_id,
        external_ref=reference,
        currency=currency,
        hold=on_hold,
        description=values.get("Description", UNSET),
        customer_order=values.get("CustomerOrder", UNSET),
        project=values.get("Project", UNSET),
        date=_day(values.get("Date")),
        due_date=_day(values.get("DueDate")),
        details=tuple(_sales_invoice_line(line, keeps_price=keeps_price) for line in lines),
    )
    return with_further(draft, _with_note(values, note), offered=targets.INVOICE.fields)


def _sales_invoice_line(line: OrderLine, *, keeps_price: bool) -> SalesInvoiceLineDraft:
    net, values = line.net, line.values
    draft = SalesInvoiceLineDraft(
        inventory_id=line.item.inventory_id,
        qty=net.quantity,
        uom=line.unit or UNSET,
        unit_price=net.unit_price,
        manual_price=True if keeps_price else UNSET,
        discount_amount=net.discount if net.discount or keeps_price else UNSET,
        manual_discount=True if keeps_price else UNSET,
        transaction_descr=values.get("LineDescription", UNSET),
        warehouse_id=values.get("WarehouseID", UNSET),
        location=values.get("Location", UNSET),
        tax_category=values.get("TaxCategory", UNSET),
        branch_id=values.get("Branch", UNSET),
    )
    return with_further(draft, _with_note(values, line.note), offered=targets.INVOICE_LINE.fields)


def _with_note(values: Mapping[str, Any], note: str) -> Mapping[str, Any]:
    return {**values, "note": note} if note else values


def line_note(line: NetLine, *, variation: str | None = None) -> str:
    """Return what is to be known of a line and has no field of its own."""
    facts = [line.comments] if line.comments else []
    if variation:
        facts.append(f"Variation: {variation}")
    if line.recurrence is not None:
        cycles = line.recurrence.cycles
        until = f"{cycles} times" if cycles else "until cancelled"
        facts.append(f"Billed {line.recurrence.frequency}, {until}")
    return "\n".join(facts)


def document_note(lines: DealLines) -> str:
    """Return the deal's installments, which no field of an order holds."""
    if not lines.installments:
        return ""
    each = (
        f"{part.billing_date or 'undated'}: {part.amount:f} {lines.currency}"
        f"{f' ({part.description})' if part.description else ''}"
        for part in lines.installments
    )
    return "Installments agreed:\n" + "\n".join(each)


# What a line names ----------------------------------------------------------------------------


def unit_of(
    wanted: str | None,
    item: Item,
    conversions: Sequence[str],
    *,
    line: NetLine,
    units: Mapping[str, str] | None = None,
) -> str | None:
    """Return the item's own spelling of the deal's unit; None leaves the item's default.

    ``units`` is the user's table. Raises MissingMappingError for a unit that the item is not
    sold in.
    """
    if not wanted:
        return None
    meant = next((to for word, to in (units or {}).items() if folded(word) == folded(wanted)), "")
    known = [unit for unit in (item.sales_unit, item.base_unit, *conversions) if unit]
    for unit in known:
        if unit.casefold() == (meant or wanted).strip().casefold():
            return unit
    raise MissingMappingError(
        f"Unit {wanted!r} of the line {line.name!r} is none of item {item.inventory_id} "
        f"({', '.join(dict.fromkeys(known)) or 'no unit known'}); name the one that is meant "
        "under codes.units",
        waits_for=f"mapping:units:{wanted}",
    )


def require_whole_quantity(line: NetLine, unit: str | None, whole_units: Sequence[str]) -> None:
    """Hold a fraction of a unit that is not divided."""
    is_whole = (unit or "").casefold() in {name.casefold() for name in whole_units}
    if is_whole and not line.has_whole_quantity:
        raise HeldError(
            f"The line {line.name!r} has {line.quantity:f} {unit}, which is not divided; "
            "correct its quantity or its unit",
            waits_for=f"line:{line.line_id}",
        )


def item_cause(inventory_id: str) -> str:
    """Return what records wait for that name an item; Acumatica upper-cases its keys."""
    return f"item:{inventory_id.strip().upper()}"


def sku_of(product: Product | None, line: NetLine) -> str:
    """Return the product's code, which names the item.

    Raises HeldError where there is none.
    """
    if product is None:
        raise HeldError(
            f"The line {line.name or line.line_id!r} has lost its product, which was deleted in "
            "Pipedrive; put a product in its place",
            waits_for=f"line:{line.line_id}",
        )
    if not (product.code or "").strip():
        raise HeldError(
            f"Product {product.id} ({product.name}) has no product code, so it names no Acumatica "
            "item; enter the Inventory ID as its code",
            waits_for=f"product:{product.id}",
        )
    return str(product.code).strip()


# For plans and the trail ------------------------------------------------------------------------


def draft_fields(draft: msgspec.Struct) -> dict[str, Any]:
    """Return what a draft would set, for plans and the trail."""
    shown: dict[str, Any] = {}
    for name in draft.__struct_fields__:
        value = getattr(draft, name)
        if value is UNSET or value in ((), {}):
            continue
        inner = _shown(value)
        if inner != {}:
            shown[name] = inner
    return shown


def _shown(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return draft_fields(value)
    if isinstance(value, tuple):
        return [_shown(item) for item in value]
    return value


def _day(value: date | None) -> date | UnsetType:
    return UNSET if value is None else value
