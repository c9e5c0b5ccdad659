"""A record's whole story: what arrived, ran, was noted, called and linked, and why it waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.app.services import Services
from ml_connector.audit import reading
from ml_connector.audit.reading import CallRow, RunRow, TrailRow
from ml_connector.sync import installations, looking
from ml_connector.sync.flow import Flow
from ml_connector.sync.looking import EffectRow, LinkRow, RecordRow
from ml_connector.sync.waiting import Waiting, why_waiting
from ml_connector.webhooks.reading import DeliveryRow, deliveries_about


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything that is known of one record in one flow."""

    record: RecordRow
    title: str
    """The flow's title."""
    kind: str
    """What the record is: ``deal``."""
    waiting: Waiting | None
    """What keeps it from being done; None when it is."""
    names: Sequence[str]
    deliveries: Sequence[DeliveryRow]
    runs: Sequence[RunRow]
    entries: Sequence[TrailRow]
    calls: Sequence[CallRow]
    links: Sequence[LinkRow]
    effects: Sequence[EffectRow]
    field_names: Mapping[str, str]
    """Our name of a CRM field that was provided for the installation, by its key."""


async def story_of(services: Services, record: RecordRow, *, runs: int = 20) -> Story:
    """Return the story of a record, with its latest ``runs``."""
    async with services.database.transaction() as db:
        return await _story(db, services, record, runs=runs)


async def _story(db: AsyncConnection, services: Services, record: RecordRow, *, runs: int) -> Story:
    if record.installation_id is None:
        raise LookupError(f"{record.flow} {record.record} belongs to no installation")
    installation = await installations.get(db, record.installation_id)
    flow = _flow(services, installation.pair, record.flow)
    kind = flow.record_kind if flow is not None else "effect"
    deliveries: Sequence[DeliveryRow] = ()
    if flow is not None:
        deliveries = await deliveries_about(
            db,
            record.workspace_id,
            connection_id=installation.connections[flow.source],
            kind=kind,
            key=record.record,
        )
    found_runs = await reading.runs_of(db, record.workspace_id, record.id, limit=runs)
    call_ids = [number for run in found_runs for number in run.call_ids]
    return Story(
        record=record,
        title=flow.title if flow is not None else record.flow_name.replace("_", " "),
        kind=kind,
        waiting=await why_waiting(db, record, now=services.clock.now()),
        names=await looking.names_of(db, record.workspace_id, record.id),
        deliveries=deliveries,
        runs=found_runs,
        entries=await reading.entries_of(db, record.workspace_id, record.id),
        calls=await reading.calls_of(db, record.workspace_id, call_ids),
        links=await looking.links_of(db, record, kind),
        effects=await looking.effects_of(db, record),
        field_names={key: name for name, key in installation.own_fields.items()},
    )


def readable(value: Any, field_names: Mapping[str, str]) -> Any:
    """Return a detail with our names of fields in place of the CRM's keys."""
    if isinstance(value, Mapping):
        return {
            field_names.get(key, key): readable(item, field_names) for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [readable(item, field_names) for item in value]
    return value


def _flow(services: Services, pair: str, qualified: str) -> Flow | None:
    """Return the pair's flow; None for the engine's own, such as a second look."""
    integration = services.integrations.get(pair)
    if integration is None or not qualified.startswith(f"{pair}."):
        return None
    return integration.flow(qualified)
