"""What a flow works with during one run: both clients, links, writing once, the story.

Every create goes through `write_once` and every change through `write_fields`. A dry run
hands out the same context with a plan: nothing is claimed, sent or stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Generic, Literal, TypeVar

import msgspec

from ml_connector.audit.trail import Entry
from ml_connector.core.clock import Clock
from ml_connector.core.crash import crash_point
from ml_connector.core.errors import (
    AuthenticationError,
    ConnectorError,
    ContractError,
    DuplicateRecordError,
    HeldError,
    OutcomeUnknownError,
)
from ml_connector.core.permits import WritePermit, writing
from ml_connector.jobs.dispositions import BusyError
from ml_connector.notifications.notices import Notice
from ml_connector.sync import links
from ml_connector.sync.effects import Claim, EffectKey, EffectOutcome, Held, Intent
from ml_connector.sync.engine import Conclusion, Engine
from ml_connector.sync.flow import EffectKind, Found, Integration, Role
from ml_connector.sync.installations import Installation
from ml_connector.sync.links import LinkKey, RecordLink
from ml_connector.sync.plan import Plan, PlannedWrite
from ml_connector.sync.progress import RunProgress
from ml_connector.sync.rows import StartedRun
from ml_connector.sync.states import EffectState

SettingsT = TypeVar("SettingsT")

OnConflict = Literal["hold", "keep", "overwrite"]

SECOND_LOOK_TIMES = 10  # times the vendor's known search lag
SECOND_LOOK_AT_LEAST = timedelta(minutes=1)
_WAIT_FOR_ANOTHER_RUN = 3.0  # seconds; a create by another run rarely takes longer
_WAIT_IN_PLACE = timedelta(seconds=1)  # a longer wait gives the run's place to others
_COME_BACK = timedelta(seconds=1)


class FencedOffError(Exception):
    """Another attempt has taken this run over; whatever this one still does is dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of the pair, as a run sees it."""

    client: Any
    connection_id: int
    search_lag: timedelta
    write_deadline: timedelta
    """How long one write may take, from its intent to its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The counterpart of a record, after `write_once`."""

    key: str
    name: str | None
    url: str | None
    how: str
    """linked, found, created or planned."""

    @property
    def is_new(self) -> bool:
        """Whether this run created it."""
        return self.how == "created"


class RunContext(Generic[SettingsT]):
    """The engine's half of a flow's context; a pair's context adds its two clients by name."""

    def __init__(
        self,
        *,
        run: StartedRun,
        installation: Installation,
        integration: Integration,
        settings: SettingsT,
        sides: Mapping[Role, Side],
        engine: Engine,
        progress: RunProgress,
        plan: Plan | None = None,
    ) -> None:
        self.run = run
        self.installation = installation
        self.integration = integration
        self.settings = settings
        self.sides = sides
        self.engine = engine
        self.progress = progress
        self.plan = plan

    @property
    def clock(self) -> Clock:
        """Business time."""
        return self.engine.clock

    @property
    def go_live_at(self) -> datetime | None:
        """Since when this flow takes records up: those whose own moment is older stay out."""
        switch = self.installation.flows.get(self.run.flow.rpartition(".")[2])
        return switch.go_live_at if switch is not None else None

    def note(self, event: str, **detail: Any) -> None:
        """Add a fact to the record's story."""
        self.progress.entries.append(self._entry(event, detail))

    def also_known_as(self, *names: object) -> None:
        """Let the record be found by these ids, numbers and names."""
        self.progress.names.update(str(name) for name in names if name not in {None, ""})

    def tell(self, kind: str, about: str, message: str) -> None:
        """Let people know, once for each ``about``, when the run settles."""
        self.progress.notices.append(
            Notice(
                workspace_id=self.run.workspace_id,
                installation_id=self.installation.id,
                kind=kind,
                cause=f"{self.run.owner}:{kind}:{about}",
                message=message,
                at=self.clock.now(),
                detail={"flow": self.run.flow, "record": self.run.record},
            )
        )

    def report_twins(self, kind: str, reference: str, keys: Sequence[str]) -> None:
        """Report that a record was made twice; nothing is deleted."""
        self.note("twins_found", kind=kind, reference=reference, keys=list(keys))
        self.tell(
            "twin",
            f"{kind}:{reference}",
            f"{kind} {reference} exists {len(keys)} times: {', '.join(keys)}; "
            "keep one and cancel the others",
        )

    async def find_all(self, kind: str, reference: str) -> Sequence[Found]:
        """Return every record on the other side that carries ``reference``."""
        found = await self.integration.effect(kind).find(self, reference)
        return list({item.key: item for item in found}.values())

    async def link(
        self, kind: str, source_key: object, *, occurrence: int = 1
    ) -> RecordLink | None:
        """Return the record's counterpart, if it is known."""
        return await self.engine.link(self._link_key(kind, source_key, occurrence))

    async def links_to(self, kind: str, target_key: str) -> list[RecordLink]:
        """Return the links of one kind that lead to a record of the other side."""
        async with self.engine.database.transaction() as db:
            return await links.of_target(
                db, installation_id=self.installation.id, kind=kind, target_key=target_key
            )

    async def adopt(self, kind: str, source_key: object, found: Found, *, because: str) -> Written:
        """Link a record that was found on the other side without creating anything."""
        self.note("counterpart_found", kind=kind, key=found.key, name=found.name, because=because)
        if self.plan is None:
            link = self._new_link(self._link_key(kind, source_key, 1), found, "found")
            await self.engine.conclude(Conclusion(None, link))
        return Written(key=found.key, name=found.name, url=found.url, how="found")

    async def repoint(self, link: RecordLink, found: Found, *, because: str) -> None:
        """Let a link lead to another record from now on: a person said so."""
        self.note("link_repointed", kind=link.key.kind, before=link.target_key, key=found.key,
                  name=found.name, because=because)  # fmt: skip
        if self.plan is None:
            async with self.engine.database.transaction() as db:
                await links.repoint(
                    db, link.key, target_key=found.key, name=found.name, now=self.clock.now()
                )

    async def remember(self, link: RecordLink, state: Mapping[str, Any]) -> None:
        """Keep something with a link, for later runs to compare with."""
        if self.plan is None:
            found = Found(key=link.target_key, name=link.target_name, url=link.target_url)
            kept = self._new_link(link.key, found, link.origin, plain(state))
            await self.engine.conclude(Conclusion(None, kept))

    async def write_once(
        self,
        kind: str,
        *,
        link: str,
        source_key: object,
        reference: str,
        draft: Mapping[str, Any],
        create: Callable[[], Awaitable[Found]],
        occurrence: int = 1,
        remember: Mapping[str, Any] | None = None,
    ) -> Written:
        """Create a record unless it is there already, however often and wherever this runs.

        ``kind`` names the effect, ``link`` the record link that it makes, ``reference`` what
        the created record carries so that a search finds it. ``draft`` is what would be
        written, for the plan and the trail; it holds no secret. ``remember`` is kept with the
        link, for later runs to compare with.

        Raises HeldError when several records carry the reference, BusyError when another run
        is at it, OutcomeUnknownError when the call's answer was lost.
        """
        link_key = self._link_key(link, source_key, occurrence)
        if (known := await self.engine.link(link_key)) is not None:
            return _written(known, "linked")
        effect_kind = self.integration.effect(kind)
        if self.plan is not None:
            return await self._planned(effect_kind, link_key, reference, draft, self.plan)
        key = EffectKey(
            installation_id=self.installation.id,
            kind=kind,
            source_key=str(source_key),
            occurrence=occurrence,
        )
        crash_point("effect.before_claim")
        held = await self.engine.claim(
            Claim(key=key, run=self.run, reference=reference, now=self.clock.now())
        )
        crash_point("effect.claimed")
        if not held.is_ours:
            return await self._other_runs(key, link_key)
        await self._until_earlier_calls_show(effect_kind, held)
        found = await self._find_one(effect_kind, reference, key)
        if found is not None:
            return await self._conclude_found(key, link_key, held, found, remember)
        return await self._create(
            kind=effect_kind,
            key=key,
            link_key=link_key,
            reference=reference,
            held=held,
            draft=draft,
            create=create,
            remember=remember,
        )

    async def write_fields(
        self,
        *,
        side: Role,
        link: RecordLink,
        what: str,
        present: Mapping[str, Any],
        wanted: Mapping[str, Any],
        apply: Callable[[Mapping[str, Any]], Awaitable[object]],
        on_conflict: OnConflict = "hold",
        read_again: Callable[[], Awaitable[Mapping[str, Any]]] | None = None,
    ) -> Mapping[str, Any]:
        """Change fields of a linked record so that they become ``wanted``; return what changed.

        No difference, no call. A field that differs from what we last wrote was changed by
        somebody else: ``on_conflict`` holds the record with both sides, keeps their value, or
        puts ours back (for fields that are the connector's own). ``apply`` only sets values, so
        that repeating it does no harm.

        ``read_again`` is for a record that several runs share: where another run has written
        what this one wants, ``present`` may only be older than that, and is read once more.
        """
        if read_again is not None and any(
            not same(present.get(name), value) and same(link.written.get(f"{what}.{name}"), value)
            for name, value in wanted.items()
        ):
            present = await read_again()
        changes = {
            name: value for name, value in wanted.items() if not same(present.get(name), value)
        }
        last = {
            name: link.written[key] for name in wanted if (key := f"{what}.{name}") in link.written
        }
        theirs = {
            name for name in changes if name in last and not same(present.get(name), last[name])
        }
        if theirs and on_conflict == "hold":
            raise HeldError(_conflict(what, present, changes, sorted(theirs)))
        if on_conflict == "keep":
            for name in theirs:
                self.note(
                    "change_of_others_kept", what=what, field=name, value=plain(present.get(name))
                )
                del changes[name]
        written = {
            f"{what}.{name}": plain(value)
            for name, value in wanted.items()
            if on_conflict == "overwrite" or name not in theirs
        }
        if self.plan is not None:
            if changes:
                self.plan.add(
                    PlannedWrite(
                        action="change",
                        kind=what,
                        key=link.target_key,
                        fields=plain(changes),
                        before=plain({name: present.get(name) for name in changes}),
                    )
                )
            return changes
        if changes:
            crash_point("fields.before_call")
            permit = self._permit(f"{what} {link.target_key}", self.sides[side].write_deadline)
            with writing(permit):
                await apply(changes)
            crash_point("fields.sent")
            self.progress.writes += 1
            self.note(
                "fields_written",
                what=what,
                key=link.target_key,
                fields=plain(changes),
                before=plain({name: present.get(name) for name in changes}),
            )
        if changes or any(
            name not in link.written or not same(link.written[name], value)
            for name, value in written.items()
        ):
            updated = self._new_link(
                link.key,
                Found(key=link.target_key, name=link.target_name, url=link.target_url),
                link.origin,
                written,
            )
            await self.engine.conclude(Conclusion(None, updated))
        return changes

    async def _planned(
        self,
        kind: EffectKind,
        link_key: LinkKey,
        reference: str,
        draft: Mapping[str, Any],
        plan: Plan,
    ) -> Written:
        found = await self.find_all(kind.name, reference)
        if len(found) == 1:
            return Written(key=found[0].key, name=found[0].name, url=found[0].url, how="found")
        if found:
            raise HeldError(_several(kind.name, reference, found))
        plan.add(
            PlannedWrite(
                action="create", kind=kind.name, key=link_key.source_key, fields=plain(draft)
            )
        )
        return Written(key=f"(new {kind.name})", name=None, url=None, how="planned")

    async def _other_runs(self, key: EffectKey, link_key: LinkKey) -> Written:
        """Wait for the run that holds the effect, and go on with what it made."""
        link = await self.engine.wait_for_link(link_key, seconds=_WAIT_FOR_ANOTHER_RUN)
        if link is None:
            raise BusyError(f"another run is writing {key}", come_back_in=_COME_BACK)
        return _written(link, "linked")

    async def _until_earlier_calls_show(self, kind: EffectKind, held: Held) -> None:
        """Wait until an earlier call can leave no more and a search would show its record."""
        if held.state not in {EffectState.INTENDED, EffectState.UNKNOWN}:
            return
        wait = held.settles_in + self.sides[kind.role].search_lag
        if wait > _WAIT_IN_PLACE:
            raise BusyError(
                f"an earlier {kind.name} may have been sent; looking for it in {wait}",
                come_back_in=wait,
            )
        await asyncio.sleep(max(wait.total_seconds(), 0))

    async def _find_one(self, kind: EffectKind, reference: str, key: EffectKey) -> Found | None:
        found = await self.find_all(kind.name, reference)
        crash_point("effect.searched")
        if len(found) > 1:
            self.note("several_found", kind=kind.name, reference=reference, keys=_keys(found))
            raise HeldError(_several(kind.name, reference, found), waits_for=f"effect:{key}")
        return found[0] if found else None

    async def _conclude_found(
        self,
        key: EffectKey,
        link_key: LinkKey,
        held: Held,
        found: Found,
        remember: Mapping[str, Any] | None,
    ) -> Written:
        was_sent = held.sendings > 0
        event = f"{key.kind}_found"
        self.note(event, key=found.key, name=found.name, after_lost_answer=was_sent)
        await self.engine.conclude(
            Conclusion(
                EffectOutcome(
                    effect_id=held.effect_id,
                    run=self.run,
                    state=EffectState.DONE,
                    now=self.clock.now(),
                    result=_result(found),
                ),
                self._new_link(link_key, found, "created" if was_sent else "found", remember),
            )
        )
        crash_point("effect.concluded")
        return Written(key=found.key, name=found.name, url=found.url, how="found")

    async def _create(
        self,
        *,
        kind: EffectKind,
        key: EffectKey,
        link_key: LinkKey,
        reference: str,
        held: Held,
        draft: Mapping[str, Any],
        create: Callable[[], Awaitable[Found]],
        remember: Mapping[str, Any] | None,
    ) -> Written:
        deadline = self.sides[kind.role].write_deadline
        # The permit is counted from before the intent, so that it ends before sent_before does.
        permit = self._permit(str(key), deadline)
        if not await self.engine.intend(
            Intent(effect_id=held.effect_id, run=self.run, deadline=deadline, now=self.clock.now())
        ):
            raise FencedOffError
        crash_point("effect.intended")
        try:
            with writing(permit):
                made = await create()
        except DuplicateRecordError:
            return await self._duplicate(
                kind=kind,
                key=key,
                link_key=link_key,
                reference=reference,
                held=held,
                remember=remember,
            )
        except (OutcomeUnknownError, ContractError) as exc:
            # An answer that cannot be read may still be the answer to a write that was done.
            await self._conclude_failed(held, EffectState.UNKNOWN)
            self.note(f"{key.kind}_outcome_unknown", reference=reference, error=exc.message)
            raise
        except ConnectorError as exc:
            await self._conclude_failed(held, EffectState.REFUSED)
            if not isinstance(exc, AuthenticationError):
                self.note(f"{key.kind}_refused", reference=reference, error=exc.message)
            raise
        crash_point("effect.sent")
        self.progress.writes += 1
        self.note(
            f"{key.kind}_created", key=made.key, name=made.name, reference=reference,
            fields=plain(draft),
        )  # fmt: skip
        before = await self.engine.conclude(
            Conclusion(
                EffectOutcome(
                    effect_id=held.effect_id,
                    run=self.run,
                    state=EffectState.DONE,
                    now=self.clock.now(),
                    result=_result(made),
                    second_look_at=self._second_look_at(kind, held),
                ),
                self._new_link(link_key, made, "created", remember),
            )
        )
        crash_point("effect.concluded")
        if before is not None and before.get("key") != made.key:
            self.report_twins(kind.name, reference, [str(before.get("key")), made.key])
        return Written(key=made.key, name=made.name, url=made.url, how="created")

    async def _duplicate(
        self,
        *,
        kind: EffectKind,
        key: EffectKey,
        link_key: LinkKey,
        reference: str,
        held: Held,
        remember: Mapping[str, Any] | None,
    ) -> Written:
        """The vendor says that the record exists: find it and go on with it."""
        found = await self._find_one(kind, reference, key)
        if found is None:
            await self._conclude_failed(held, EffectState.UNKNOWN)
            raise BusyError(
                f"the vendor says that {key} exists, but does not show it yet",
                come_back_in=max(self.sides[kind.role].search_lag, _COME_BACK),
            )
        return await self._conclude_found(key, link_key, held, found, remember)

    async def _conclude_failed(self, held: Held, state: EffectState) -> None:
        await self.engine.conclude(
            Conclusion(
                EffectOutcome(
                    effect_id=held.effect_id, run=self.run, state=state, now=self.clock.now()
                ),
                None,
            )
        )

    def _second_look_at(self, kind: EffectKind, held: Held) -> Any:
        """After a create that followed a lost answer, look for a twin once more, later."""
        if held.sendings == 0:
            return None
        lag = self.sides[kind.role].search_lag
        return self.clock.now() + max(SECOND_LOOK_TIMES * lag, SECOND_LOOK_AT_LEAST)

    def _permit(self, purpose: str, deadline: timedelta) -> WritePermit:
        return WritePermit(
            not_after=self.clock.monotonic() + deadline.total_seconds(), purpose=purpose
        )

    def _link_key(self, kind: str, source_key: object, occurrence: int) -> LinkKey:
        return LinkKey(
            installation_id=self.installation.id,
            kind=kind,
            source_key=str(source_key),
            occurrence=occurrence,
        )

    def _new_link(
        self,
        key: LinkKey,
        found: Found,
        origin: Any,
        written: Mapping[str, Any] | None = None,
    ) -> RecordLink:
        self.also_known_as(found.key, found.name)
        return RecordLink(
            key=key,
            target_key=found.key,
            target_name=found.name,
            target_url=found.url,
            written=written or {},
            origin=origin,
        )

    def _entry(self, event: str, detail: Mapping[str, Any]) -> Entry:
        return Entry(
            at=self.clock.now(),
            workspace_id=self.run.workspace_id,
            event=event,
            detail=plain(detail),
            installation_id=self.installation.id,
            backlog_id=self.run.backlog_id,
            run_no=self.run.run_no,
        )


