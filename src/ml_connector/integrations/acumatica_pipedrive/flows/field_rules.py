"""Field by field: which side wins, and the trail that says so when a rule decides."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ml_connector.core.errors import MissingMappingError
from ml_connector.integrations.acumatica_pipedrive import mappings, party_mappings
from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.sync.brake import BrakeRules
from ml_connector.sync.context import OnConflict
from ml_connector.sync.links import RecordLink
from ml_connector.sync.mapping.model import OnExisting
from ml_connector.sync.mapping.ownership import changes_for_existing, is_blank
from ml_connector.sync.values import plain
from ml_connector.vendors.acumatica import Difference
from ml_connector.vendors.pipedrive.models import Address

_DIGEST = 16  # hex digits; tells the contents that one record ever had apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A record of Acumatica that is there, beside what Pipedrive has for it."""

    what: str
    """Under which the link remembers what was written."""
    link: RecordLink
    present: Mapping[str, Any]
    wanted: Mapping[str, Any]
    ownership: Mapping[str, OnExisting]
    follows: bool
    """Whether a record of our own making follows where nobody changed it."""
    on_conflict: OnConflict
    brake: BrakeRules

    @property
    def last_written(self) -> dict[str, Any]:
        """What we last wrote, field by field."""
        prefix = f"{self.what}."
        return {
            name.removeprefix(prefix): value
            for name, value in self.link.written.items()
            if name.startswith(prefix)
        }


async def write_by_rules(
    compared: Comparison, write: Callable[[Mapping[str, Any]], Awaitable[None]], ctx: Context
) -> Mapping[str, Any]:
    """Write what the rules decide for Pipedrive, tell what they decide for Acumatica."""
    last = compared.last_written
    present = party_mappings.as_written(compared.present, last)
    wanted = party_mappings.as_written(compared.wanted, present)
    is_ours = compared.follows and compared.link.origin == "created"
    decided = changes_for_existing(
        wanted, present, compared.ownership, ours=last if is_ours else None
    )
    for kept in decided.kept:
        ctx.note(
            f"{compared.what}_field_kept",
            field=kept.field,
            value=plain(kept.present),
            not_taken=plain(kept.wanted),
            because=kept.words,
        )
    for name, value in decided.changes.items():
        if not is_blank(present.get(name)):
            ctx.note(
                f"{compared.what}_field_decided",
                field=name,
                value=plain(value),
                before=plain(present.get(name)),
                because=_why(compared.ownership.get(name)),
            )
    if not decided.changes:
        return {}
    return await ctx.write_fields(
        side="erp",
        link=compared.link,
        what=compared.what,
        present=present,
        wanted=decided.changes,
        apply=write,
        on_conflict=compared.on_conflict,
        brake=compared.brake,
    )


def address_parts(
    address: Address | None, *, of: str, ctx: Context, is_needed: bool
) -> dict[str, str | None] | None:
    """Return an address in Acumatica's codes.

    One that cannot be read is left out and told, unless it is needed: then MissingMappingError.
    """
    try:
        draft = mappings.address_draft(address, of=of, codes=ctx.settings.codes)
    except MissingMappingError as exc:
        if is_needed:
            raise
        ctx.note("address_left_out", because=exc.message)
        return None
    return party_mappings.address_parts(draft)


def remembered(what: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a link remembers of a record that was just made."""
    return {f"{what}.{name}": plain(value) for name, value in values.items()}


def tell_differences(differences: Iterable[Difference], ctx: Context) -> None:
    """Note what Acumatica did not take over as it was sent."""
    for difference in differences:
        ctx.note(
            "field_not_taken_over",
            field=difference.path,
            sent=difference.sent,
            returned=difference.returned,
        )


def _why(rule: OnExisting | None) -> str:
    if rule is OnExisting.CRM_OWNS:
        return "Pipedrive owns it"
    return "we made this record, and nobody changed the field in Acumatica since"


# What a run depends on ------------------------------------------------------------------------

_SAID = "said"
_BY_ITSELF = frozenset({"webhook", "poll", "flow"})


def said(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a link remembers of everything that a run on it depended on."""
    return {_SAID: _digest(facts)}


def is_said(link: RecordLink, facts: Mapping[str, Any], ctx: Context) -> bool:
    """Tell whether the last run depended on the same: then it need not ask Acumatica again.

    Who asks for a run by hand, or replays one, wants both sides looked at.
    """
    trigger = ctx.run.trigger
    is_asked_for = trigger.get("by") not in _BY_ITSELF or "replayed_by" in trigger
    return not is_asked_for and link.written.get(_SAID) == _digest(facts)


def _digest(facts: Mapping[str, Any]) -> str:
    text = json.dumps(plain(facts), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]
