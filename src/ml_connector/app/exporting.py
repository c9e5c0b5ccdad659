"""A deployment's configuration as a file that `apply` reads back without a difference."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.app.services import Services
from ml_connector.connections.rows import ConnectionRow
from ml_connector.core.errors import ConfigurationError
from ml_connector.sync import installations
from ml_connector.sync.configuring import flow_documents, workspace_named
from ml_connector.sync.installations import Installation

# YAML 1.1 would read the bare key as a truth value; ours is read as the word (configuration.py).
_QUOTED_ON = re.compile(r"^( *)'on':", re.MULTILINE)
_NOT_IN_NAMES = re.compile(r"[^A-Z0-9]+")


@dataclass(frozen=True, slots=True)
class Exported:
    """A file's content, and the variables that it needs when it is applied."""

    text: str
    variables: tuple[str, ...]


async def exported(services: Services, workspace: str) -> Exported:
    """Return a workspace's configuration; a secret stands as ``${env:NAME}``."""
    rows, installed = await _stored(services, workspace)
    variables = _Variables()
    document: dict[str, Any] = {"workspace": workspace}
    if services.is_sandbox:
        document["sandbox"] = True
    document["connections"] = {
        row.name: {"vendor": row.vendor, "settings": _settings_of(services, row, variables)}
        for row in rows
    }
    names: dict[int, str] = {row.id: row.name for row in rows}
    async with services.database.transaction() as db:
        document["installations"] = {
            one.name: await _installation(db, services, one, names) for one in installed
        }
    return Exported(as_yaml(document), tuple(variables.taken))


def as_yaml(document: Mapping[str, Any]) -> str:
    """Return a document as a person would write it."""
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
    return _QUOTED_ON.sub(r"\1on:", text)


async def _stored(
    services: Services, workspace: str
) -> tuple[list[ConnectionRow], list[Installation]]:
    async with services.database.transaction() as db:
        workspace_id = await workspace_named(db, workspace)
        if workspace_id is None:
            raise ConfigurationError(f"there is no workspace {workspace!r}; apply a file first")
        installed = await installations.of_workspace(db, workspace_id)
    return await services.connections.accounts.list(workspace_id), installed


class _Variables:
    """Names of environment variables, each given out once."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    def name(self, connection: str, field: str) -> str:
        wanted = _NOT_IN_NAMES.sub("_", f"{connection}_{field}".upper()).strip("_")
        name, number = wanted, 1
        while name in self.taken:
            number += 1
            name = f"{wanted}_{number}"
        self.taken.append(name)
        return name


def _settings_of(services: Services, row: ConnectionRow, variables: _Variables) -> dict[str, Any]:
    defaults = {
        name: field.default
        for name, field in services.connections.accounts.vendor(
            row.vendor
        ).settings.model_fields.items()
    }
    settings: dict[str, Any] = {
        name: value for name, value in row.settings.items() if value != defaults.get(name)
    }
    for field in row.secret_fields:
        *parents, last = field.split(".")
        place = settings
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = f"${{env:{variables.name(row.name, field)}}}"
    return settings


async def _installation(
    db: AsyncConnection, services: Services, one: Installation, names: Mapping[int, str]
) -> dict[str, Any]:
    flows = await flow_documents(db, one.id)
    addresses = await services.endpoints.of_connection(
        db, one.connections["crm"], now=services.clock.now()
    )
    document: dict[str, Any] = {
        "pair": one.pair,
        **{role: names[number] for role, number in one.connections.items()},
    }
    if addresses:
        document["webhooks"] = True
    if one.own_fields:
        document["provide_fields"] = True
    settings = _chosen_settings(services, one)
    if settings:
        document["settings"] = dict(settings)
    second_steps = {
        flow.name for flow in services.integrations[one.pair].flows if flow.switched_with
    }
    document["flows"] = {
        name: dict(flow) for name, flow in flows.items() if name not in second_steps
    }
    return document


def _chosen_settings(services: Services, one: Installation) -> Mapping[str, Any]:
    """Return the settings that are not as a new installation would have them."""
    try:
        settings = services.integrations[one.pair].settings.model_validate(one.settings)
    except ValidationError:  # stored by a release that was less strict
        return one.settings
    return settings.model_dump(mode="json", by_alias=True, exclude_defaults=True)
