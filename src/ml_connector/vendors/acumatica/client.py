"""Acumatica's operations that we use, in Acumatica's words.

Records are named by their keys as record links carry them (``C1001``, ``SO/SO004211``,
``Invoice/INV000046``). A read by key gives the record's own fields and shares its call with
others that ask at the same moment; ``..._in_full`` reads one record with what is linked to it.
Nothing here searches before it creates: that is the caller's writing-once primitive.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from typing import TypeVar

from msgspec import structs

from ml_connector.core.changes import ChangePage
from ml_connector.core.clock import Clock
from ml_connector.core.errors import ConfigurationError, NotFoundError
from ml_connector.core.logins import LoginStore
from ml_connector.transport.http import Transport
from ml_connector.transport.vendor import PingLine
from ml_connector.vendors.acumatica import odata, pages, parts, streams, wire
from ml_connector.vendors.acumatica.actions import Actions, Pause
from ml_connector.vendors.acumatica.definitions import Definitions
from ml_connector.vendors.acumatica.drafts import (
    BusinessAccountDraft,
    ContactDraft,
    CustomerDraft,
    SalesInvoiceDraft,
    SalesOrderDraft,
)
from ml_connector.vendors.acumatica.echo import Written
from ml_connector.vendors.acumatica.endpoint import Endpoint, Query
from ml_connector.vendors.acumatica.models import (
    BusinessAccount,
    Contact,
    Customer,
    CustomValue,
    Invoice,
    Item,
    NonStockItem,
    Payment,
    Record,
    SalesInvoice,
    SalesOrder,
    StockItem,
    UnitConversion,
    document_key,
)
from ml_connector.vendors.acumatica.ping import RIGHTS, Ping
from ml_connector.vendors.acumatica.readers import Readers
from ml_connector.vendors.acumatica.settings import Settings

R = TypeVar("R", bound=Record)

MOST_MATCHES = 50
"""So many records are read of those that match a search which is no key's."""

_EXTERNAL_REF_SINCE = (24, 200, 1)


