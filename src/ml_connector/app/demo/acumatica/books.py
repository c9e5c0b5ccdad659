"""Comparing the two vendors' books with what was seeded: nothing of ours is asked here.

An order is right when it stands once under its deal's reference with the right customer,
currency, lines and net total, and the deal shows its number. A deal that must wait for a person
has nothing in the ERP, and neither has its organization if it has no other deals.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ml_connector.app.demo.acumatica.company import Company, Deal
from ml_connector.app.demo.acumatica.seeding import Ids
from ml_connector.app.demo.parties import Organization
from ml_connector.app.demo.play import Fate
from ml_connector.app.demo.report import Findings
from ml_connector.app.demo.simulators import Simulators
from ml_connector.app.wording import plural

Record = Mapping[str, Any]

_DEAL_REFERENCE, _ORGANIZATION_REFERENCE = "pd-deal-", "pd-org-"
_TERMS = "NET30"


@dataclass(frozen=True, slots=True)
class Books:
    """All that counts of both vendors' records."""

    orders: Mapping[str, Sequence[Record]]
    """By external reference."""
    customers: Mapping[str, Sequence[Record]]
    """By external reference."""
    deals: Mapping[int, Record]
    organizations: Mapping[int, Record]
    fields: Mapping[tuple[str, str], str]
    """Code of a CRM field, by kind and name."""

    def shown(self, kind: str, record: Record, field: str) -> Any:
        """Return what a CRM record shows in a field of the connector's own."""
        code = self.fields.get((kind, field), "")
        return (record.get("custom_fields") or {}).get(code)


async def read(simulators: Simulators) -> Books:
    """Read both vendors' books as they are now."""
    fields = await simulators.records("pipedrive", "fields")
    return Books(
        orders=_by_reference(await simulators.records("acumatica", "sales_order"), "ExternalRef"),
        customers=_by_reference(await simulators.records("acumatica", "customer"), "AccountRef"),
        deals=_by_id(await simulators.records("pipedrive", "deals")),
        organizations=_by_id(await simulators.records("pipedrive", "organizations")),
        fields={(row["kind"], row["field_name"]): row["field_code"] for row in fields},
    )


def compare(company: Company, ids: Ids, books: Books) -> Findings:
    """Return what is lost, doubled or wrong."""
    findings = Findings()
    comparison = _Comparison(company, ids, books, findings)
    comparison.customers()
    comparison.orders()
    comparison.strangers()
    comparison.tally.tell(findings)
    return findings


@dataclass(slots=True)
class _Tally:
    """What was found to be there."""

    orders: int = 0
    customers: int = 0
    recognised: int = 0
    deals_shown: int = 0
    organizations_shown: int = 0
    totals: dict[str, Decimal] = field(default_factory=dict)
    """Net sums of the orders, by currency."""

    def tell(self, findings: Findings) -> None:
        """Put it into words, and into keys of `--json`."""
        totals = sorted(self.totals.items())
        deals = plural(self.deals_shown, "deal")
        organizations = plural(self.organizations_shown, "organization")
        customers = plural(self.customers, "new customer")
        if self.recognised:
            customers += f", and {self.recognised} recognised by the tax number"
        sums = "  ".join(f"{total:,} {currency}" for currency, total in totals)
        back = f"{deals} with the order's number and address, {organizations} with the customer's"
        findings.moved += [
            (f"{deals} won", f"{plural(self.orders, 'order')}: {sums}"),
            (organizations, customers),
            ("back in Pipedrive", back),
        ]
        findings.counts |= {
            "orders": self.orders,
            "customers": self.customers,
            "recognised_customers": self.recognised,
            "totals": {currency: str(total) for currency, total in totals},
        }


