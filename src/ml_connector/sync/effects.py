"""Effects: each intended write has one row, and one run at a time may act on it.

The row is the serialisation point. Whoever holds it may send; an intent that was committed
may have reached the vendor; and nobody searches or sends again before the last call of the
earlier holder can no longer leave (``sent_before``) and the vendor's search would show it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.sync.rows import StartedRun
from ml_connector.sync.states import EffectState

# How far a call that was allowed at its deadline may still be on its way to the wire.
SENDING_MARGIN = timedelta(seconds=2)

# After a restore, an effect that this database does not know may have been sent all the same;
# until then a create counts as one after a lost answer. Longer than any vendor's search lags.
IN_DOUBT = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectKey:
    """What there is one effect of."""

    installation_id: int
    kind: str
    source_key: str
    occurrence: int = 1

    def as_tuple(self) -> tuple[int, str, str, int]:
        """Return the key as the database has it."""
        return self.installation_id, self.kind, self.source_key, self.occurrence

    def __str__(self) -> str:
        return f"{self.kind} {self.source_key} #{self.occurrence}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A run's wish to act on an effect."""

    key: EffectKey
    run: StartedRun
    reference: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An effect as it is, and whether the claiming run may act on it."""

    effect_id: int
    is_ours: bool
    state: EffectState
    sendings: int
    settles_in: timedelta
    """How long until no earlier call can leave any more; negative once that is past."""
    result: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A call that is about to be sent."""

    effect_id: int
    run: StartedRun
    deadline: timedelta
    """From now, on the sender's monotonic clock; the margin is added in the database."""
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectOutcome:
    """What became of a sent call, or of a search that found its record."""

    effect_id: int
    run: StartedRun
    state: EffectState
    now: datetime
    result: Mapping[str, Any] | None = None
    second_look_at: datetime | None = None


_CLAIM = text(
    """
    WITH c AS (
        SELECT * FROM unnest(
            CAST(:workspace_ids AS bigint[]), CAST(:installation_ids AS bigint[]),
            CAST(:kinds AS text[]), CAST(:source_keys AS text[]), CAST(:occurrences AS int[]),
            CAST(:backlog_ids AS bigint[]), CAST(:run_nos AS bigint[]),
            CAST(:attempts AS int[]), CAST(:refs AS text[]), CAST(:idempotency_keys AS text[]),
            CAST(:nows AS timestamptz[])
        ) AS c (workspace_id, installation_id, kind, source_key, occurrence, backlog_id, run_no,
                attempt, reference, idempotency_key, now)
    )
    INSERT INTO effect AS e
        (workspace_id, installation_id, kind, source_key, occurrence, state, sent_before, sendings,
         backlog_id, run_no, attempt, reference, idempotency_key, created_at, updated_at)
    SELECT workspace_id, installation_id, kind, source_key, occurrence,
           CASE WHEN lost.until IS NULL THEN 'claimed' ELSE 'unknown' END, lost.until,
           CASE WHEN lost.until IS NULL THEN 0 ELSE 1 END,
           backlog_id, run_no, attempt, reference, idempotency_key, now, now
    FROM c, (SELECT max(raised_at) AS until FROM epoch
             WHERE raised_at > clock_timestamp() - CAST(:in_doubt AS interval)) AS lost
    ON CONFLICT (installation_id, kind, source_key, occurrence) DO UPDATE SET
        backlog_id = excluded.backlog_id, run_no = excluded.run_no, attempt = excluded.attempt,
        updated_at = excluded.updated_at
    -- an effect belongs to a run: it may be taken over when that run is no longer current
    WHERE e.state <> 'done' AND (
        e.backlog_id = excluded.backlog_id
        OR NOT EXISTS (
            SELECT FROM backlog b
            WHERE b.id = e.backlog_id AND b.run_no = e.run_no AND b.attempt = e.attempt
              AND b.state = 'running'))
    """
)

_LOOK = text(
    """
    SELECT e.id, e.installation_id, e.kind, e.source_key, e.occurrence, e.state, e.backlog_id,
           e.run_no, e.attempt, e.sendings, e.result,
           e.sent_before - clock_timestamp() AS settles_in
    FROM unnest(
        CAST(:installation_ids AS bigint[]), CAST(:kinds AS text[]),
        CAST(:source_keys AS text[]), CAST(:occurrences AS int[])
    ) AS c (installation_id, kind, source_key, occurrence)
    -- by the index even where the plan was made when the table was empty
    CROSS JOIN LATERAL (
        SELECT * FROM effect f
        WHERE f.installation_id = c.installation_id AND f.kind = c.kind
          AND f.source_key = c.source_key AND f.occurrence = c.occurrence
        LIMIT 1
    ) e
    """
).columns(result=JSONB)

_INTEND = text(
    """
    WITH i AS (
        SELECT * FROM unnest(
            CAST(:ids AS bigint[]), CAST(:backlog_ids AS bigint[]), CAST(:run_nos AS bigint[]),
            CAST(:attempts AS int[]), CAST(:deadlines AS interval[]),
            CAST(:nows AS timestamptz[])
        ) AS i (id, backlog_id, run_no, attempt, deadline, now)
    ), locked AS (
        SELECT e.id FROM effect e JOIN i USING (id) ORDER BY e.id FOR UPDATE OF e
    )
    UPDATE effect e SET
        state = 'intended', sendings = e.sendings + 1, updated_at = i.now,
        sent_before = clock_timestamp() + i.deadline + CAST(:margin AS interval)
    FROM i JOIN locked USING (id)
    WHERE e.id = i.id AND e.backlog_id = i.backlog_id AND e.run_no = i.run_no
      AND e.attempt = i.attempt AND e.state <> 'done'
      AND EXISTS (SELECT FROM backlog b WHERE b.id = i.backlog_id AND b.run_no = i.run_no
                  AND b.attempt = i.attempt AND b.state = 'running' AND NOT b.is_cancel_wished)
    RETURNING e.id
    """
)

