"""Bringing a deployment to what a configuration file says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.app.checking import check_settings
from ml_connector.app.configuration import FlowEntry, InstallationEntry, Loaded
from ml_connector.app.differences import Change, Differences, public_address
from ml_connector.app.exporting import exported
from ml_connector.app.pairs import pair
from ml_connector.app.sandbox_clock import begin_sandbox
from ml_connector.app.services import Services
from ml_connector.audit import trail
from ml_connector.connections.rows import ConnectionRow
from ml_connector.core.errors import ConfigurationError, ConnectorError
from ml_connector.core.ids import new_token
from ml_connector.core.secret import Secret
from ml_connector.core.webhooks import Guard
from ml_connector.sync import installations
from ml_connector.sync.configuring import (
    FlowConfig,
    InstallationConfig,
    configure,
    ensure_workspace,
    keep_own_fields,
    keep_pins,
)
from ml_connector.sync.flow import Checked, Integration
from ml_connector.sync.installations import Installation
from ml_connector.transport.http import Writes
from ml_connector.webhooks.endpoints import Endpoint

__all__ = ["Applied", "Applying", "Change", "PartlyAppliedError"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What an apply found and did."""

    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()
    """What was done at the vendors."""


class PartlyAppliedError(ConnectorError):
    """The configuration is stored, but something at a vendor could not be done."""

    def __init__(self, problems: list[str], applied: Applied) -> None:
        super().__init__("\n".join(problems))
        self.applied = applied


