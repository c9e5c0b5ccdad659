"""What waits for a person and why, as the product tells it, grouped by the cause."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from ml_connector.app.demo.deployment import Deployment
from ml_connector.app.demo.play import Fate, FatedDeal
from ml_connector.app.demo.report import Findings, Held


async def held_deals(
    deployment: Deployment,
    flow: str,
    deals: Sequence[FatedDeal],
    ids: Mapping[str, int],
    findings: Findings,
) -> Sequence[Held]:
    """Return what is held; notes as wrong what should be held and is not, or the reverse."""
    rows = await deployment.rows(
        "SELECT record, state, reason FROM backlog WHERE flow LIKE :flow AND state <> 'done'",
        flow=f"%.{flow}",
    )
    waiting = {int(row.record): row for row in rows}
    groups: dict[str, list[Any]] = defaultdict(list)
    for deal in deals:
        row = waiting.get(ids[deal.ref])
        _compare(deal, row, findings)
        if row is not None:
            groups[deal.case.words].append(row)
    return [
        Held(cause=cause, deals=len(several), example=several[0].reason or several[0].state)
        for cause, several in sorted(groups.items(), key=lambda item: -len(item[1]))
    ]


def _compare(deal: FatedDeal, row: Any | None, findings: Findings) -> None:
    name = f"{deal.ref} ({deal.case.words})"
    if deal.case.fate is Fate.HELD and row is None:
        findings.wrong.append(f"{name} waits for nobody, though a person must decide")
    elif deal.case.fate is not Fate.HELD and row is not None:
        findings.wrong.append(f"{name} is {row.state}: {row.reason}")
    elif row is not None and row.state != "held":
        findings.wrong.append(f"{name} is {row.state}, not held: {row.reason}")
