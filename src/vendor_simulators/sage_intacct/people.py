"""What people do in Intacct: finance, and the company's administrator.

A record is named by its business key or record number as ``key``; a journal entry as ``entry``
(record number) or by ``reference`` (REFERENCENO). Days are written MM/DD/YYYY.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, ClassVar

from vendor_simulators.kit import ControlError
from vendor_simulators.sage_intacct.catalogue import JOURNAL_OBJECTS
from vendor_simulators.sage_intacct.company import Actor, Company
from vendor_simulators.sage_intacct.given import from_mapping
from vendor_simulators.sage_intacct.saving import Saving
from vendor_simulators.sage_intacct.seeding import object_of, plain, told
from vendor_simulators.sage_intacct.sessions import USER_ID, Identity
from vendor_simulators.sage_intacct.tables import Row
from vendor_simulators.sage_intacct.values import day_text, read_day

Body = Mapping[str, Any]


class People:
    """Plays what people do."""

    ACTIONS: ClassVar[Mapping[str, str]] = {
        "add": "add a record: kind, values in the vendor's names; optional entity",
        "edit": "change a record: kind, key, values; optional entity",
        "delete": "delete a record: kind, key; optional entity",
        "set_status": "activate or deactivate a record: kind, key, status (active or inactive)",
        "post_entry": "post a draft: entry or reference",
        "approve_entry": "approve a submitted entry: entry or reference; partly (true): one step",
        "decline_entry": "decline a submitted entry: entry or reference",
        "edit_entry": "change an entry: entry or reference, values; ENTRIES replaces all lines",
        "reverse_entry": "reverse a posted entry: entry or reference; optional date (the entry's)",
        "delete_entry": "delete an entry: entry or reference",
        "close_books": "close the books through a day: date; optional entity (the company)",
        "open_books": "open the books again: optional date through which they stay closed, entity",
        "approve_vendor": "approve a vendor: key",
        "decline_vendor": "decline a vendor: key",
        "set_account": "change an account, such as REQUIREDEPT: key, values",
        "set_journal_status": "activate or deactivate a journal: key, status",
        "set_rate": "change an exchange rate: currency, rate; optional type (Intacct Daily Rate)",
        "end_sessions": "end API sessions: optional user (all of them)",
        "change_password": "change a password, which ends the user's sessions: user, password",
        "lock_user": "lock a user: user; unlock with locked: false",
        "set_rights": "change what a user may do: user, rights by policy, such as "
        '{"Vendors": "List|View"}',
        "authorize_sender": "authorize a sender in the company: sender",
        "revoke_sender": "take a sender's authorization away: sender",
        "change_sender_password": "change a sender's password: sender, password",
        "expire_demo": "let the demo company expire: every request is refused",
    }

    def __init__(self, company: Company, identity: Identity, saving: Saving) -> None:
        self._company = company
        self._identity = identity
        self._saving = saving
        self._plays: dict[str, Callable[[Body], dict[str, Any]]] = {
            name: getattr(self, f"_{name}") for name in self.ACTIONS
        }

    def play(self, action: str, body: Body) -> dict[str, Any]:
        """Carry an action out whole or not at all; raise ControlError when it cannot be done."""
        if action not in self._plays:
            raise ControlError(f"there is no action {action}; there are: {', '.join(self.ACTIONS)}")
        with told(), self._company.savepoint():
            done = self._plays[action](body)
        self._company.settle()
        return done

    # Records of any kind

    def _add(self, body: Body) -> dict[str, Any]:
        definition = object_of(self._company, str(body["kind"]))
        form = self._saving.form(definition)
        return self._told(form.create(from_mapping(body["values"]), _person(body)))

    def _edit(self, body: Body) -> dict[str, Any]:
        row = self._keyed(str(body["kind"]), body["key"])
        form = self._saving.form(row.definition)
        return self._told(form.update(row, from_mapping(body["values"]), _person(body)))

    def _delete(self, body: Body) -> dict[str, Any]:
        row = self._keyed(str(body["kind"]), body["key"])
        self._saving.form(row.definition).remove(row, _person(body))
        return {"RECORDNO": row.number}

    def _set_status(self, body: Body) -> dict[str, Any]:
        return self._change(self._keyed(str(body["kind"]), body["key"]), STATUS=_status(body))

    # Journal entries

    def _post_entry(self, body: Body) -> dict[str, Any]:
        form = self._saving.entries
        return self._told(
            form.update(self._entry(body), from_mapping({"STATE": "Posted"}), _person(body))
        )

    def _approve_entry(self, body: Body) -> dict[str, Any]:
        row = self._entry(body)
        if row["STATE"] not in {"Submitted", "Partially Approved"}:
            raise ControlError(f"entry {row.number} is {row['STATE']}, not waiting for approval")
        state = "Partially Approved" if body.get("partly") else "Posted"
        return self._told(self._saving.entries.posting.set_state(row, state, _person(body)))

    def _decline_entry(self, body: Body) -> dict[str, Any]:
        row = self._entry(body)
        if row["STATE"] not in {"Submitted", "Partially Approved"}:
            raise ControlError(f"entry {row.number} is {row['STATE']}, not waiting for approval")
        return self._told(self._saving.entries.posting.set_state(row, "Declined", _person(body)))

    def _edit_entry(self, body: Body) -> dict[str, Any]:
        form = self._saving.entries
        return self._told(
            form.update(self._entry(body), from_mapping(body["values"]), _person(body))
        )

    def _reverse_entry(self, body: Body) -> dict[str, Any]:
        row, form = self._entry(body), self._saving.entries
        day: date = read_day(str(body["date"])) if "date" in body else row["BATCH_DATE"]
        form.check_reversible(row, day)
        return self._told(form.posting.reverse(row, day, _person(body)))

    def _delete_entry(self, body: Body) -> dict[str, Any]:
        row = self._entry(body)
        self._saving.entries.remove(row, _person(body))
        return {"RECORDNO": row.number}

    def _close_books(self, body: Body) -> dict[str, Any]:
        day, entity = read_day(str(body["date"])), str(body.get("entity", ""))
        self._company.ledger.closed_through[entity] = day
        return {"closed_through": day_text(day), "entity": entity}

    def _open_books(self, body: Body) -> dict[str, Any]:
        self._company.ledger.closed_through.pop(str(body.get("entity", "")), None)
        return self._close_books(body) if "date" in body else {}

    # Master data

    def _approve_vendor(self, body: Body) -> dict[str, Any]:
        return self._change(self._keyed("VENDOR", body["key"]), STATE="Approved")

    def _decline_vendor(self, body: Body) -> dict[str, Any]:
        return self._change(self._keyed("VENDOR", body["key"]), STATE="Declined")

    def _set_account(self, body: Body) -> dict[str, Any]:
        return self._edit({**body, "kind": "GLACCOUNT"})

    def _set_journal_status(self, body: Body) -> dict[str, Any]:
        for name in JOURNAL_OBJECTS:
            row = self._company.keyed(name, body["key"])
            if row is not None:
                return self._change(row, STATUS=_status(body))
        raise ControlError(f"there is no journal {body['key']}")

    def _set_rate(self, body: Body) -> dict[str, Any]:
        rate_type = str(body.get("type", "Intacct Daily Rate"))
        rates = self._company.ledger.rates.setdefault(rate_type, {})
        rates[str(body["currency"])] = self._decimal(body["rate"])
        self._company.ledger.currencies.add(str(body["currency"]))
        return {}

    # Administration

    def _end_sessions(self, body: Body) -> dict[str, Any]:
        users = [str(body["user"])] if "user" in body else list(self._identity.users)
        return {"ended": sum(self._identity.end_of(user) for user in users)}

    def _change_password(self, body: Body) -> dict[str, Any]:
        user = self._identity.users[str(body["user"])]
        user.password = str(body["password"])
        return {"ended": self._identity.end_of(user.user_id)}

    def _lock_user(self, body: Body) -> dict[str, Any]:
        self._identity.users[str(body["user"])].is_locked = bool(body.get("locked", True))
        return {}

    def _set_rights(self, body: Body) -> dict[str, Any]:
        user = self._identity.users[str(body.get("user", USER_ID))]
        user.rights.update({str(name): str(text) for name, text in body["rights"].items()})
        return {"rights": user.rights}

    def _authorize_sender(self, body: Body) -> dict[str, Any]:
        self._identity.authorized.add(str(body["sender"]))
        return {}

    def _revoke_sender(self, body: Body) -> dict[str, Any]:
        self._identity.authorized.discard(str(body["sender"]))
        return {}

    def _change_sender_password(self, body: Body) -> dict[str, Any]:
        self._identity.senders[str(body["sender"])] = str(body["password"])
        return {}

    def _expire_demo(self, _body: Body) -> dict[str, Any]:
        self._identity.is_expired_demo = True
        return {}

    # What they share

    def _keyed(self, kind: str, key: Any) -> Row:
        definition = object_of(self._company, kind)
        row = self._company.keyed(definition.name, key)
        if row is None and str(key).isdigit():
            row = self._company.table(definition.name).numbered(int(key))
        if row is None:
            raise ControlError(f"there is no {definition.name} {key}")
        return row

    def _entry(self, body: Body) -> Row:
        if "entry" in body:
            return self._keyed("GLBATCH", int(body["entry"]))
        found = self._company.table("GLBATCH").where("REFERENCENO", str(body["reference"]))
        originals = [row for row in found if row["REVERSEDFROM"] is None]
        if not originals:
            raise ControlError(f"there is no journal entry with reference {body['reference']}")
        return originals[-1]

    def _change(self, row: Row, **values: Any) -> dict[str, Any]:
        return self._told(self._company.commit(row.changed(**values), _person({})))

    def _told(self, row: Row) -> dict[str, Any]:
        return plain(self._company, row)

    def _decimal(self, value: Any) -> Any:
        return self._saving.form(self._company.definitions["GLENTRY"]).value(
            self._company.definitions["GLENTRY"].fields["EXCHANGE_RATE"], str(value)
        )


def _person(body: Body) -> Actor:
    return Actor("finance", str(body.get("entity", "")), source="ui")


def _status(body: Body) -> str:
    status = str(body["status"])
    if status not in {"active", "inactive"}:
        raise ControlError(f"a status is active or inactive, not {status}")
    return status
