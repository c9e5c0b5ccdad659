"""Records asked for one at a time by several runs, fetched by few functions.

A value that names records (an ID, a reference, a batch) is gathered with others into one ``in``.
Names, which are compared without regard to case, are a function each; the gateway's requests
gather those (`gateway.py`).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from msgspec import structs

from ml_connector.transport.loaders import Loader
from ml_connector.vendors.sage_intacct import bodies, pages, queries, wire
from ml_connector.vendors.sage_intacct.characters import cleaned
from ml_connector.vendors.sage_intacct.definitions import Definitions
from ml_connector.vendors.sage_intacct.gateway import Gateway
from ml_connector.vendors.sage_intacct.models import (
    Customer,
    GLAccount,
    GLBatch,
    GLEntry,
    Record,
    Vendor,
)
from ml_connector.vendors.sage_intacct.queries import Condition, Query
from ml_connector.vendors.sage_intacct.wire import Row

R = TypeVar("R", bound=Record)

LARGEST = 200
"""Values gathered for one function; the gateway takes 1,000."""

_REQUIRES = "REQUIRE"
_LINE_FIELDS: Mapping[str, str] = {
    "REQUIREDEPT": "DEPARTMENT",
    "REQUIRELOC": "LOCATION",
}
"""Switches of an account whose name is not the dimension's."""
_DIMENSIONS = frozenset(
    {
        "LOCATION", "DEPARTMENT", "PROJECTID", "TASKID", "CUSTOMERID", "VENDORID", "EMPLOYEEID",
        "ITEMID", "CLASSID", "CONTRACTID", "WAREHOUSEID",
    }
)  # fmt: skip
_USER_DEFINED = "GLDIM"


class Readers:
    """The loaders of one gateway."""

    def __init__(self, gateway: Gateway, definitions: Definitions) -> None:
        self._gateway = gateway
        self._definitions = definitions
        self.vendors = self._one(Vendor)
        self.customers = self._one(Customer)
        self.gl_batches = self._one(GLBatch)
        self.accounts: Loader[str, GLAccount] = Loader(
            self._accounts_by_no, largest=LARGEST, what="Intacct's GLACCOUNT"
        )
        self.vendors_by_tax_id = self._several(Vendor, "TAXID", lambda one: one.tax_id)
        self.gl_batches_by_reference = self._several(
            GLBatch, "REFERENCENO", lambda one: one.reference_no
        )
        self.entries_by_batch: Loader[str, tuple[GLEntry, ...]] = Loader(
            self._entries, largest=LARGEST, what="Intacct's GLENTRY of"
        )
        self.vendors_by_name = self._by_name(Vendor)
        self.customers_by_name = self._by_name(Customer)

    async def matching(
        self, model: type[R], where: Condition | None, *, ignores_case: bool = False
    ) -> list[R]:
        """Return all records that fulfil a condition."""
        query = Query(
            object_name=model.OBJECT,
            select=wire.field_names(model),
            where=where,
            ignores_case=ignores_case,
        )
        return [self._read(model, row) async for row in pages.all_rows(self._gateway, query)]

    async def all_accounts(self, where: Condition | None = None) -> list[GLAccount]:
        """Return accounts, with the dimensions that each requires.

        Which switches for that there are depends on what the company has subscribed to and
        defined, and a query that names one too many is refused.
        """
        described = await self._definitions.fields(GLAccount.OBJECT)
        switches = [each.name for each in described if each.name.startswith(_REQUIRES)]
        query = Query(
            object_name=GLAccount.OBJECT,
            select=(*wire.field_names(GLAccount), *switches),
            where=where,
        )
        return [
            structs.replace(self._read(GLAccount, row), requires=_required(row, switches))
            async for row in pages.all_rows(self._gateway, query)
        ]

    async def _accounts_by_no(self, numbers: Sequence[str]) -> Mapping[str, GLAccount]:
        found = await self.all_accounts(queries.one_of(GLAccount.KEY, numbers))
        by_number = {_folded(one.account_no): one for one in found}
        return {each: by_number[_folded(each)] for each in numbers if _folded(each) in by_number}

    async def lines_inside(self, batch: GLBatch) -> tuple[GLEntry, ...]:
        """Return the lines of one entry as its own record has them: of a draft, that is all.

        Whether a query tells the lines of an entry that is not posted is not documented.
        """
        dimensions = await self._dimensions_of_lines()
        result = await self._gateway.ask(bodies.read(GLBatch.OBJECT, batch.record_no))
        lines = [
            self._line({"BATCHNO": str(batch.record_no), **row}, dimensions)
            for row in wire.inner_rows(result, "ENTRIES")
        ]
        return _in_order(lines)

    async def _entries(self, batches: Sequence[str]) -> Mapping[str, tuple[GLEntry, ...]]:
        dimensions = await self._dimensions_of_lines()
        query = Query(
            object_name=GLEntry.OBJECT,
            select=(*wire.field_names(GLEntry), *dimensions),
            where=queries.one_of("BATCHNO", batches),
        )
        lines: defaultdict[str, list[GLEntry]] = defaultdict(list)
        async for row in pages.all_rows(self._gateway, query):
            line = self._line(row, dimensions)
            lines[str(line.batch)].append(line)
        return {batch: _in_order(lines[batch]) for batch in batches}

    async def _dimensions_of_lines(self) -> list[str]:
        described = await self._definitions.fields(GLEntry.OBJECT)
        return [
            each.name
            for each in described
            if each.name in _DIMENSIONS or each.name.startswith(_USER_DEFINED)
        ]

    def _line(self, row: Row, dimensions: Sequence[str]) -> GLEntry:
        carried = {name: row[name] for name in dimensions if row.get(name)}
        return structs.replace(self._read(GLEntry, row), dimensions=carried)

    def _one(self, model: type[R]) -> Loader[str, R]:
        return Loader(_Single(self, model).fetch, largest=LARGEST, what=f"Intacct's {model.OBJECT}")

    def _several(
        self, model: type[R], name: str, value_of: Callable[[R], str | None]
    ) -> Loader[str, tuple[R, ...]]:
        return Loader(_Several(self, model, name, value_of).fetch, largest=LARGEST)

    def _by_name(self, model: type[R]) -> Loader[str, tuple[R, ...]]:
        return Loader(_Named(self, model).fetch, largest=LARGEST)

    def _read(self, model: type[R], row: Row) -> R:
        return wire.record(model, row, zone=self._gateway.settings.audit_zone)


