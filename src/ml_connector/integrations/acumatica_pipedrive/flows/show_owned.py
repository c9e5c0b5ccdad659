"""Showing in Pipedrive what Acumatica owns: fields with ``on_existing: erp_owns``.

Lists of e-mail addresses and numbers are never shortened, parts of an address that we do not map
stay, and nothing is cleared by an empty field of Acumatica.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec import UNSET

from ml_connector.integrations.acumatica_pipedrive import party_mappings
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.integrations.acumatica_pipedrive.crm_places import Place, places_of
from ml_connector.sync.flow import Outcome
from ml_connector.sync.links import RecordLink
from ml_connector.sync.mapping.compiling import CompiledMapping
from ml_connector.sync.mapping.ownership import is_blank, is_same
from ml_connector.sync.values import plain
from ml_connector.vendors.pipedrive.drafts import OrganizationDraft, PersonDraft
from ml_connector.vendors.pipedrive.models import Organization, Person

_CUSTOM = "custom_fields"


async def show_owned(
    record: Organization | Person,
    values: Mapping[str, Any],
    mapping: CompiledMapping,
    link: RecordLink,
    ctx: Context,
) -> Mapping[str, Any]:
    """Write what Acumatica owns onto an organization or a person; return what changed."""
    kind = "organization" if isinstance(record, Organization) else "person"
    places = places_of(mapping, kind)
    shown = {target: values.get(target) for target in places if not is_blank(values.get(target))}
    if not shown:
        return {}
    present, wanted, drafts = _present(record, places), {}, {}
    for target, value in shown.items():
        place = places[target]
        draft = _draft(record, place, value, values, ctx)
        drafts[place.key] = draft
        wanted[place.key] = present[place.key] if draft is None else plain(draft)
    for name, value in wanted.items():
        if value != present[name]:
            ctx.note(
                f"{kind}_field_decided",
                field=name,
                value=value,
                before=present[name],
                because="Acumatica owns it",
            )

    rules = ctx.settings
    brake = rules.organizations.brake if kind == "organization" else rules.persons.brake

    async def write(changes: Mapping[str, Any]) -> None:
        await _update(record, {name: drafts[name] for name in changes}, places, ctx)

    return await ctx.write_fields(
        side="crm",
        link=link,
        what=kind,
        present=present,
        wanted=wanted,
        apply=write,
        on_conflict="overwrite",
        brake=brake,
    )


def shown_outcome(shown: Sequence[str], called: str) -> Outcome:
    """Return how a run ended that shows what Acumatica owns."""
    if shown:
        return Outcome.written(f"{', '.join(shown)} of {called} shown in Pipedrive")
    return Outcome.unchanged(f"Pipedrive shows what Acumatica has of {called}")


def changed_outcome(
    changes: Collection[str], called: str, shown: Collection[str], name: str
) -> Outcome | None:
    """Return how a run ended that changed something on either side; None where nothing was."""
    parts = [f"{', '.join(changes)} of {called}"] if changes else []
    parts += [f"{', '.join(shown)} of {name} in Pipedrive"] if shown else []
    return Outcome.written(f"changed: {'; '.join(parts)}") if parts else None


def _present(record: Organization | Person, places: Mapping[str, Place]) -> dict[str, Any]:
    return {
        place.key: plain(
            record.custom_fields.get(place.key)
            if place.shape == "custom"
            else getattr(record, place.key)
        )
        for place in places.values()
    }


def _draft(
    record: Organization | Person,
    place: Place,
    value: Any,
    values: Mapping[str, Any],
    ctx: Context,
) -> Any:
    """Return what is to be written, or None where Pipedrive says the same already."""
    match place.shape:
        case "points":
            return _points_draft(getattr(record, place.key), place, str(value))
        case "address":
            address = record.address if isinstance(record, Organization) else None
            known = party_mappings.crm_address_parts(address, ctx.settings.codes)
            is_known = known is not None and party_mappings.same_address(known, value)
            return None if is_known else party_mappings.crm_address(value, address)
        case "person_name":
            names = (values.get("FirstName"), values.get("LastName"))
            name = " ".join(part for part in names if part) or str(value)
            return None if is_same(name, record.name) else name
        case "custom":
            return None if is_same(value, record.custom_fields.get(place.key)) else value
        case "text":
            return None if is_same(value, getattr(record, place.key)) else value


def _points_draft(present: Any, place: Place, value: str) -> Any:
    points = party_mappings.crm_points(present, value, is_phone=place.key == "phones")
    is_first = [point.value for point in points if point.primary is True]
    now = [point.value for point in present if point.primary]
    return None if len(points) == len(present) and is_first == now else points


async def _update(
    record: Organization | Person,
    changes: Mapping[str, Any],
    places: Mapping[str, Place],
    ctx: Context,
) -> None:
    custom_keys = {place.key for place in places.values() if place.shape == "custom"}
    own = {name: value for name, value in changes.items() if name not in custom_keys}
    custom = {name: value for name, value in changes.items() if name in custom_keys}
    fields = {**own, _CUSTOM: custom or UNSET}
    if isinstance(record, Organization):
        await ctx.pipedrive.update_organization(record.id, OrganizationDraft(**fields))
    else:
        await ctx.pipedrive.update_person(record.id, PersonDraft(**fields))
