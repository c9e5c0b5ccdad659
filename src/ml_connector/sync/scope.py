"""Which records are an installation's own, and since when.

Pure rules over a record as it was read. Each says nothing when it lets the record through, and
otherwise what stopped it and what would let it through.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, assert_never

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ml_connector.sync.mapping.compiling import MappingFault, MappingFaultsError
from ml_connector.sync.mapping.evaluation import Sources, read
from ml_connector.sync.mapping.fields import FieldCatalogue, did_you_mean, folded
from ml_connector.sync.mapping.model import Constant
from ml_connector.sync.mapping.ownership import is_blank
from ml_connector.sync.mapping.paths import PathError, Reference, resolve_path
from ml_connector.sync.mapping.values import key_of, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a record is not taken up."""

    rule: str
    """Which rule stopped it: ``go_live``, ``scope.pipelines``, ``made_by_another``."""
    words: str
    way_out: str
    """What would let it through."""

    def __str__(self) -> str:
        return f"{self.words}; {self.way_out}"


def before_go_live(
    moment: datetime | date | None, *, go_live_at: datetime | None, what: str
) -> Refusal | None:
    """Judge a record by its own moment (won, staged, documented), never by when it was edited.

    ``what`` names that moment: ``won``. A day counts as its end, so that what happened on the
    day of the go-live is not lost. A record without its moment cannot be judged and stays out.
    """
    if go_live_at is None:
        return None
    if moment is None:
        return Refusal(
            rule="go_live",
            words=f"it has no moment at which it was {what}",
            way_out=f"it is looked at again once it is {what}",
        )
    own = moment if isinstance(moment, datetime) else _end_of(moment)
    if own >= go_live_at:
        return None
    return Refusal(
        rule="go_live",
        words=f"it was {what} at {_moment(moment)}, before this flow went live at "
        f"{_moment(go_live_at)}",
        way_out="older records move in a backfill only",
    )


def made_by_another(
    made_by: str | None, *, installation: str, accepted: Iterable[str] = ()
) -> Refusal | None:
    """Leave alone what another installation made in the CRM, unless it was chosen."""
    if made_by is None or made_by == installation or made_by in set(accepted):
        return None
    return Refusal(
        rule="made_by_another",
        words=f"it was made by the installation {made_by}",
        way_out=f"add {made_by} to what {installation} takes from others",
    )


def _end_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 23, 59, 59, 999_999, tzinfo=UTC)


def _moment(moment: datetime | date) -> str:
    if isinstance(moment, datetime):
        return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return moment.isoformat()


# The configured scope -----------------------------------------------------------------------

Comparison = Literal[
    "is", "is_not", "any_of", "none_of", "at_least", "at_most", "contains", "is_set"
]


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) or value is None else (value,)


Names = Annotated[tuple[Constant, ...], BeforeValidator(_listed)]