_CONCLUDE = text(
    """
    WITH o AS (
        SELECT * FROM unnest(
            CAST(:ids AS bigint[]), CAST(:backlog_ids AS bigint[]), CAST(:run_nos AS bigint[]),
            CAST(:attempts AS int[]), CAST(:states AS text[]), CAST(:results AS jsonb[]),
            CAST(:second_looks AS timestamptz[]), CAST(:nows AS timestamptz[])
        ) AS o (id, backlog_id, run_no, attempt, state, result, second_look_at, now)
    ), before AS (
        SELECT e.id, e.state, e.result FROM effect e JOIN o USING (id)
        ORDER BY e.id FOR UPDATE OF e
    ), changed AS (
        UPDATE effect e SET
            state = o.state, result = COALESCE(o.result, e.result), updated_at = o.now,
            second_look_at = o.second_look_at
        FROM o JOIN before USING (id)
        -- a success is true whoever holds the effect by now; 'refused' and 'unknown' are not,
        -- for the present holder may have a call of its own under way
        WHERE e.id = o.id AND before.state <> 'done'
          AND (o.state = 'done' OR (e.backlog_id = o.backlog_id AND e.run_no = o.run_no
                                    AND e.attempt = o.attempt))
    )
    SELECT id, state, result FROM before
    """
).columns(result=JSONB)


async def claim(db: AsyncConnection, claims: Sequence[Claim]) -> Sequence[Held]:
    """Take each effect for its run if nobody else holds it; say how each stands."""
    # of several claims on one effect in this group the first wins; the others see it held
    first = {item.key.as_tuple(): item for item in reversed(claims)}
    columns = _claim_columns([first[key] for key in sorted(first)])
    await db.execute(_CLAIM, {**columns, "in_doubt": IN_DOUBT})
    rows = await db.execute(
        _LOOK,
        {
            "installation_ids": [item.key.installation_id for item in claims],
            "kinds": [item.key.kind for item in claims],
            "source_keys": [item.key.source_key for item in claims],
            "occurrences": [item.key.occurrence for item in claims],
        },
    )
    found = {(row.installation_id, row.kind, row.source_key, row.occurrence): row for row in rows}
    return [_held(found[item.key.as_tuple()], item.run) for item in claims]


async def intend(db: AsyncConnection, intents: Sequence[Intent]) -> Sequence[bool]:
    """Commit to sending; False where the run no longer holds the effect and must not send."""
    rows = await db.execute(
        _INTEND,
        {
            "ids": [item.effect_id for item in intents],
            "backlog_ids": [item.run.backlog_id for item in intents],
            "run_nos": [item.run.run_no for item in intents],
            "attempts": [item.run.attempt for item in intents],
            "deadlines": [item.deadline for item in intents],
            "nows": [item.now for item in intents],
            "margin": SENDING_MARGIN,
        },
    )
    allowed = {row.id for row in rows}
    return [item.effect_id in allowed for item in intents]


async def conclude(
    db: AsyncConnection, outcomes: Sequence[EffectOutcome]
) -> Sequence[Mapping[str, Any] | None]:
    """Record outcomes; return, for each, the result it already had if it was done before.

    A success that comes after another was recorded may be a twin, and the caller reports it.
    """
    rows = await db.execute(
        _CONCLUDE,
        {
            "ids": [item.effect_id for item in outcomes],
            "backlog_ids": [item.run.backlog_id for item in outcomes],
            "run_nos": [item.run.run_no for item in outcomes],
            "attempts": [item.run.attempt for item in outcomes],
            "states": [item.state.value for item in outcomes],
            "results": [
                None if item.result is None else msgspec.json.encode(item.result).decode()
                for item in outcomes
            ],
            "second_looks": [item.second_look_at for item in outcomes],
            "nows": [item.now for item in outcomes],
        },
    )
    done = {row.id: row.result or {} for row in rows if row.state == EffectState.DONE.value}
    return [done.get(item.effect_id) for item in outcomes]


def _claim_columns(claims: Sequence[Claim]) -> dict[str, Any]:
    return {
        "workspace_ids": [item.run.workspace_id for item in claims],
        "installation_ids": [item.key.installation_id for item in claims],
        "kinds": [item.key.kind for item in claims],
        "source_keys": [item.key.source_key for item in claims],
        "occurrences": [item.key.occurrence for item in claims],
        "backlog_ids": [item.run.backlog_id for item in claims],
        "run_nos": [item.run.run_no for item in claims],
        "attempts": [item.run.attempt for item in claims],
        "refs": [item.reference for item in claims],
        "idempotency_keys": [
            f"mlc-{item.key.installation_id}-{item.key.kind}-{item.key.source_key}"
            f"-{item.key.occurrence}"
            for item in claims
        ],
        "nows": [item.now for item in claims],
    }


def _held(row: Any, run: StartedRun) -> Held:
    return Held(
        effect_id=row.id,
        is_ours=(row.backlog_id, row.run_no, row.attempt)
        == (run.backlog_id, run.run_no, run.attempt),
        state=EffectState(row.state),
        sendings=row.sendings,
        settles_in=row.settles_in or timedelta(),
        result=row.result,
    )
