"""Bringing a deployment to what a configuration file says, with the difference shown first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.app.configuration import ConnectionEntry, FlowEntry, InstallationEntry, Loaded
from ml_connector.app.pairs import pair
from ml_connector.app.services import Services
from ml_connector.connections.rows import ConnectionRow
from ml_connector.connections.splitting import SettingsRefusedError, split, validated
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.ids import new_token
from ml_connector.core.secret import Secret
from ml_connector.core.webhooks import Guard
from ml_connector.sync import installations
from ml_connector.sync.configuring import (
    FlowConfig,
    InstallationConfig,
    configure,
    ensure_workspace,
    flow_documents,
    keep_own_fields,
)
from ml_connector.sync.flow import Integration
from ml_connector.sync.installations import Installation
from ml_connector.transport.http import Writes
from ml_connector.webhooks.endpoints import Endpoint

T = TypeVar("T")
_HIDDEN = "***"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference between the file and the deployment."""

    action: Literal["add", "change"]
    subject: str
    """``connection crm``, ``installation acme``."""
    field: str
    before: Any
    after: Any

    def __str__(self) -> str:
        if self.action == "add":
            return f"+ {self.subject} {self.field}: {self.after}"
        return f"~ {self.subject} {self.field}: {self.before} -> {self.after}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What an apply found and did."""

    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()


