"""Two organizations or persons that became one in Pipedrive (X-14).

The one that stays takes the links of the other over, and both ids stay searchable. Two that were
different customers are told and held; nothing is merged in Acumatica.
"""

from __future__ import annotations

from typing import Literal

from ml_connector.core.errors import HeldError
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.flows.parties import is_gone
from ml_connector.integrations.acumatica_pipedrive.flows.people import FLOW as PERSONS
from ml_connector.sync.links import RecordLink

Kind = Literal["organization", "person"]

MERGED_INTO = "merged_into"
"""Where the link of a record that is gone remembers which one has it now."""
_ALSO = "also_linked_to"
"""Where the link of the record that stays remembers the other's counterpart."""

_LINKS: dict[Kind, tuple[str, ...]] = {
    "organization": ("organization:customer", "organization:business_account"),
    "person": ("person:contact", "person:customer"),
}
_FLOWS: dict[Kind, str] = {"organization": "organization_to_customer", "person": PERSONS}


async def take_over(kind: Kind, ctx: Context) -> None:
    """Do what follows from a merge that the run's event tells of, whichever of the two it is."""
    gone, stays = (ctx.run.trigger.get(name) for name in ("merged_from", "merged_into"))
    if gone is not None and stays is not None:
        await merge_links(kind, str(gone), str(stays), ctx)


async def merge_links(kind: Kind, gone: str, stays: str, ctx: Context) -> None:
    """Let the record that stays take the links of the other over. Repeating it does no harm."""
    if ctx.run.record == stays:
        ctx.also_known_as(gone)
    elif ctx.run.record == gone:
        ctx.also_known_as(stays)
    for link_kind in _LINKS[kind]:
        before = await ctx.link(link_kind, gone)
        if before is None or before.written.get(MERGED_INTO) == stays:
            continue
        now = await ctx.link(link_kind, stays)
        if now is None:
            await ctx.hand_on(before, stays, because=f"{kind} {gone} was merged into {stays}")
        elif now.target_key != before.target_key:
            await _tell_two(kind, before, now, ctx)
        await ctx.remember(before, {MERGED_INTO: stays})
        ctx.want(_FLOWS[kind], stays, because=f"{kind} {gone} was merged into it")
        if kind == "organization":
            await _tell_prospect(stays, ctx)


async def _tell_two(kind: Kind, before: RecordLink, now: RecordLink, ctx: Context) -> None:
    await ctx.remember(now, {_ALSO: before.target_key})
    gone, stays = before.key.source_key, now.key.source_key
    ctx.tell(
        "merge",
        f"{now.key.kind}:{stays}:{gone}",
        f"{kind} {gone}, which was {before.target_key} ({before.target_name}) in Acumatica, was "
        f"merged into {kind} {stays}, which is {now.target_key} ({now.target_name}); nothing is "
        "merged in Acumatica",
    )


async def _tell_prospect(organization: str, ctx: Context) -> None:
    """Tell of a business account that is left beside the customer that an organization is now."""
    customer, prospect = [await ctx.link(kind, organization) for kind in _LINKS["organization"]]
    if customer is None or prospect is None or customer.target_key == prospect.target_key:
        return
    ctx.tell(
        "merge",
        f"organization:prospect:{organization}",
        f"organization {organization} is customer {customer.target_key} in Acumatica after a "
        f"merge; business account {prospect.target_key} ({prospect.target_name}), which was one "
        "of the two, stays there beside it",
    )


def require_one(link: RecordLink, *, called: str, setting: str, decided: str | None) -> None:
    """Hold a record that leads to two counterparts after a merge, until a person says which."""
    other = link.written.get(_ALSO)
    if other is None or decided is not None:
        return
    kind, _, _ = link.key.kind.partition(":")
    subject = f"{kind}:{link.key.source_key}"
    raise HeldError(
        f"{called} was merged from two that were {link.target_key} ({link.target_name}) and "
        f"{other} in Acumatica; say which it is under {setting}, as {subject}: {link.target_key}. "
        "The other one stays as it is there, and is yours to merge or to set inactive",
        waits_for=f"match:{subject}",
    )


async def other_holders(link: RecordLink, ctx: Context) -> list[str]:
    """Return the living records of the same kind that lead to a link's counterpart too."""
    kind, _, _ = link.key.kind.partition(":")
    own = link.key.source_key
    found = []
    for each in await ctx.links_to(link.key.kind, link.target_key):
        key = each.key.source_key
        if key != own and not await is_gone(kind, key, ctx):
            found.append(key)
    return found
