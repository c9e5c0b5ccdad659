"""Journal entries as `create`, `update` and `delete` treat them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from vendor_simulators.sage_intacct.answers import (
    DATA,
    GENERIC,
    Fault,
    FunctionError,
    business,
)
from vendor_simulators.sage_intacct.balancing import (
    check_balance,
    check_open,
    settle_rounding,
)
from vendor_simulators.sage_intacct.catalogue import JOURNAL_OBJECTS
from vendor_simulators.sage_intacct.company import Actor, Company
from vendor_simulators.sage_intacct.entry_lines import Line, LineReader
from vendor_simulators.sage_intacct.forms import Form
from vendor_simulators.sage_intacct.given import Given
from vendor_simulators.sage_intacct.posting import POSTED, Posting
from vendor_simulators.sage_intacct.tables import Row
from vendor_simulators.sage_intacct.values import day_text, shown

_INVALID_ACTION = "BL03002129"
_FEWEST_LINES = 2
_EDITABLE = frozenset({"Draft", "Declined"})
_KEPT_OF_A_LINE = (
    "ACCOUNTNO", "TR_TYPE", "TRX_AMOUNT", "CURRENCY", "EXCHANGE_RATE", "EXCH_RATE_TYPE_ID",
    "EXCH_RATE_DATE", "DESCRIPTION", "DOCUMENT", "BILLABLE",
)  # fmt: skip


class JournalEntryForm(Form):
    """Journal entries."""

    def __init__(self, company: Company) -> None:
        super().__init__(company, "GLBATCH")
        self.posting = Posting(company)

    def creation_wrappers(self, given: Given) -> tuple[Fault, ...]:
        """Return the two generic errors of a refused entry."""
        title = given.fields.get("BATCH_TITLE", "")
        return (
            Fault(GENERIC, "Could not create GLBatch record.", error_id="GL-0951"),
            Fault(
                GENERIC,
                f"Currently, we can't create the transaction '{title}'",
                correction="Check the transaction for errors or inconsistencies, then try again.",
            ),
        )

    def _create(self, given: Given, actor: Actor) -> Row:
        values = self.read(given)
        self.require(values)
        state = self._state_asked(given)
        journal = self._journal(values["JOURNAL"], actor)
        lines = self._lines(given.lines or (), values, journal, actor)
        self._check_reversal(values)
        head = self._head(values, journal, lines, actor) | {"STATE": state}
        saved = self.posting.write(Row(self.definition, head), lines, actor)
        return self._reversed_if_asked(saved, actor)

    def _update(self, row: Row, given: Given, actor: Actor) -> Row:
        self.check_changeable(row, actor)
        if given.fields.get("REVERSEDATE"):
            return self._reverse_by_update(row, given, actor)
        values = {**row.values, **self.read(given.without("RECORDNO", "JOURNAL"), prior=row)}
        self.require(values)
        was_posted = row["STATE"] in POSTED
        state = self._state_asked(given, row["STATE"])
        if was_posted and state not in POSTED:
            raise business("A posted entry cannot become a draft again.", errorno=_INVALID_ACTION)
        journal = self._journal(row["JOURNAL"], actor)
        given_lines = given.lines if given.lines is not None else self._lines_as_given(row)
        lines = self._lines(given_lines, values, journal, actor)
        moment = self.company.clock.now().replace(microsecond=0)
        head = {**values, "STATE": state, "MODIFIED": moment, "MODIFIEDBYID": actor.user}
        saved = self.posting.write(Row(self.definition, head, owner=row.owner), lines, actor)
        return saved if was_posted else self._reversed_if_asked(saved, actor)

    def remove(self, row: Row, actor: Actor) -> None:
        """Delete an entry, a posted one only while its period is open."""
        self.check_changeable(row, actor)
        self.posting.remove(row, actor)

    def check_changeable(self, row: Row, actor: Actor) -> None:
        """Refuse a change of an entry that is closed, reversed or under approval."""
        if row["REVERSED"] is not None or row["STATE"] in {"Reversed", "Reversal pending"}:
            told = f"Journal entry {row.number} is reversed and cannot be changed."
            raise business(told, errorno=_INVALID_ACTION)
        if row["STATE"] in _EDITABLE:
            return
        if row["STATE"] not in POSTED:
            told = f"Journal entry {row.number} is {row['STATE']} and cannot be changed."
            raise business(told, errorno=_INVALID_ACTION)
        if actor.source == "api" and self.company.switches["posted_changes"] == "never":
            told = f"Journal entry {row.number} is posted and cannot be changed."
            raise business(told, errorno=_INVALID_ACTION)
        check_open(self.company, row["BATCH_DATE"], self.entities(row))

    def check_reversible(self, row: Row, day: date) -> None:
        """Refuse the reversal of an entry that is not posted, or on a day that does not do."""
        if row["STATE"] not in POSTED or row["REVERSED"] is not None:
            told = f"Journal entry {row.number} is {row['STATE']} and cannot be reversed."
            raise business(told, errorno=_INVALID_ACTION)
        if day < row["BATCH_DATE"]:
            raise business(f"The reversal date {day_text(day)} is before that of the entry.")
        check_open(self.company, day, self.entities(row))

    def entities(self, row: Row) -> set[str]:
        """Return the entities that an entry touches."""
        locations = {line["LOCATION"] for line in self.posting.lines(row)}
        return {self.company.entity_of(location) for location in locations if location}

    # Checks

    def _state_asked(self, given: Given, present: str | None = None) -> str:
        asked = given.fields.get("STATE", "")
        if not asked and present is not None:
            return present
        wanted = {"": "Posted", "draft": "Draft", "posted": "Posted"}.get(asked.lower())
        if wanted is None:
            raise FunctionError(Fault(DATA, f"Invalid STATE '{asked}', use Draft or Posted"))
        needs_approval = self.company.switches["journal_approval"] and present not in POSTED
        return "Submitted" if wanted == "Posted" and needs_approval else wanted

    def _journal(self, symbol: str, actor: Actor) -> Row:
        for name in JOURNAL_OBJECTS:
            journal = self.company.keyed(name, symbol, actor)
            if journal is not None:
                if not journal.is_active:
                    raise self._refused(f"Journal '{symbol}' is inactive")
                return journal
        raise self._refused(f"Journal '{symbol}' is not valid")

    def _lines(
        self,
        given: Sequence[Mapping[str, str]],
        values: Mapping[str, Any],
        journal: Row,
        actor: Actor,
    ) -> list[Line]:
        is_statistical = journal.definition.name == "STATJOURNAL"
        if len(given) < (1 if is_statistical else _FEWEST_LINES):
            told = f"ENTRIES needs at least {_FEWEST_LINES} GLENTRY"
            raise FunctionError(Fault(DATA, told))
        day = values["BATCH_DATE"]
        reader = LineReader(self.company, actor, day=day, is_statistical=is_statistical)
        lines = [reader.read(line, number) for number, line in enumerate(given, 1)]
        check_open(self.company, day, {line.entity for line in lines} | {actor.entity})
        if not is_statistical:
            check_balance(self.company, lines, values.get("BASELOCATION_NO") or "")
            settle_rounding(lines)
        return lines

    def _check_reversal(self, values: Mapping[str, Any]) -> None:
        day = values.get("REVERSEDATE")
        if day is not None and day <= values["BATCH_DATE"]:
            raise FunctionError(Fault(DATA, "REVERSEDATE must be after BATCH_DATE"))

    def _refused(self, text: str) -> FunctionError:
        return FunctionError(Fault(str(self.company.switches["posting_errorno"]), text))

    # Heads

    def _head(
        self, values: dict[str, Any], journal: Row, lines: Sequence[Line], actor: Actor
    ) -> dict[str, Any]:
        base = values.get("BASELOCATION_NO") or next((line.entity for line in lines), "") or None
        place = None if base is None else self.company.keyed("LOCATION", base)
        return {
            **values,
            "RECORDNO": None,
            "STATUS": "active",
            "BATCHNO": self.company.next_in(f"batch {values['JOURNAL']}"),
            "JOURNAL": journal.key,
            "JOURNALKEY": journal.number,
            "MODULE": "2.GL",
            "ADJ": journal.definition.name in {"GAAPADJJRNL", "TAXADJJRNL", "USERADJJRNL"},
            "BASELOCATION": place and place.number,
            "BASELOCATION_NO": base,
            "BASELOCATION_NAME": place and place["NAME"],
            "USERINFO.LOGINID": actor.user,
            "TAXIMPLICATIONS": values.get("TAXIMPLICATIONS") or "None",
        }

    def _lines_as_given(self, row: Row) -> list[dict[str, str]]:
        """Return the present lines in the form in which they could be sent again."""
        fields = self.company.definitions["GLENTRY"].fields
        custom = [field.name for field in fields.values() if field.is_custom]
        names = [*_KEPT_OF_A_LINE, *(one.field for one in self.company.dimensions), *custom]
        zone = self.company.zone
        return [
            {
                name: shown(fields[name], line[name], zone)
                for name in names
                if line[name] is not None
            }
            for line in self.posting.lines(row)
        ]

    # Reversal

    def _reversed_if_asked(self, saved: Row, actor: Actor) -> Row:
        day = saved["REVERSEDATE"]
        if day is None or saved["STATE"] not in POSTED:
            return saved
        self.check_reversible(saved, day)
        self.posting.reverse(saved, day, actor)
        return self.company.table("GLBATCH").numbered(saved.number) or saved

    def _reverse_by_update(self, row: Row, given: Given, actor: Actor) -> Row:
        if self.company.switches["reversedate_on_update"] != "reverse":
            told = "REVERSEDATE can only be set when an entry is created"
            raise FunctionError(Fault(_INVALID_ACTION, told))
        day = self.value(self.definition.fields["REVERSEDATE"], given.fields["REVERSEDATE"])
        self.check_reversible(row, day)
        self.posting.reverse(row, day, actor)
        return self.company.table("GLBATCH").numbered(row.number) or row
