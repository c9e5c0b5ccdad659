"""What applying an installation's settings checks: every field that they name (P-13, P-20)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml_connector.integrations.acumatica_pipedrive.fields import making
from ml_connector.integrations.acumatica_pipedrive.settings import Settings
from ml_connector.integrations.from_pipedrive import resolving
from ml_connector.sync.flow import Checked, Role
from ml_connector.sync.mapping.compiling import MappingFaultsError

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
    found = await resolving.resolve(crm, await making(settings, erp, pins))
    if found.lost_fields:
        raise MappingFaultsError(found.lost_fields)
    known = None
    if before is not None and before != settings:
        try:
            known = await resolving.resolve(crm, await making(before, erp, pins))
        except MappingFaultsError:
            known = None  # what did not fit may have held anything
    are_alike = before is not None and _others(before) == _others(settings)
    return Checked(
        pins=found.pins,
        notices=found.notices,
        wakes=tuple(resolving.wakes(known, found, are_alike=are_alike)),
    )


def _others(settings: Settings) -> dict[str, Any]:
    return settings.model_dump(exclude=set(_MAPPINGS))
