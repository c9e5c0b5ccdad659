"""The company: its records, its settings, and the one way in which records are saved."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from vendor_simulators.kit import SimClock
from vendor_simulators.sage_intacct.catalogue import DIMENSIONS, OBJECTS
from vendor_simulators.sage_intacct.definitions import Definition, Field, define
from vendor_simulators.sage_intacct.tables import Row, Table, Undo

_INDEXED: Mapping[str, tuple[str, ...]] = {
    "VENDOR": ("NAME", "TAXID"),
    "CUSTOMER": ("NAME", "TAXID"),
    "GLBATCH": ("REFERENCENO", "REVERSEDKEY"),
    "GLENTRY": ("BATCHNO",),
    "GLDETAIL": ("BATCHKEY",),
    "CHECKINGACCOUNT": ("GLACCOUNTNO",),
    "AUDITHISTORY": ("OBJECTKEY",),
}
_PREFIX = "GLDIM"


@dataclass(frozen=True)
class Actor:
    """Who does something, and where: an entity's id, or empty for the top level."""

    user: str
    entity: str = ""
    source: str = "api"


@dataclass(frozen=True)
class Dimension:
    """A dimension as journal lines carry it."""

    field: str  # on a line
    target: str  # the object
    switch: str  # of an account that requires it
    term: str  # as the company calls it
    is_user_defined: bool = False


@dataclass
class Ledger:
    """Settings of the general ledger."""

    base_currency: str = "USD"
    currencies: set[str] = field(default_factory=lambda: {"USD", "EUR", "GBP", "CAD", "JPY"})
    rates: dict[str, dict[str, Decimal]] = field(default_factory=dict)  # by type and currency
    closed_through: dict[str, date] = field(default_factory=dict)  # by entity, "" for the company
    inter_entity_account: str = "1900"


