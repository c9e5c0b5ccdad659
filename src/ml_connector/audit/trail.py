"""The trail: one story for each run, and entries for what happens outside of runs.

A run's entries, calls and inputs are written together with its settlement; what must not be
lost when the process dies in between (the intents of writes) is committed with the effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One fact: what happened, to which record, by whom."""

    at: datetime
    workspace_id: int
    event: str
    """A past-tense name that stays stable: ``sales_order_created``."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    installation_id: int | None = None
    connection_id: int | None = None
    backlog_id: int | None = None
    run_no: int | None = None
    who: str = "ml-connector"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStory:
    """Everything about one execution of a flow on a record."""

    backlog_id: int
    run_no: int
    attempt: int
    workspace_id: int
    installation_id: int | None
    flow: str
    record: str
    lane: int
    trigger: Mapping[str, Any]
    started_at: datetime
    ended_at: datetime
    outcome: str
    reason: str | None
    trace_id: str
    configuration_version: int | None
    call_ids: tuple[int, ...]
    tokens: int
    entries: tuple[Entry, ...]
    inputs: str
    """JSON."""
    names: frozenset[str]
    """Ids, numbers and names on either side by which the record can be searched."""

    def superseded(self) -> RunStory:
        """Return the story of a run whose row went on without it."""
        return replace(self, outcome="superseded", reason="another attempt took this run over")


_WRITE_ENTRIES = text(
    """
    INSERT INTO trail (at, workspace_id, installation_id, connection_id, backlog_id, run_no,
                       event, who, detail)
    SELECT * FROM unnest(
        CAST(:ats AS timestamptz[]), CAST(:workspace_ids AS bigint[]),
        CAST(:installation_ids AS bigint[]), CAST(:connection_ids AS bigint[]),
        CAST(:backlog_ids AS bigint[]), CAST(:run_nos AS bigint[]), CAST(:events AS text[]),
        CAST(:whos AS text[]), CAST(:details AS jsonb[]))
    """
)

_WRITE_RUNS = text(
    """
    INSERT INTO run (started_at, backlog_id, run_no, attempt, workspace_id, installation_id, flow,
                     record, lane, trigger, ended_at, outcome, reason, trace_id,
                     configuration_version, call_ids, tokens)
    SELECT r.started_at, r.backlog_id, r.run_no, r.attempt, r.workspace_id, r.installation_id,
           r.flow, r.record, r.lane, r.trigger, r.ended_at, r.outcome, r.reason, r.trace_id,
           r.configuration_version, string_to_array(r.call_ids, ',')::bigint[], r.tokens
    FROM unnest(
        CAST(:started_ats AS timestamptz[]), CAST(:backlog_ids AS bigint[]),
        CAST(:run_nos AS bigint[]), CAST(:attempts AS int[]), CAST(:workspace_ids AS bigint[]),
        CAST(:installation_ids AS bigint[]), CAST(:flows AS text[]), CAST(:records AS text[]),
        CAST(:lanes AS smallint[]), CAST(:triggers AS jsonb[]), CAST(:ended_ats AS timestamptz[]),
        CAST(:outcomes AS text[]), CAST(:reasons AS text[]), CAST(:trace_ids AS text[]),
        CAST(:configuration_versions AS bigint[]), CAST(:call_ids AS text[]),
        CAST(:tokens AS int[])
    ) AS r (started_at, backlog_id, run_no, attempt, workspace_id, installation_id, flow, record,
            lane, trigger, ended_at, outcome, reason, trace_id, configuration_version, call_ids,
            tokens)
    ON CONFLICT DO NOTHING
    """
)

_WRITE_INPUTS = text(
    """
    INSERT INTO run_input (at, backlog_id, run_no, attempt, workspace_id, inputs)
    SELECT * FROM unnest(
        CAST(:started_ats AS timestamptz[]), CAST(:backlog_ids AS bigint[]),
        CAST(:run_nos AS bigint[]), CAST(:attempts AS int[]), CAST(:workspace_ids AS bigint[]),
        CAST(:inputs AS json[]))
    ON CONFLICT DO NOTHING
    """
)

_WRITE_NAMES = text(
    """
    INSERT INTO record_name (backlog_id, name, workspace_id)
    SELECT DISTINCT * FROM unnest(
        CAST(:backlog_ids AS bigint[]), CAST(:names AS text[]), CAST(:workspace_ids AS bigint[]))
    ON CONFLICT DO NOTHING
    """
)


async def write(db: AsyncConnection, entries: Sequence[Entry]) -> None:
    """Append entries."""
    if not entries:
        return
    await db.execute(
        _WRITE_ENTRIES,
        {
            "ats": [entry.at for entry in entries],
            "workspace_ids": [entry.workspace_id for entry in entries],
            "installation_ids": [entry.installation_id for entry in entries],
            "connection_ids": [entry.connection_id for entry in entries],
            "backlog_ids": [entry.backlog_id for entry in entries],
            "run_nos": [entry.run_no for entry in entries],
            "events": [entry.event for entry in entries],
            "whos": [entry.who for entry in entries],
            "details": [_json(entry.detail) for entry in entries],
        },
    )


async def write_stories(db: AsyncConnection, stories: Sequence[RunStory]) -> None:
    """Append the stories of finished runs."""
    if not stories:
        return
    await db.execute(_WRITE_RUNS, _run_columns(stories))
    await write(db, [entry for story in stories for entry in story.entries])
    with_inputs = [story for story in stories if story.inputs != "[]"]
    if with_inputs:
        columns = _key_columns(with_inputs)
        await db.execute(_WRITE_INPUTS, {**columns, "inputs": [s.inputs for s in with_inputs]})
    names = [(s.backlog_id, name.casefold(), s.workspace_id) for s in stories for name in s.names]
    if names:
        await db.execute(
            _WRITE_NAMES,
            {
                "backlog_ids": [name[0] for name in sorted(names)],
                "names": [name[1] for name in sorted(names)],
                "workspace_ids": [name[2] for name in sorted(names)],
            },
        )


def _key_columns(stories: Sequence[RunStory]) -> dict[str, Any]:
    return {
        "started_ats": [story.started_at for story in stories],
        "backlog_ids": [story.backlog_id for story in stories],
        "run_nos": [story.run_no for story in stories],
        "attempts": [story.attempt for story in stories],
        "workspace_ids": [story.workspace_id for story in stories],
    }


def _run_columns(stories: Sequence[RunStory]) -> dict[str, Any]:
    return _key_columns(stories) | {
        "installation_ids": [story.installation_id for story in stories],
        "flows": [story.flow for story in stories],
        "records": [story.record for story in stories],
        "lanes": [story.lane for story in stories],
        "triggers": [_json(story.trigger) for story in stories],
        "ended_ats": [story.ended_at for story in stories],
        "outcomes": [story.outcome for story in stories],
        "reasons": [story.reason for story in stories],
        "trace_ids": [story.trace_id for story in stories],
        "configuration_versions": [story.configuration_version for story in stories],
        # an array of arrays must be rectangular, so each list travels as text
        "call_ids": [",".join(map(str, story.call_ids)) for story in stories],
        "tokens": [story.tokens for story in stories],
    }


def _json(value: object) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()