class Applying:
    """Compares a file with a deployment and brings the deployment to it."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def differences(self, loaded: Loaded) -> list[Change]:
        """Return what applying the file would change, with every fault of it found first."""
        return await Differences(self._services, loaded).find()

    async def apply(self, loaded: Loaded, *, who: str) -> Applied:
        """Bring the deployment to the file; the same file again changes nothing.

        Raises PartlyAppliedError when the vendors' part of it could not be done: the rest is
        stored, and applying the file again goes on from there.
        """
        changes = await self.differences(loaded)
        services = self._services
        now = services.clock.now()
        async with services.database.transaction() as db:
            if loaded.file.sandbox:
                await begin_sandbox(db)
            workspace_id = await ensure_workspace(db, loaded.file.workspace, now=now)
        await services.follow_clock()
        rows = await self._apply_connections(loaded, workspace_id)
        checks = await check_settings(services, loaded, rows, workspace_id)
        installed = {
            name: await self._configure(
                name, entry, rows, workspace_id, checks.checked.get(name), now=now, who=who
            )
            for name, entry in loaded.file.installations.items()
        }
        async with services.database.transaction() as db:
            await _write_down(db, changes, workspace_id, who=who, now=now)
        notes = checks.notes
        problems: list[str] = []
        cause: ConnectorError | None = None
        for name, entry in loaded.file.installations.items():
            try:
                notes += await self._prepare_vendors(entry, installed[name], now=now)
            except ConnectorError as exc:
                cause = exc
                problems.append(
                    f"installation {name}: {exc.message}; all else is applied: put this right "
                    "and apply the file again"
                )
        await services.directory.read()
        applied = Applied(changes=tuple(changes), notes=tuple(notes))
        if problems:
            raise PartlyAppliedError(problems, applied) from cause
        return applied

    async def export(self, workspace: str) -> str:
        """Return the configuration as a file; secrets stand as ``${env:...}``."""
        return (await exported(self._services, workspace)).text

    async def _apply_connections(
        self, loaded: Loaded, workspace_id: int
    ) -> dict[str, ConnectionRow]:
        accounts = self._services.connections.accounts
        rows = {row.name: row for row in await accounts.list(workspace_id)}
        for name, entry in loaded.file.connections.items():
            if name not in rows:
                rows[name] = await accounts.create(
                    workspace_id=workspace_id,
                    name=name,
                    vendor=entry.vendor,
                    settings=entry.settings,
                )
            else:
                rows[name] = await accounts.update(
                    workspace_id=workspace_id,
                    connection_id=rows[name].id,
                    settings=entry.settings,
                )
                # What is asked of the vendors from here on is asked with the new settings.
                await self._services.connections.read(rows[name].id)
        return rows

    async def _configure(
        self,
        name: str,
        entry: InstallationEntry,
        rows: Mapping[str, ConnectionRow],
        workspace_id: int,
        checked: Checked | None,
        *,
        now: datetime,
        who: str,
    ) -> int:
        integration = pair(entry.pair)
        settings = integration.settings.model_validate(entry.settings)
        wanted = InstallationConfig(
            workspace_id=workspace_id,
            name=name,
            pair=integration.name,
            connections={"crm": rows[entry.crm].id, "erp": rows[entry.erp].id},
            settings=settings.model_dump(mode="json"),
            flows=_flow_configs(entry, integration),
        )

        async def work(db: AsyncConnection) -> int:
            installation_id, _ = await configure(
                db, wanted, now=now, who=who, wakes=("*",) if checked is None else checked.wakes
            )
            installed = await installations.get(db, installation_id)
            if checked is not None and dict(checked.pins) != dict(installed.pins):
                await keep_pins(db, installation_id, checked.pins, now=now)
            return installation_id

        return await self._services.database.run(work)

    async def _prepare_vendors(
        self, entry: InstallationEntry, installation_id: int, *, now: datetime
    ) -> list[str]:
        """Do at the vendors what the file asks for."""
        async with self._services.database.transaction() as db:
            installation = await installations.get(db, installation_id)
        integration = pair(entry.pair)
        notes: list[str] = []
        if entry.provide_fields:
            notes += await self._provide_fields(installation, integration, now=now)
        if entry.webhooks:
            notes.append(await self._subscribe(installation, integration, now=now))
        return notes

    async def _provide_fields(
        self, installation: Installation, integration: Integration, *, now: datetime
    ) -> list[str]:
        if integration.provide_fields is None:
            return []
        connections = self._services.connections
        async with connections.open(installation.connections["crm"], writes=Writes.FREE) as opened:
            keys = await integration.provide_fields(opened.client, installation)
        if all(installation.own_fields.get(name) == key for name, key in keys.items()):
            return []
        async with self._services.database.transaction() as db:
            await keep_own_fields(db, installation.id, keys, now=now)
        return [f"CRM fields provided: {', '.join(sorted(keys))}"]

    async def _subscribe(
        self, installation: Installation, integration: Integration, *, now: datetime
    ) -> str:
        """Make sure that the CRM sends its events to an address of ours."""
        vendor = integration.vendors["crm"]
        if vendor.webhooks is None or vendor.webhooks.subscribe is None:
            raise ConfigurationError(f"{vendor.profile.title} has no webhooks to subscribe to")
        address = public_address(self._services, is_sandbox=False)
        if address is None:
            raise ConfigurationError(
                "webhooks need an address under which the vendor reaches this service; set "
                "ML_CONNECTOR_PUBLIC_URL"
            )
        connection_id = installation.connections["crm"]
        endpoint = await self._endpoint(installation.workspace_id, connection_id, now=now)
        kinds = sorted(
            {
                kind
                for flow in integration.flows
                if flow.source == "crm"
                for kind in (flow.record_kind, *flow.reads)
            }
        )
        async with self._services.connections.open(connection_id, writes=Writes.FREE) as opened:
            done = await vendor.webhooks.subscribe(
                opened.client,
                address=f"{address}{endpoint.path}",
                guard=endpoint.guard,
                kinds=kinds,
            )
        return (
            f"webhooks of {vendor.profile.title}: {done.created} subscribed, {done.kept} kept, "
            f"{done.removed} removed"
        )

    async def _endpoint(self, workspace_id: int, connection_id: int, *, now: datetime) -> Endpoint:
        endpoints = self._services.endpoints
        async with self._services.database.transaction() as db:
            known = await endpoints.of_connection(db, connection_id, now=now)
            if known:
                return known[0]
            return await endpoints.create(
                db,
                workspace_id=workspace_id,
                connection_id=connection_id,
                name="events",
                guard=Guard(basic=(Secret("ml-connector"), Secret(new_token()))),
                now=now,
            )


async def _write_down(
    db: AsyncConnection, changes: list[Change], workspace_id: int, *, who: str, now: datetime
) -> None:
    """Let the trail tell who changed what."""
    if not changes:
        return
    entry = trail.Entry(
        at=now,
        workspace_id=workspace_id,
        event="configuration_applied",
        who=who,
        detail={"changes": [str(change) for change in changes]},
    )
    await trail.write(db, [entry])


def _flow_configs(entry: InstallationEntry, integration: Integration) -> dict[str, FlowConfig]:
    """Return the flows of the file, and those that are switched with one of them."""
    stated = {flow: _flow_config(item) for flow, item in entry.flows.items()}
    further = {
        flow.name: replace(stated[flow.switched_with], when="events")
        for flow in integration.flows
        if flow.switched_with in stated
    }
    return stated | further


def _flow_config(entry: FlowEntry) -> FlowConfig:
    go_live_at = entry.go_live if isinstance(entry.go_live, datetime) else None
    return FlowConfig(is_on=entry.is_on, when=entry.when, go_live_at=go_live_at)
