"""How a first match is drawn up (P-17): many records compared at a time, each told in one row."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

from ml_connector.sync import matching
from ml_connector.sync.flow import Found, Match, MatchVerdict
from ml_connector.sync.links import RecordLink

_AT_ONCE = 50  # records compared at the same time; a list takes up to 100 conditions

T = TypeVar("T")


def linked(link: RecordLink, name: str) -> Match:
    """Return the row of a record that has its counterpart."""
    target = Found(key=link.target_key, name=link.target_name)
    return Match(
        source_key=link.key.source_key,
        source_name=name,
        verdict="linked",
        candidates=(target,),
        because=f"is linked to {link.target_key}",
        link=link.key.kind,
    )


def said(decision: matching.Decision) -> tuple[MatchVerdict, Sequence[matching.Party]]:
    """Return a decision in the words of the list."""
    match decision:
        case matching.Matched(party=party):
            return "matched", (party,)
        case matching.Proposal(parties=parties):
            return "proposed", parties
        case matching.Ambiguous(parties=parties):
            return "ambiguous", parties
        case matching.Taken(party=party):
            return "ambiguous", (party,)
        case matching.New():
            return "new", ()


async def each(
    records: AsyncIterator[T], match: Callable[[T], Awaitable[Match | None]]
) -> AsyncIterator[Match]:
    """Yield the matches of all records, many of them compared at a time."""
    some: list[T] = []
    async for record in records:
        some.append(record)
        if len(some) == _AT_ONCE:
            for found in await _together(some, match):
                yield found
            some = []
    for found in await _together(some, match):
        yield found


async def _together(
    records: Sequence[T], match: Callable[[T], Awaitable[Match | None]]
) -> list[Match]:
    found = await asyncio.gather(*(match(record) for record in records))
    return [one for one in found if one is not None]
