"""What applying an installation's settings checks: every field that they name (P-13, P-20)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ml_connector.integrations.acumatica_pipedrive.fields import Mappings, resolved
from ml_connector.integrations.acumatica_pipedrive.settings import Settings
from ml_connector.sync.flow import Checked, Role
from ml_connector.sync.mapping.compiling import MappingFaultsError
from ml_connector.sync.mapping.waking import woken_by

_EVERYTHING = ("*",)
_MAPPINGS = frozenset({"customer_mapping", "contact_mapping", "order_mapping", "line_mapping"})


async def check(
    settings: Settings,
    clients: Mapping[Role, Any],
    *,
    pins: Mapping[str, str],
    before: Settings | None,
) -> Checked:
    """Resolve every name against the fields that both sides have now.

    Raises MappingFaultsError that names every fault by its place in the settings.
    """
    crm, erp = clients["crm"], clients["erp"]
    found = await resolved(settings, crm, erp=erp, pins=pins)
    if found.lost_fields:
        raise MappingFaultsError(found.lost_fields)
    known = None
    if before is not None and before != settings:
        try:
            known = await resolved(before, crm, erp=erp, pins=pins)
        except MappingFaultsError:
            known = None  # what did not fit may have held anything
    return Checked(
        pins=found.pins, notices=found.notices, wakes=tuple(_wakes(before, settings, known, found))
    )


def _wakes(
    before: Settings | None, after: Settings, known: Mappings | None, found: Mappings
) -> Iterator[str]:
    """Yield the causes that a change may have ended: all, unless only tables of values grew."""
    if before is None or known is None or _others(before) != _others(after):
        yield from _EVERYTHING
        return
    for was, is_now in zip(known.each, found.each, strict=True):
        woken = woken_by(was, is_now)
        if woken.all_held:
            yield from _EVERYTHING
        yield from woken.causes
        yield from (f"{prefix}*" for prefix in woken.prefixes)


def _others(settings: Settings) -> dict[str, Any]:
    return settings.model_dump(exclude=set(_MAPPINGS))
