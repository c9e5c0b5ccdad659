"""The first match's list: which records both sides had before, and what a person says of each.

A survey puts every record of the flow's scope on the list; a later one brings it up to date and
keeps the decisions. Rows that the last finished survey did not see are not on the list any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.sync.flow import Found, Match, MatchVerdict

NEW = "new"
"""A person's word: none of them; a counterpart is to be made."""
SKIP = "skip"
"""A person's word: leave this record alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListKey:
    """One flow's list in one installation."""

    installation_id: int
    flow: str
    """Without its pair."""

    def values(self) -> dict[str, Any]:
        """Return the key as statements take it."""
        return {"installation_id": self.installation_id, "flow": self.flow}

    @property
    def cause(self) -> str:
        """What records wait for until the list is confirmed."""
        return f"first_match:{self.flow}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionKey:
    """One record of a list."""

    installation_id: int
    flow: str
    source_key: str

    def as_tuple(self) -> tuple[int, str, str]:
        """Return the key as the database has it."""
        return self.installation_id, self.flow, self.source_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One source record as it stands on the list."""

    id: int
    source_key: str
    source_name: str
    verdict: MatchVerdict
    candidates: tuple[Found, ...]
    because: str
    link: str
    may_share: bool
    decision: str | None
    decided_name: str | None
    decided_by: str | None
    decided_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether a person has yet to say something: until then its flow holds it."""
        return self.decision is None and self.verdict in {"proposed", "ambiguous"}

    @property
    def target(self) -> Found | None:
        """The counterpart that it has, or gets when the list is confirmed."""
        if self.decision in {NEW, SKIP}:
            return None
        if self.decision is not None:
            return Found(key=self.decision, name=self.decided_name)
        return self.candidates[0] if self.verdict in {"linked", "matched"} else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """How a list stands."""

    surveyed_at: datetime | None
    """When the last survey ended; None: none has yet."""
    matched_at: datetime | None
    confirmed_by: str | None
    verdicts: dict[str, int]
    decided: int
    open: int
    """Proposed or ambiguous, and nobody has said anything."""

    @property
    def records(self) -> int:
        """Return how many records are on the list."""
        return sum(self.verdicts.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What a person says of one record; no decision takes back what was said before."""

    source_key: str
    decision: str | None
    name: str | None = None
    may_share: bool = False


_BEGIN = text(
    """
    INSERT INTO first_match_list AS l (installation_id, flow, begun)
    VALUES (:installation_id, :flow, 1)
    ON CONFLICT (installation_id, flow) DO UPDATE SET begun = l.begun + 1
    RETURNING begun
    """
)

_STORE = text(
    """
    INSERT INTO first_match AS f
        (installation_id, flow, survey, source_key, source_name, verdict, candidates, because,
         link, may_share)
    SELECT :installation_id, :flow, :survey, u.*
    FROM unnest(
        CAST(:source_keys AS text[]), CAST(:source_names AS text[]), CAST(:verdicts AS text[]),
        CAST(:candidates AS jsonb[]), CAST(:becauses AS text[]), CAST(:links AS text[]),
        CAST(:may_shares AS boolean[])) AS u
    ON CONFLICT (installation_id, flow, source_key) DO UPDATE SET
        survey = GREATEST(f.survey, excluded.survey), source_name = excluded.source_name,
        verdict = excluded.verdict, candidates = excluded.candidates, because = excluded.because,
        link = excluded.link,
        may_share = excluded.may_share OR (f.decision IS NOT NULL AND f.may_share)
    """
)

_FINISH = text(
    """
    UPDATE first_match_list SET finished = GREATEST(finished, :survey), surveyed_at = :now
    WHERE installation_id = :installation_id AND flow = :flow
    """
)

_FORGET_GONE = text(
    """
    DELETE FROM first_match m USING first_match_list l
    WHERE m.installation_id = :installation_id AND m.flow = :flow AND m.decision IS NULL
      AND l.installation_id = m.installation_id AND l.flow = m.flow AND m.survey < l.finished
    """
)

# Of two that match one target, the first has it; a link that there is comes before both.
_TELL_TAKEN = text(
    """
    WITH claim AS (
        SELECT m.id, m.source_key, m.source_name, m.link, m.verdict, m.decision,
               COALESCE(m.decision, m.candidates -> 0 ->> 'key') AS target
        FROM first_match m JOIN first_match_list l USING (installation_id, flow)
        WHERE m.installation_id = :installation_id AND m.flow = :flow AND m.survey >= l.finished
          AND COALESCE(m.decision NOT IN ('new', 'skip'), m.verdict IN ('linked', 'matched'))
    ), first AS (
        SELECT DISTINCT ON (link, target) id, link, target, source_key, source_name
        FROM claim
        ORDER BY link, target, verdict <> 'linked', decision IS NULL, id
    ), taken AS (
        SELECT c.id, COALESCE(r.source_key, f.source_key) AS by_key,
               CASE WHEN r.source_key IS NULL THEN f.source_name END AS by_name
        FROM claim c JOIN first f ON f.link = c.link AND f.target = c.target
        LEFT JOIN LATERAL (
            SELECT source_key FROM record_link r
            WHERE r.target_key = c.target AND r.installation_id = :installation_id
              AND r.kind = c.link AND r.source_key <> c.source_key
            ORDER BY r.source_key LIMIT 1
        ) r ON true
        WHERE c.verdict = 'matched' AND c.decision IS NULL
          AND (r.source_key IS NOT NULL OR f.id <> c.id)
    )
    UPDATE first_match m SET verdict = 'ambiguous',
        because = m.because || '; but ' || t.by_key || COALESCE(' (' || t.by_name || ')', '')
                  || ' has it already: merge the two, choose another, or let them share it'
    FROM taken t WHERE m.id = t.id AND NOT m.may_share
    """
)

_SUMMARY = text(
    """
    SELECT l.surveyed_at, l.confirmed_by, s.matched_at,
           (SELECT jsonb_object_agg(verdict, records) FROM (
                SELECT verdict, count(*) AS records FROM first_match m
                WHERE m.installation_id = k.installation_id AND m.flow = k.flow
                  AND m.survey >= COALESCE(l.finished, 0) GROUP BY verdict) v) AS verdicts,
           count(m.id) FILTER (WHERE m.decision IS NOT NULL) AS decided,
           count(m.id) FILTER (WHERE m.decision IS NULL
                               AND m.verdict IN ('proposed', 'ambiguous')) AS open
    FROM (SELECT CAST(:installation_id AS bigint) AS installation_id,
                 CAST(:flow AS text) AS flow) k
    LEFT JOIN first_match_list l USING (installation_id, flow)
    LEFT JOIN installation_flow s USING (installation_id, flow)
    LEFT JOIN first_match m ON m.installation_id = k.installation_id AND m.flow = k.flow
                           AND m.survey >= COALESCE(l.finished, 0)
    GROUP BY k.installation_id, k.flow, l.finished, l.surveyed_at, l.confirmed_by, s.matched_at
    """
).columns(verdicts=JSONB)

_LISTED = text(
    """
    SELECT m.* FROM first_match m JOIN first_match_list l USING (installation_id, flow)
    WHERE m.installation_id = :installation_id AND m.flow = :flow AND m.survey >= l.finished
      AND m.id > :after AND (CAST(:verdict AS text) IS NULL OR m.verdict = :verdict)
    ORDER BY m.id LIMIT :limit
    """
).columns(candidates=JSONB)

_DECIDE = text(
    """
    UPDATE first_match m SET decision = d.decision, decided_name = d.name,
        may_share = d.may_share,
        decided_by = CASE WHEN d.decision IS NOT NULL THEN :who END,
        decided_at = CASE WHEN d.decision IS NOT NULL THEN CAST(:now AS timestamptz) END
    FROM unnest(
        CAST(:source_keys AS text[]), CAST(:decisions AS text[]), CAST(:names AS text[]),
        CAST(:may_shares AS boolean[])) AS d (source_key, decision, name, may_share)
    WHERE m.installation_id = :installation_id AND m.flow = :flow
      AND m.source_key = d.source_key
    """
)

_DECISIONS = text(
    """
    SELECT m.installation_id, m.flow, m.source_key, m.decision
    FROM unnest(CAST(:installation_ids AS bigint[]), CAST(:flows AS text[]),
                CAST(:source_keys AS text[])) AS k (installation_id, flow, source_key)
    -- by the index even where the plan was made when the table was empty
    CROSS JOIN LATERAL (
        SELECT * FROM first_match f
        WHERE f.installation_id = k.installation_id AND f.flow = k.flow
          AND f.source_key = k.source_key
        LIMIT 1
    ) m
    """
)


async def begin(db: AsyncConnection, key: ListKey) -> int:
    """Begin a survey; return its number."""
    number: int = (await db.execute(_BEGIN, key.values())).scalar_one()
    return number


async def store(
    db: AsyncConnection, key: ListKey, matches: Sequence[Match], *, survey: int
) -> None:
    """Put records on the list, or bring them up to date there; decisions stay."""
    latest = {match.source_key: match for match in matches}
    ordered = [latest[source] for source in sorted(latest)]
    await db.execute(
        _STORE,
        {
            **key.values(),
            "survey": survey,
            "source_keys": [match.source_key for match in ordered],
            "source_names": [match.source_name for match in ordered],
            "verdicts": [match.verdict for match in ordered],
            "candidates": [_candidates(match.candidates) for match in ordered],
            "becauses": [match.because for match in ordered],
            "links": [match.link for match in ordered],
            "may_shares": [match.may_share for match in ordered],
        },
    )


async def finish(db: AsyncConnection, key: ListKey, *, survey: int, now: datetime) -> None:
    """End a survey: what it did not see leaves the list, and no target is matched twice."""
    await db.execute(_FINISH, {**key.values(), "survey": survey, "now": now})
    await db.execute(_FORGET_GONE, key.values())
    await db.execute(_TELL_TAKEN, key.values())


async def summary(db: AsyncConnection, key: ListKey) -> Summary:
    """Return how a list stands."""
    row = (await db.execute(_SUMMARY, key.values())).one()
    return Summary(
        surveyed_at=row.surveyed_at,
        matched_at=row.matched_at,
        confirmed_by=row.confirmed_by,
        verdicts={name: int(records) for name, records in (row.verdicts or {}).items()},
        decided=row.decided,
        open=row.open,
    )


async def listed(
    db: AsyncConnection,
    key: ListKey,
    *,
    after: int = 0,
    verdict: MatchVerdict | None = None,
    limit: int,
) -> list[Listed]:
    """Return records of the list, in the order in which they were first seen."""
    values = {**key.values(), "after": after, "verdict": verdict, "limit": limit}
    return [_listed(row) for row in await db.execute(_LISTED, values)]


async def decide(
    db: AsyncConnection, key: ListKey, decided: Sequence[Decided], *, who: str, now: datetime
) -> None:
    """Keep what a person says of records."""
    await db.execute(
        _DECIDE,
        {
            **key.values(),
            "source_keys": [each.source_key for each in decided],
            "decisions": [each.decision for each in decided],
            "names": [each.name for each in decided],
            "may_shares": [each.may_share for each in decided],
            "who": who,
            "now": now,
        },
    )


async def decisions(db: AsyncConnection, keys: Sequence[DecisionKey]) -> Sequence[str | None]:
    """Return what was decided of each record: ``new``, ``skip``, a target's key, or nothing."""
    rows = await db.execute(
        _DECISIONS,
        {
            "installation_ids": [key.installation_id for key in keys],
            "flows": [key.flow for key in keys],
            "source_keys": [key.source_key for key in keys],
        },
    )
    found = {(row.installation_id, row.flow, row.source_key): row.decision for row in rows}
    return [found.get(key.as_tuple()) for key in keys]


def _candidates(candidates: Sequence[Found]) -> str:
    return msgspec.json.encode(
        [{"key": one.key, "name": one.name, "url": one.url} for one in candidates]
    ).decode()


def _listed(row: Any) -> Listed:
    return Listed(
        id=row.id,
        source_key=row.source_key,
        source_name=row.source_name,
        verdict=row.verdict,
        candidates=tuple(Found(**each) for each in row.candidates),
        because=row.because,
        link=row.link,
        may_share=row.may_share,
        decision=row.decision,
        decided_name=row.decided_name,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
    )