class Company:
    """One company's data."""

    def __init__(self, *, clock: SimClock, rng: random.Random, switches: dict[str, Any]) -> None:
        self.clock = clock
        self.rng = rng
        self.switches = switches
        self.ledger = Ledger()
        self.definitions: dict[str, Definition] = dict(OBJECTS)
        self.dimensions = [Dimension(*row) for row in DIMENSIONS]
        self._undo: list[Undo] = []
        self._sequences: Counter[str] = Counter()
        self.tables = {name: self._table(one) for name, one in self.definitions.items()}

    # Looking things up

    @property
    def zone(self) -> ZoneInfo:
        """The zone of moments in requests and answers."""
        return ZoneInfo(self.switches["company_zone"])

    def definition(self, name: str) -> Definition | None:
        """Return an object by its name in any case."""
        return self.definitions.get(name) or self.definitions.get(name.upper())

    def table(self, name: str) -> Table:
        """Return the table of an object."""
        return self.tables[name]

    def keyed(self, name: str, key: Any, actor: Actor | None = None) -> Row | None:
        """Return the row with a business key that ``actor`` can see; None: everybody's."""
        found = self.tables[name].where(self.definitions[name].key, key)
        seen = [row for row in found if actor is None or self.can_see(row, actor)]
        return seen[0] if seen else None

    def can_see(self, row: Row, actor: Actor, *, has_private: bool = False) -> bool:
        """Say whether a session sees a record: shared ones, and those of its own entity."""
        if not row.owner or row.owner == actor.entity:
            return True
        return not actor.entity and (has_private or self.switches["top_level_sees"] == "all")

    def seen(self, rows: list[Row], actor: Actor, *, has_private: bool = False) -> list[Row]:
        """Return what a read finds of ``rows``: without others' records and too fresh changes."""
        now = self.clock.monotonic()
        shown = [state for row in rows if (state := row.shown(now)) is not None]
        return [row for row in shown if self.can_see(row, actor, has_private=has_private)]

    def entity_of(self, location_id: str | None) -> str:
        """Return the entity that a location is, or lies below; empty for none."""
        seen: set[str] = set()
        while location_id and location_id not in seen:
            if self.tables["LOCATIONENTITY"].first("LOCATIONID", location_id) is not None:
                return location_id
            seen.add(location_id)
            row = self.tables["LOCATION"].first("LOCATIONID", location_id)
            location_id = None if row is None else row["PARENTID"]
        return ""

    def base_currency(self, entity: str) -> str:
        """Return the currency that counts in an entity, or in the company."""
        row = self.tables["LOCATIONENTITY"].first("LOCATIONID", entity) if entity else None
        return str((row and row["CURRENCY"]) or self.ledger.base_currency)

    def closed_through(self, entity: str) -> date | None:
        """Return the last day on which nothing can be posted any more."""
        days = [self.ledger.closed_through.get(name) for name in {"", entity}]
        return max((day for day in days if day is not None), default=None)

    def term(self, target: str) -> str:
        """Return what the company calls a dimension."""
        return next((one.term for one in self.dimensions if one.target == target), target.title())

    # Changing things

    def commit(self, row: Row, actor: Actor) -> Row:
        """Save a row with its audit columns; a new one gets a number and an owner."""
        table = self.tables[row.definition.name]
        number = row["RECORDNO"]
        prior = None if number is None else table.numbered(number)
        moment = self.clock.now().replace(microsecond=0)
        stamps: dict[str, Any] = {"WHENMODIFIED": moment, "MODIFIEDBY": actor.user}
        if prior is None:
            number = number or table.next_number()
            table.numbered_from(number)
            stamps |= {"RECORDNO": number, "WHENCREATED": row["WHENCREATED"] or moment}
            stamps["CREATEDBY"] = actor.user
            row = self._owned(row, actor)
        saved = row.changed(**{k: v for k, v in stamps.items() if k in row.definition.fields})
        self._delay(saved, prior)
        table.put(saved)
        self.audit(saved, actor, "C" if prior is None else "M")
        return saved

    def put(self, row: Row) -> Row:
        """Save a row as it is, without an audit trail."""
        table = self.tables[row.definition.name]
        if row["RECORDNO"] is None:
            row = row.changed(RECORDNO=table.next_number())
        self._delay(row, table.numbered(row.number))
        table.put(row)
        return row

    def remove(self, row: Row, actor: Actor) -> None:
        """Take a row out."""
        self.tables[row.definition.name].remove(row)
        self.audit(row, actor, "D")

    def audit(self, row: Row, actor: Actor, mode: str) -> None:
        """Write a line of the audit history."""
        definition = self.definitions["AUDITHISTORY"]
        if row.definition is definition:
            return
        values = {
            "OBJECTTYPE": row.definition.name.lower(),
            "OBJECTKEY": str(row.key),
            "USERID": actor.user,
            "ACCESSTIME": self.clock.now().replace(microsecond=0),
            "ACCESSMODE": mode,
            "SOURCE": actor.source,
        }
        self.put(Row(definition, {"RECORDNO": None, **values}))

    def next_in(self, sequence: str) -> int:
        """Return the next number of a sequence."""
        self._sequences[sequence] += 1
        return self._sequences[sequence]

    def secret(self, size: int) -> str:
        """Return a fresh random text."""
        signs = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
        return "".join(self.rng.choices(signs, k=size))

    # Undoing things

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo everything inside when it fails."""
        mark = self.mark()
        try:
            yield
        except BaseException:
            self.roll_back(mark)
            raise

    def mark(self) -> int:
        """Return a point to roll back to."""
        return len(self._undo)

    def roll_back(self, mark: int) -> None:
        """Undo everything since a mark."""
        while len(self._undo) > mark:
            self._undo.pop()()

    def log(self, undo: Undo) -> None:
        """Note how a change is undone."""
        self._undo.append(undo)

    def settle(self) -> None:
        """Forget how to undo; everything so far is there to stay."""
        self._undo.clear()

    # Fields and dimensions of the company's own

    def add_field(self, object_name: str, added: Field) -> None:
        """Add a custom field to an object."""
        old = self.definitions[object_name]
        self._redefine(old.with_field(added))

    def add_dimension(self, name: str, label: str) -> None:
        """Add a user-defined dimension: an object, and fields of accounts and lines."""
        definition = define(
            name,
            label,
            "id n, name t100 required, createdBy t80, updatedBy t80",
            key="id",
            policy=label,
        )
        self.definitions[name] = definition
        self.tables[name] = self._table(definition)
        field_name, switch = f"{_PREFIX}{name}", f"REQUIRE{_PREFIX}{name}"
        self.dimensions.append(Dimension(field_name, name, switch, label, is_user_defined=True))
        for target in ("GLENTRY", "GLDETAIL"):
            self.add_field(target, Field(field_name, "t", 20, is_custom=True))
        for target in ("GLACCOUNT", "STATACCOUNT"):
            self.add_field(target, Field(switch, "b", is_custom=True))

    def rename_dimensions(self, terms: Mapping[str, str]) -> None:
        """Call dimensions by the company's own terms, by object."""
        self.dimensions = [
            replace(one, term=terms.get(one.target, one.term)) for one in self.dimensions
        ]

    def _redefine(self, definition: Definition) -> None:
        self.definitions[definition.name] = definition
        for row in self.tables[definition.name]:
            row.definition = definition

    def _table(self, definition: Definition) -> Table:
        indexed = (definition.key, *_INDEXED.get(definition.name, ()))
        return Table(definition.name, indexed, self.log)

    def _owned(self, row: Row, actor: Actor) -> Row:
        if not actor.entity or row.definition.is_shared or row.owner:
            owner = row.owner
        else:
            owner = actor.entity
        entity = self.tables["LOCATIONENTITY"].first("LOCATIONID", owner) if owner else None
        names = {
            "MEGAENTITYID": owner or None,
            "MEGAENTITYKEY": entity and entity.number,
            "MEGAENTITYNAME": entity and entity["NAME"],
        }
        return Row(row.definition, {**row.values, **names}, owner=owner)

    def _delay(self, row: Row, prior: Row | None) -> None:
        lag = float(self.switches["visible_after_seconds"])
        if lag > 0:
            now = self.clock.monotonic()
            row.visible_at = now + lag
            row.prior = None if prior is None else prior.shown(now)