def plain(value: Any) -> Any:
    """Return a value as JSON has it; amounts keep every digit, as text."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return msgspec.to_builtins(value, str_keys=True, enc_hook=str)


def same(left: Any, right: Any) -> bool:
    """Compare two field values by meaning: 5, 5.00 and "5.00" agree, and so do '' and nothing."""
    one, other = _canonical(left), _canonical(right)
    if isinstance(one, Decimal) != isinstance(other, Decimal):
        # an amount that was stored as text, beside one that was just read
        return bool(_as_decimal(one) == _as_decimal(other))
    return bool(one == other)


def _canonical(value: Any) -> Any:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value).normalize()
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, Mapping):
        return {name: _canonical(item) for name, item in value.items()} or None
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value] or None
    return value if value is None or isinstance(value, bool) else _canonical(plain(value))


def _as_decimal(value: Any) -> Any:
    try:
        return Decimal(value) if isinstance(value, str) else value
    except InvalidOperation:
        return value


def _written(link: RecordLink, how: str) -> Written:
    return Written(key=link.target_key, name=link.target_name, url=link.target_url, how=how)


def _result(found: Found) -> dict[str, Any]:
    return {"key": found.key, "name": found.name, "url": found.url}


def _keys(found: Sequence[Found]) -> list[str]:
    return [item.key for item in found]


def _several(kind: str, reference: str, found: Sequence[Found]) -> str:
    shown = ", ".join(item.name or item.key for item in found)
    return (
        f"{len(found)} records carry the reference {reference} of this {kind}: {shown}; "
        f"remove the reference from all but the right one, then replay"
    )


def _conflict(
    what: str, present: Mapping[str, Any], changes: Mapping[str, Any], fields: Sequence[str]
) -> str:
    sides = "; ".join(
        f"{name} is {plain(present.get(name))!r} there and {plain(changes[name])!r} here"
        for name in fields
    )
    return f"{what} was changed by somebody since we wrote it: {sides}; keep one, then replay"
