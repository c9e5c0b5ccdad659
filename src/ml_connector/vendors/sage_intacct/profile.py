"""Sage Intacct's facts, declared; the source of each stands in NOTES.md."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from ml_connector.core.profile import Limits, Profile, Stream
from ml_connector.vendors.sage_intacct.settings import Settings

LATE = timedelta(minutes=10)  # a long request commits after the time that its records carry
SEARCH_LAG = timedelta(seconds=2)
"""Our assumption: a query reads tables and no index, but the gateway promises nothing."""


def _stream(name: str, kind: str) -> Stream:
    # Pages go by record number: no order but that of a unique field loses no row.
    return Stream(name=name, kind=kind, commits_late_by=LATE, is_ordered=False)


PROFILE = Profile(
    name="sage_intacct",
    title="Sage Intacct",
    limits=Limits(
        # The lowest that is told of any account; what goes beyond waits over there.
        concurrency=2,
        # The gateway works on a request for up to 15 minutes; what we send is small.
        call_deadline=timedelta(seconds=120),
    ),
    streams=(
        _stream("vendors", "vendor"),
        _stream("customers", "customer"),
        _stream("gl_batches", "gl_batch"),
    ),
    search_lag=SEARCH_LAG,
    idempotency="key",
    absent_files=("webhooks.py",),  # the XML gateway sends none
)


def limits_of(settings: Settings) -> Limits:
    """Return the limits of one connection: the profile's, with the tier's own figure."""
    return replace(PROFILE.limits, concurrency=settings.concurrent_requests)
