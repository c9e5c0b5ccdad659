"""The lines of the order that a deal must become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from ml_connector.app.demo.acumatica.catalogue import Good
from ml_connector.app.demo.lines import DealDiscount, DealLine, TaxMethod, net_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """One line of the order that must be there."""

    sku: str
    quantity: Decimal
    unit: str
    net: Decimal


def order_lines(
    lines: Sequence[DealLine[Good]],
    discounts: Sequence[DealDiscount],
    *,
    currency: str,
    tax_method: TaxMethod,
) -> tuple[OrderLine, ...]:
    """Return the lines of the order that a deal with products becomes."""
    return tuple(
        OrderLine(
            sku=line.good.sku,
            quantity=line.quantity * (line.months or 1),
            unit=line.good.erp_unit,
            net=net,
        )
        for line, net in net_lines(lines, discounts, currency=currency, tax_method=tax_method)
    )
