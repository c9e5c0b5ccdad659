"""A dry run: the flow itself, with a plan in place of writes, outside of the backlog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ml_connector.audit.trail import Entry
from ml_connector.core.errors import ConnectorError
from ml_connector.core.lanes import Lane
from ml_connector.jobs.dispositions import Disposition, verdict_on
from ml_connector.sync.flow import Flow, Integration, Outcome
from ml_connector.sync.installations import Installation
from ml_connector.sync.plan import Plan, PlannedWrite
from ml_connector.sync.progress import RunProgress
from ml_connector.sync.rows import StartedRun
from ml_connector.sync.works import FlowWorks
from ml_connector.transport.lanes import in_lane

_NO_ROW = 0  # no row of the backlog has this id
_NEVER = datetime.max.replace(tzinfo=UTC)  # what stands in no backlog waits for nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What a run would do now."""

    outcome: Outcome | None
    """How it would end, if well."""
    error: ConnectorError | None
    """What would stop it, otherwise."""
    disposition: Disposition | None
    """What would become of the record then."""
    writes: tuple[PlannedWrite, ...]
    """In order, up to where it would be stopped."""
    notes: tuple[Entry, ...]


def rehearsal(
    installation: Installation,
    integration: Integration,
    flow: Flow,
    record: str,
    *,
    trigger: Mapping[str, Any],
) -> StartedRun:
    """Return a run that stands in no backlog."""
    return StartedRun(
        backlog_id=_NO_ROW,
        run_no=0,
        attempt=1,
        workspace_id=installation.workspace_id,
        owner=installation.owner,
        installation_id=installation.id,
        connection_id=None,
        flow=integration.qualified(flow),
        record=record,
        wanted=1,
        wanted_at=_NEVER,
        lane=Lane.URGENT,
        starts=1,
        failures=0,
        trigger=trigger,
        seen_version=None,
        loop_began_at=None,
        loop_writes=0,
        is_cancel_wished=False,
        configuration_version=installation.configuration_version,
    )


async def rehearse(works: FlowWorks, run: StartedRun) -> Rehearsed:
    """Return what ``run`` would create and change, without one write."""
    plan, progress = Plan(), RunProgress()
    outcome: Outcome | None = None
    error: ConnectorError | None = None
    with in_lane(run.lane):
        try:
            outcome = await works.run_flow(run, progress, plan=plan)
        except ConnectorError as exc:
            error = exc
    return Rehearsed(
        outcome=outcome,
        error=error,
        disposition=verdict_on(error).disposition if error is not None else None,
        writes=tuple(plan.writes),
        notes=tuple(progress.entries),
    )
