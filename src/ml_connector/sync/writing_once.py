"""Writing once: a record is created unless it is there, however often and wherever this runs.

Link, claim, wait until earlier calls show, find, intend, call, conclude. An intent that was
committed may have reached the vendor, so from then on only a search that finds nothing allows
another call (`effects.py` says who may act when).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ml_connector.core.crash import crash_point
from ml_connector.core.errors import (
    AuthenticationError,
    ConnectorError,
    ContractError,
    DuplicateRecordError,
    HeldError,
    OutcomeUnknownError,
)
from ml_connector.core.permits import writing
from ml_connector.jobs.dispositions import BusyError
from ml_connector.sync.effects import Claim, EffectKey, EffectOutcome, Held, Intent
from ml_connector.sync.engine import Conclusion
from ml_connector.sync.flow import EffectKind, Found
from ml_connector.sync.links import LinkKey, RecordLink
from ml_connector.sync.plan import Plan, PlannedWrite
from ml_connector.sync.states import EffectState
from ml_connector.sync.values import plain

if TYPE_CHECKING:
    from ml_connector.sync.context import RunContext

SECOND_LOOK_TIMES = 10  # times the vendor's known search lag
SECOND_LOOK_AT_LEAST = timedelta(minutes=1)
_WAIT_FOR_ANOTHER_RUN = 3.0  # seconds; a create by another run rarely takes longer
_WAIT_IN_PLACE = timedelta(seconds=1)  # a longer wait gives the run's place to others
_COME_BACK = timedelta(seconds=1)


class FencedOffError(Exception):
    """Another attempt has taken this run over; whatever this one still does is dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The counterpart of a record, after it was written once."""

    key: str
    name: str | None
    url: str | None
    how: str
    """linked, found, created or planned."""

    @property
    def is_new(self) -> bool:
        """Whether this run created it."""
        return self.how == "created"

    @classmethod
    def of(cls, record: Found, how: str) -> Written:
        """Return a record as it was found or made."""
        return cls(key=record.key, name=record.name, url=record.url, how=how)

    @classmethod
    def linked(cls, link: RecordLink) -> Written:
        """Return the record that a link leads to."""
        return cls(key=link.target_key, name=link.target_name, url=link.target_url, how="linked")


@dataclass(frozen=True, slots=True, kw_only=True)
class OneWrite:
    """One intended create of one run."""

    ctx: RunContext[Any]
    kind: EffectKind
    key: EffectKey
    link_key: LinkKey
    reference: str
    draft: Mapping[str, Any]
    create: Callable[[], Awaitable[Found]]
    remember: Mapping[str, Any] | None

    async def carry_out(self) -> Written:
        """Return the counterpart: linked, found, created, or planned in a dry run."""
        if (known := await self.ctx.engine.link(self.link_key)) is not None:
            return Written.linked(known)
        if self.ctx.plan is not None:
            return await self._planned(self.ctx.plan)
        crash_point("effect.before_claim")
        held = await self.ctx.engine.claim(
            Claim(key=self.key, run=self.ctx.run, reference=self.reference, now=self._now())
        )
        crash_point("effect.claimed")
        if not held.is_ours:
            return await self._other_runs()
        await self._until_earlier_calls_show(held)
        found = await self._find_one()
        if found is not None:
            return await self._conclude_found(held, found)
        return await self._send(held)

    async def _planned(self, plan: Plan) -> Written:
        found = await self.ctx.find_all(self.kind.name, self.reference)
        if len(found) > 1:
            raise HeldError(_several(self.kind.name, self.reference, found))
        if found:
            return Written.of(found[0], "found")
        plan.add(
            PlannedWrite(
                action="create",
                kind=self.kind.name,
                key=self.link_key.source_key,
                fields=plain(self.draft),
            )
        )
        return Written(key=f"(new {self.kind.name})", name=None, url=None, how="planned")

    async def _other_runs(self) -> Written:
        """Wait for the run that holds the effect, and go on with what it made."""
        link = await self.ctx.engine.wait_for_link(self.link_key, seconds=_WAIT_FOR_ANOTHER_RUN)
        if link is None:
            raise BusyError(f"another run is writing {self.key}", come_back_in=_COME_BACK)
        return Written.linked(link)

    async def _until_earlier_calls_show(self, held: Held) -> None:
        """Wait until an earlier call can leave no more and a search would show its record."""
        if held.state not in {EffectState.INTENDED, EffectState.UNKNOWN}:
            return
        wait = held.settles_in + self._search_lag()
        if wait > _WAIT_IN_PLACE:
            raise BusyError(
                f"an earlier {self.kind.name} may have been sent; looking for it in {wait}",
                come_back_in=wait,
            )
        await asyncio.sleep(max(wait.total_seconds(), 0))

    async def _find_one(self) -> Found | None:
        found = await self.ctx.find_all(self.kind.name, self.reference)
        crash_point("effect.searched")
        if len(found) > 1:
            keys = [item.key for item in found]
            self.ctx.note("several_found", kind=self.kind.name, reference=self.reference, keys=keys)
            raise HeldError(
                _several(self.kind.name, self.reference, found), waits_for=f"effect:{self.key}"
            )
        return found[0] if found else None

    async def _send(self, held: Held) -> Written:
        deadline = self.ctx.sides[self.kind.role].write_deadline
        # The permit is counted from before the intent, so that it ends before sent_before does.
        permit = self.ctx.permit(str(self.key), deadline)
        if not await self.ctx.engine.intend(
            Intent(effect_id=held.effect_id, run=self.ctx.run, deadline=deadline, now=self._now())
        ):
            raise FencedOffError
        crash_point("effect.intended")
        try:
            with writing(permit):
                made = await self.create()
        except DuplicateRecordError:
            return await self._duplicate(held)
        except (OutcomeUnknownError, ContractError) as exc:
            # An answer that cannot be read may still be the answer to a write that was done.
            await self._conclude(held, EffectState.UNKNOWN)
            self._note("outcome_unknown", error=exc.message)
            raise
        except ConnectorError as exc:
            await self._conclude(held, EffectState.REFUSED)
            if not isinstance(exc, AuthenticationError):
                self._note("refused", error=exc.message)
            raise
        crash_point("effect.sent")
        return await self._conclude_made(held, made)

    async def _conclude_made(self, held: Held, made: Found) -> Written:
        self.ctx.progress.writes += 1
        self._note("created", key=made.key, name=made.name, fields=plain(self.draft))
        before = await self._conclude(
            held,
            EffectState.DONE,
            found=made,
            link=self.ctx.new_link(self.link_key, made, "created", self.remember),
            second_look_at=self._second_look_at(held),
        )
        crash_point("effect.concluded")
        if before is not None and before.get("key") != made.key:
            # An earlier call's answer came after all, and it was another record's.
            self.ctx.report_twins(
                self.kind.name, self.reference, [str(before.get("key")), made.key]
            )
        return Written.of(made, "created")

    async def _conclude_found(self, held: Held, found: Found) -> Written:
        was_sent = held.sendings > 0
        self._note("found", key=found.key, name=found.name, after_lost_answer=was_sent)
        origin = "created" if was_sent else "found"
        await self._conclude(
            held,
            EffectState.DONE,
            found=found,
            link=self.ctx.new_link(self.link_key, found, origin, self.remember),
        )
        crash_point("effect.concluded")
        return Written.of(found, "found")

    async def _duplicate(self, held: Held) -> Written:
        """The vendor says that the record exists: find it and go on with it."""
        found = await self._find_one()
        if found is None:
            await self._conclude(held, EffectState.UNKNOWN)
            raise BusyError(
                f"the vendor says that {self.key} exists, but does not show it yet",
                come_back_in=max(self._search_lag(), _COME_BACK),
            )
        return await self._conclude_found(held, found)

    async def _conclude(
        self,
        held: Held,
        state: EffectState,
        *,
        found: Found | None = None,
        link: RecordLink | None = None,
        second_look_at: datetime | None = None,
    ) -> Mapping[str, Any] | None:
        """Record what became of the effect; return the result that stood there before, if any."""
        result = None
        if found is not None:
            result = {"key": found.key, "name": found.name, "url": found.url}
        outcome = EffectOutcome(
            effect_id=held.effect_id,
            run=self.ctx.run,
            state=state,
            now=self._now(),
            result=result,
            second_look_at=second_look_at,
        )
        return await self.ctx.engine.conclude(Conclusion(outcome, link))

    def _second_look_at(self, held: Held) -> datetime | None:
        """After a create that followed a lost answer, look for a twin once more, later."""
        if held.sendings == 0:
            return None
        return self._now() + max(SECOND_LOOK_TIMES * self._search_lag(), SECOND_LOOK_AT_LEAST)

    def _search_lag(self) -> timedelta:
        return self.ctx.sides[self.kind.role].search_lag

    def _note(self, what: str, **detail: Any) -> None:
        self.ctx.note(f"{self.key.kind}_{what}", reference=self.reference, **detail)

    def _now(self) -> datetime:
        return self.ctx.clock.now()


def _several(kind: str, reference: str, found: Sequence[Found]) -> str:
    shown = ", ".join(item.name or item.key for item in found)
    return (
        f"{len(found)} records carry the reference {reference} of this {kind}: {shown}; "
        f"remove the reference from all but the right one, then replay"
    )
