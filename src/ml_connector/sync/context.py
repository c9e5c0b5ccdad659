"""What a flow works with during one run: both clients, links, writing once, the story.

Every create goes through `write_once` and every change through `write_fields`. A dry run
hands out the same context with a plan: nothing is claimed, sent or stored.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, Literal, TypeVar

from ml_connector.audit.trail import Entry
from ml_connector.core.clock import Clock
from ml_connector.core.crash import crash_point
from ml_connector.core.errors import HeldError
from ml_connector.core.permits import WritePermit, writing
from ml_connector.notifications.notices import Notice
from ml_connector.sync import links
from ml_connector.sync.brake import BrakeRules, Counting
from ml_connector.sync.effects import EffectKey
from ml_connector.sync.engine import Conclusion, Engine
from ml_connector.sync.first_match import DecisionKey
from ml_connector.sync.flow import Found, Integration, Role
from ml_connector.sync.installations import Installation
from ml_connector.sync.links import LinkKey, RecordLink
from ml_connector.sync.plan import Plan, PlannedWrite
from ml_connector.sync.progress import RunProgress
from ml_connector.sync.rows import StartedRun, Wanted
from ml_connector.sync.values import plain, same
from ml_connector.sync.writing_once import OneWrite, Written

SettingsT = TypeVar("SettingsT")

OnConflict = Literal["hold", "keep", "overwrite"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of the pair, as a run sees it."""

    client: Any
    connection_id: int
    search_lag: timedelta
    write_deadline: timedelta
    """How long one write may take, from its intent to its answer."""


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
        switch = self.installation.flows.get(self.flow)
        return switch.go_live_at if switch is not None else None

    @property
    def flow(self) -> str:
        """The flow's name without its pair."""
        return self.run.flow.rpartition(".")[2]

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

    def want(self, flow: str, record: object, *, because: str) -> None:
        """Let another flow of this installation look at a record, once this run has ended well.

        It joins the backlog with the settlement or not at all. A flow that is switched off is
        not asked; the record's own rules (go-live, scope) are judged by its own run.
        """
        switch = self.installation.flows.get(flow)
        if switch is None or not switch.is_on:
            return
        other = self.integration.flow(flow)
        now = self.clock.now()
        self.progress.wanted.append(
            Wanted(
                workspace_id=self.run.workspace_id,
                owner=self.installation.owner,
                installation_id=self.installation.id,
                flow=self.integration.qualified(other),
                record=str(record),
                lane=self.run.lane,
                due_at=now + other.rest,
                wanted_at=now,
                trigger={
                    "by": "flow",
                    "flow": self.run.flow,
                    "record": self.run.record,
                    "run": self.run.run_no,
                    "because": because,
                },
                spacing=other.spacing,
            )
        )

    def end_cause(self, cause: str) -> None:
        """Let the records that are held for ``cause`` run again, once this run has ended well."""
        self.progress.ended_causes.append(cause)

    def end_causes_of(self, kind: str, key: object) -> None:
        """Let what is held for a record of either side look again, once this run has ended well.

        So it is with every record that no flow starts from (`interest.py`); a flow that takes
        up its changes does it itself.
        """
        for name in self.integration.causes.get(kind, (kind,)):
            self.end_cause(f"{name}:{key}")

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
        return await self.engine.link(self.link_key(kind, source_key, occurrence))

    def turn(self, kind: str, source_key: object) -> AbstractAsyncContextManager[bool]:
        """Yield True to the first run of this process that seeks a counterpart.

        The others wait for it, and then get False. It saves calls; what keeps a record from
        being made twice is `write_once`.
        """
        return self.engine.turn(self.link_key(kind, source_key))

    async def links_from(self, kind: str, source_key: object) -> list[RecordLink]:
        """Return a record's links of one kind, in the order of their occurrence."""
        async with self.engine.database.transaction() as db:
            return await links.of_source(
                db, installation_id=self.installation.id, kind=kind, source_key=str(source_key)
            )

    async def linked(self, kind: str) -> list[str]:
        """Return every record that has a link of a kind."""
        async with self.engine.database.transaction() as db:
            return await links.sources(db, installation_id=self.installation.id, kind=kind)

    async def links_to(self, kind: str, target_key: str) -> list[RecordLink]:
        """Return the links of one kind that lead to a record of the other side."""
        async with self.engine.database.transaction() as db:
            return await links.of_target(
                db, installation_id=self.installation.id, kind=kind, target_key=target_key
            )

    async def decided(self, key: object, *, flow: str | None = None) -> str | None:
        """Return what a person decided of a record in the first match of this flow, or another.

        ``new``: none of the candidates, make a counterpart. ``skip``: leave it alone. Otherwise
        the key of the counterpart. None: nobody has said anything.
        """
        return await self.engine.decision(
            DecisionKey(
                installation_id=self.installation.id, flow=flow or self.flow, source_key=str(key)
            )
        )

    async def count_change(
        self,
        kind: str,
        rules: BrakeRules,
        *,
        record: object | None = None,
        name: str | None = None,
    ) -> None:
        """Count a record that is about to be changed or inactivated (P-21); ``write_fields`` does.

        ``kind`` is the kind of its record link, ``record`` what counts once: this run's record
        without it. Raises HeldError when more would be changed within the hour than may be.
        """
        if self.plan is None:
            await self.engine.count(
                Counting(
                    run=self.run,
                    installation_id=self.installation.id,
                    kind=kind,
                    record=self.run.record if record is None else str(record),
                    name=name,
                    rules=rules,
                    now=self.clock.now(),
                )
            )

    async def adopt(self, kind: str, source_key: object, found: Found, *, because: str) -> Written:
        """Link a record that was found on the other side without creating anything."""
        self.note("counterpart_found", kind=kind, key=found.key, name=found.name, because=because)
        if self.plan is None:
            link = self.new_link(self.link_key(kind, source_key, 1), found, "found")
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

    async def hand_on(
        self, link: RecordLink, source_key: object, *, because: str, occurrence: int | None = None
    ) -> None:
        """Let another record of this side lead to a link's counterpart too.

        So it is when two records become one: what was written, and who made the counterpart,
        stays known. The link that there was stays, and with it the record can be found.
        ``occurrence`` is the one that it gets, unless it keeps its own.
        """
        self.note("link_handed_on", kind=link.key.kind, before=link.key.source_key,
                  now=str(source_key), key=link.target_key, because=because)  # fmt: skip
        if self.plan is None:
            found = Found(key=link.target_key, name=link.target_name, url=link.target_url)
            key = self.link_key(link.key.kind, source_key, occurrence or link.key.occurrence)
            kept = self.new_link(key, found, link.origin, link.written)
            await self.engine.conclude(Conclusion(None, kept))

    async def remember(self, link: RecordLink, state: Mapping[str, Any]) -> None:
        """Keep something with a link, for later runs to compare with."""
        if self.plan is None:
            found = Found(key=link.target_key, name=link.target_name, url=link.target_url)
            kept = self.new_link(link.key, found, link.origin, plain(state))
            await self.engine.conclude(Conclusion(None, kept))

    def remember_at_end(
        self,
        kind: str,
        source_key: object,
        found: Found,
        state: Mapping[str, Any],
        *,
        occurrence: int = 1,
    ) -> None:
        """Keep a link and what was seen of the record, once this run has ended well.

        It is stored with the settlement or not at all, as what the run wants of other flows is:
        so these never learn of a change and miss it, whatever happens in between.
        """
        key = self.link_key(kind, source_key, occurrence)
        self.progress.links.append(self.new_link(key, found, "found", plain(state)))

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
        link_key = self.link_key(link, source_key, occurrence)
        write = OneWrite(
            ctx=self,
            kind=self.integration.effect(kind),
            key=EffectKey(
                installation_id=self.installation.id,
                kind=kind,
                source_key=str(source_key),
                occurrence=occurrence,
            ),
            link_key=link_key,
            reference=reference,
            draft=draft,
            create=create,
            remember=remember,
        )
        return await write.carry_out()

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
        brake: BrakeRules | None = None,
    ) -> Mapping[str, Any]:
        """Change fields of a linked record so that they become ``wanted``; return what changed.

        No difference, no call. A field that differs from what we last wrote was changed by
        somebody else: ``on_conflict`` holds the record with both sides, keeps their value, or
        puts ours back (for fields that are the connector's own). ``apply`` only sets values, so
        that repeating it does no harm.

        ``read_again`` is for a record that several runs share: where another run has written
        what this one wants, ``present`` may only be older than that, and is read once more.

        ``brake`` bounds how many records of the link's kind the flow may change within an hour
        (P-21). Raises HeldError past that.
        """
        if read_again is not None and any(
            not same(present.get(name), value) and same(link.written.get(f"{what}.{name}"), value)
            for name, value in wanted.items()
        ):
            present = await read_again()
        changes = {
            name: value for name, value in wanted.items() if not same(present.get(name), value)
        }
        changed = _end_of(link, what)
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
                        key=changed,
                        fields=plain(changes),
                        before=plain({name: present.get(name) for name in changes}),
                    )
                )
            return changes
        if changes:
            if brake is not None:
                await self.count_change(
                    link.key.kind, brake, record=link.target_key, name=link.target_name
                )
            crash_point("fields.before_call")
            permit = self.permit(f"{what} {changed}", self.sides[side].write_deadline)
            with writing(permit):
                await apply(changes)
            crash_point("fields.sent")
            self.progress.writes += 1
            self.note(
                "fields_written",
                what=what,
                key=changed,
                fields=plain(changes),
                before=plain({name: present.get(name) for name in changes}),
            )
        if changes or any(
            name not in link.written or not same(link.written[name], value)
            for name, value in written.items()
        ):
            updated = self.new_link(
                link.key,
                Found(key=link.target_key, name=link.target_name, url=link.target_url),
                link.origin,
                written,
            )
            await self.engine.conclude(Conclusion(None, updated))
        return changes

    def permit(self, purpose: str, deadline: timedelta) -> WritePermit:
        """Return leave to send one write, from now on for as long as ``deadline``."""
        return WritePermit(
            not_after=self.clock.monotonic() + deadline.total_seconds(), purpose=purpose
        )

    def link_key(self, kind: str, source_key: object, occurrence: int = 1) -> LinkKey:
        """Return the key of a record's counterpart."""
        return LinkKey(
            installation_id=self.installation.id,
            kind=kind,
            source_key=str(source_key),
            occurrence=occurrence,
        )

    def new_link(
        self,
        key: LinkKey,
        found: Found,
        origin: Any,
        written: Mapping[str, Any] | None = None,
    ) -> RecordLink:
        """Return a link to store, and let the record be found by its counterpart's names."""
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


def _end_of(link: RecordLink, what: str) -> str:
    """Return the key of the one of two linked records that is a ``what``."""
    source, _, _ = link.key.kind.partition(":")
    return link.key.source_key if what == source else link.target_key


def _conflict(
    what: str, present: Mapping[str, Any], changes: Mapping[str, Any], fields: Sequence[str]
) -> str:
    sides = "; ".join(
        f"{name} is {plain(present.get(name))!r} there and {plain(changes[name])!r} here"
        for name in fields
    )
    return f"{what} was changed by somebody since we wrote it: {sides}; keep one, then replay"
