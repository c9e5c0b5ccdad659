"""Probing a connection before anything moves: line by line, with the way out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from ml_connector.core.errors import (
    AccessDeniedError,
    AuthenticationError,
    ConnectorError,
    RateLimitedError,
)
from ml_connector.transport.failures import CertificateError
from ml_connector.transport.vendor import PingLine
from ml_connector.vendors.sage_intacct.definitions import Definitions
from ml_connector.vendors.sage_intacct.gateway import Gateway
from ml_connector.vendors.sage_intacct.models import Company, Policy
from ml_connector.vendors.sage_intacct.queries import RECORD_NO, Query

_Check = Literal["address", "certificate", "login", "tenant", "right", "fact"]

WRITE = ":write"
"""Behind a right's name: records are made and changed as well."""

_TO_WRITE = frozenset({"Add", "Edit"})


@dataclass(frozen=True, slots=True)
class _Right:
    title: str
    policy: str | None = None
    """The permission that allows writing, by the name that getUserPermissions gives it."""


RIGHTS: Mapping[str, _Right] = {
    "CLASS": _Right("classes"),
    "CUSTOMER": _Right("customers", "Customers"),
    "DEPARTMENT": _Right("departments"),
    "EMPLOYEE": _Right("employees"),
    "GLACCOUNT": _Right("general ledger accounts"),
    "GLBATCH": _Right("journal entries", "Journal Entries"),
    "GLENTRY": _Right("lines of journal entries"),
    "ITEM": _Right("items"),
    "JOURNAL": _Right("journals"),
    "LOCATION": _Right("locations"),
    "LOCATIONENTITY": _Right("entities"),
    "PROJECT": _Right("projects"),
    "REPORTINGPERIOD": _Right("reporting periods"),
    "VENDOR": _Right("vendors", "Vendors"),
}
"""What a flow may need, by object; with ``:write`` behind it, writing too."""


class Ping:
    """One ping of one connection."""

    def __init__(self, gateway: Gateway, definitions: Definitions) -> None:
        self._gateway = gateway
        self._settings = gateway.settings
        self._definitions = definitions

    async def lines(self, needs: Sequence[str]) -> list[PingLine]:
        """Probe everything in order; what cannot be looked at is left out."""
        clock = self._gateway.clock
        asked_at = clock.monotonic()
        company: Company | None = None
        try:
            company = await self._definitions.company(fresh=True)
        except AccessDeniedError:
            pass  # logged in, and that is what was asked
        except ConnectorError as exc:
            return self._why_not(exc)
        took_ms = round((clock.monotonic() - asked_at) * 1000, 1)
        lines = [*self._answers(took_ms), *self._logged_in()]
        policies = await self._policies(needs)
        rights = [await self._right(need, policies) for need in dict.fromkeys(needs)]
        return [*lines, *rights, *await self._facts(company)]

    def _answers(self, took_ms: float | None) -> list[PingLine]:
        url = self._settings.gateway_url
        lines = [
            PingLine(
                check="address",
                subject=url,
                is_good=True,
                message="Intacct's gateway answers",
                round_trip_ms=took_ms,
            )
        ]
        if url.startswith("https:"):
            lines.append(_line("certificate", self._host, "the certificate is good"))
        return lines

    def _logged_in(self) -> list[PingLine]:
        settings = self._settings
        entity = self._gateway.entity_id
        place = f"entity {entity}" if entity else "the top level"
        return [
            _line("login", settings.user_id, "logged in"),
            _line("tenant", settings.company_id, f"the login works at {place} of this company"),
        ]

    def _why_not(self, exc: ConnectorError) -> list[PingLine]:
        """Say which of the first steps failed, with the ones that must have worked before it."""
        match exc:
            case CertificateError():
                return [_line("certificate", self._host, exc.message, is_good=False)]
            case AuthenticationError():
                bad = _line("login", self._settings.user_id, exc.message, is_good=False)
                return [*self._answers(None), bad]
            case RateLimitedError():
                return [*self._answers(None), _line("fact", "limits", exc.message, is_good=False)]
            case _:
                url = self._settings.gateway_url
                return [_line("address", url, exc.message, is_good=False)]

    async def _policies(self, needs: Sequence[str]) -> Sequence[Policy] | ConnectorError:
        if not any(need.endswith(WRITE) for need in needs):
            return ()
        try:
            return await self._definitions.permissions(self._settings.user_id)
        except ConnectorError as exc:
            return exc

    async def _right(self, need: str, policies: Sequence[Policy] | ConnectorError) -> PingLine:
        name = need.removesuffix(WRITE)
        right = RIGHTS.get(name)
        if right is None:
            message = f"no such right; there are: {', '.join(RIGHTS)}"
            return _line("right", need, message, is_good=False)
        probe = Query(object_name=name, select=(RECORD_NO,), page_size=1)
        try:
            await self._gateway.ask(probe.function())
        except ConnectorError as exc:
            return _line("right", need, exc.message, is_good=False)
        if need == name:
            return _line("right", need, f"{right.title} can be read")
        return _may_write(need, right, policies)

    async def _facts(self, company: Company | None) -> list[PingLine]:
        lines = []
        if company is not None:
            lines.append(_line("fact", "currency", _currency(company)))
        try:
            closed = await self._definitions.closed_through(fresh=True)
        except ConnectorError as exc:
            return [*lines, _line("fact", "books", f"whether books are closed, {exc.message}")]
        said = "no books are closed" if closed is None else f"books are closed through {closed}"
        return [*lines, _line("fact", "books", said)]

    @property
    def _host(self) -> str:
        return urlsplit(self._settings.gateway_url).hostname or self._settings.gateway_url


def _may_write(need: str, right: _Right, policies: Sequence[Policy] | ConnectorError) -> PingLine:
    unsure = f"{right.title} can be read; whether they may be changed shows at the first write"
    if isinstance(policies, ConnectorError):
        return _line("right", need, f"{unsure} ({policies.message})")
    held = [each for each in policies if each.name == right.policy]
    if not held:
        # The permission may have another name in this company: its absence proves nothing.
        return _line("right", need, unsure)
    if any(each.rights >= _TO_WRITE for each in held):
        return _line("right", need, f"{right.title} can be read, added and edited")
    message = (
        f"the user's role lacks Add or Edit of {right.policy} ({held[0].application}): an "
        "administrator adds it under Company > Roles"
    )
    return _line("right", need, message, is_good=False)


def _currency(company: Company) -> str:
    if company.base_currency is None:
        return "each entity keeps its books in a base currency of its own"
    other = "other currencies can" if company.has_multi_currency else "no other currency can"
    return f"books are kept in {company.base_currency}; {other} be posted"


def _line(check: _Check, subject: str, message: str, *, is_good: bool = True) -> PingLine:
    return PingLine(check=check, subject=subject, is_good=is_good, message=message)
