"""The words in which an integration is declared: flows, what starts them, kinds of effects."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic import BaseModel

from ml_connector.transport.vendor import Vendor

if TYPE_CHECKING:
    from ml_connector.sync.installations import Installation

Role = Literal["crm", "erp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What a record would bring to a backfill."""

    refusal: str | None = None
    """The first rule that keeps it out, if one does."""
    moment: datetime | None = None
    """The record's own moment, by which a backfill's range is judged."""
    amount: Decimal | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended well."""

    kind: Literal["written", "unchanged", "skipped", "planned"]
    reason: str
    """One sentence for the person who looks at the record."""
    look_again_at: datetime | None = None
    """When the record wants another run though no event may come: an invoice that falls due."""

    @classmethod
    def skipped(cls, reason: str, *, look_again_at: datetime | None = None) -> Outcome:
        """Nothing was to be done, for this reason."""
        return cls(kind="skipped", reason=reason, look_again_at=look_again_at)

    @classmethod
    def unchanged(cls, reason: str, *, look_again_at: datetime | None = None) -> Outcome:
        """Both sides agree already."""
        return cls(kind="unchanged", reason=reason, look_again_at=look_again_at)

    @classmethod
    def written(cls, reason: str, *, look_again_at: datetime | None = None) -> Outcome:
        """Something was created or changed."""
        return cls(kind="written", reason=reason, look_again_at=look_again_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A record on the side that is written to."""

    key: str
    name: str | None = None
    url: str | None = None


MatchVerdict = Literal["linked", "matched", "proposed", "ambiguous", "new"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What the first match says of one source record, before a person looks at it (P-17)."""

    source_key: str
    source_name: str
    verdict: MatchVerdict
    candidates: tuple[Found, ...] = ()
    """The counterpart of what is linked or matched; those to choose from otherwise."""
    because: str
    """One sentence: what agrees, or what has to be decided."""
    link: str
    """The kind of record link that it becomes once it is confirmed."""
    may_share: bool = False
    """Whether the settings let several source records have one counterpart."""

    def __post_init__(self) -> None:
        if self.verdict in {"linked", "matched"} and len(self.candidates) != 1:
            raise ValueError(
                f"{self.source_key} is {self.verdict} with {len(self.candidates)} candidates: "
                "one record has one counterpart"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What is known of a record before it is read: from a webhook or a page of a stream."""

    kind: str
    key: str
    changed_at: datetime | None
    moment: datetime | None
    is_deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OnStream:
    """Records seen in a stream of one side: by poll, and by webhook where the vendor pushes."""

    role: Role
    stream: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One direction of one kind of record."""

    name: str
    title: str
    record_kind: str
    """The kind of record whose key a run gets."""
    source: Role
    started_by: tuple[OnStream, ...]
    run: Callable[[str, Any], Awaitable[Outcome]]
    """``async (record key, the pair's context) -> Outcome``."""
    reads: tuple[str, ...] = ()
    """Further kinds of the source's records that a run reads: their events are asked for too, and
    wake what is held for one of them."""
    poll_every: timedelta = timedelta(minutes=10)
    """Default cadence of the safety net; the user may set another."""
    spacing: timedelta = timedelta(seconds=5)
    """A record that was just settled rests this long."""
    rest: timedelta = timedelta()
    """How long a record that another flow wants waits for more of the same: one run for all."""
    weigh: Callable[[str, Any], Awaitable[Worth]] | None = None
    """``async (record key, the pair's context) -> Worth``, for the dry run of a backfill; reads
    only. Without it a backfill counts records and names no sums."""
    first_match: Callable[[Any], AsyncIterator[Match]] | None = None
    """``(the pair's context) -> Match after Match``, one for each source record that the flow's
    scope takes; reads only. With it the flow writes nothing before a person has confirmed what
    belongs together (P-17)."""
    look_up: Callable[[str, Any], Awaitable[Found | None]] | None = None
    """``async (target key, the pair's context) -> the record of the other side``, for a person's
    decision that is none of the candidates; without it only candidates can be chosen."""
    needs: Mapping[Role, tuple[str, ...]] = field(default_factory=dict)
    """Rights a ping looks for, by side, in the vendor's words."""
    switched_with: str | None = None
    """The flow whose second step this is: it has no switch of its own and is on with that one."""


Finder = Callable[[Any, str], Awaitable[Sequence[Found]]]
"""``async (the pair's context, external reference)`` to every record that carries it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectKind:
    """One kind of record that flows create, and how one is found again by its reference."""

    name: str
    role: Role
    """The side it is created on."""
    find: Finder


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A list for people that a pair draws up from both sides; it reads only."""

    name: str
    title: str
    flow: str
    """The flow of the pair that it belongs to."""
    columns: tuple[str, ...]
    rows: Callable[[Any], AsyncIterator[Mapping[str, str]]]
    """``(the pair's context) -> row after row``, each by the columns' names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check of settings against both sides found, where it found no fault."""

    pins: Mapping[str, str] = field(default_factory=dict)
    """What the settings' names stand for, kept so that what is renamed later is still found."""
    notices: tuple[str, ...] = ()
    """What should be known though it stops nothing."""
    wakes: tuple[str, ...] = ("*",)
    """Causes of holds that the change of settings may have ended; ``mapping:*`` means all such."""


class Check(Protocol):
    """Checks settings against the fields that both sides have; reads only."""

    async def __call__(
        self,
        settings: Any,
        clients: Mapping[Role, Any],
        *,
        pins: Mapping[str, str],
        before: Any | None,
    ) -> Checked:
        """Return what was found; ``before`` are the settings up to now, if there are any.

        Raises MappingFaultsError that names every fault by its place in the settings.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """The code for one pair of vendors."""

    name: str
    title: str
    vendors: Mapping[Role, Vendor]
    settings: type[BaseModel]
    flows: tuple[Flow, ...]
    effects: tuple[EffectKind, ...]
    context: Callable[..., Any]
    """The pair's context class; built by the runner from a RunContext's parts."""
    causes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What holds call their cause, by the kind of record whose change may end it: a hold for
    ``item:PUMP-40`` ends with a stock item. The kind's own name where it is not among them."""
    provide_fields: Callable[[Any, Installation], Awaitable[Mapping[str, str]]] | None = None
    """``async (CRM client, installation) -> keys``: make the CRM fields that its flows write and
    that are not there yet; ``installation.own_fields`` are the keys of those that are."""
    check: Check | None = None
    """Checks an installation's settings when they are applied."""
    reports: tuple[Report, ...] = ()

    def flow(self, name: str) -> Flow:
        """Return the flow called ``name``, with or without the pair before it."""
        short = name.removeprefix(f"{self.name}.")
        for flow in self.flows:
            if flow.name == short:
                return flow
        raise KeyError(f"{self.name} has no flow {short!r}")

    def qualified(self, flow: Flow) -> str:
        """Return the flow's name as backlog rows and the run queue carry it."""
        return f"{self.name}.{flow.name}"

    def effect(self, name: str) -> EffectKind:
        """Return the kind of effect called ``name``."""
        for effect in self.effects:
            if effect.name == name:
                return effect
        raise KeyError(f"{self.name} has no kind of effect {name!r}")
