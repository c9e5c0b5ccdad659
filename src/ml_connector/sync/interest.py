"""Who wants a record that was seen: the same answer for webhook, poll, backfill and person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from ml_connector.core.lanes import Lane
from ml_connector.sync.flow import Flow, Integration, Sighting
from ml_connector.sync.installations import FlowSwitch, Installation
from ml_connector.sync.rows import Wanted


def interested(
    installation: Installation, integration: Integration, *, connection_id: int, stream: str
) -> list[tuple[Flow, FlowSwitch]]:
    """Return the flows of an installation that are on and start from a stream."""
    found = []
    for flow in integration.flows:
        switch = installation.flows.get(flow.name)
        if switch is None or not switch.is_on:
            continue
        if any(
            source.stream == stream and installation.connections.get(source.role) == connection_id
            for source in flow.started_by
        ):
            found.append((flow, switch))
    return found


def wanted_by(
    installations: Iterable[Installation],
    integrations: Mapping[str, Integration],
    *,
    connection_id: int,
    stream: str,
    sightings: Iterable[Sighting],
    now: datetime,
    lane: Lane,
    trigger: Mapping[str, Any],
    version_of: Mapping[str, str | None] | None = None,
) -> list[Wanted]:
    """Return the backlog entries that these sightings give rise to.

    A record whose own moment is known and lies before its flow's go-live is left out here
    already; the run judges the rest on the fresh record.
    """
    wanted: list[Wanted] = []
    seen = list(sightings)
    for installation in installations:
        integration = integrations.get(installation.pair)
        if integration is None:
            continue
        flows = interested(installation, integration, connection_id=connection_id, stream=stream)
        for flow, switch in flows:
            wanted.extend(
                _wanted(
                    installation,
                    integration.qualified(flow),
                    sighting,
                    now=now,
                    lane=lane,
                    trigger=trigger,
                    version=(version_of or {}).get(sighting.key),
                    spacing=flow.spacing,
                )
                for sighting in seen
                if not lies_before_go_live(sighting, switch)
            )
    return wanted


def ended_causes(
    installations: Iterable[Installation],
    integrations: Mapping[str, Integration],
    *,
    connection_id: int,
    stream: str,
    sightings: Iterable[Sighting],
) -> dict[int, set[str]]:
    """Return the causes of holds that these changes may have ended, by installation.

    Records that a flow starts from are left out: their own rows are wanted again anyway.
    """
    seen = list(sightings)
    ended: dict[int, set[str]] = {}
    for installation in installations:
        integration = integrations.get(installation.pair)
        if integration is None or interested(
            installation, integration, connection_id=connection_id, stream=stream
        ):
            continue
        ended[installation.id] = {
            f"{name}:{sighting.key}"
            for sighting in seen
            for name in integration.causes.get(sighting.kind, (sighting.kind,))
        }
    return ended


def lies_before_go_live(sighting: Sighting, switch: FlowSwitch) -> bool:
    """Tell whether the record's own moment is known and before the flow was switched on."""
    return (
        sighting.moment is not None
        and switch.go_live_at is not None
        and sighting.moment < switch.go_live_at
    )


def _wanted(
    installation: Installation,
    flow: str,
    sighting: Sighting,
    *,
    now: datetime,
    lane: Lane,
    trigger: Mapping[str, Any],
    version: str | None,
    spacing: timedelta,
) -> Wanted:
    return Wanted(
        workspace_id=installation.workspace_id,
        owner=installation.owner,
        installation_id=installation.id,
        flow=flow,
        record=sighting.key,
        lane=lane,
        due_at=now,
        wanted_at=now,
        trigger=trigger,
        version=version,
        spacing=spacing,
    )