class _Single(Generic[R]):
    """Fetches records by their keys."""

    def __init__(self, readers: Readers, model: type[R]) -> None:
        self._readers = readers
        self._model = model

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, R]:
        """Return what there is, by key; what is missing is left out."""
        where = queries.one_of(self._model.KEY, keys)
        found = {_folded(one.key): one for one in await self._readers.matching(self._model, where)}
        return {key: found[_folded(key)] for key in keys if _folded(key) in found}


class _Several(Generic[R]):
    """Fetches records by a field that several may share."""

    def __init__(
        self, readers: Readers, model: type[R], name: str, value_of: Callable[[R], str | None]
    ) -> None:
        self._readers = readers
        self._model = model
        self._name = name
        self._value_of = value_of

    async def fetch(self, values: Sequence[str]) -> Mapping[str, tuple[R, ...]]:
        """Return for each value all records that carry it: none, one or several."""
        found = await self._readers.matching(self._model, queries.one_of(self._name, values))
        by_value: defaultdict[str, list[R]] = defaultdict(list)
        for one in found:
            by_value[_folded(self._value_of(one) or "")].append(one)
        return {value: tuple(by_value[_folded(value)]) for value in values}


class _Named(Generic[R]):
    """Fetches records by their name, without regard to case."""

    def __init__(self, readers: Readers, model: type[R]) -> None:
        self._readers = readers
        self._model = model

    async def fetch(self, names: Sequence[str]) -> Mapping[str, tuple[R, ...]]:
        """Return for each name all records of it; the functions share their request."""
        found = await asyncio.gather(*(self._of(name) for name in names))
        return dict(zip(names, found, strict=True))

    async def _of(self, name: str) -> tuple[R, ...]:
        where = queries.compare("NAME", "equalto", name)
        return tuple(await self._readers.matching(self._model, where, ignores_case=True))


def _in_order(lines: Sequence[GLEntry]) -> tuple[GLEntry, ...]:
    return tuple(sorted(lines, key=lambda line: (line.line_no or 0, line.record_no)))


def _folded(text: str) -> str:
    # What the gateway found for a value is that value's, however it spells it: left out here, it
    # would be made once more.
    return cleaned(text, keeps_lines=False)[0].casefold()


def _required(row: Row, switches: Sequence[str]) -> frozenset[str]:
    return frozenset(_dimension(name) for name in switches if wire.truth(row.get(name)))


def _dimension(switch: str) -> str:
    """Return a dimension's name on a line by the name of its switch on an account."""
    name = switch.removeprefix(_REQUIRES)
    if name.startswith(_USER_DEFINED):
        return name
    return _LINE_FIELDS.get(switch, f"{name}ID")
