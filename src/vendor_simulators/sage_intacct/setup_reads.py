"""What the company is set up like: its finances, entities, dimensions, rights, closed books."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from vendor_simulators.sage_intacct.answers import Fault, FunctionError
from vendor_simulators.sage_intacct.columns import column, text
from vendor_simulators.sage_intacct.company import Company
from vendor_simulators.sage_intacct.elements import Element, element, leaf, text_of
from vendor_simulators.sage_intacct.queries import is_listed, known_object
from vendor_simulators.sage_intacct.rights import Rights
from vendor_simulators.sage_intacct.sessions import Caller, Identity
from vendor_simulators.sage_intacct.tables import Row

# Objects of get_list, with what each of their elements shows.
_LISTS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "journal": ("JOURNAL", {"symbol": "SYMBOL", "title": "TITLE", "status": "STATUS"}),
    "statjournal": ("STATJOURNAL", {"symbol": "SYMBOL", "title": "TITLE", "status": "STATUS"}),
    "adjjournal": ("GAAPADJJRNL", {"symbol": "SYMBOL", "title": "TITLE", "status": "STATUS"}),
    "reportingperiod": (
        "REPORTINGPERIOD",
        {
            "name": "NAME",
            "headingtitle": "HEADER1",
            "headingtitle2": "HEADER2",
            "startdate": "START_DATE",
            "enddate": "END_DATE",
            "budgetable": "BUDGETING",
            "status": "STATUS",
        },
    ),
    "glaccount": ("GLACCOUNT", {"glaccountno": "ACCOUNTNO", "title": "TITLE", "status": "STATUS"}),
    "statglaccount": (
        "STATACCOUNT",
        {"glaccountno": "ACCOUNTNO", "title": "TITLE", "status": "STATUS"},
    ),
    "class": ("CLASS", {"key": "CLASSID", "name": "NAME", "status": "STATUS"}),
    "department": (
        "DEPARTMENT",
        {"departmentid": "DEPARTMENTID", "title": "TITLE", "status": "STATUS"},
    ),
    "location": ("LOCATION", {"locationid": "LOCATIONID", "name": "NAME", "status": "STATUS"}),
    "locationentity": (
        "LOCATIONENTITY",
        {"locationid": "LOCATIONID", "name": "NAME", "status": "STATUS"},
    ),
    "customer": ("CUSTOMER", {"customerid": "CUSTOMERID", "name": "NAME", "status": "STATUS"}),
    "vendor": ("VENDOR", {"vendorid": "VENDORID", "name": "NAME", "status": "STATUS"}),
    "project": ("PROJECT", {"key": "PROJECTID", "name": "NAME", "status": "STATUS"}),
}
_EMPTY_LISTS = frozenset({"smarteventlog"})
_LONGEST_LIST = 100


class SetupReads:
    """Answers how the company is set up."""

    def __init__(self, company: Company, identity: Identity, rights: Rights) -> None:
        self._company = company
        self._identity = identity
        self._rights = rights

    def financial_setup(self, _caller: Caller, _asked: Element) -> list[Element]:
        """Return base currency, books and switches of the company."""
        switches = self._company.switches
        currencies = {row["CURRENCY"] for row in self._entities()} - {None}
        has_several = len(currencies) > 1
        facts = {
            "baseCurrency": "" if has_several else self._company.ledger.base_currency,
            "defaultBook": "ACCRUAL",
            "firstFiscalMonth": "1",
            "multiBaseCurrency": str(has_several).lower(),
            "multiBook": "false",
            "multiCurrency": str(bool(switches["multi_currency"])).lower(),
            "multiEntityShared": str(bool(switches["multi_entity"])).lower(),
        }
        setup = element("financialSetup", *(leaf(name, value) for name, value in facts.items()))
        return [element("data", setup)]

    def entity_details(self, _caller: Caller, _asked: Element) -> list[Element]:
        """Return the entities."""
        told = [
            element(
                "entity",
                leaf("id", row["LOCATIONID"]),
                leaf("name", row["NAME"]),
                leaf("recordno", str(row.number)),
                leaf("currency", row["CURRENCY"] or ""),
                leaf("firstfiscalmonth", str(row["FIRSTMONTH"] or 1)),
                leaf("firstfiscaltaxmonth"),
                leaf("weekstart"),
            )
            for row in self._entities()
        ]
        return [element("data", *told)]

    def dimensions(self, _caller: Caller, _asked: Element) -> list[Element]:
        """Return the dimensions with the company's own terms."""
        told = [
            element(
                "dimension",
                leaf("objectName", one.target),
                leaf("objectLabel", self._company.definitions[one.target].label),
                leaf("termLabel", one.term),
                leaf("userDefinedDimension", str(one.is_user_defined).lower()),
                leaf("enabledInGL", "true"),
            )
            for one in self._company.dimensions
        ]
        return [element("data", element("dimensions", *told))]

    def no_restrictions(self, _caller: Caller, asked: Element) -> list[Element]:
        """Return that dimensions neither restrict nor fill one another."""
        return [element("data", element(str(asked.tag).removeprefix("get")))]

    def user_permissions(self, _caller: Caller, asked: Element) -> list[Element]:
        """Return a user's rights by application and policy."""
        user_id = text_of(asked, "userId")
        if user_id not in self._identity.users:
            raise FunctionError(Fault("BL01001973", f"User {user_id} not found"))
        told = [
            element(
                "appSubscription",
                leaf("applicationName", application),
                element("policies", *(self._policy(user_id, policy) for policy in policies)),
            )
            for application, policies in self._rights.policies().items()
        ]
        return [element("data", element("permissions", *told))]

    def closed_books(self, caller: Caller, _asked: Element) -> list[Element]:
        """Return the day through which the books of the session's entity are closed."""
        closed = self._company.closed_through(caller.actor.entity)
        return [element("data", element("closedbooksdate", *_day_parts(closed)))]

    def audit_trail(self, caller: Caller, asked: Element) -> list[Element]:
        """Return what was done to a record."""
        definition = known_object(self._company, text_of(asked, "object"))
        self._rights.check(caller, definition, "View")
        key = text_of(asked, "objectKey")
        number = text_of(asked, "recordNo")
        if number.isdigit():
            row = self._company.table(definition.name).numbered(int(number))
            key = "" if row is None else str(row.key)
        rows = self._company.table("AUDITHISTORY").where("OBJECTKEY", key)
        mine = [row for row in rows if row["OBJECTTYPE"] == definition.name.lower()]
        told = [self._cells("audittrail", row, _AUDIT_CELLS) for row in mine]
        return [element("data", *told, listtype="audittrail", count=str(len(told)))]

    def get_list(self, caller: Caller, asked: Element) -> list[Element]:
        """Return a list of the older kind."""
        name = asked.get("object", "")
        object_name, cells = _LISTS.get(name, ("", {}))
        if not object_name and name not in _EMPTY_LISTS:
            text_ = f"get_list of {name} is not available"
            raise FunctionError(Fault("XL03000006", text_))
        rows = self._listed(caller, object_name) if object_name else []
        start = int(asked.get("start") or 0)
        page = rows[start : start + int(asked.get("maxitems") or _LONGEST_LIST)]
        listtype = leaf("listtype", name)
        listtype.attrib.update(
            {"start": str(start), "end": str(start + len(page)), "total": str(len(rows))}
        )
        return [listtype, element("data", *(self._cells(name, row, cells) for row in page))]

    def _listed(self, caller: Caller, object_name: str) -> list[Row]:
        self._rights.check(caller, self._company.definitions[object_name], "List")
        rows = self._company.seen(list(self._company.table(object_name)), caller.actor)
        return [row for row in rows if is_listed(self._company, row)]

    def _cells(self, tag: str, row: Row, cells: Mapping[str, str]) -> Element:
        told = []
        for name, field in cells.items():
            one = column(self._company, row.definition, field)
            if one is None:
                continue
            value = one.value(row)
            is_day = isinstance(value, date) and one.field.kind == "D"
            told.append(
                element(name, *_day_parts(value))
                if is_day
                else leaf(name, text(self._company, one, row))
            )
        return element(tag, *told)

    def _policy(self, user_id: str, policy: str) -> Element:
        rights = "|".join(self._rights.of(user_id, policy))
        return element("policy", leaf("policyName", policy), leaf("rights", rights))

    def _entities(self) -> list[Row]:
        return [
            row for row in self._company.table("LOCATIONENTITY") if is_listed(self._company, row)
        ]


_AUDIT_CELLS = {
    "user": "USERID",
    "accesstime": "ACCESSTIME",
    "accessmode": "ACCESSMODE",
    "source": "SOURCE",
}


def _day_parts(day: date | None) -> list[Element]:
    if day is None:
        return [leaf("year"), leaf("month"), leaf("day")]
    return [
        leaf("year", f"{day.year:04d}"),
        leaf("month", f"{day.month:02d}"),
        leaf("day", f"{day.day:02d}"),
    ]
