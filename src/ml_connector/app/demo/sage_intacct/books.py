"""Comparing ledger and CRM with what was seeded: nothing of ours is asked here.

An entry is right when it stands once under its deal's reference, posted in the journal, on the
day on which the deal counted in the company's zone, with the right accounts, sides and amounts,
in the deal's currency and in balance. A deal that must wait for a person has none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from ml_connector.app.demo.crm import PipedriveIds
from ml_connector.app.demo.parties import Organization
from ml_connector.app.demo.play import Fate
from ml_connector.app.demo.report import Findings
from ml_connector.app.demo.sage_intacct.catalogue import OFFSET_ACCOUNT
from ml_connector.app.demo.sage_intacct.company import Case, Company, Deal
from ml_connector.app.demo.sage_intacct.configuration import JOURNAL, ZONE
from ml_connector.app.demo.sage_intacct.seeding import ERP
from ml_connector.app.demo.simulators import CRM, Simulators
from ml_connector.app.wording import plural

Record = Mapping[str, Any]

_REFERENCE, _VENDOR = "PD-", "PD-"
_SIDES = {1: "debit", -1: "credit"}


@dataclass(frozen=True, slots=True)
class Books:
    """All that counts of both vendors' records."""

    entries: Mapping[str, Sequence[Record]]
    """By reference."""
    vendors: Sequence[Record]
    deals: Mapping[int, Record]
    organizations: Mapping[int, Record]
    number_field: str
    """Code of the organization field that shows the vendor's number."""


async def read(simulators: Simulators) -> Books:
    """Read both vendors' books as they are now."""
    entries: dict[str, list[Record]] = defaultdict(list)
    for row in await simulators.records(ERP, "journal_entries"):
        entries[str(row.get("REFERENCENO", ""))].append(row)
    fields = await simulators.records(CRM, "fields", field_name="ERP vendor number")
    return Books(
        entries=entries,
        vendors=await simulators.records(ERP, "vendors"),
        deals={int(row["id"]): row for row in await simulators.records(CRM, "deals")},
        organizations={
            int(row["id"]): row for row in await simulators.records(CRM, "organizations")
        },
        number_field=next((row["field_code"] for row in fields), ""),
    )


def compare(company: Company, ids: PipedriveIds, books: Books) -> Findings:
    """Return what is lost, doubled or wrong."""
    findings = Findings()
    comparison = _Comparison(company, ids, books, findings)
    comparison.entries()
    comparison.vendors()
    comparison.strangers()
    comparison.tally.tell(findings)
    return findings


@dataclass(slots=True)
class _Tally:
    """What was found to be there."""

    entries: int = 0
    mapped_later: int = 0
    vendors: int = 0
    recognised: int = 0
    totals: dict[str, Decimal] = field(default_factory=dict)
    """Net sums of the entries, by currency."""

    def tell(self, findings: Findings) -> None:
        """Put it into words, and into keys of `--json`."""
        totals = sorted(self.totals.items())
        sums = "  ".join(f"{total:,} {currency}" for currency, total in totals)
        entries = plural(self.entries, "posted entry", "posted entries")
        later = plural(self.mapped_later, "deal")
        vendors = plural(self.vendors, "new vendor")
        if self.recognised:
            vendors += f", and {self.recognised} recognised by the tax number"
        findings.moved += [
            (f"{plural(self.entries, 'deal')} won", f"{entries}: {sums}"),
            ("held at first", f"{later}, posted by themselves once their group was mapped"),
            (plural(self.vendors + self.recognised, "organization"), vendors),
        ]
        findings.counts |= {
            "entries": self.entries,
            "posted_after_mapping": self.mapped_later,
            "vendors": self.vendors,
            "recognised_vendors": self.recognised,
            "totals": {currency: str(total) for currency, total in totals},
        }


