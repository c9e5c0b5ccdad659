"""The company as it begins; seeds and dumps: records in plain values, in and out."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

from vendor_simulators.kit import ControlError
from vendor_simulators.sage_intacct.answers import FunctionError
from vendor_simulators.sage_intacct.columns import related
from vendor_simulators.sage_intacct.company import Actor, Company
from vendor_simulators.sage_intacct.definitions import Definition, read_field
from vendor_simulators.sage_intacct.first_records import FIRST_RATES, FIRST_RECORDS
from vendor_simulators.sage_intacct.gateway import Gateway, as_rows
from vendor_simulators.sage_intacct.given import Given, from_mapping
from vendor_simulators.sage_intacct.saving import Saving
from vendor_simulators.sage_intacct.sessions import Identity, User, sessions_as_rows
from vendor_simulators.sage_intacct.tables import Row
from vendor_simulators.sage_intacct.values import InvalidValueError, parsed, read_day, shown

ADMINISTRATOR = Actor("admin", source="ui")
# What a seed may hold besides records of objects (vendors, gl_accounts, journal_entries, ...).
SEEDS: Mapping[str, str] = {
    "users": "user_id, password and, optionally, rights by policy, entities, is_locked",
    "senders": "sender ids with their passwords; authorized: false leaves one unauthorized",
    "rates": "base currency per unit, by rate type and currency",
    "currencies": "further currencies that the company knows",
    "closed_through": 'last closed day by entity, "" for the company: {"": "12/31/2025"}',
    "dimension_terms": 'what the company calls a dimension: {"LOCATION": "Site"}',
    "user_defined_dimensions": "name, label, values (id, name)",
    "custom_fields": 'fields of objects: {"VENDOR": ["PIPEDRIVE_ID t40"]}',
}
_ALIASES = {
    "JOURNALENTRY": "GLBATCH",
    "JOURNALENTRYLINE": "GLENTRY",
    "ENTITY": "LOCATIONENTITY",
    "PERIOD": "REPORTINGPERIOD",
    "ACCOUNT": "GLACCOUNT",
    "BILL": "APBILL",
    "PAYMENT": "APPYMT",
    "BANKACCOUNT": "CHECKINGACCOUNT",
    "AUDIT": "AUDITHISTORY",
}


def found(company: Company, saving: Saving) -> None:
    """Give the company what it begins with."""
    for name, rows in FIRST_RECORDS.items():
        _add_records(company, saving, name, rows)
    _add_records(company, saving, "REPORTINGPERIOD", _months(company.clock.now().year))
    company.ledger.rates = {name: dict(rates) for name, rates in FIRST_RATES.items()}


def seed(
    company: Company, identity: Identity, saving: Saving, body: Mapping[str, Any]
) -> dict[str, Any]:
    """Take everything in ``body`` over; return number and key of each record by kind."""
    setters: Mapping[str, Callable[[Any], None]] = {
        "users": lambda rows: identity.users.update({row["user_id"]: User(**row) for row in rows}),
        "senders": lambda rows: _add_senders(identity, rows),
        "rates": lambda rates: _add_rates(company, rates),
        "currencies": company.ledger.currencies.update,
        "closed_through": lambda days: company.ledger.closed_through.update(
            {entity: read_day(text) for entity, text in days.items()}
        ),
        "dimension_terms": company.rename_dimensions,
        "user_defined_dimensions": lambda rows: _add_dimensions(company, rows),
        "custom_fields": lambda fields: _add_fields(company, fields),
    }
    made: dict[str, Any] = {}
    with told(), company.savepoint():
        for kind, content in body.items():
            if kind in setters:
                setters[kind](content)
            else:
                made[kind] = _add_records(company, saving, object_of(company, kind).name, content)
    company.settle()
    return made


def dump(
    company: Company, identity: Identity, gateway: Gateway, kind: str, query: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return records of a kind whose fields equal those of ``query``."""
    others: Mapping[str, Callable[[], Iterable[Mapping[str, Any]]]] = {
        "sessions": lambda: sessions_as_rows(identity),
        "control_ids": lambda: as_rows(gateway.completed),
        "users": lambda: [asdict(user) for user in identity.users.values()],
    }
    if kind in others:
        rows = [dict(row) for row in others[kind]()]
    else:
        table = company.table(object_of(company, kind).name)
        rows = [plain(company, row) for row in sorted(table, key=lambda row: row.number)]
    return [
        row for row in rows if all(str(row.get(name)) == value for name, value in query.items())
    ]


def plain(company: Company, row: Row) -> dict[str, Any]:
    """Return a record with its contact and its lines, values as the vendor writes them."""
    content = {
        name: _plain_value(company, row, name)
        for name in row.definition.fields
        if row[name] is not None
    }
    contact = row.definition.relations.get("DISPLAYCONTACT")
    held = None if contact is None else related(company, contact, row)
    if held is not None:
        content["DISPLAYCONTACT"] = plain(company, held)
    if row.definition.name == "GLBATCH":
        lines = company.table("GLENTRY").where("BATCHNO", row.number)
        content["ENTRIES"] = [plain(company, line) for line in lines]
    return content