class _Comparison:
    """One comparison; notes what it finds."""

    def __init__(self, company: Company, ids: Ids, books: Books, findings: Findings) -> None:
        self._company = company
        self._ids = ids
        self._books = books
        self._findings = findings
        self.tally = _Tally()
        self._customer_of: dict[str, str] = dict(ids.customers)
        self._expected: set[str] = set()

    def customers(self) -> None:
        """Check that each organization with an order is one customer, and no other is any."""
        wanted = {one.ref for one in self._company.customers_to_be}
        for one in self._company.organizations:
            number = self._ids.organizations[one.ref]
            reference = f"{_ORGANIZATION_REFERENCE}{number}"
            found = self._books.customers.get(reference, ())
            is_new = one.ref in wanted and one.known_as is None
            if is_new:
                self._expected.add(reference)
            self._count_customer(one, found, is_new=is_new)
            key = self._key_of(one, found) if one.ref in wanted else None
            self._check_shown("organization", number, "ERP customer number", key, one.name)
            if key is not None:
                self.tally.organizations_shown += 1
                self._customer_of[one.ref] = key

    def orders(self) -> None:
        """Check each deal's order."""
        for deal in self._company.deals:
            number = self._ids.deals[deal.ref]
            reference = f"{_DEAL_REFERENCE}{number}"
            found = self._books.orders.get(reference, ())
            name = f"deal {number} ({deal.title}; {deal.case.words})"
            if deal.case.fate is not Fate.MOVED:
                if found:
                    self._wrong(f"{name} has an order, and must not have one")
                self._check_shown("deal", number, "ERP order number", None, name)
                continue
            self._expected.add(reference)
            self._check_order(deal, number, name, found)

    def strangers(self) -> None:
        """Look for records that carry a reference of ours and that nobody expects."""
        for what, several in (("order", self._books.orders), ("customer", self._books.customers)):
            for reference in several.keys() - self._expected:
                is_ours = reference.startswith((_DEAL_REFERENCE, _ORGANIZATION_REFERENCE))
                number = reference.rpartition("-")[2]
                if is_ours and not (what == "order" and self._is_known_deal(number)):
                    self._wrong(f"there is a {what} with the reference {reference}")

    def _is_known_deal(self, number: str) -> bool:
        return number.isdigit() and int(number) in self._ids.deals.values()

    def _count_customer(self, one: Organization, found: Sequence[Record], *, is_new: bool) -> None:
        if not is_new:
            if found:
                self._wrong(f"{one.name} has a new customer, and must not have one")
            elif one.known_as is not None and one in self._company.customers_to_be:
                self.tally.recognised += 1
            return
        self.tally.customers += 1 if found else 0
        if len(found) > 1:
            self._findings.doubled += [
                f"{one.name} is customer {row['CustomerID']} too" for row in found[1:]
            ]
        for words in _customer_faults(one, found[0]) if found else ():
            self._wrong(f"customer {found[0]['CustomerID']} ({one.name}): {words}")

    def _key_of(self, one: Organization, found: Sequence[Record]) -> str | None:
        if one.known_as is not None:
            return self._ids.customers[one.known_as]
        if not found:
            self._findings.lost.append(f"{one.name} is no customer")
            return None
        return str(found[0]["CustomerID"])

    def _check_order(self, deal: Deal, number: int, name: str, found: Sequence[Record]) -> None:
        if not found:
            self._findings.lost.append(f"{name} has no order")
            return
        self.tally.orders += 1
        totals = self.tally.totals
        totals[deal.currency] = totals.get(deal.currency, Decimal(0)) + deal.net
        order = found[0]
        for row in found[1:]:
            self._findings.doubled.append(f"{name} has order {row['OrderNbr']} too")
        if deal.organization is None:
            raise ValueError(f"{name} has no organization, so nobody can order")
        value = _amount(self._books.deals[number]["value"])
        if deal.tax_method != "inclusive" and value != deal.net:
            self._wrong(f"{name} is worth {value} in the CRM, and {deal.net} was expected")
        customer = self._customer_of.get(deal.organization.ref)
        for words in _order_faults(deal, order, customer=customer):
            self._wrong(f"order {order['OrderNbr']} of {name}: {words}")
        self._check_shown("deal", number, "ERP order number", order["OrderNbr"], name)
        link = self._books.shown("deal", self._books.deals[number], "ERP order link") or ""
        if str(order["OrderNbr"]) not in link:
            self._wrong(f"{name} does not show the way to its order")
        self.tally.deals_shown += 1

    def _check_shown(
        self, kind: str, number: int, field: str, wanted: str | None, name: str
    ) -> None:
        records = self._books.deals if kind == "deal" else self._books.organizations
        shown = self._books.shown(kind, records[number], field)
        if (shown or None) != wanted:
            self._wrong(f"{name} shows {shown!r} as its {field}, not {wanted!r}")

    def _wrong(self, words: str) -> None:
        self._findings.wrong.append(words)


def _order_faults(deal: Deal, order: Record, *, customer: str | None) -> Iterator[str]:
    """Yield what is not as the deal says."""
    if order["CustomerID"] != customer:
        yield f"its customer is {order['CustomerID']}, not {customer}"
    if order["CurrencyID"] != deal.currency:
        yield f"it is in {order['CurrencyID']}, not in {deal.currency}"
    net = _amount(order["OrderTotal"]) - _amount(order["TaxTotal"])
    if net != deal.net:
        yield f"it comes to {net} net, not to {deal.net}"
    wanted = [(line.sku, line.quantity, line.unit, line.net) for line in deal.order_lines]
    there = [
        (row["InventoryID"], _amount(row["OrderQty"]), row["UOM"], _amount(row["Amount"]))
        for row in order["Details"]
    ]
    if there != wanted:
        yield f"its lines are {there}, not {wanted}"


def _customer_faults(one: Organization, customer: Record) -> Iterator[str]:
    """Yield what is not as the organization says."""
    contact = customer.get("MainContact") or {}
    address = contact.get("Address") or {}
    for what, there, wanted in (
        ("name", customer["CustomerName"], one.name),
        ("currency", customer["CurrencyID"], one.currency),
        ("terms", customer["Terms"], _TERMS),
        ("tax number", customer["TaxRegistrationID"], one.vat),
        ("country", address.get("Country"), one.country.code if one.address else None),
        ("state", address.get("State"), one.state),
    ):
        if (there or None) != wanted and not (what == "country" and wanted is None):
            yield f"its {what} is {there!r}, not {wanted!r}"


def _amount(value: Any) -> Decimal:
    return Decimal(str(value or 0))


def _by_reference(rows: Sequence[Record], name: str) -> Mapping[str, Sequence[Record]]:
    found: dict[str, list[Record]] = defaultdict(list)
    for row in rows:
        if row.get(name):
            found[row[name]].append(row)
    return found


def _by_id(rows: Sequence[Record]) -> Mapping[int, Record]:
    return {int(row["id"]): row for row in rows}