class _Comparison:
    """One comparison; notes what it finds."""

    def __init__(
        self, company: Company, ids: PipedriveIds, books: Books, findings: Findings
    ) -> None:
        self._company = company
        self._ids = ids
        self._books = books
        self._findings = findings
        self.tally = _Tally()

    def entries(self) -> None:
        """Check each deal's entry."""
        for deal in self._company.deals:
            number = self._ids.deals[deal.ref]
            found = self._books.entries.get(f"{_REFERENCE}{number}", ())
            name = f"deal {number} ({deal.title}; {deal.case.words})"
            if deal.case.fate is not Fate.MOVED:
                if found:
                    self._wrong(f"{name} has an entry, and must not have one")
                continue
            self._check_entry(deal, name, found)

    def vendors(self) -> None:
        """Check that each organization that buys is one vendor, and shows its number."""
        by_id = {str(row["VENDORID"]): row for row in self._books.vendors}
        buyers = {
            deal.organization.ref for deal in self._company.deals if deal.case.fate is Fate.MOVED
        }
        known = {one.vendor_id: one for one in self._company.known_vendors}
        for one in self._company.organizations:
            made = by_id.get(f"{_VENDOR}{self._ids.organizations[one.ref]}")
            if one.ref in {self._company.recognised, self._company.namesake}:
                if made is not None:
                    self._wrong(f"{one.name} has a new vendor, and must not have one")
                wanted = "V-1001" if one.ref == self._company.recognised else None
                self.tally.recognised += wanted is not None
                self._check_shown(one, wanted)
            elif one.ref in buyers:
                self._check_vendor(one, made)
        for vendor_id, there in known.items():
            now = by_id[vendor_id]
            if (now["NAME"], now["TAXID"]) != (there.name, there.vat):
                self._wrong(f"vendor {vendor_id} is no longer what it was")
        names = [row["NAME"] for row in self._books.vendors]
        self._findings.doubled += [
            f"there are several vendors called {name}"
            for name in sorted(set(names))
            if names.count(name) > 1
        ]

    def strangers(self) -> None:
        """Look for entries with a reference of ours that nobody expects, reversals included."""
        expected = {f"{_REFERENCE}{number}" for number in self._ids.deals.values()}
        for reference, rows in self._books.entries.items():
            if reference not in expected:
                self._wrong(f"there are {len(rows)} entries with the reference {reference!r}")

    def _check_entry(self, deal: Deal, name: str, found: Sequence[Record]) -> None:
        if not found:
            self._findings.lost.append(f"{name} has no entry")
            return
        self.tally.entries += 1
        self.tally.mapped_later += deal.case is Case.MAPPED_LATER
        totals = self.tally.totals
        totals[deal.currency] = totals.get(deal.currency, Decimal(0)) + deal.net
        self._findings.doubled += [f"{name} has entry {row['RECORDNO']} too" for row in found[1:]]
        day = _day_of(deal, self._books.deals[self._ids.deals[deal.ref]])
        for words in _entry_faults(deal, found[0], day=day):
            self._wrong(f"entry {found[0]['RECORDNO']} of {name}: {words}")

    def _check_vendor(self, one: Organization, made: Record | None) -> None:
        if made is None:
            self._findings.lost.append(f"{one.name} is no vendor")
            return
        self.tally.vendors += 1
        for what, there, wanted in (
            ("name", made["NAME"], one.name),
            ("tax number", made.get("TAXID"), one.vat),
            ("type", made.get("VENDTYPE"), "Pipedrive customer"),
            ("payment hold", made.get("ONHOLD"), True),
        ):
            if (there or None) != wanted:
                self._wrong(f"vendor {made['VENDORID']}: its {what} is {there!r}, not {wanted!r}")
        self._check_shown(one, str(made["VENDORID"]))

    def _check_shown(self, one: Organization, wanted: str | None) -> None:
        record = self._books.organizations[self._ids.organizations[one.ref]]
        shown = (record.get("custom_fields") or {}).get(self._books.number_field)
        if (shown or None) != wanted:
            self._wrong(f"{one.name} shows {shown!r} as its vendor, not {wanted!r}")

    def _wrong(self, words: str) -> None:
        self._findings.wrong.append(words)


def _day_of(deal: Deal, record: Record) -> str:
    """Return the day on which a deal began to count, in the company's zone."""
    moment = record["stage_change_time" if deal.case is Case.BY_STAGE else "won_time"]
    at = datetime.fromisoformat(str(moment))
    return f"{at.astimezone(ZoneInfo(ZONE)):%m/%d/%Y}"


def _entry_faults(deal: Deal, entry: Record, *, day: str) -> Iterator[str]:
    """Yield what is not as the deal says."""
    for what, name, wanted in (
        ("state", "STATE", "Posted"),
        ("journal", "JOURNAL", JOURNAL),
        ("day", "BATCH_DATE", day),
    ):
        if entry[name] != wanted:
            yield f"its {what} is {entry[name]}, not {wanted}"
    lines = entry["ENTRIES"]
    there = sorted(
        (_SIDES[int(row["TR_TYPE"])], str(row["ACCOUNTNO"]), Decimal(str(row["TRX_AMOUNT"])))
        for row in lines
    )
    wanted_lines = sorted(
        [_sided(account, amount) for account, amount in deal.credits]
        + [_sided(OFFSET_ACCOUNT, -deal.net)]
    )
    if there != wanted_lines:
        yield f"its lines are {there}, not {wanted_lines}"
    if sum(amount if side == "debit" else -amount for side, _, amount in there):
        yield "it does not balance"
    if currencies := {row["CURRENCY"] for row in lines} - {deal.currency}:
        yield f"it is in {sorted(currencies)}, not in {deal.currency}"


def _sided(account: str, amount: Decimal) -> tuple[str, str, Decimal]:
    """Return the side on which an amount stands: credits are above zero."""
    return ("credit" if amount > 0 else "debit", account, abs(amount))