class Applying:
    """Compares a file with a deployment and brings the deployment to it."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def differences(self, loaded: Loaded) -> list[Change]:
        """Return what applying the file would change, with every fault of it found first."""
        async with self._services.database.transaction() as db:
            now = self._services.clock.now()
            workspace_id = await ensure_workspace(db, loaded.file.workspace, now=now)
            known = {one.name: one for one in await installations.of_workspace(db, workspace_id)}
        rows = {
            row.name: row for row in await self._services.connections.accounts.list(workspace_id)
        }
        changes: list[Change] = []
        for name, entry in loaded.file.connections.items():
            changes += await self._connection_changes(loaded, name, entry, rows.get(name))
        for name, installed in loaded.file.installations.items():
            integration = self._integration(loaded, name, installed, rows)
            self._check_installation(loaded, name, installed, integration)
            changes += await self._installation_changes(
                name, installed, integration, known.get(name)
            )
        return changes

    async def apply(self, loaded: Loaded, *, who: str) -> Applied:
        """Bring the deployment to the file."""
        changes = await self.differences(loaded)
        services = self._services
        now = services.clock.now()
        async with services.database.transaction() as db:
            workspace_id = await ensure_workspace(db, loaded.file.workspace, now=now)
        rows = await self._apply_connections(loaded, workspace_id)
        notes: list[str] = []
        for name, entry in loaded.file.installations.items():
            notes += await self._apply_installation(
                name, entry, rows, workspace_id=workspace_id, now=now, who=who
            )
        await services.directory.read()
        return Applied(changes=tuple(changes), notes=tuple(notes))

    async def export(self, workspace: str) -> str:
        """Return the configuration as a file; secrets stand as ``${env:...}``."""
        services = self._services
        async with services.database.transaction() as db:
            workspace_id = await ensure_workspace(db, workspace, now=services.clock.now())
            installed = await installations.of_workspace(db, workspace_id)
            flows = {one.id: await flow_documents(db, one.id) for one in installed}
        rows = await services.connections.accounts.list(workspace_id)
        names: dict[int, str] = {row.id: row.name for row in rows}
        document = {
            "workspace": workspace,
            "connections": {row.name: _exported_connection(row) for row in rows},
            "installations": {
                one.name: {
                    "pair": one.pair,
                    **{role: names[number] for role, number in one.connections.items()},
                    "settings": dict(one.settings),
                    "flows": {name: dict(flow) for name, flow in flows[one.id].items()},
                }
                for one in installed
            },
        }
        return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)

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
        return rows

    async def _apply_installation(
        self,
        name: str,
        entry: InstallationEntry,
        rows: Mapping[str, ConnectionRow],
        *,
        workspace_id: int,
        now: datetime,
        who: str,
    ) -> list[str]:
        integration = pair(entry.pair)
        wanted = InstallationConfig(
            workspace_id=workspace_id,
            name=name,
            pair=integration.name,
            connections={"crm": rows[entry.crm].id, "erp": rows[entry.erp].id},
            settings=_validated_settings(integration, entry).model_dump(mode="json"),
            flows={flow: _flow_config(item) for flow, item in entry.flows.items()},
        )

        async def work(db: AsyncConnection) -> int:
            installation_id, _ = await configure(db, wanted, now=now, who=who)
            return installation_id

        installation_id = await self._services.database.run(work)
        async with self._services.database.transaction() as db:
            installation = await installations.get(db, installation_id)
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
            keys = await integration.provide_fields(opened.client, installation.own_fields)
        if dict(keys) == dict(installation.own_fields):
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
        public = self._services.settings.public_url
        if public is None:
            raise ConfigurationError(
                "webhooks need an address under which the vendor reaches this service; set "
                "ML_CONNECTOR_PUBLIC_URL"
            )
        connection_id = installation.connections["crm"]
        endpoint = await self._endpoint(installation.workspace_id, connection_id, now=now)
        kinds = sorted({flow.record_kind for flow in integration.flows if flow.source == "crm"})
        async with self._services.connections.open(connection_id, writes=Writes.FREE) as opened:
            done = await vendor.webhooks.subscribe(
                opened.client,
                address=f"{str(public).rstrip('/')}{endpoint.path}",
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

    async def _connection_changes(
        self, loaded: Loaded, name: str, entry: ConnectionEntry, row: ConnectionRow | None
    ) -> list[Change]:
        at = ("connections", name)
        subject = f"connection {name}"
        try:
            vendor = self._services.connections.accounts.vendor(entry.vendor)
        except ConfigurationError as exc:
            raise loaded.fault((*at, "vendor"), exc.message) from exc
        if row is not None and row.vendor != entry.vendor:
            raise loaded.fault(
                (*at, "vendor"),
                f"the connection {name} is one of {row.vendor}; give it another name",
            )
        stored: Mapping[str, Secret] = {}
        if row is not None:
            async with self._services.database.transaction() as db:
                stored = await self._services.secrets.read(db, row.owner)
        try:
            settings = validated(vendor.settings, entry.settings)
        except SettingsRefusedError as exc:
            field, words = exc.faults[0]
            raise loaded.fault((*at, "settings", *field.split(".")), words) from exc
        plain, secrets = split(settings)
        if row is None:
            return [
                Change(
                    action="add", subject=subject, field="vendor", before=None, after=entry.vendor
                )
            ]
        changes = _field_changes(subject, row.settings, plain)
        changes += [
            Change(action="change", subject=subject, field=field, before=_HIDDEN, after=_HIDDEN)
            for field, value in secrets.items()
            if stored.get(field) != value
        ]
        return changes

    def _integration(
        self,
        loaded: Loaded,
        name: str,
        entry: InstallationEntry,
        rows: Mapping[str, ConnectionRow],
    ) -> Integration:
        at = ("installations", name)
        try:
            integration = pair(entry.pair)
        except ConfigurationError as exc:
            raise loaded.fault((*at, "pair"), exc.message) from exc
        for role, chosen in (("crm", entry.crm), ("erp", entry.erp)):
            known = loaded.file.connections.get(chosen)
            vendor = known.vendor if known else (rows[chosen].vendor if chosen in rows else None)
            expected = integration.vendors[role].profile.name  # type: ignore[index] # the two roles
            if vendor is None:
                raise loaded.fault((*at, role), f"there is no connection {chosen!r}")
            if vendor != expected:
                raise loaded.fault(
                    (*at, role), f"{chosen} is a connection to {vendor}; {role} takes {expected}"
                )
        return integration

    def _check_installation(
        self, loaded: Loaded, name: str, entry: InstallationEntry, integration: Integration
    ) -> None:
        at = ("installations", name)
        known = {flow.name for flow in integration.flows}
        for flow in entry.flows:
            if flow not in known:
                raise loaded.fault(
                    (*at, "flows", flow),
                    f"{integration.title} has no flow {flow!r}; there are: {', '.join(sorted(known))}",
                )
        try:
            _validated_settings(integration, entry)
        except ValidationError as exc:
            fault = exc.errors(include_input=False, include_url=False)[0]
            path = (*at, "settings", *(str(part) for part in fault["loc"]))
            raise loaded.fault(path, fault["msg"]) from exc

    async def _installation_changes(
        self,
        name: str,
        entry: InstallationEntry,
        integration: Integration,
        known: Installation | None,
    ) -> list[Change]:
        subject = f"installation {name}"
        settings = _validated_settings(integration, entry).model_dump(mode="json")
        if known is None:
            return [
                Change(action="add", subject=subject, field="pair", before=None, after=integration.name),
                *(
                    Change(action="add", subject=subject, field=f"flow {flow}", before=None,
                           after="on" if item.is_on else "off")
                    for flow, item in entry.flows.items()
                ),
            ]  # fmt: skip
        changes = _field_changes(subject, known.settings, settings)
        async with self._services.database.transaction() as db:
            flows = await flow_documents(db, known.id)
        for flow, item in entry.flows.items():
            before = flows.get(flow, {"on": False, "when": None})
            after = {"on": item.is_on, "when": item.when}
            changes += _field_changes(
                f"{subject} flow {flow}", {key: before[key] for key in ("on", "when")}, after
            )
        return changes


def _flow_config(entry: FlowEntry) -> FlowConfig:
    go_live_at = entry.go_live if isinstance(entry.go_live, datetime) else None
    return FlowConfig(is_on=entry.is_on, when=entry.when, go_live_at=go_live_at)


def _validated_settings(integration: Integration, entry: InstallationEntry) -> BaseModel:
    return integration.settings.model_validate(entry.settings)


def _field_changes(
    subject: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[Change]:
    old, new = dict(_flat(before)), dict(_flat(after))
    return [
        Change(
            action="change", subject=subject, field=field,
            before=old.get(field), after=new.get(field),
        )
        for field in sorted(old.keys() | new.keys())
        if str(old.get(field)) != str(new.get(field))
    ]  # fmt: skip


def _flat(value: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, item in value.items():
        if isinstance(item, Mapping) and item:
            found += _flat(item, f"{prefix}{key}.")
        else:
            found.append((f"{prefix}{key}", item))
    return found


def _exported_connection(row: ConnectionRow) -> dict[str, Any]:
    settings: dict[str, Any] = {
        name: value for name, value in row.settings.items() if value is not None
    }
    for field in row.secret_fields:
        *parents, last = field.split(".")
        place = settings
        for parent in parents:
            place = place.setdefault(parent, {})
        variable = f"{row.name}_{field}".upper().replace(".", "_").replace("-", "_")
        place[last] = f"${{env:{variable}}}"
    return {"vendor": row.vendor, "settings": settings}