class Client:
    """One tenant of one Acumatica site."""

    def __init__(
        self,
        settings: Settings,
        *,
        transport: Transport,
        logins: LoginStore,
        clock: Clock,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self.settings = settings
        self._logins = logins
        self._endpoint = Endpoint(settings, transport=transport, logins=logins, clock=clock)
        self._readers = Readers(self._endpoint)
        self._actions = Actions(self._endpoint, pause=pause)
        self.definitions = Definitions(self._endpoint, clock=clock)
        """What the site offers to map: fields, custom fields, permitted values."""

    # --- what the engine asks of every vendor ----------------------------------------------

    async def changes(self, stream: str, *, since: datetime, page: str | None) -> ChangePage:
        """Return one page of what changed at or after ``since``, in the order of keys.

        A pass repeats rows rather than missing any. Deletions are not told. Before endpoint
        version 23.200.001 sales invoices are read as receivables see them: after release.
        """
        return await streams.changes(self._endpoint, stream, since=since, page=page)

    async def ping(self, needs: Sequence[str]) -> list[PingLine]:
        """Probe address, certificate, version, login, tenant and each entity in ``needs``."""
        return await Ping(self._endpoint, logins=self._logins).lines(needs)

    async def log_out(self) -> None:
        """End the session and free its seat; OAuth tokens stay good."""
        await self._endpoint.login.log_out()

    # --- customers -------------------------------------------------------------------------

    async def customer(self, customer_id: str) -> Customer:
        """Return a customer without its contacts.

        Raises NotFoundError when there is none.
        """
        return await self._readers.customers.load(customer_id)

    async def customer_in_full(self, customer_id: str, *, custom: Sequence[str] = ()) -> Customer:
        """Return a customer with contacts, addresses, attributes and the custom fields named."""
        return await self._endpoint.get(Customer, customer_id, expand=parts.CUSTOMER, custom=custom)

    async def customers_by_account_ref(self, account_ref: str) -> tuple[Customer, ...]:
        """Return all customers that carry an external reference."""
        return await self._readers.customers_by_account_ref.load(account_ref)

    async def customers_by_tax_registration_id(self, tax_id: str) -> tuple[Customer, ...]:
        """Return all customers with a tax number, spelled exactly so."""
        return await self._readers.customers_by_tax_id.load(tax_id)

    async def customers_by_name(self, name: str) -> tuple[Customer, ...]:
        """Return all customers of a name; case does not count."""
        return await self._readers.customers_by_name.load(name)

    async def customers_by_name_start(self, start: str) -> tuple[Customer, ...]:
        """Return all customers whose name starts so; case does not count."""
        return await self._readers.customers_by_name_start.load(start)

    async def customers_by_email(self, email: str) -> tuple[Customer, ...]:
        """Return customers whose main contact has an address (50 at most)."""
        where = odata.compare("MainContact/Email", "eq", email)
        return await self._found(Customer, where)

    async def customers_by_email_domain(self, domain: str) -> tuple[Customer, ...]:
        """Return all customers whose main contact's address ends with ``@domain``."""
        return await self._readers.customers_by_email_domain.load(
            domain.removeprefix("@").casefold()
        )

    async def customers(self) -> AsyncIterator[Customer]:
        """Yield all customers by id, without their contacts."""
        async for one in self._all(Customer):
            yield one

    async def create_customer(self, draft: CustomerDraft) -> Written[Customer]:
        """Create a customer. Twice makes two wherever the site numbers customers."""
        return await self._endpoint.put(Customer, draft, expand=parts.CUSTOMER[:2])

    async def update_customer(self, customer: Customer, draft: CustomerDraft) -> Written[Customer]:
        """Change what ``draft`` sets."""
        return await self._endpoint.put(Customer, draft, record_id=customer.id)

    # --- contacts --------------------------------------------------------------------------

    @property
    def has_contact_references(self) -> bool:
        """Whether persons carry an external reference in this endpoint version."""
        return self._endpoint.version >= _EXTERNAL_REF_SINCE

    async def contact(self, contact_id: str) -> Contact:
        """Return a person without the address.

        Raises NotFoundError when there is none.
        """
        if not contact_id.isdigit():
            raise NotFoundError(f"Acumatica numbers contacts; {contact_id!r} is none")
        return await self._readers.contacts.load(contact_id)

    async def contact_in_full(self, contact_id: str, *, custom: Sequence[str] = ()) -> Contact:
        """Return a person with address, attributes and the custom fields named."""
        return await self._endpoint.get(Contact, contact_id, expand=parts.CONTACT, custom=custom)

    async def contacts_by_reference(self, ext_ref_nbr: str) -> tuple[Contact, ...]:
        """Return all persons that carry an external reference (from 24.200.001 on)."""
        self._needs_version("Contact.ExtRefNbr")
        return await self._readers.contacts_by_reference.load(ext_ref_nbr)

    async def contacts_by_email(
        self, email: str, *, business_account: str | None = None
    ) -> tuple[Contact, ...]:
        """Return persons with an address, of one customer if named (50 at most)."""
        where = odata.compare("Email", "eq", email)
        if business_account is not None:
            account = odata.compare("BusinessAccount", "eq", business_account)
            where = odata.all_of(where, account)
        return await self._found(Contact, where)

    async def contacts_of(self, business_account: str) -> tuple[Contact, ...]:
        """Return all persons of a customer or business account."""
        where = odata.compare("BusinessAccount", "eq", business_account)
        return tuple(await self._endpoint.list(Contact, where))

    async def contacts(self) -> AsyncIterator[Contact]:
        """Yield all persons by id, without their addresses."""
        async for one in self._all(Contact):
            yield one

    async def create_contact(self, draft: ContactDraft) -> Written[Contact]:
        """Create a person. Twice makes two."""
        return await self._endpoint.put(Contact, draft, expand=("Address",))

    async def update_contact(self, contact: Contact, draft: ContactDraft) -> Written[Contact]:
        """Change what ``draft`` sets."""
        return await self._endpoint.put(Contact, draft, record_id=contact.id)

    # --- business accounts -----------------------------------------------------------------

    async def business_account_in_full(
        self, business_account_id: str, *, custom: Sequence[str] = ()
    ) -> BusinessAccount:
        """Return a prospect, customer or vendor in its CRM role."""
        return await self._endpoint.get(
            BusinessAccount, business_account_id, expand=parts.ACCOUNT, custom=custom
        )

    async def business_accounts_by_account_ref(
        self, account_ref: str
    ) -> tuple[BusinessAccount, ...]:
        """Return business accounts that carry an external reference (50 at most)."""
        return await self._found(BusinessAccount, odata.compare("AccountRef", "eq", account_ref))

    async def business_accounts_by_name(self, name: str) -> tuple[BusinessAccount, ...]:
        """Return all business accounts of a name; case does not count."""
        return await self._readers.business_accounts_by_name.load(name)

    async def create_business_account(
        self, draft: BusinessAccountDraft
    ) -> Written[BusinessAccount]:
        """Create a prospect. Twice makes two wherever the site numbers accounts."""
        return await self._endpoint.put(BusinessAccount, draft, expand=parts.ACCOUNT[:2])

    async def update_business_account(
        self, account: BusinessAccount, draft: BusinessAccountDraft
    ) -> Written[BusinessAccount]:
        """Change what ``draft`` sets."""
        return await self._endpoint.put(BusinessAccount, draft, record_id=account.id)

    async def convert_business_account(self, business_account_id: str) -> None:
        """Make a customer of a prospect, under its number; refused where it is one."""
        await self._actions.run(
            BusinessAccount, "ConvertBusinessAccountToCustomer", (business_account_id,)
        )

    # --- sales orders ----------------------------------------------------------------------

    async def sales_order(self, key: str) -> SalesOrder:
        """Return a sales order's header, by ``SO/SO004211``.

        Raises NotFoundError when there is none.
        """
        return await self._readers.sales_orders.load(key)

    async def sales_order_in_full(self, key: str, *, custom: Sequence[str] = ()) -> SalesOrder:
        """Return a sales order with lines, totals, shipments and payments."""
        return await self._endpoint.get(
            SalesOrder, *document_key(key), expand=parts.ORDER, custom=custom
        )

    async def find_sales_orders(self, *, external_ref: str) -> tuple[SalesOrder, ...]:
        """Return the headers of all sales orders that carry an external reference."""
        return await self._readers.sales_orders_by_reference.load(external_ref)

    async def create_sales_order(self, draft: SalesOrderDraft) -> Written[SalesOrder]:
        """Create a sales order; the answer has its lines and totals. Twice makes two."""
        return await self._endpoint.put(SalesOrder, draft, expand=parts.WRITTEN_ORDER)

    async def update_sales_order(
        self, order: SalesOrder, draft: SalesOrderDraft
    ) -> Written[SalesOrder]:
        """Change what ``draft`` sets.

        Lines with an ``id`` are changed or deleted, lines without one are added, and lines that
        are not mentioned stay.
        """
        return await self._endpoint.put(
            SalesOrder, draft, record_id=order.id, expand=parts.WRITTEN_ORDER
        )

    async def hold_sales_order(self, order: SalesOrder) -> Written[SalesOrder]:
        """Put a sales order on hold."""
        return await self.update_sales_order(order, SalesOrderDraft(hold=True))

    async def release_sales_order_from_hold(self, order: SalesOrder) -> Written[SalesOrder]:
        """Take a sales order off hold; the answer tells the status that follows."""
        return await self.update_sales_order(order, SalesOrderDraft(hold=False))

    async def cancel_sales_order(self, key: str) -> None:
        """Cancel a sales order; refused when it has a shipment or an applied payment."""
        await self._actions.run(SalesOrder, "CancelSalesOrder", document_key(key))

    async def reopen_sales_order(self, key: str) -> None:
        """Reopen a completed or canceled sales order; read its status afterwards."""
        await self._actions.run(SalesOrder, "ReopenSalesOrder", document_key(key))

    async def open_sales_order(self, key: str) -> None:
        """Open a sales order that is on back order."""
        await self._actions.run(SalesOrder, "OpenSalesOrder", document_key(key))

    async def create_shipment(self, key: str, *, shipment_date: date, warehouse_id: str) -> None:
        """Create a shipment of a sales order; ``sales_order_in_full`` names it."""
        await self._actions.run(
            SalesOrder,
            "SalesOrderCreateShipment",
            document_key(key),
            parameters={"ShipmentDate": shipment_date, "WarehouseID": warehouse_id},
        )

    async def prepare_sales_invoice(self, key: str) -> None:
        """Make the invoice of a sales order whose type needs no shipment."""
        await self._actions.run(SalesOrder, "PrepareSalesInvoice", document_key(key))

    # --- invoices and payments -------------------------------------------------------------

    async def sales_invoice(self, key: str) -> SalesInvoice:
        """Return a sales invoice's header, by ``Invoice/INV000046``.

        Raises NotFoundError when there is none.
        """
        return await self._readers.sales_invoices.load(key)

    async def sales_invoice_in_full(self, key: str, *, custom: Sequence[str] = ()) -> SalesInvoice:
        """Return a sales invoice with lines and applied payments."""
        return await self._endpoint.get(
            SalesInvoice, *document_key(key), expand=parts.INVOICE, custom=custom
        )

    async def find_sales_invoices(self, *, external_ref: str) -> tuple[SalesInvoice, ...]:
        """Return the headers of all sales invoices that carry an external reference.

        Before 24.200.001 there is no such field, and ``CustomerOrder`` takes its place.
        """
        if not self.has_invoice_reference:
            return await self._readers.sales_invoices_by_customer_order.load(external_ref)
        return await self._readers.sales_invoices_by_reference.load(external_ref)

    @property
    def has_invoice_reference(self) -> bool:
        """Whether a sales invoice has a field of its own for an external reference."""
        return self._endpoint.version >= _EXTERNAL_REF_SINCE

    async def create_sales_invoice(self, draft: SalesInvoiceDraft) -> Written[SalesInvoice]:
        """Create a direct sales invoice. Twice makes two."""
        return await self._endpoint.put(
            SalesInvoice, self._with_reference(draft), expand=("Details",)
        )

    async def update_sales_invoice(
        self, invoice: SalesInvoice, draft: SalesInvoiceDraft
    ) -> Written[SalesInvoice]:
        """Change what ``draft`` sets."""
        return await self._endpoint.put(
            SalesInvoice, self._with_reference(draft), record_id=invoice.id, expand=("Details",)
        )

    async def release_sales_invoice(self, key: str) -> None:
        """Release a sales invoice into the books. It cannot be taken back, only reversed."""
        await self._actions.run(SalesInvoice, "ReleaseSalesInvoice", document_key(key))

    async def invoice(self, key: str) -> Invoice:
        """Return an invoice as receivables see it.

        Raises NotFoundError when there is none.
        """
        return await self._readers.invoices.load(key)

    async def invoice_in_full(self, key: str) -> Invoice:
        """Return an invoice as receivables see it, with payments and, in ``custom``, its currency.

        Raises NotFoundError when there is none.
        """
        return await self._endpoint.get(
            Invoice, *document_key(key), expand=parts.AR_INVOICE, custom=(Invoice.CURRENCY,)
        )

    async def payment(self, key: str) -> Payment:
        """Return a payment without its applications, by ``Payment/000001``.

        Raises NotFoundError when there is none.
        """
        return await self._readers.payments.load(key)

    async def payment_in_full(self, key: str, *, custom: Sequence[str] = ()) -> Payment:
        """Return a payment with the documents and orders that it was applied to."""
        return await self._endpoint.get(
            Payment, *document_key(key), expand=parts.PAYMENT, custom=custom
        )

    # --- items -----------------------------------------------------------------------------

    async def item(self, inventory_id: str) -> Item:
        """Return a stock or non-stock item.

        Raises NotFoundError when there is neither.
        """
        return await self._readers.items.load(inventory_id)

    async def stock_items(self) -> AsyncIterator[StockItem]:
        """Yield all stock items by id."""
        async for one in self._all(StockItem):
            yield one

    async def non_stock_items(self) -> AsyncIterator[NonStockItem]:
        """Yield all non-stock items by id."""
        async for one in self._all(NonStockItem):
            yield one

    async def unit_conversions(self, inventory_id: str) -> tuple[UnitConversion, ...]:
        """Return how a stock item's units convert. Non-stock items tell no conversions."""
        found = await self._endpoint.get(StockItem, inventory_id, expand=("UOMConversions",))
        return found.uom_conversions

    # --- any field -------------------------------------------------------------------------

    async def values(self, entity: str, key: str, paths: Sequence[str]) -> dict[str, CustomValue]:
        """Return any plain fields of a record by their paths, for mappings.

        ``CustomerOrder`` and ``FinancialSettings/Owner`` are the contract's, and
        ``Document.AttributeREGION`` is a custom field. Empty ones are None.
        """
        model = RIGHTS[entity]
        keys = (key,) if len(model.KEYS) == 1 else document_key(key)
        custom = [path for path in paths if "." in path]
        contract = [path for path in paths if "." not in path]
        linked = dict.fromkeys(path.rpartition("/")[0] for path in contract if "/" in path)
        query = Query(
            select=contract or model.KEYS, expand=tuple(_each_level(linked)), custom=custom
        )
        raw = await self._endpoint.get_raw(model, *keys, query=query)
        own = {path: wire.scalar_at(raw, path) for path in contract}
        customs = wire.custom_values(raw.get("custom"))
        return own | {path: customs.get(path) for path in custom}

    # --- pieces ----------------------------------------------------------------------------

    async def _found(self, model: type[R], where: str) -> tuple[R, ...]:
        return tuple(await self._endpoint.list(model, where, top=MOST_MATCHES))

    async def _all(self, model: type[R]) -> AsyncIterator[R]:
        select = wire.selection(model, self._endpoint.version)
        cursor: pages.Cursor | None = pages.first(by_key=True)
        seen: set[str] = set()
        while cursor is not None:
            query = Query(
                where=pages.condition(cursor, model.KEYS),
                select=select,
                top=pages.PAGE,
                skip=cursor.skip or 0,
            )
            page = await self._endpoint.rows(model.ENTITY, query)
            for one in wire.records(model, page.rows):
                if one.id not in seen:
                    seen.add(one.id)
                    yield one
            cursor = pages.following(cursor, page.rows, model.KEYS)

    def _with_reference(self, draft: SalesInvoiceDraft) -> SalesInvoiceDraft:
        """Carry the external reference in ``CustomerOrder`` where there is no field for it."""
        if self.has_invoice_reference or not draft.external_ref:
            return draft
        return structs.replace(draft, customer_order=draft.external_ref)

    def _needs_version(self, field: str) -> None:
        if self._endpoint.version < _EXTERNAL_REF_SINCE:
            raise ConfigurationError(
                f"{field} exists from endpoint version 24.200.001 on; this connection uses "
                f"{self.settings.endpoint_version}",
                waits_for="setting:endpoint_version",
            )


def _each_level(paths: Sequence[str] | dict[str, None]) -> list[str]:
    """Name every level of linked records: ``A/B`` needs ``A`` as well."""
    levels: dict[str, None] = {}
    for path in paths:
        names = path.split("/")
        levels |= dict.fromkeys("/".join(names[: end + 1]) for end in range(len(names)))
    return list(levels)