class Condition(BaseModel):
    """One comparison of a field: ``{field: deal.Country, any_of: [NO, SE]}``."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    field: str = Field(description="A path, as in mappings.")
    is_: Constant | None = Field(default=None, alias="is")
    is_not: Constant | None = None
    any_of: Names | None = None
    none_of: Names | None = None
    at_least: Constant | None = None
    at_most: Constant | None = None
    contains: str | None = None
    is_set: bool | None = None

    @model_validator(mode="after")
    def _compares_once(self) -> Condition:
        if len(self._given()) != 1:
            raise ValueError(
                "give one comparison: is, is_not, any_of, none_of, at_least, at_most, contains or "
                "is_set"
            )
        return self

    @property
    def comparison(self) -> Comparison:
        """Which comparison it makes."""
        return self._given()[0]

    @property
    def operands(self) -> tuple[Any, ...]:
        """What the field is compared with."""
        value = getattr(self, "is_" if self.comparison == "is" else self.comparison)
        return value if isinstance(value, tuple) else (value,)

    def _given(self) -> list[Comparison]:
        values: Mapping[Comparison, Any] = {
            "is": self.is_,
            "is_not": self.is_not,
            "any_of": self.any_of,
            "none_of": self.none_of,
            "at_least": self.at_least,
            "at_most": self.at_most,
            "contains": self.contains,
            "is_set": self.is_set,
        }
        return [name for name, value in values.items() if value is not None]


class ScopeConfig(BaseModel):
    """Which records are the installation's own. Everything that is given must hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pipelines: Names = Field(default=(), description="By id or by name; none means all.")
    labels: Names = Field(default=(), description="At least one of them, by id or by name.")
    without_labels: Names = Field(default=(), description="None of them.")
    where: tuple[Condition, ...] = Field(default=(), description="Conditions on fields.")
    from_installations: tuple[str, ...] = Field(
        default=(), description="Installations whose own records are taken up too."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopePaths:
    """Where a pair's records have their pipeline and their labels."""

    pipeline: str = "deal.pipeline_id"
    labels: str = "deal.label_ids"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledCondition:
    """A comparison whose field and choices are known."""

    rule: str
    reference: Reference
    comparison: Comparison
    operands: tuple[Any, ...]
    """Choices by their ids, all else as configured."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A scope that fits the fields of the CRM."""

    conditions: tuple[CompiledCondition, ...] = ()
    from_installations: tuple[str, ...] = ()

    def refusal(self, sources: Sources) -> Refusal | None:
        """Return the first condition that does not hold, or None."""
        for condition in self.conditions:
            refused = _refused(condition, sources)
            if refused is not None:
                return refused
        return None


def compile_scope(
    config: ScopeConfig, *, sources: Mapping[str, FieldCatalogue], paths: ScopePaths | None = None
) -> Scope:
    """Resolve the names in a scope. Raises MappingFaultsError with all faults, by their places."""
    faults: list[MappingFault] = []
    where = paths or ScopePaths()
    wanted: list[tuple[str, str, Comparison, tuple[Any, ...]]] = [
        ("pipelines", where.pipeline, "any_of", config.pipelines),
        ("labels", where.labels, "any_of", config.labels),
        ("without_labels", where.labels, "none_of", config.without_labels),
    ]
    wanted = [each for each in wanted if each[3]]
    wanted += [
        (f"where.{number}", each.field, each.comparison, each.operands)
        for number, each in enumerate(config.where)
    ]
    conditions = [_condition(*each, sources=sources, faults=faults) for each in wanted]
    if faults:
        raise MappingFaultsError(faults)
    return Scope(
        conditions=tuple(each for each in conditions if each is not None),
        from_installations=config.from_installations,
    )


def _condition(
    place: str,
    path: str,
    comparison: Comparison,
    operands: tuple[Any, ...],
    *,
    sources: Mapping[str, FieldCatalogue],
    faults: list[MappingFault],
) -> CompiledCondition | None:
    at = ("scope", *place.split("."))
    try:
        reference = resolve_path(path, sources)
    except PathError as exc:
        faults.append(MappingFault(path=at, words=str(exc)))
        return None
    known: list[Any] = []
    for operand in operands:
        try:
            known.append(_operand(operand, reference, comparison))
        except ValueError as exc:
            faults.append(MappingFault(path=at, words=str(exc)))
    compared = f"{comparison.replace('_', ' ')} {shown(operands)}"
    if comparison == "is_set":
        compared = "is set" if operands[0] else "is not set"
    return CompiledCondition(
        rule=f"scope.{place}",
        reference=reference,
        comparison=comparison,
        operands=tuple(known),
        text=f"{reference.field.called} {compared}",
    )


def _operand(operand: Any, reference: Reference, comparison: Comparison) -> Any:
    """Return what a field is compared with: a choice by its id, an amount as a number."""
    if comparison in {"at_least", "at_most"}:
        return _ordered(operand)
    if comparison in {"contains", "is_set"}:
        return operand
    key, options = key_of(operand), reference.field.options
    if not options or key in options:
        return key
    named = [each for each, label in options.items() if folded(label) == folded(key)]
    if len(named) == 1:
        return named[0]
    if named:
        raise ValueError(f"{key!r} is the name of several: {', '.join(named)}; give the id")
    near = did_you_mean(key, options.values())
    raise ValueError(f"{key!r} is no choice of {reference.field.called}{near}")


# Judging a record ---------------------------------------------------------------------------


def _refused(condition: CompiledCondition, sources: Sources) -> Refusal | None:
    value = read(condition.reference, sources)
    if _holds(condition, value):
        return None
    has = _told(value, condition.reference) if not is_blank(value) else "empty"
    return Refusal(
        rule=condition.rule,
        words=f"its {condition.reference.field.called} is {has}",
        way_out=f"the scope asks for: {condition.text}",
    )


def _holds(condition: CompiledCondition, value: Any) -> bool:
    items = value if isinstance(value, tuple | list) else (value,)
    keys = {folded(key_of(item)) for item in items if not is_blank(item)}
    asked = {folded(str(operand)) for operand in condition.operands}
    match condition.comparison:
        case "is" | "any_of":
            return bool(keys & asked)
        case "is_not" | "none_of":
            return not keys & asked
        case "contains":
            return any(part in key for key in keys for part in asked)
        case "is_set":
            return bool(keys) is condition.operands[0]
        case "at_least" | "at_most":
            return _is_within(condition, value)
        case other:
            assert_never(other)


def _is_within(condition: CompiledCondition, value: Any) -> bool:
    """Compare amounts with amounts and days with days; what cannot be compared is not within."""
    limit: _Ordered = condition.operands[0]
    try:
        own = _ordered(value)
    except ValueError:
        return False
    if own.what != limit.what:
        return False
    is_least = condition.comparison == "at_least"
    return own.number >= limit.number if is_least else own.number <= limit.number


@dataclass(frozen=True, slots=True)
class _Ordered:
    """A value that has an order."""

    what: Literal["number", "day"]
    number: Decimal


def _ordered(value: Any) -> _Ordered:
    """Return a number or a day (of a moment, the one in UTC); raises ValueError for others."""
    if isinstance(value, Mapping):
        return _ordered(value.get("value"))
    if isinstance(value, datetime):
        value = value.astimezone(UTC).date()
    if isinstance(value, date):
        return _Ordered("day", Decimal(value.toordinal()))
    text = key_of(value)
    try:
        number = Decimal(text)
    except ArithmeticError:
        return _ordered(_day(text))
    if not number.is_finite():
        raise ValueError(f"{text!r} has no order")
    return _Ordered("number", number)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as exc:
        raise ValueError(f"{text!r} is neither a number nor a day (as 2026-10-31)") from exc


def _told(value: Any, reference: Reference) -> str:
    items: Sequence[Any] = value if isinstance(value, tuple | list) else (value,)
    keys = [key_of(item) for item in items]
    return ", ".join(reference.field.options.get(key, key) for key in keys)
