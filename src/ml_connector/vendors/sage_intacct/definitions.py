"""What the company offers to map and to post to: objects' fields, dimensions, books."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from lxml import etree

from ml_connector.core.clock import Clock
from ml_connector.core.errors import ConfigurationError, ContractError
from ml_connector.transport.kept import Kept
from ml_connector.vendors.sage_intacct import pages, wire
from ml_connector.vendors.sage_intacct.answers import Result
from ml_connector.vendors.sage_intacct.gateway import Gateway
from ml_connector.vendors.sage_intacct.models import (
    ACTIVE,
    Company,
    Dimension,
    DimensionValue,
    FieldDefinition,
    Policy,
)
from ml_connector.vendors.sage_intacct.nodes import Node, leaf, parent
from ml_connector.vendors.sage_intacct.queries import Query
from ml_connector.vendors.sage_intacct.requests import Function

_VALUES: dict[str, tuple[str, str]] = {
    "CLASS": ("CLASSID", "NAME"),
    "CUSTOMER": ("CUSTOMERID", "NAME"),
    "DEPARTMENT": ("DEPARTMENTID", "TITLE"),
    "EMPLOYEE": ("EMPLOYEEID", "CONTACT.CONTACTNAME"),
    "ITEM": ("ITEMID", "NAME"),
    "LOCATION": ("LOCATIONID", "NAME"),
    "PROJECT": ("PROJECTID", "NAME"),
    "VENDOR": ("VENDORID", "NAME"),
}
"""Standard dimensions whose values can be listed: the field that a line carries, and the title."""


class Definitions:
    """Reads definitions. They change seldom, so they are kept for a quarter of an hour."""

    def __init__(self, gateway: Gateway, *, clock: Clock) -> None:
        self._gateway = gateway
        self._kept = Kept(clock=clock)

    async def fields(self, object_name: str, *, fresh: bool = False) -> tuple[FieldDefinition, ...]:
        """Return the fields of an object, custom ones among them.

        At most 15 minutes old, or read now: so with all definitions.
        """
        return await self._kept.get(
            ("fields", object_name), lambda: self._fields(object_name), fresh=fresh
        )

    async def dimensions(self, *, fresh: bool = False) -> tuple[Dimension, ...]:
        """Return the company's dimensions, user-defined ones among them."""
        return await self._kept.get("dimensions", self._dimensions, fresh=fresh)

    async def values(
        self, dimension: Dimension, *, fresh: bool = False
    ) -> tuple[DimensionValue, ...]:
        """Return the values of a dimension, inactive ones marked.

        Raises ConfigurationError for one whose values cannot be listed.
        """
        return await self._kept.get(
            ("values", dimension.object_name), lambda: self._values(dimension), fresh=fresh
        )

    async def company(self, *, fresh: bool = False) -> Company:
        """Return how the company keeps its books."""
        return await self._kept.get("company", self._company, fresh=fresh)

    async def closed_through(self, *, fresh: bool = False) -> date | None:
        """Return the last day whose books are closed, for the entity or the company; None if none.

        Closing is by sub-ledger as well, which nothing tells: the gateway may still refuse a day.
        """
        return await self._kept.get("closed", self._closed_through, fresh=fresh)

    async def permissions(self, user_id: str) -> tuple[Policy, ...]:
        """Return what a user may do. Never kept: a ping asks for it."""
        content = parent("getUserPermissions", leaf("userId", user_id))
        result = await self._ask("getUserPermissions", content)
        return tuple(_policies(_data(result)))

    async def _fields(self, object_name: str) -> tuple[FieldDefinition, ...]:
        content = parent("lookup", leaf("object", object_name))
        result = await self._gateway.ask(
            Function(operation=f"{object_name}.lookup", subject=object_name, content=content)
        )
        return tuple(_field(each) for each in _data(result).iterfind("Type/Fields/Field"))

    async def _dimensions(self) -> tuple[Dimension, ...]:
        result = await self._ask("getDimensions", parent("getDimensions"))
        return tuple(
            Dimension(
                object_name=_text(each, "objectName"),
                label=_text(each, "objectLabel"),
                term=_text(each, "termLabel"),
                is_user_defined=wire.truth(_text(each, "userDefinedDimension")),
                is_enabled_in_gl=wire.truth(_text(each, "enabledInGL")),
            )
            for each in _data(result).iterfind("dimensions/dimension")
        )

    async def _values(self, dimension: Dimension) -> tuple[DimensionValue, ...]:
        name = dimension.object_name
        if dimension.is_user_defined:
            query = Query(object_name=name, select=("id", "name"), order_by="id")
            value, title, status = "id", "name", ""
        elif name.upper() in _VALUES:
            value, title = _VALUES[name.upper()]
            status = "STATUS"
            select = ("RECORDNO", value, title, status)
            query = Query(object_name=name.upper(), select=select)
        else:
            raise ConfigurationError(
                f"The values of Intacct's dimension {dimension.term} ({name}) cannot be listed",
                waits_for=f"dimension:{name}",
            )
        return tuple(
            [
                DimensionValue(
                    value=row.get(value, ""),
                    title=row.get(title) or None,
                    is_active=not status or row.get(status) == ACTIVE,
                )
                async for row in pages.all_rows(self._gateway, query)
            ]
        )

    async def _company(self) -> Company:
        result = await self._ask("getFinancialSetup", parent("getFinancialSetup"))
        # What stands between is not sure (NOTES.md, "Set-up"), so it is looked for at any depth.
        return Company(
            base_currency=_anywhere(result, "baseCurrency") or None,
            has_multi_currency=wire.truth(_anywhere(result, "multiCurrency")),
            has_multi_base_currency=wire.truth(_anywhere(result, "multiBaseCurrency")),
            has_multi_entity=wire.truth(_anywhere(result, "multiEntityShared")),
        )

    async def _closed_through(self) -> date | None:
        result = await self._ask("get_closedbooksdate", parent("get_closedbooksdate"))
        parts = [_anywhere(result, name) for name in ("year", "month", "day")]
        if not any(parts):
            return None
        try:
            year, month, day = (int(part) for part in parts)
            return date(year, month, day)
        except ValueError as exc:
            raise ContractError(
                f"Intacct tells {parts} as the day up to which books are closed"
            ) from exc

    async def _ask(self, name: str, content: Node) -> Result:
        return await self._gateway.ask(
            Function(operation=f"company.{name}", subject=name, content=content)
        )


