"""Making record links of what matched or was decided, a page at a time (P-17)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.audit import trail
from ml_connector.sync import links
from ml_connector.sync.first_match import Listed
from ml_connector.sync.flow import Found
from ml_connector.sync.installations import Installation
from ml_connector.sync.links import LinkKey, RecordLink

_EXAMPLES = 5


@dataclass(slots=True)
class Confirmed:
    """What a confirmation has done."""

    looked_at: int = 0
    linked: int = 0
    repointed: int = 0
    """Linked to another record before; a person said so."""
    as_they_were: int = 0
    """Linked already."""
    refused: int = 0
    """Whose target belongs to another record by now."""
    refusals: list[str] = field(default_factory=list)
    """Why, of the first of them."""
    woken: int = 0
    """Held records that run now."""

    def add(self, other: Confirmed) -> None:
        """Add what was done on one page."""
        self.looked_at += other.looked_at
        self.linked += other.linked
        self.repointed += other.repointed
        self.as_they_were += other.as_they_were
        self.refused += other.refused
        self.refusals += other.refusals[: _EXAMPLES - len(self.refusals)]


# One look into the index for each target, whatever the planner knows of the table. Whose own
# decision leads elsewhere has it no longer: two crossed links can be put right at once.
_OWNERS = text(
    """
    SELECT k.kind, k.target_key, r.source_key
    FROM unnest(CAST(:kinds AS text[]), CAST(:target_keys AS text[])) AS k (kind, target_key)
    CROSS JOIN LATERAL (
        SELECT source_key FROM record_link r
        WHERE r.target_key = k.target_key AND r.installation_id = :installation_id
          AND r.kind = k.kind AND NOT EXISTS (
              SELECT FROM first_match m
              WHERE m.installation_id = r.installation_id AND m.flow = :flow
                AND m.source_key = r.source_key AND m.link = r.kind
                AND m.decision NOT IN ('new', 'skip', k.target_key))
        ORDER BY r.source_key
    ) r
    """
)


@dataclass(frozen=True, slots=True)
class _Wish:
    """One record with the counterpart that it is to get."""

    row: Listed
    key: LinkKey
    target: Found


async def link_page(
    db: AsyncConnection, installation: Installation, page: Sequence[Listed], *, flow: str,
    who: str, now: datetime,
) -> Confirmed:  # fmt: skip
    """Link what a page of the list says, unless the target belongs to another record.

    Only a person's decision changes a link that is there.
    """
    done = Confirmed(looked_at=len(page))
    wishes = [
        _Wish(row, _key_of(installation, row), target)
        for row in page
        if (target := row.target) is not None
    ]
    if not wishes:
        return done
    present = await links.read(db, [wish.key for wish in wishes])
    owners = await _owners(db, installation.id, flow, wishes)
    new: list[RecordLink] = []
    entries: list[trail.Entry] = []
    for wish in wishes:
        link = present.get(wish.key.as_tuple())
        if link is not None and (link.target_key == wish.target.key or wish.row.decision is None):
            done.as_they_were += 1
            continue
        others = owners.setdefault((wish.row.link, wish.target.key), [])
        if others and not wish.row.may_share:
            done.refused += 1
            done.refusals += [_taken(wish, others[0])][: _EXAMPLES - len(done.refusals)]
            continue
        others.append(wish.row.source_key)
        entries.append(_entry(installation, wish, link, who=who, now=now))
        if link is None:
            done.linked += 1
            new.append(_link(wish))
        else:
            done.repointed += 1
            await links.repoint(
                db, wish.key, target_key=wish.target.key, name=wish.target.name, now=now
            )
    if new:
        await links.write(db, new, now=now)
    await trail.write(db, entries)
    return done


async def _owners(
    db: AsyncConnection, installation_id: int, flow: str, wishes: Sequence[_Wish]
) -> dict[tuple[str, str], list[str]]:
    """Return whose counterparts the targets are already."""
    targets = sorted({(wish.row.link, wish.target.key) for wish in wishes})
    rows = await db.execute(
        _OWNERS,
        {
            "installation_id": installation_id,
            "flow": flow,
            "kinds": [kind for kind, _ in targets],
            "target_keys": [key for _, key in targets],
        },
    )
    owners: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        owners.setdefault((row.kind, row.target_key), []).append(row.source_key)
    return owners


def _key_of(installation: Installation, row: Listed) -> LinkKey:
    return LinkKey(installation_id=installation.id, kind=row.link, source_key=row.source_key)


def _link(wish: _Wish) -> RecordLink:
    return RecordLink(
        key=wish.key,
        target_key=wish.target.key,
        target_name=wish.target.name,
        target_url=wish.target.url,
        origin="found" if wish.row.decision is None else "chosen",
    )


def _taken(wish: _Wish, owner: str) -> str:
    return (
        f"{wish.row.source_key} ({wish.row.source_name}): {wish.target.key} belongs to {owner} "
        "already; merge the two, choose another, or let them share it"
    )


def _entry(
    installation: Installation, wish: _Wish, before: RecordLink | None, *, who: str, now: datetime
) -> trail.Entry:
    row = wish.row
    decided = f"decided by {row.decided_by}" if row.decision is not None else row.because
    return trail.Entry(
        at=now,
        workspace_id=installation.workspace_id,
        event="counterpart_found" if before is None else "link_repointed",
        who=who,
        installation_id=installation.id,
        detail={
            "kind": row.link,
            "record": row.source_key,
            "record_name": row.source_name,
            "before": before.target_key if before is not None else None,
            "key": wish.target.key,
            "name": wish.target.name,
            "because": decided,
        },
    )
