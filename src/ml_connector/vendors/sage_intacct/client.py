"""Sage Intacct's operations that we use, in Intacct's words.

Records are named by their keys as record links carry them: vendors and customers by their ID,
journal entries by their record number. A read shares its request with others that ask at the
same moment. A create carries a control id by which the gateway refuses it the second time;
nothing here searches before it creates: that is the caller's writing-once primitive.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import TypeVar

from msgspec import UnsetType

from ml_connector.core.changes import ChangePage
from ml_connector.core.clock import Clock
from ml_connector.core.errors import NotFoundError
from ml_connector.core.logins import LoginStore
from ml_connector.transport.http import Transport
from ml_connector.transport.loaders import Loader
from ml_connector.transport.vendor import PingLine
from ml_connector.vendors.sage_intacct import pages, queries, streams, writing
from ml_connector.vendors.sage_intacct.definitions import Definitions
from ml_connector.vendors.sage_intacct.drafts import CustomerDraft, GLBatchDraft, VendorDraft
from ml_connector.vendors.sage_intacct.gateway import Doors, Gateway
from ml_connector.vendors.sage_intacct.models import (
    AccountLabel,
    CheckingAccount,
    Customer,
    Entity,
    GLAccount,
    GLBatch,
    GLBatchInFull,
    GLEntry,
    Journal,
    Location,
    Record,
    ReportingPeriod,
    SavingsAccount,
    Vendor,
)
from ml_connector.vendors.sage_intacct.ping import Ping
from ml_connector.vendors.sage_intacct.queries import Query
from ml_connector.vendors.sage_intacct.readers import Readers
from ml_connector.vendors.sage_intacct.settings import Settings
from ml_connector.vendors.sage_intacct.writing import Look, Written

R = TypeVar("R", bound=Record)


class Client:
    """One company, at its top level or in one of its entities."""

    def __init__(
        self,
        settings: Settings,
        *,
        transport: Transport,
        logins: LoginStore,
        clock: Clock,
        doors: Doors | None = None,
    ) -> None:
        self.settings = settings
        self._transport = transport
        self._logins = logins
        self._clock = clock
        self._doors = doors or Doors(settings, transport=transport, logins=logins, clock=clock)
        self._entities: dict[str | None, Client] = {settings.entity_id: self}
        self._gateway = Gateway(settings, doors=self._doors, clock=clock)
        self.definitions = Definitions(self._gateway, clock=clock)
        """What the company offers to map: fields, dimensions, books."""
        self._readers = Readers(self._gateway, self.definitions)

    def at(self, entity_id: str | None) -> Client:
        """Return the client of an entity, or of the top level; each has a session of its own."""
        client = self._entities.get(entity_id)
        if client is None:
            client = self._entities[entity_id] = Client(
                self.settings.model_copy(update={"entity_id": entity_id}),
                transport=self._transport,
                logins=self._logins,
                clock=self._clock,
                doors=self._doors,
            )
            client._entities = self._entities  # one family, whoever is asked
        return client

    # --- what the engine asks of every vendor ----------------------------------------------

    async def changes(self, stream: str, *, since: datetime, page: str | None) -> ChangePage:
        """Return one page of what changed at or after ``since``, in the order of record numbers.

        A pass repeats rows rather than missing any. Deletions are not told.
        """
        return await streams.changes(self._gateway, stream, since=since, page=page)

    async def ping(self, needs: Sequence[str]) -> list[PingLine]:
        """Probe address, certificate, login, company and each object in ``needs``."""
        return await Ping(self._gateway, self.definitions).lines(needs)

    async def log_out(self) -> None:
        """Drop the session; it takes no seat, and runs out at the gateway."""
        await self._gateway.log_out()

    # --- vendors ---------------------------------------------------------------------------

    async def vendor(self, vendor_id: str) -> Vendor:
        """Return a vendor with its contact.

        Raises NotFoundError when there is none.
        """
        return await self._readers.vendors.load(vendor_id)

    async def find_vendor(self, vendor_id: str) -> Vendor | None:
        """Return a vendor, or None when there is none."""
        return await self._readers.vendors.find(vendor_id)

    async def vendors_by_name(self, name: str) -> tuple[Vendor, ...]:
        """Return all vendors of a name; case does not count."""
        return await self._readers.vendors_by_name.load(name)

    async def vendors_by_tax_id(self, tax_id: str) -> tuple[Vendor, ...]:
        """Return all vendors with a tax number, spelled exactly so."""
        return await self._readers.vendors_by_tax_id.load(tax_id)

    async def vendors(self) -> AsyncIterator[Vendor]:
        """Yield all vendors."""
        for one in await self._readers.matching(Vendor, None):
            yield one

    async def create_vendor(self, draft: VendorDraft, *, control_id: str) -> Written:
        """Create a vendor, once for each control id.

        Raises DuplicateRecordError when a vendor of this ID is there already.
        """
        return await writing.create(
            self._gateway,
            draft,
            key="VENDORID",
            control_id=control_id,
            look=_look(self._readers.vendors, draft.vendor_id),
        )

    async def update_vendor(self, vendor_id: str, draft: VendorDraft) -> Written:
        """Change what ``draft`` sets."""
        return await writing.update(
            self._gateway, draft, key="VENDORID", value=vendor_id, answers_with="VENDORID"
        )

    # --- customers -------------------------------------------------------------------------

    async def customer(self, customer_id: str) -> Customer:
        """Return a customer with its contact.

        Raises NotFoundError when there is none.
        """
        return await self._readers.customers.load(customer_id)

    async def find_customer(self, customer_id: str) -> Customer | None:
        """Return a customer, or None when there is none."""
        return await self._readers.customers.find(customer_id)

    async def customers_by_name(self, name: str) -> tuple[Customer, ...]:
        """Return all customers of a name; case does not count."""
        return await self._readers.customers_by_name.load(name)

    async def create_customer(self, draft: CustomerDraft, *, control_id: str) -> Written:
        """Create a customer, once for each control id.

        Raises DuplicateRecordError when a customer of this ID is there already.
        """
        return await writing.create(
            self._gateway,
            draft,
            key="CUSTOMERID",
            control_id=control_id,
            look=_look(self._readers.customers, draft.customer_id),
        )

    async def update_customer(self, customer_id: str, draft: CustomerDraft) -> Written:
        """Change what ``draft`` sets."""
        return await writing.update(
            self._gateway, draft, key="CUSTOMERID", value=customer_id, answers_with="CUSTOMERID"
        )

    # --- journal entries -------------------------------------------------------------------

    async def gl_batch(self, record_no: str) -> GLBatch:
        """Return a journal entry without its lines, in whatever state it is.

        Raises NotFoundError when there is none.
        """
        return await self._readers.gl_batches.load(str(_number(record_no)))

    async def gl_entries(self, record_no: str) -> tuple[GLEntry, ...]:
        """Return the lines of a posted journal entry in their order.

        Those of a draft may be left out; `gl_batch_in_full` has them.
        """
        return await self._readers.entries_by_batch.load(str(_number(record_no)))

    async def gl_batch_in_full(self, record_no: str) -> GLBatchInFull:
        """Return a journal entry with its lines, in whatever state it is."""
        batch = await self.gl_batch(record_no)
        lines = await self.gl_entries(record_no) or await self._readers.lines_inside(batch)
        return GLBatchInFull(batch=batch, lines=lines)

    async def find_gl_batches(
        self, *, reference_no: str, journal: str | None = None
    ) -> tuple[GLBatch, ...]:
        """Return all journal entries that carry a reference, of one journal if named."""
        found = await self._readers.gl_batches_by_reference.load(reference_no)
        return tuple(one for one in found if journal is None or one.journal == journal)

    async def create_gl_batch(self, draft: GLBatchDraft, *, control_id: str) -> Written:
        """Post a journal entry, or keep it as a draft, once for each control id.

        What state it came to, only `gl_batch` tells: with approval on, ``Posted`` waits. Raises
        DuplicateRecordError when an entry with its reference is in its journal already.
        """
        draft.check()

        async def look() -> bool:
            if not draft.reference_no or not draft.journal:
                return False
            return bool(
                await self.find_gl_batches(reference_no=draft.reference_no, journal=draft.journal)
            )

        return await writing.create(
            self._gateway, draft, key="RECORDNO", control_id=control_id, look=look
        )

    async def update_gl_batch(self, record_no: str, draft: GLBatchDraft) -> Written:
        """Change a journal entry; lines are replaced as a whole, or stay where none are named."""
        if draft.entries:
            draft.check()
        return await writing.update(
            self._gateway, draft, key="RECORDNO", value=record_no, answers_with="RECORDNO"
        )

    async def delete_gl_batch(self, record_no: str) -> None:
        """Delete a journal entry that is not posted.

        Raises NotFoundError when it is not there (any more).
        """
        await writing.delete(self._gateway, GLBatch.OBJECT, _number(record_no))

    # --- what entries are posted to --------------------------------------------------------

    async def gl_account(self, account_no: str) -> GLAccount:
        """Return an account, with the dimensions that it requires.

        Raises NotFoundError when there is none.
        """
        return await self._readers.accounts.load(account_no)

    async def gl_accounts(self) -> list[GLAccount]:
        """Return all accounts, inactive ones too."""
        return await self._readers.all_accounts()

    async def journals(self) -> list[Journal]:
        """Return all journals, inactive ones too."""
        return await self._readers.matching(Journal, None)

    async def reporting_periods(self) -> list[ReportingPeriod]:
        """Return all reporting periods. Which are open, ``closed_through`` tells."""
        return await self._readers.matching(ReportingPeriod, None)

    async def entities(self) -> list[Entity]:
        """Return all entities of the company."""
        return await self._readers.matching(Entity, None)

    async def locations(self) -> list[Location]:
        """Return all locations, entities among them."""
        return await self._readers.matching(Location, None)

    async def checking_accounts(self) -> list[CheckingAccount]:
        """Return the bank accounts for payments. Needs Cash Management and a right to it."""
        return await self._readers.matching(CheckingAccount, None)

    async def savings_accounts(self) -> list[SavingsAccount]:
        """Return the bank accounts for savings. Needs Cash Management and a right to it."""
        return await self._readers.matching(SavingsAccount, None)

    async def account_labels(self) -> list[AccountLabel]:
        """Return all account labels of Accounts Payable."""
        return await self._readers.matching(AccountLabel, None)

    async def closed_through(self, *, fresh: bool = False) -> date | None:
        """Return the last day whose books are closed; None when none are."""
        return await self.definitions.closed_through(fresh=fresh)

    # --- for mappings ----------------------------------------------------------------------

    async def values_of(
        self, object_name: str, key: tuple[str, str], names: Sequence[str]
    ) -> Mapping[str, str | None]:
        """Return any fields of one record by their names, for mappings; empty ones are None.

        ``key`` is the field that names the record, and its value.
        """
        query = Query(
            object_name=object_name,
            select=tuple(dict.fromkeys((queries.RECORD_NO, *names))),
            where=queries.compare(key[0], "equalto", key[1]),
        )
        async for row in pages.all_rows(self._gateway, query):
            return {name: row.get(name) or None for name in names}
        raise NotFoundError(f"Intacct has no {object_name} whose {key[0]} is {key[1]}")


def _number(record_no: str) -> int:
    """Return the number of a journal entry; NotFoundError for what is none."""
    if not (record_no.isascii() and record_no.isdigit()):
        raise NotFoundError(f"Intacct numbers journal entries; {record_no!r} is none")
    return int(record_no)


def _look(records: Loader[str, R], key: str | UnsetType) -> Look | None:
    """Return how a record is looked for by its ID; None where the company gives it one."""
    if not key:
        return None
    return partial(_is_there, records, key)


async def _is_there(records: Loader[str, R], key: str) -> bool:
    return await records.find(key) is not None