def _data(result: Result) -> etree._Element:
    if result.data is None:
        raise ContractError(f"Intacct's result of {result.function} has no data")
    return result.data


def _field(described: etree._Element) -> FieldDefinition:
    return FieldDefinition(
        name=_text(described, "ID"),
        label=_text(described, "LABEL"),
        type=_text(described, "DATATYPE"),
        is_required=wire.truth(_text(described, "REQUIRED")),
        is_read_only=wire.truth(_text(described, "READONLY")),
        is_custom=wire.truth(_text(described, "ISCUSTOM")),
        valid_values=tuple(
            (each.text or "").strip() for each in described.iterfind("VALIDVALUES/VALIDVALUE")
        ),
    )


def _policies(data: etree._Element) -> Iterator[Policy]:
    for subscription in data.iter("appSubscription"):
        application = _text(subscription, "applicationName")
        for policy in subscription.iterfind("policies/policy"):
            rights = _text(policy, "rights").split("|")
            yield Policy(
                application=application,
                name=_text(policy, "policyName"),
                rights=frozenset(right.strip() for right in rights if right.strip()),
            )


def _text(element: etree._Element, name: str) -> str:
    return (element.findtext(name) or "").strip()


def _anywhere(result: Result, name: str) -> str:
    found = next(_data(result).iter(name), None)
    return "" if found is None else (found.text or "").strip()
