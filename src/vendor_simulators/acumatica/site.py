"""The site: its tables, lists of codes, numbering and the one way in which records are saved."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from vendor_simulators.acumatica.contract import Contract
from vendor_simulators.acumatica.contract_catalogue import CATALOGUE
from vendor_simulators.acumatica.contract_documents import DOCUMENTS
from vendor_simulators.acumatica.contract_parties import PARTIES
from vendor_simulators.acumatica.numbering import Numbering
from vendor_simulators.acumatica.records import Record, Table, normal
from vendor_simulators.acumatica.values import ZERO
from vendor_simulators.kit import FaultBook, SimClock

if TYPE_CHECKING:
    from vendor_simulators.acumatica.applications import Applications
    from vendor_simulators.acumatica.forms import Form

CONTRACT = Contract((*PARTIES, *DOCUMENTS, *CATALOGUE))

INDEXED: Mapping[str, tuple[str, ...]] = {
    "Customer": ("AccountRef", "CustomerName", "TaxRegistrationID", "MainContact/Email", "Email"),
    "Contact": ("BusinessAccount", "Email", "ExtRefNbr"),
    "BusinessAccount": ("AccountRef", "Name", "MainContact/Email"),
    "SalesOrder": ("ExternalRef", "CustomerOrder", "CustomerID"),
    "SalesInvoice": ("ExternalRef", "CustomerOrder", "CustomerID"),
    "Invoice": ("Customer", "CustomerOrder"),
    "Payment": ("CustomerID", "ExternalRef", "PaymentRef"),
}
MAIN_BRANCH = "MAIN"
_LIST_TABLES: Mapping[str, tuple[str, ...]] = {
    "account": ("Account",),
    "business_account": ("BusinessAccount", "Customer"),
    "currency": ("Currency",),
    "customer": ("Customer",),
    "customer_class": ("CustomerClass",),
    "inventory": ("StockItem", "NonStockItem"),
    "item_class": ("ItemClass",),
    "payment_method": ("PaymentMethod",),
    "price_class": ("CustomerPriceClass",),
    "salesperson": ("Salesperson",),
    "ship_via": ("ShipVia",),
    "shipping_terms": ("ShippingTerm",),
    "tax_category": ("TaxCategory",),
    "tax_zone": ("TaxZone",),
    "uom": ("UnitsOfMeasure",),
    "warehouse": ("Warehouse",),
}
_MIRRORS: Mapping[str, tuple[str, ...]] = {  # forms that show the same record
    "Customer": ("BusinessAccount",),
    "BusinessAccount": ("Customer",),
    "SalesInvoice": ("Invoice", "Payment"),
}
# SQL Server keeps times in steps of 1/300 second.
_TICK_MICROSECONDS = 10_000 / 3


@dataclass
class OrderType:
    """What an order type prescribes."""

    code: str
    ships: bool = True
    invoice_type: str | None = "Invoice"
    requires_customer_order: bool = False


@dataclass
class ListPrice:
    """One price of a price list; a part that is None fits any."""

    inventory_id: str
    price: Decimal
    currency: str
    uom: str | None = None
    customer: str | None = None
    price_class: str | None = None
    break_qty: Decimal = Decimal(0)
    from_on: date | None = None
    until_on: date | None = None


@dataclass
class LineDiscount:
    """An automatic percentage on lines or documents of a customer or of everybody."""

    percent: Decimal
    level: str = "Line"  # or Document
    customer: str | None = None
    inventory_id: str | None = None
    least_amount: Decimal = Decimal(0)
    code: str = "AUTO"


@dataclass
class Codes:
    """Lists that have no entity in the endpoint."""

    plain: dict[str, dict[str, str]] = field(default_factory=dict)
    terms_days: dict[str, int] = field(default_factory=dict)
    states: dict[str, set[str]] = field(default_factory=dict)  # per country; absent: any
    order_types: dict[str, OrderType] = field(default_factory=dict)
    whole_units: set[str] = field(default_factory=set)
    rates: dict[str, Decimal] = field(default_factory=dict)  # base currency per unit


class Site:
    """One tenant's data."""

    def __init__(
        self,
        *,
        clock: SimClock,
        rng: random.Random,
        faults: FaultBook,
        switches: dict[str, Any],
    ) -> None:
        self.clock = clock
        self.faults = faults
        self.switches = switches
        self._rng = rng
        self.contract = CONTRACT
        self.tables = {
            name: Table(entity, INDEXED.get(name, ())) for name, entity in CONTRACT.top.items()
        }
        self.codes = Codes()
        self.numbering = Numbering(lambda: switches["numbering"])
        self.prices: list[ListPrice] = []
        self.discounts: list[LineDiscount] = []
        self.custom_fields: dict[tuple[str, str, str], str] = {}  # entity, view, name: wrapper
        self.forms: dict[str, Form] = {}
        self.applications: Applications
        self.base_currency = "USD"
        self.call_branch: str | None = None  # of the request under way
        self.closed_before: date | None = None  # documents dated earlier fall in a closed period
        self.on_commit: Callable[[Record, Record | None], None] = lambda _record, _prior: None
        self.on_delete: Callable[[Record], None] = lambda _record: None
        self.transaction_id = ""
        self.business_date: date | None = None  # of the request under way
        self._is_person = False

    @property
    def today(self) -> date:
        """The business date of the request under way."""
        return self.business_date or self.clock.now().date()

    @property
    def branch(self) -> str:
        """The branch of the request under way."""
        return self.call_branch or MAIN_BRANCH

    def table(self, name: str) -> Table:
        """Return the table of an entity."""
        return self.tables[name]

    def new_id(self) -> str:
        """Return a fresh GUID."""
        return str(UUID(int=self._rng.getrandbits(128), version=4))

    @contextmanager
    def transaction(self, *, by_person: bool = False) -> Iterator[None]:
        """Give everything saved inside one transaction id, for push notifications."""
        self.transaction_id = self.new_id()
        before, self._is_person = self._is_person, by_person
        try:
            yield
        finally:
            self._is_person = before

    def canonical(self, list_name: str, value: str) -> str | None:
        """Return ``value`` as the list writes it, None when it is not in the list."""
        for table_name in _LIST_TABLES.get(list_name, ()):
            table = self.tables[table_name]
            found = table.get(value)
            if found is not None:
                return str(found[table.entity.keys[0]])
        return self.codes.plain.get(list_name, {}).get(str(normal(value)))

    def item(self, inventory_id: str | None) -> Record | None:
        """Return the stock or non-stock item of an inventory id."""
        if inventory_id is None:
            return None
        return self.tables["StockItem"].get(inventory_id) or self.tables["NonStockItem"].get(
            inventory_id
        )

    def rounded(self, amount: Decimal, currency: str | None) -> Decimal:
        """Return an amount with the currency's digits, kept with four."""
        held = self.tables["Currency"].get(currency or self.base_currency)
        digits = 2 if held is None or held["DecimalPrecision"] is None else held["DecimalPrecision"]
        step = Decimal(1).scaleb(-digits)
        return amount.quantize(step, ROUND_HALF_UP).quantize(Decimal("0.0001"))

    def rate(self, currency: str) -> Decimal:
        """Return how much of the base currency one unit is worth."""
        return self.codes.rates.get(currency, Decimal(1))

    def is_prepaid(self, order: Record) -> bool:
        """Say whether so much of an order is prepaid as must be."""
        share = Decimal(str(self.switches["prepayment_percent"])) / 100
        return bool(
            order["_IsWaived"]
            or (order["_Prepaid"] or ZERO) >= (order["OrderTotal"] or ZERO) * share
        )

    def commit(self, record: Record, *, touch: bool = True) -> None:
        """Save a record: stamp it, let the tables and whoever listens know."""
        table = self.tables[record.entity.name]
        prior = table.by_id(record.id)
        if touch or prior is None:
            moment = self._stamp()
            for name in record.entity.change_stamps:
                record.values[name] = moment
            if prior is None:
                for name in record.entity.creation_stamps:
                    record.values[name] = moment
        self._delay_visibility(record, prior)
        table.commit(record)
        self.on_commit(record, prior)
        form = self.forms.get(record.entity.name)
        if form is not None:
            form.committed(record, prior)

    def delete(self, record: Record) -> None:
        """Take a record out, and what other forms show of it."""
        form = self.forms.get(record.entity.name)
        if form is not None:
            form.check_deletion(record)
        self.tables[record.entity.name].remove(record)
        for name in _MIRRORS.get(record.entity.name, ()):
            twin = self.tables[name].by_id(record.id)
            if twin is not None:
                self.tables[name].remove(twin)
        self.on_delete(record)

    def mirror(self, record: Record, source: Record) -> None:
        """Save ``record`` as another form's view of ``source``: same moment, no further effects."""
        table = self.tables[record.entity.name]
        prior = table.by_id(record.id)
        for names in (record.entity.change_stamps, record.entity.creation_stamps):
            for name in names:
                record.values[name] = source.values.get(name) or self._stamp()
        record.visible_at = source.visible_at
        record.prior = None if prior is None else prior.shown(self.clock.monotonic())
        table.commit(record)
        self.on_commit(record, prior)

    def _delay_visibility(self, record: Record, prior: Record | None) -> None:
        lag = float(self.switches["list_lag_seconds"])
        if self._is_person:
            lag = max(lag, float(self.switches["late_commit_seconds"]))
        if lag > 0:
            now = self.clock.monotonic()
            record.visible_at = now + lag
            record.prior = None if prior is None else prior.shown(now)

    def _stamp(self) -> datetime:
        now = self.clock.now()
        ticks = round(now.microsecond / _TICK_MICROSECONDS)
        thousandths = min(999, int(ticks * _TICK_MICROSECONDS / 1000 + 0.5))
        return now.replace(microsecond=thousandths * 1000)
