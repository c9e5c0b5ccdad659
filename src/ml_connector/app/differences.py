"""What applying a configuration file would change, with every fault of the file found first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.app.configuration import (
    ConnectionEntry,
    FlowEntry,
    InstallationEntry,
    Loaded,
    Place,
)
from ml_connector.app.faults import faults_of, is_open_field
from ml_connector.app.pairs import pair
from ml_connector.app.services import Services
from ml_connector.connections.rows import ConnectionRow
from ml_connector.connections.splitting import joined
from ml_connector.core.errors import ConfigurationError
from ml_connector.sync import installations
from ml_connector.sync.configuring import flow_documents, workspace_named
from ml_connector.sync.flow import Integration, Role
from ml_connector.sync.installations import Installation
from ml_connector.transport.vendor import Vendor

_HIDDEN = "***"
_ROLES: tuple[Role, ...] = ("crm", "erp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference between the file and the deployment."""

    action: Literal["add", "change"]
    subject: str
    """``connection crm``, ``installation acme``."""
    field: str
    before: Any
    after: Any
    """A secret stands as ``***`` on both sides."""

    def __str__(self) -> str:
        if self.action == "add":
            return f"+ {self.subject} {self.field}: {_plain(self.after)}"
        return f"~ {self.subject} {self.field}: {_plain(self.before)} -> {_plain(self.after)}"


def public_address(services: Services, *, is_sandbox: bool) -> str | None:
    """Return the address under which vendors reach this service, if it is known."""
    settings = services.settings
    if settings.public_url is not None:
        return str(settings.public_url).rstrip("/")
    if (is_sandbox or services.is_sandbox) and settings.port:
        return f"http://{settings.host}:{settings.port}"  # the simulators are on this machine
    return None