def object_of(company: Company, kind: str) -> Definition:
    """Return the object that a kind means: vendors, gl_accounts, GLBATCH."""
    wanted = kind.replace("_", "").replace("-", "").upper()
    singulars = [wanted, wanted.removesuffix("S"), wanted.removesuffix("ES")]
    singulars.append(f"{wanted.removesuffix('IES')}Y")
    for name in (kind, *singulars):
        definition = company.definitions.get(_ALIASES.get(name, name))
        if definition is not None:
            return definition
    raise ControlError(f"there are no records of kind {kind}")


@contextmanager
def told() -> Iterator[None]:
    """Turn what a form refuses, and what a body lacks, into an answer of the control API."""
    try:
        yield
    except FunctionError as exc:
        raise ControlError(str(exc)) from exc
    except KeyError as exc:
        raise ControlError(f"{exc.args[0]} is missing or unknown") from exc
    except (InvalidValueError, TypeError, ValueError, ArithmeticError) as exc:
        raise ControlError(str(exc)) from exc


def _plain_value(company: Company, row: Row, name: str) -> Any:
    value = row[name]
    if isinstance(value, (bool, int)):
        return value
    return shown(row.definition.fields[name], value, company.zone)


def _add_records(
    company: Company, saving: Saving, name: str, rows: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    made = []
    for given in rows:
        row = _add_record(company, saving, company.definitions[name], given)
        made.append({"RECORDNO": row.number, row.definition.key: row.key})
    return made


def _add_record(
    company: Company, saving: Saving, definition: Definition, given: Mapping[str, Any]
) -> Row:
    """Add a record by its form; one that no form makes is taken as it is.

    MEGAENTITYID makes it an entity's own.
    """
    actor = Actor(ADMINISTRATOR.user, str(given.get("MEGAENTITYID") or ""), source="system")
    content = from_mapping({name: v for name, v in given.items() if name != "MEGAENTITYID"})
    if definition.is_writable:
        return saving.form(definition).create(content, actor)
    values = {"RECORDNO": None, "STATUS": "active", **_as_is(company, definition, content)}
    if definition.name == "LOCATIONENTITY":
        _add_location_of(company, values, actor)
    return company.commit(Row(definition, values), actor)


def _as_is(company: Company, definition: Definition, given: Given) -> dict[str, Any]:
    values = {}
    for path, text in given.fields.items():
        field = definition.named(path)
        if field is None:
            raise ControlError(f"{definition.name} has no field {path}")
        values[field.name] = parsed(field, text, company.zone)
    return values


def _add_location_of(company: Company, values: Mapping[str, Any], actor: Actor) -> None:
    """Add the location that each entity is as well."""
    if company.keyed("LOCATION", values["LOCATIONID"]) is None:
        kept = {name: values.get(name) for name in ("LOCATIONID", "NAME", "CURRENCY")}
        row = {"RECORDNO": None, "STATUS": "active", "ENTITY": values["LOCATIONID"], **kept}
        company.commit(Row(company.definitions["LOCATION"], row), actor)


def _add_senders(identity: Identity, rows: Iterable[Mapping[str, Any]]) -> None:
    for row in rows:
        identity.senders[row["sender_id"]] = row["password"]
        if row.get("authorized", True):
            identity.authorized.add(row["sender_id"])


def _add_rates(company: Company, rates: Mapping[str, Mapping[str, Any]]) -> None:
    for rate_type, by_currency in rates.items():
        known = company.ledger.rates.setdefault(rate_type, {})
        known.update({name: Decimal(str(rate)) for name, rate in by_currency.items()})
        company.ledger.currencies.update(by_currency)


def _add_dimensions(company: Company, rows: Iterable[Mapping[str, Any]]) -> None:
    for row in rows:
        company.add_dimension(row["name"], row.get("label", row["name"]))
        definition = company.definitions[row["name"]]
        for value in row.get("values", ()):
            values = {"RECORDNO": None, "STATUS": "active", **value}
            company.commit(Row(definition, values), ADMINISTRATOR)


def _add_fields(company: Company, fields: Mapping[str, Iterable[str]]) -> None:
    for kind, texts in fields.items():
        for text in texts:
            company.add_field(object_of(company, kind).name, read_field(f"{text} custom"))


def _months(year: int) -> Iterator[dict[str, str]]:
    """Yield the reporting periods of the year before, this one and the next."""
    for each in (year - 1, year, year + 1):
        for month in range(1, 13):
            first = date(each, month, 1)
            last = first.replace(day=monthrange(each, month)[1])
            yield {
                "NAME": f"Month Ended {last.strftime('%B %Y')}",
                "HEADER1": "Month Ended",
                "HEADER2": last.strftime("%m/%d/%Y"),
                "START_DATE": first.strftime("%m/%d/%Y"),
                "END_DATE": last.strftime("%m/%d/%Y"),
                "BUDGETING": "true",
            }
