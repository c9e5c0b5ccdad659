"""Taxes and totals of a document.

A tax applies to a line when both the document's tax zone and the line's tax category list it.
In mode Gross the prices contain the tax, otherwise it is added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from vendor_simulators.acumatica.records import Record
from vendor_simulators.acumatica.site import Site
from vendor_simulators.acumatica.values import ZERO

_HUNDRED = Decimal(100)


@dataclass(frozen=True)
class TaxLine:
    """One tax of a document."""

    tax_id: str
    rate: Decimal  # percent
    taxable: Decimal
    tax: Decimal


@dataclass(frozen=True)
class DocumentTotals:
    """What the lines of a document add up to."""

    lines: Decimal
    discount: Decimal
    taxes: tuple[TaxLine, ...]
    tax: Decimal
    total: Decimal
    exempt: Decimal


def total_of(
    site: Site,
    lines: Sequence[tuple[Decimal, str | None]],
    *,
    discount: Decimal,
    zone: str | None,
    mode: str | None,
    currency: str | None,
) -> DocumentTotals:
    """Add up ``lines``, given as (net or gross amount, tax category), less a document discount."""
    line_total = sum((amount for amount, _ in lines), ZERO)
    left = (line_total - discount) / line_total if line_total else Decimal(1)
    shares: dict[tuple[str, Decimal], list[Decimal]] = {}
    exempt = ZERO
    for amount, category in lines:
        rates = _rates(site, zone, category)
        if not rates:
            exempt += amount * left
        for tax_id, rate in rates:
            shares.setdefault((tax_id, rate), []).append(amount * left)
    is_gross = mode == "Gross"
    taxes = tuple(
        _tax_line(site, tax_id, rate, parts, currency=currency, is_gross=is_gross)
        for (tax_id, rate), parts in shares.items()
    )
    tax = sum((line.tax for line in taxes), ZERO)
    return DocumentTotals(
        lines=line_total,
        discount=discount,
        taxes=taxes,
        tax=tax,
        total=line_total - discount + (ZERO if is_gross else tax),
        exempt=site.rounded(exempt, currency),
    )


def _tax_line(
    site: Site,
    tax_id: str,
    rate: Decimal,
    parts: Sequence[Decimal],
    *,
    currency: str | None,
    is_gross: bool,
) -> TaxLine:
    factor = rate / (_HUNDRED + rate) if is_gross else rate / _HUNDRED
    if site.switches["tax_rounding"] == "line":
        tax = sum((site.rounded(part * factor, currency) for part in parts), ZERO)
    else:
        tax = site.rounded(sum(parts, ZERO) * factor, currency)
    taxable = site.rounded(sum(parts, ZERO), currency)
    return TaxLine(tax_id, rate, taxable - tax if is_gross else taxable, tax)


def _rates(site: Site, zone: str | None, category: str | None) -> list[tuple[str, Decimal]]:
    held_zone = site.table("TaxZone").get(zone or "")
    held_category = site.table("TaxCategory").get(category or "")
    if held_zone is None or held_category is None:
        return []
    in_zone = [row["TaxID"] for row in held_zone.rows.get("ApplicableTaxes", [])]
    in_category = {row["TaxID"] for row in held_category.rows.get("Details", [])}
    excludes = bool(held_category["ExcludeListedTaxes"])
    return [
        (tax_id, _rate(site, tax_id)) for tax_id in in_zone if (tax_id in in_category) != excludes
    ]


def _rate(site: Site, tax_id: str) -> Decimal:
    tax = site.table("Tax").get(tax_id)
    schedule: list[Record] = [] if tax is None else tax.rows.get("TaxSchedule", [])
    return schedule[-1]["TaxRate"] if schedule else ZERO