class Differences:
    """One comparison of a file with a deployment. Reads, and changes nothing."""

    def __init__(self, services: Services, loaded: Loaded) -> None:
        self._services = services
        self._loaded = loaded
        self._faults: list[str] = []
        self._changes: list[Change] = []
        self._rows: dict[str, ConnectionRow] = {}
        self._installed: dict[str, Installation] = {}

    async def find(self) -> list[Change]:
        """Return the changes. Raises ConfigurationError with a line for each fault."""
        file = self._loaded.file
        async with self._services.database.transaction() as db:
            workspace_id = await workspace_named(db, file.workspace)
            if workspace_id is not None:
                found = await installations.of_workspace(db, workspace_id)
                self._installed = {one.name: one for one in found}
        if workspace_id is not None:
            rows = await self._services.connections.accounts.list(workspace_id)
            self._rows = {row.name: row for row in rows}
        await self._compare_sandbox()
        for name, entry in file.connections.items():
            await self._compare_connection(name, entry)
        for installed_name, installed in file.installations.items():
            await self._compare_installation(installed_name, installed)
        if self._faults:
            raise ConfigurationError("\n".join(self._faults))
        return self._changes

    def _fault(self, at: Place, words: str) -> None:
        self._faults.append(self._loaded.fault(at, words))

    def _add(self, subject: str, field: str, value: Any) -> None:
        self._changes.append(
            Change(action="add", subject=subject, field=field, before=None, after=value)
        )

    def _change(self, subject: str, field: str, before: Any, after: Any) -> None:
        self._changes.append(
            Change(action="change", subject=subject, field=field, before=before, after=after)
        )

    # The sandbox

    async def _compare_sandbox(self) -> None:
        if not self._loaded.file.sandbox or self._services.is_sandbox:
            return
        if await self._services.connections.accounts.list():
            self._fault(
                ("sandbox",),
                "this deployment has connections that are not the sandbox's; give the sandbox a "
                "deployment of its own, with another ML_CONNECTOR_HOME",
            )
        self._add("deployment", "sandbox", value=True)

    # Connections

    async def _compare_connection(self, name: str, entry: ConnectionEntry) -> None:
        at = ("connections", name)
        vendor = self._vendor(at, entry.vendor)
        if vendor is None:
            return
        row = self._rows.get(name)
        if row is not None and row.vendor != entry.vendor:
            self._fault(
                (*at, "vendor"),
                f"{entry.vendor!r}: the connection {name} is one of {row.vendor}; give this one "
                "another name",
            )
            return
        if not await self._settings_are_good(at, entry, vendor, row):
            return
        subject = f"connection {name}"
        if row is None:
            self._add(subject, "vendor", entry.vendor)
            for field, value in _flat(entry.settings):
                is_open = is_open_field(vendor.settings, tuple(field.split(".")))
                self._add(subject, field, value if is_open else _HIDDEN)
            return
        change = await self._services.connections.accounts.preview(
            workspace_id=row.workspace_id, connection_id=row.id, settings=entry.settings
        )
        for field, (before, after) in sorted(change.settings.items()):
            self._change(subject, field, before, after)
        for field in sorted(change.secrets):
            self._change(subject, field, _HIDDEN, _HIDDEN)

    def _vendor(self, at: Place, name: str) -> Vendor | None:
        try:
            return self._services.connections.accounts.vendor(name)
        except ConfigurationError as exc:
            self._fault((*at, "vendor"), exc.message)
            return None

    async def _settings_are_good(
        self, at: Place, entry: ConnectionEntry, vendor: Vendor, row: ConnectionRow | None
    ) -> bool:
        values: Mapping[str, Any] = entry.settings
        if row is not None:
            async with self._services.database.transaction() as db:
                stored = await self._services.secrets.read(db, row.owner)
            values = joined(entry.settings, stored)  # a secret that is left out stays
        try:
            vendor.settings.model_validate(values)
        except ValidationError as exc:
            written = self._written(*at, "settings")
            for path, words in faults_of(exc, vendor.settings, written):
                self._fault((*at, "settings", *path), words)
            return False
        return True

    # Installations

    async def _compare_installation(self, name: str, entry: InstallationEntry) -> None:
        at = ("installations", name)
        faults = len(self._faults)
        integration = self._integration(at, entry)
        if integration is None:
            return
        self._check_roles(at, entry, integration)
        self._check_flows(at, entry, integration)
        self._check_webhooks(at, entry, integration)
        known = self._installed.get(name)
        if known is not None and known.pair != integration.name:
            self._fault(
                (*at, "pair"),
                f"{entry.pair!r}: the installation {name} links {known.pair}; give this one "
                "another name",
            )
        if not self._check_settings(at, entry, integration) or len(self._faults) > faults:
            return
        subject = f"installation {name}"
        if known is None:
            self._add_installation(subject, entry, integration)
        else:
            async with self._services.database.transaction() as db:
                await self._change_installation(db, subject, entry, integration, known)

    def _integration(self, at: Place, entry: InstallationEntry) -> Integration | None:
        try:
            return pair(entry.pair)
        except ConfigurationError as exc:
            self._fault((*at, "pair"), exc.message)
            return None

    def _check_roles(self, at: Place, entry: InstallationEntry, integration: Integration) -> None:
        for role in _ROLES:
            chosen: str = getattr(entry, role)
            vendor = self._vendor_of(chosen)
            expected = integration.vendors[role].profile.name
            if vendor is None:
                known = sorted({*self._loaded.file.connections, *self._rows})
                there_are = f"there are: {', '.join(known)}" if known else "name one above"
                self._fault((*at, role), f"there is no connection {chosen!r}; {there_are}")
            elif vendor != expected:
                self._fault(
                    (*at, role),
                    f"{chosen!r} is a connection to {vendor}; {role} takes one to {expected}",
                )

    def _vendor_of(self, connection: str) -> str | None:
        entry = self._loaded.file.connections.get(connection)
        if entry is not None:
            return entry.vendor
        row = self._rows.get(connection)
        return row.vendor if row is not None else None

    def _check_flows(self, at: Place, entry: InstallationEntry, integration: Integration) -> None:
        known = sorted(flow.name for flow in integration.flows if flow.switched_with is None)
        for flow in entry.flows:
            if flow not in known:
                self._fault(
                    (*at, "flows", flow),
                    f"{integration.title} has no flow {flow!r}; there are: {', '.join(known)}",
                )

    def _check_webhooks(
        self, at: Place, entry: InstallationEntry, integration: Integration
    ) -> None:
        if not entry.webhooks:
            return
        webhooks = integration.vendors["crm"].webhooks
        if webhooks is None or webhooks.subscribe is None:
            title = integration.vendors["crm"].profile.title
            self._fault((*at, "webhooks"), f"{title} has no webhooks to subscribe to; leave it out")
        elif public_address(self._services, is_sandbox=self._loaded.file.sandbox) is None:
            self._fault(
                (*at, "webhooks"),
                "the vendor must know an address under which it reaches this service; set "
                "ML_CONNECTOR_PUBLIC_URL, or leave webhooks out and rely on polling",
            )

    def _check_settings(
        self, at: Place, entry: InstallationEntry, integration: Integration
    ) -> bool:
        try:
            integration.settings.model_validate(entry.settings)
        except ValidationError as exc:
            written = self._written(*at, "settings")
            for path, words in faults_of(exc, integration.settings, written):
                self._fault((*at, "settings", *path), words)
            return False
        return True

    def _add_installation(
        self, subject: str, entry: InstallationEntry, integration: Integration
    ) -> None:
        self._add(subject, "pair", integration.name)
        for role in _ROLES:
            self._add(subject, role, getattr(entry, role))
        for field, value in _flat(entry.settings):
            self._add(subject, field, value)
        for flow, item in entry.flows.items():
            for field, value in _flow_fields(item):
                self._add(subject, f"flow {flow} {field}", value)
        for field in ("webhooks", "provide_fields"):
            if getattr(entry, field):
                self._add(subject, field, value=True)

    async def _change_installation(
        self,
        db: AsyncConnection,
        subject: str,
        entry: InstallationEntry,
        integration: Integration,
        known: Installation,
    ) -> None:
        names: dict[int, str] = {row.id: row.name for row in self._rows.values()}
        before: dict[str, Any] = {
            role: names.get(number) for role, number in known.connections.items()
        }
        after: dict[str, Any] = {role: getattr(entry, role) for role in _ROLES}
        before |= dict(_flat(_as_validated(integration, known.settings)))
        after |= dict(_flat(_as_validated(integration, entry.settings)))
        flows = await flow_documents(db, known.id)
        for flow, item in entry.flows.items():
            old = flows.get(flow, {"on": False, "when": None, "go_live": None})
            new = dict(_flow_fields(item))
            after |= {f"flow {flow} {field}": value for field, value in new.items()}
            before |= {f"flow {flow} {field}": old[field] for field in new}
        if entry.provide_fields:
            before["provide_fields"], after["provide_fields"] = bool(known.own_fields), True
        if entry.webhooks:
            addresses = await self._services.endpoints.of_connection(
                db, known.connections["crm"], now=self._services.clock.now()
            )
            before["webhooks"], after["webhooks"] = bool(addresses), True
        for field in sorted(before.keys() | after.keys()):
            if before.get(field) != after.get(field):
                self._change(subject, field, before.get(field), after.get(field))

    def _written(self, *path: str) -> Any:
        value: Any = self._loaded.written
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        return value


def _as_validated(integration: Integration, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return settings with their defaults, in the one form in which they compare."""
    try:
        return integration.settings.model_validate(settings).model_dump(mode="json", by_alias=True)
    except ValidationError:  # stored by a release that was less strict
        return settings


def _flow_fields(entry: FlowEntry) -> Iterator[tuple[str, Any]]:
    yield "on", entry.is_on
    yield "when", entry.when
    if not isinstance(entry.go_live, str):
        yield "go_live", entry.go_live.isoformat()


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        if isinstance(item, Mapping) and item:
            yield from _flat(item, f"{prefix}{key}.")
        elif not isinstance(item, Mapping):
            yield f"{prefix}{key}", item


def _plain(value: Any) -> str:
    """Return a value as a file has it."""
    match value:
        case None:
            return "(none)"
        case True:
            return "yes"
        case False:
            return "no"
        case list() | tuple():
            return ", ".join(_plain(item) for item in value) or "(none)"
        case Mapping():
            return "{" + ", ".join(f"{key}: {_plain(item)}" for key, item in value.items()) + "}"
        case _:
            return str(value)
