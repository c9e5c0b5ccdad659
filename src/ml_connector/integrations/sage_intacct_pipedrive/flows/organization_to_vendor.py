"""An organization is matched to its vendor, or becomes one (INT-05).

A vendor that was there before is linked and never changed. One of our making follows its
organization in what the mapping names, and in nothing of payments, banks or terms.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import structs

from ml_connector.core.errors import HeldError, InvalidRecordError
from ml_connector.integrations.from_pipedrive import parties
from ml_connector.integrations.from_pipedrive.shown import show_on_organization
from ml_connector.integrations.from_pipedrive.taking_up import won_deals
from ml_connector.integrations.sage_intacct_pipedrive import targets, vendor_mappings
from ml_connector.integrations.sage_intacct_pipedrive.context import Context
from ml_connector.integrations.sage_intacct_pipedrive.flows.recognise_vendor import (
    LINK,
    decided_vendor,
    recognised,
    vendor_id_of,
)
from ml_connector.sync.first_match import SKIP
from ml_connector.sync.flow import Found, Outcome, Worth
from ml_connector.sync.links import RecordLink
from ml_connector.sync.mapping.evaluation import evaluate
from ml_connector.sync.mapping.views import RecordView
from ml_connector.sync.scope import before_go_live
from ml_connector.sync.values import plain
from ml_connector.vendors.pipedrive.models import Organization, Person

_WHAT = "vendor"
_UNJUDGED = frozenset({"backfill", "first match"})
"""What takes organizations up whenever they were added."""


async def run(organization_key: str, ctx: Context) -> Outcome:
    """Bring an organization and its vendor together."""
    ctx.end_causes_of("organization", organization_key)
    organization = await parties.organization(int(organization_key), ctx)
    if organization is None or organization.is_deleted:
        return Outcome.skipped(
            f"organization {organization_key} was deleted; what it became in Intacct is left"
        )
    ctx.also_known_as(organization.name)
    link = await ctx.link(LINK, organization.id)
    if link is not None:
        return await _follow(organization, link, ctx)
    refused = await refusal_of(organization, ctx)
    if refused is not None:
        return Outcome.skipped(refused)
    return await _begin(organization, ctx)


async def weigh(organization_key: str, ctx: Context) -> Worth:
    """Return what keeps an organization out of a first load, or that it is in it."""
    organization = await parties.organization(int(organization_key), ctx)
    if organization is None or organization.is_deleted:
        return Worth(refusal=f"organization {organization_key} is gone")
    return Worth(refusal=await refusal_of(organization, ctx), moment=organization.add_time)


async def refusal_of(organization: Organization, ctx: Context) -> str | None:
    """Return the first rule that keeps an organization from being a vendor, or None."""
    compiled, name = await ctx.mappings(), f"organization {organization.id}"
    views = {"organization": RecordView(organization)}
    outside = compiled.organizations.refusal(views)
    if outside is not None:
        return f"{name} is not in the scope: {outside}"
    decided = await decided_vendor(organization.id, ctx)
    if decided == SKIP:
        return f"{name} is left alone: a person decided so in the first match"
    if decided is not None:
        return None
    if compiled.labelled.conditions and compiled.labelled.refusal(views) is None:
        return _too_old(organization.add_time, name, ctx, what="added")
    deals = await won_deals(organization, ctx)
    if not deals:
        return (
            f"{name} has no won deal of this installation; it becomes a vendor with one, or by a "
            "label (vendors.labels)"
        )
    latest = max((deal.won_time for deal in deals if deal.won_time), default=None)
    return _too_old(latest, name, ctx, what="won with a deal")


def _too_old(moment: datetime | None, name: str, ctx: Context, *, what: str) -> str | None:
    is_judged = ctx.run.trigger.get("by") not in _UNJUDGED
    if ctx.settings.vendors.older == "when_edited" or not is_judged:
        return None
    refused = before_go_live(moment, go_live_at=ctx.go_live_at, what=what)
    return None if refused is None else f"{name} stays out: {refused}"


# Begun ----------------------------------------------------------------------------------------


async def _begin(organization: Organization, ctx: Context) -> Outcome:
    person = await contact_of(organization, ctx)
    there = await recognised(organization, person, ctx)
    if there is not None:
        await ctx.adopt(LINK, organization.id, there, because="matched")
        await _show_number(organization, ctx)
        if ctx.plan is not None:
            return Outcome(kind="planned", reason=f"vendor {there.key} would be linked")
        return Outcome.written(f"vendor {there.key} ({there.name}) was there and is linked")
    rules = ctx.settings.vendors
    if not rules.create or rules.vendor_type is None:
        way_out = "let vendors be made (vendors.create)" if not rules.create else (
            "name the vendor type of those that we make (vendors.vendor_type)"
        )  # fmt: skip
        raise HeldError(
            f"Organization {organization.id} ({organization.name}) has no vendor in Intacct; enter "
            f"it there, or {way_out}",
            waits_for=f"match:organization:{organization.id}",
        )
    key = await _made(organization, person, rules.vendor_type, ctx)
    if ctx.plan is not None:
        return Outcome(kind="planned", reason=f"vendor {key} would be made")
    await _show_number(organization, ctx)
    return Outcome.written(f"vendor {key} made{await _standing(key, ctx)}")


async def _made(
    organization: Organization, person: Person | None, vendor_type: str, ctx: Context
) -> str:
    vendor_id = vendor_id_of(organization.id, ctx)
    values = await _values(organization, person, ctx)
    address = vendor_mappings.address_draft(
        organization.address,
        ctx.settings.vendors.countries,
        of=f"organization {organization.id} ({organization.name})",
    )
    draft = structs.replace(
        vendor_mappings.vendor_draft(values, print_as=str(values["NAME"]), address=address),
        vendor_id=vendor_id,
        vend_type=vendor_type,
        on_hold=ctx.settings.vendors.payment_hold,
        status="active",
    )

    async def create() -> Found:
        try:
            written = await ctx.intacct.create_vendor(draft, control_id=f"mlc-vendor-{vendor_id}")
        except InvalidRecordError as exc:
            raise HeldError(
                f"Intacct refuses the vendor of organization {organization.id} "
                f"({organization.name}): {exc.message}; put it right there, or in Pipedrive",
                waits_for=f"organization:{organization.id}",
            ) from exc
        for removed in written.removed:
            ctx.note("characters_removed", field=removed.field, characters=removed.characters)
        return Found(key=written.key, name=str(values["NAME"]))

    made = await ctx.write_once(
        "vendor",
        link=LINK,
        source_key=organization.id,
        reference=vendor_id,
        draft={
            "VENDORID": vendor_id,
            "VENDTYPE": vendor_type,
            "ONHOLD": ctx.settings.vendors.payment_hold,
            **plain(values),
        },
        create=create,
        remember={f"{_WHAT}.{name}": plain(value) for name, value in values.items()},
    )
    return vendor_id if made.how == "planned" else made.key


async def _standing(vendor_id: str, ctx: Context) -> str:
    """Return what is to be told of a vendor that cannot be used yet."""
    fields = {each.name for each in await ctx.intacct.definitions.fields("VENDOR")}
    if "STATE" not in fields:
        return ""
    found = await ctx.intacct.values_of("VENDOR", ("VENDORID", vendor_id), ["STATE"])
    state = found.get("STATE")
    if state in {None, "Approved"}:
        return ""
    ctx.note("vendor_waits", vendor=vendor_id, state=state)
    return f", and waits for approval ({state})"


# Followed --------------------------------------------------------------------------------------


async def _follow(organization: Organization, link: RecordLink, ctx: Context) -> Outcome:
    shown = await _show_number(organization, ctx)
    if link.origin != "created":
        words = f"vendor {link.target_key} was there before us and is left as it is"
        return Outcome.written(f"{words}; its number is shown") if shown else (
            Outcome.unchanged(words)
        )  # fmt: skip
    values = await _values(organization, await contact_of(organization, ctx), ctx)
    wanted = {
        name: value for name, value in values.items() if name not in targets.SET_AT_CREATION_ONLY
    }
    last = {name: link.written.get(f"{_WHAT}.{name}") for name in wanted}
    if plain(wanted) == plain(last):
        return Outcome.unchanged(f"nothing of {organization.name} that is mapped has changed")
    vendor = await ctx.intacct.find_vendor(link.target_key)
    if vendor is None:
        raise HeldError(
            f"The vendor {link.target_key} of organization {organization.id} is not in Intacct any "
            "more; enter it there again",
            waits_for=f"vendor:{link.target_key}",
        )
    custom = [name for name in wanted if name not in vendor_mappings.present_values(vendor)]
    present: dict[str, Any] = vendor_mappings.present_values(vendor)
    if custom:
        key = ("VENDORID", vendor.vendor_id)
        present |= await ctx.intacct.values_of("VENDOR", key, custom)

    async def write(changes: Mapping[str, Any]) -> None:
        name = str(wanted.get("NAME") or vendor.name or organization.name)
        draft = vendor_mappings.vendor_draft(changes, print_as=name)
        await ctx.intacct.update_vendor(vendor.vendor_id, draft)

    changes = await ctx.write_fields(
        side="erp",
        link=link,
        what=_WHAT,
        present=present,
        wanted=wanted,
        apply=write,
        on_conflict=ctx.settings.vendors.on_conflict,
        brake=ctx.settings.vendors.brake,
    )
    if not changes:
        return Outcome.unchanged(f"vendor {vendor.vendor_id} says the same")
    return Outcome.written(f"{', '.join(sorted(changes))} of vendor {vendor.vendor_id} changed")


async def contact_of(organization: Organization, ctx: Context) -> Person | None:
    """Return the organization's contact: the person that was added first."""
    people = [each async for each in ctx.pipedrive.persons(org_id=organization.id)]
    return min(people, key=lambda each: each.id, default=None)


async def _values(
    organization: Organization, person: Person | None, ctx: Context
) -> dict[str, Any]:
    sources = {
        "organization": RecordView(organization),
        "person": RecordView(person) if person else None,
        "deal": None,
    }
    mapped = evaluate((await ctx.mappings()).vendor, sources).values
    values, dropped = vendor_mappings.sendable(mapped)
    for address in dropped:
        ctx.note("email_left_out", value=address, because="Intacct takes no such address")
    return values


async def _show_number(organization: Organization, ctx: Context) -> bool:
    link = await ctx.link(LINK, organization.id)
    if link is None:
        return False
    wanted = {"write_back.vendor_number": link.target_key}
    return bool(await show_on_organization(organization, wanted, link, ctx))
