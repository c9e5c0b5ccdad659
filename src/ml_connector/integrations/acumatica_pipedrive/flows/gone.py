"""What follows when an organization or a person is deleted in Pipedrive.

A deletion never deletes anything in Acumatica: what the record became there is left as it is, or
set inactive, as the user chose. What was merged into another one is that one's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ml_connector.core.errors import HeldError, InvalidRecordError, NotFoundError
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.flows import merging
from ml_connector.integrations.acumatica_pipedrive.party_settings import AfterDeletion
from ml_connector.sync.flow import Outcome
from ml_connector.sync.links import RecordLink
from ml_connector.vendors.acumatica.drafts import (
    BusinessAccountDraft,
    ContactDraft,
    CustomerDraft,
)

_INACTIVE = "Inactive"


async def organization_is_gone(key: int, ctx: Context) -> Outcome:
    """Follow an organization that was deleted or merged into another."""
    link = await ctx.link("organization:customer", key)
    link = link or await ctx.link("organization:business_account", key)
    if link is None:
        return Outcome.skipped(f"organization {key} no longer exists and was no customer")
    return await _ended("organization", key, link, ctx.settings.organizations.deleted, ctx)


async def person_is_gone(key: int, ctx: Context) -> Outcome:
    """Follow a person who was deleted or merged into another."""
    links = [await ctx.link(f"person:{kind}", key) for kind in ("contact", "customer")]
    ended = [
        await _ended("person", key, link, ctx.settings.persons.deleted, ctx)
        for link in links
        if link is not None
    ]
    if not ended:
        return Outcome.skipped(f"person {key} no longer exists and was no contact")
    return next((one for one in ended if one.kind == "written"), ended[0])


async def _ended(
    kind: str, key: int, link: RecordLink, rule: AfterDeletion, ctx: Context
) -> Outcome:
    stays = link.written.get(merging.MERGED_INTO)
    if stays is not None:
        return _merged(kind, key, stays, link)
    what, called = f"{kind} {key} was deleted", f"{link.target_key} ({link.target_name})"
    if rule == "leave":
        ctx.note("counterpart_left_alone", key=link.target_key, because=what)
        return Outcome.unchanged(f"{what}; {called} is left as it is")
    if not is_known_deletion(ctx):
        ctx.note("counterpart_left_alone", key=link.target_key, because="deleted or merged")
        return Outcome.unchanged(
            f"{kind} {key} is gone, and nothing says whether it was deleted or merged into "
            f"another; {called} is left as it is"
        )
    return await _inactive(kind, what, called, link, ctx)


async def _inactive(kind: str, what: str, called: str, link: RecordLink, ctx: Context) -> Outcome:
    """Set inactive what a deleted record became, unless it is another record's too."""
    others = await merging.other_holders(link, ctx)
    if others:
        return Outcome.unchanged(
            f"{what}; {called} stays as it is, for {kind} {', '.join(others)} is it too"
        )
    switch = await _switch_of(link, ctx)
    if switch is None:
        return Outcome.unchanged(f"{what}, and {called} is not in Acumatica any more")
    if await _set_inactive(switch, link, ctx):
        return Outcome.written(f"{what}; {called} was set inactive")
    return Outcome.unchanged(f"{what}, and {called} is inactive")


def _merged(kind: str, key: int, stays: str, link: RecordLink) -> Outcome:
    return Outcome.unchanged(
        f"{kind} {key} was merged into {kind} {stays}, which is {link.target_key} now"
    )


def is_known_deletion(ctx: Context) -> bool:
    """Tell whether the event said that the record was deleted, and not merged into another.

    Format 1.0 of the webhooks tells both alike, and a run that a person asked for tells neither.
    """
    trigger = ctx.run.trigger
    is_told = trigger.get("by") == "webhook" and trigger.get("action") == "deleted"
    return is_told and ctx.pipedrive.settings.webhook_format != "1.0"


# Setting inactive -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Switch:
    """The field by which a record is active or not."""

    what: str
    name: str
    present: Any
    off: Any
    write: Callable[[], Awaitable[object]]


async def _switch_of(link: RecordLink, ctx: Context) -> _Switch | None:
    """Return how a link's counterpart is set inactive; None for one that is not there any more."""
    try:
        if link.key.kind == "person:contact":
            return await _of_contact(link.target_key, ctx)
        if link.key.kind == "organization:business_account":
            return await _of_account(link.target_key, ctx)
        return await _of_customer(link.target_key, ctx)
    except NotFoundError:
        return None


async def _of_contact(key: str, ctx: Context) -> _Switch:
    contact = await ctx.acumatica.contact(key)

    async def write() -> None:
        await ctx.acumatica.update_contact(contact, ContactDraft(active=False))

    return _Switch(what="contact", name="Active", present=contact.active, off=False, write=write)


async def _of_account(key: str, ctx: Context) -> _Switch:
    account = await ctx.acumatica.business_account_in_full(key)

    async def write() -> None:
        await ctx.acumatica.update_business_account(account, BusinessAccountDraft(status=_INACTIVE))

    return _Switch(
        what="customer", name="Status", present=account.status, off=_INACTIVE, write=write
    )


async def _of_customer(key: str, ctx: Context) -> _Switch:
    customer = await ctx.acumatica.customer(key)

    async def write() -> None:
        await ctx.acumatica.update_customer(customer, CustomerDraft(status=_INACTIVE))

    return _Switch(
        what="customer", name="Status", present=customer.status, off=_INACTIVE, write=write
    )


async def _set_inactive(switch: _Switch, link: RecordLink, ctx: Context) -> bool:
    async def apply(_changes: object) -> None:
        try:
            await switch.write()
        except InvalidRecordError as exc:
            raise HeldError(
                f"Acumatica does not let {link.target_key} ({link.target_name}) be set inactive: "
                f"{exc.message}",
                waits_for=f"{switch.what}:{link.target_key}",
            ) from exc

    is_person = link.key.kind.startswith("person:")
    rules = ctx.settings.persons if is_person else ctx.settings.organizations
    changes = await ctx.write_fields(
        side="erp",
        link=link,
        what=switch.what,
        present={switch.name: switch.present},
        wanted={switch.name: switch.off},
        apply=apply,
        on_conflict="overwrite",
        brake=rules.brake,
    )
    return bool(changes)
