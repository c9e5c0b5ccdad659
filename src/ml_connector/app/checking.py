"""Checking settings against the fields that both sides have, before they count."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from pydantic import BaseModel, ValidationError

from ml_connector.app.configuration import InstallationEntry, Loaded
from ml_connector.app.pairs import pair
from ml_connector.app.services import Services
from ml_connector.connections.rows import ConnectionRow
from ml_connector.core.errors import ConfigurationError, ConnectorError
from ml_connector.sync import installations
from ml_connector.sync.flow import Checked, Integration, Role
from ml_connector.sync.installations import Installation
from ml_connector.sync.mapping import MappingFaultsError
from ml_connector.transport.http import Writes


@dataclass(slots=True)
class Checks:
    """What the checks of a file's installations found."""

    checked: dict[str, Checked] = field(default_factory=dict)
    """By installation; absent where there is nothing to check, or a side could not be asked."""
    notes: list[str] = field(default_factory=list)


async def check_settings(
    services: Services, loaded: Loaded, rows: Mapping[str, ConnectionRow], workspace_id: int
) -> Checks:
    """Check the settings of every installation in a file; reads only.

    Raises ConfigurationError with a line of the file for each name that a side does not know. A
    side that cannot be asked now is a note: the names are checked again when records run.
    """
    async with services.database.transaction() as db:
        known = {one.name: one for one in await installations.of_workspace(db, workspace_id)}
    checks = Checks()
    faults: list[str] = []
    for name, entry in loaded.file.installations.items():
        try:
            checked = await _check(services, entry, rows, known.get(name))
        except MappingFaultsError as exc:
            at = ("installations", name, "settings")
            faults += [loaded.fault((*at, *fault.path), fault.words) for fault in exc.faults]
        except ConnectorError as exc:
            checks.notes.append(
                f"installation {name}: the fields that its settings name could not be checked "
                f"({exc.message}); they are checked when records run"
            )
        else:
            if checked is not None:
                checks.checked[name] = checked
                checks.notes += [f"installation {name}: {words}" for words in checked.notices]
    if faults:
        raise ConfigurationError("\n".join(faults))
    return checks


async def _check(
    services: Services,
    entry: InstallationEntry,
    rows: Mapping[str, ConnectionRow],
    known: Installation | None,
) -> Checked | None:
    integration = pair(entry.pair)
    if integration.check is None:
        return None
    ids: Mapping[Role, int] = {"crm": rows[entry.crm].id, "erp": rows[entry.erp].id}
    async with AsyncExitStack() as stack:
        clients = {
            role: (
                await stack.enter_async_context(
                    services.connections.open(number, writes=Writes.REFUSED)
                )
            ).client
            for role, number in ids.items()
        }
        return await integration.check(
            integration.settings.model_validate(entry.settings),
            clients,
            pins=known.pins if known is not None else {},
            before=_settings_of(integration, known),
        )


def _settings_of(integration: Integration, known: Installation | None) -> BaseModel | None:
    """Return the settings up to now; None for those that this release does not take any more."""
    if known is None or known.pair != integration.name:
        return None
    try:
        return integration.settings.model_validate(known.settings)
    except ValidationError:
        return None
