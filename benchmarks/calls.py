"""Vendor calls for each deal of a backlog, beside the least possible (docs/measures.md)."""

from __future__ import annotations

from benchmarks.company import DEALS_OF_ONE, LINES_OF_A_DEAL, PRODUCTS
from benchmarks.deals import WARM_UP, Measured
from benchmarks.figures import Figure

AIM = 1.15
_BATCH = 100  # records that one call reads


def figure(measured: Measured) -> Figure:
    """Return the figure of a drain; what was read before it (definitions, log-ins) is not in it."""
    deals = measured.drain.deals
    least = least_calls(deals)
    made = {vendor: sum(calls.values()) for vendor, calls in measured.calls.items()}
    return Figure(
        name="calls",
        value=sum(made.values()) / sum(least.values()),
        unit="of the least",
        aim=AIM,
        better="lower",
        details={
            "per_deal": round(measured.calls_per_deal, 3),
            "least_per_deal": round(sum(least.values()) / deals, 3),
            "backlog": deals,
            "made": made,
            "least": least,
        },
    )


def least_calls(deals: int) -> dict[str, int]:
    """Return the least calls for deals of `benchmarks.company`, searches counted."""
    organizations = -(-(deals + WARM_UP) // DEALS_OF_ONE) - WARM_UP // DEALS_OF_ONE
    products = min(PRODUCTS, deals * LINES_OF_A_DEAL)
    reads = (
        3 * _batches(deals)  # deals, their lines, their instalments
        + 2 * _batches(organizations)  # and as many persons
        + _batches(products)
    )
    searches = (
        4 * _batches(organizations)  # reference, name, business account; reference once more
        + _batches(deals)  # the reference of each order, before it is made
        + _batches(products)  # items
    )
    made = deals + organizations  # orders and customers, each shown in Pipedrive too
    return {"pipedrive": reads + made, "acumatica": searches + made}


def _batches(records: int) -> int:
    return -(-records // _BATCH)
