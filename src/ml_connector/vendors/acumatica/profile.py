"""Acumatica's facts, declared; the source of each stands in NOTES.md."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from ml_connector.core.profile import Limits, Profile, Stream, Window
from ml_connector.vendors.acumatica.settings import Settings

PER_MINUTE = "minute"
"""The window that every API call counts in (NOTES.md, "Licence limits")."""

LATE = timedelta(minutes=5)  # long transactions commit after their own timestamp
SEARCH_LAG = timedelta(seconds=1)
"""Our assumption: a search reads tables and no index, but a site behind a load balancer may
answer it from another node, of whose caches the vendor promises nothing."""

FINE = timedelta(milliseconds=4)  # database times are rounded to about 3 ms


def _stream(name: str, kind: str) -> Stream:
    # Lists come in the order of the key and cannot be sorted by time.
    return Stream(name=name, kind=kind, commits_late_by=LATE, precision=FINE, is_ordered=False)


PROFILE = Profile(
    name="acumatica",
    title="Acumatica",
    limits=Limits(
        # The server holds calls back rather than refusing them, so a low concurrency costs
        # nothing and a short deadline only adds load.
        concurrency=2,
        call_deadline=timedelta(seconds=120),
        throttles_by_delay=True,
    ),
    streams=(
        _stream("customers", "customer"),
        _stream("contacts", "contact"),
        _stream("sales_orders", "sales_order"),
        _stream("sales_invoices", "sales_invoice"),
        # of receivables: also what was entered there and not made from an order
        _stream("invoices", "sales_invoice"),
        _stream("payments", "payment"),
        _stream("stock_items", "stock_item"),
        _stream("non_stock_items", "non_stock_item"),
    ),
    search_lag=SEARCH_LAG,
    idempotency="none",
    webhook_formats=("push_notification",),
)


def limits_of(settings: Settings) -> Limits:
    """Return the limits of one connection: the profile's, with the licence's own figures."""
    windows: tuple[Window, ...] = ()
    if settings.requests_per_minute is not None:
        windows = (Window(name=PER_MINUTE, calls=settings.requests_per_minute, seconds=60.0),)
    return replace(PROFILE.limits, windows=windows, concurrency=settings.concurrent_requests)
