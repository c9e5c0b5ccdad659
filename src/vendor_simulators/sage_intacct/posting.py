"""Entries in the ledger: their lines as rows, posting, approval and reversal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from vendor_simulators.sage_intacct.company import Actor, Company
from vendor_simulators.sage_intacct.entry_lines import Line
from vendor_simulators.sage_intacct.tables import Row

POSTED = frozenset({"Posted", "Reversed"})


class Posting:
    """Writes entries."""

    def __init__(self, company: Company) -> None:
        self._company = company

    def write(self, batch: Row, lines: Sequence[Line], actor: Actor) -> Row:
        """Save an entry's head, and all its lines anew."""
        saved = self._company.commit(batch, actor)
        self._remove_lines(saved)
        for line in lines:
            self._company.put(self._line_row(saved, line))
        if saved["STATE"] in POSTED:
            self._enter(saved)
        return saved

    def set_state(self, batch: Row, state: str, actor: Actor) -> Row:
        """Give an entry another state; one that becomes posted enters the ledger."""
        saved = self._company.commit(batch.changed(STATE=state), actor)
        if state in POSTED and batch["STATE"] not in POSTED:
            self._enter(saved)
        return saved

    def remove(self, batch: Row, actor: Actor) -> None:
        """Take an entry and its lines out."""
        self._remove_lines(batch)
        self._company.remove(batch, actor)

    def reverse(self, batch: Row, day: date, actor: Actor) -> Row:
        """Write the entry that undoes another one; return it."""
        keeps = self._company.switches["reversal_copies_reference"]
        title = f"Reversed - {batch['BATCH_TITLE']}"[:80]
        values = {
            **batch.values,
            "RECORDNO": None,
            "WHENCREATED": None,
            "BATCHNO": self._company.next_in(f"batch {batch['JOURNAL']}"),
            "BATCH_DATE": day,
            "BATCH_TITLE": title,
            "REFERENCENO": batch["REFERENCENO"] if keeps else None,
            "REVERSEDATE": None,
            "REVERSED": None,
            "REVERSEDFROM": batch["BATCH_DATE"],
            "REVERSEDKEY": batch.number,
            "USERINFO.LOGINID": actor.user,
            "STATE": "Posted",
        }
        reversal = self._company.commit(Row(batch.definition, values, owner=batch.owner), actor)
        for line in self.lines(batch):
            twin = line.changed(
                RECORDNO=None,
                TR_TYPE=str(-int(line["TR_TYPE"])),
                **_of_batch(reversal),
            )
            self._company.put(twin)
        self._enter(reversal)
        state = self._company.switches["reversed_state"]
        original = batch.changed(REVERSED=day, REVERSEDKEY=reversal.number, STATE=state)
        self._company.commit(original, actor)
        return reversal

    def lines(self, batch: Row) -> list[Row]:
        """Return an entry's lines in their order."""
        rows = self._company.table("GLENTRY").where("BATCHNO", batch.number)
        return sorted(rows, key=lambda row: int(row["LINE_NO"]))

    def _line_row(self, batch: Row, line: Line) -> Row:
        values = {
            "RECORDNO": None,
            "STATUS": "active",
            "WHENCREATED": batch["WHENMODIFIED"],
            "WHENMODIFIED": batch["WHENMODIFIED"],
            "LINE_NO": line.number,
            "TR_TYPE": str(line.side),
            "AMOUNT": line.base_amount,
            "TRX_AMOUNT": line.amount,
            "ACCOUNTKEY": line.account.number,
            "ACCOUNTNO": line.account["ACCOUNTNO"],
            "ACCOUNTTITLE": line.account["TITLE"],
            "STATISTICAL": line.account.definition.name == "STATACCOUNT",
            **line.values,
            **_of_batch(batch),
        }
        values["DESCRIPTION"] = values.get("DESCRIPTION") or batch["BATCH_TITLE"]
        return Row(self._company.definitions["GLENTRY"], values, owner=batch.owner)

    def _enter(self, batch: Row) -> None:
        """Write the ledger's rows of a posted entry, those between entities included."""
        definition = self._company.definitions["GLDETAIL"]
        common = {
            "BATCHKEY": batch.number,
            "BATCH_NO": batch["BATCHNO"],
            "BATCH_DATE": batch["BATCH_DATE"],
            "BATCH_TITLE": batch["BATCH_TITLE"],
            "SYMBOL": batch["JOURNAL"],
        }
        for line in self.lines(batch):
            values = {name: line[name] for name in definition.fields} | common
            values |= {"RECORDNO": None, **_two_sided(int(line["TR_TYPE"]), line["AMOUNT"])}
            self._company.put(Row(definition, values, owner=batch.owner))
        for (entity, currency), amount in self._owed(batch).items():
            side = -1 if amount > 0 else 1
            values = {
                **common,
                "RECORDNO": None,
                "LOCATION": entity,
                "CURRENCY": currency,
                "ACCOUNTNO": self._company.ledger.inter_entity_account,
                "ENTRY_DATE": batch["BATCH_DATE"],
                "TR_TYPE": str(side),
                "AMOUNT": abs(amount),
                "TRX_AMOUNT": abs(amount),
                **_two_sided(side, abs(amount)),
            }
            self._company.put(Row(definition, values, owner=batch.owner))

    def _owed(self, batch: Row) -> dict[tuple[str, str], Decimal]:
        """Return what an entry leaves open in each entity and currency: debits less credits."""
        open_amounts: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for line in self.lines(batch):
            if not line["STATISTICAL"]:
                place = self._company.entity_of(line["LOCATION"]), line["CURRENCY"]
                open_amounts[place] += int(line["TR_TYPE"]) * line["TRX_AMOUNT"]
        return {place: amount for place, amount in open_amounts.items() if amount}

    def _remove_lines(self, batch: Row) -> None:
        for name, field in (("GLENTRY", "BATCHNO"), ("GLDETAIL", "BATCHKEY")):
            table = self._company.table(name)
            for row in table.where(field, batch.number):
                table.remove(row)


def _of_batch(batch: Row) -> dict[str, Any]:
    return {
        "BATCHNO": batch.number,
        "BATCH_NUMBER": batch["BATCHNO"],
        "BATCH_DATE": batch["BATCH_DATE"],
        "BATCHTITLE": batch["BATCH_TITLE"],
        "ENTRY_DATE": batch["BATCH_DATE"],
    }


def _two_sided(side: int, amount: Decimal) -> dict[str, Decimal]:
    return {
        "DEBITAMOUNT": amount if side > 0 else Decimal(0),
        "CREDITAMOUNT": amount if side < 0 else Decimal(0),
    }
