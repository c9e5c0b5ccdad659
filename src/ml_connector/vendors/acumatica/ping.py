"""Probing a connection before anything moves: line by line, with the way out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal
from urllib.parse import urlsplit

from ml_connector.core.errors import (
    AccessDeniedError,
    AuthenticationError,
    ConnectorError,
    RateLimitedError,
)
from ml_connector.core.logins import LoginStore
from ml_connector.transport.failures import CertificateError
from ml_connector.transport.vendor import PingLine
from ml_connector.vendors.acumatica import auth, streams, versions
from ml_connector.vendors.acumatica.endpoint import Endpoint, Query
from ml_connector.vendors.acumatica.errors import SCREENS
from ml_connector.vendors.acumatica.models import (
    BusinessAccount,
    Contact,
    Customer,
    Invoice,
    Ledger,
    NonStockItem,
    Payment,
    Record,
    SalesInvoice,
    SalesOrder,
    StockItem,
)
from ml_connector.vendors.acumatica.site import Offers

RIGHTS: Mapping[str, type[Record]] = {
    model.ENTITY: model
    for model in (
        BusinessAccount,
        Contact,
        Customer,
        Invoice,
        Ledger,
        NonStockItem,
        Payment,
        SalesInvoice,
        SalesOrder,
        StockItem,
    )
}
"""What a flow may need: the right to an entity's form. Reading is what can be probed; whether
writing is allowed shows at the first write."""

_Check = Literal["address", "certificate", "login", "version", "tenant", "right", "fact"]

_UNASKED = Customer
"""Proves the login where a ping needs no right."""


class Ping:
    """One ping of one connection."""

    def __init__(self, endpoint: Endpoint, *, logins: LoginStore) -> None:
        self._endpoint = endpoint
        self._settings = endpoint.settings
        self._logins = logins

    async def lines(self, needs: Sequence[str]) -> list[PingLine]:
        """Probe everything in order; what cannot be looked at is left out."""
        lines, offers = await self._address()
        if offers is None:
            return lines
        version = self._version(offers)
        lines.append(version)
        if not version.is_good:
            return lines
        refused = await self._refused_login()
        rights = [] if refused else await self._rights(needs)
        lines += [refused] if refused else [*self._good_login(), *rights]
        return [*lines, *await self._facts(offers)]

    async def _address(self) -> tuple[list[PingLine], Offers | None]:
        url = self._settings.instance_url
        host = urlsplit(url).hostname or url
        try:
            offers, response = await self._endpoint.offers()
        except CertificateError as exc:
            return [_line("certificate", host, exc.message, is_good=False)], None
        except ConnectorError as exc:
            return [_line("address", url, exc.message, is_good=False)], None
        milliseconds = response.elapsed.total_seconds() * 1000
        lines = [
            PingLine(
                check="address",
                subject=url,
                is_good=True,
                message="an Acumatica site answers",
                round_trip_ms=milliseconds,
            )
        ]
        if url.startswith("https:"):
            lines.append(_line("certificate", host, "the certificate is good"))
        return lines, offers

    def _version(self, offers: Offers) -> PingLine:
        settings = self._settings
        name, version = settings.endpoint_name, settings.endpoint_version
        subject = f"{name}/{version}"
        if not offers.serves(name, version):
            return _line(
                "version", subject, offers.not_served(name, version).message, is_good=False
            )
        offered = ", ".join(offers.versions_of(name))
        note = ""
        if settings.version > versions.NEWEST_TRIED:
            note = "; newer than this program was tried with"
        return _line("version", subject, f"served; the site offers {offered}{note}")

    async def _refused_login(self) -> PingLine | None:
        """Log in; return the line that tells why it failed, if it did."""
        try:
            await self._endpoint.login.headers()
            await self._probe(_UNASKED)
        except AccessDeniedError:
            return None  # logged in, and that is what was asked
        except (AuthenticationError, RateLimitedError) as exc:
            return _line("login", self._user, self._login_words(exc), is_good=False)
        except ConnectorError as exc:
            is_tenant = getattr(exc, "waits_for", None) == "setting:tenant"
            return _line(
                "tenant" if is_tenant else "login",
                self._settings.tenant_name if is_tenant else self._user,
                exc.message,
                is_good=False,
            )
        return None

    def _login_words(self, exc: ConnectorError) -> str:
        """Return why the login failed, with the tenant where the site does not tell them apart."""
        if getattr(exc, "waits_for", None) != "setting:client_id":
            return exc.message
        return f"{exc.message}. The client ID entered names the tenant {self._settings.tenant_name}"

    def _good_login(self) -> list[PingLine]:
        return [
            _line("login", self._user, "logged in"),
            _line("tenant", self._settings.tenant_name, "the login selects this tenant"),
        ]

    async def _rights(self, needs: Sequence[str]) -> list[PingLine]:
        lines = []
        for need in dict.fromkeys(needs):
            model = RIGHTS.get(need)
            if model is None:
                message = f"no such right; there are: {', '.join(RIGHTS)}"
                lines.append(_line("right", need, message, is_good=False))
            else:
                lines.append(await self._right(model))
        return lines

    async def _right(self, model: type[Record]) -> PingLine:
        try:
            await self._probe(model)
        except ConnectorError as exc:
            return _line("right", model.ENTITY, exc.message, is_good=False)
        return _line("right", model.ENTITY, f"can be read (form {SCREENS[model.ENTITY]})")

    async def _probe(self, model: type[Record]) -> None:
        await self._endpoint.rows(model.ENTITY, Query(select=model.KEYS, top=1))

    async def _facts(self, offers: Offers) -> list[PingLine]:
        lines = []
        if offers.build:
            lines.append(_line("fact", "build", f"Acumatica {offers.build}"))
        if streams.source_of("sales_invoices", self._endpoint.version).entity == "Invoice":
            lines.append(
                _line(
                    "fact",
                    "sales invoices",
                    "this endpoint version does not tell when a sales invoice changed; changes "
                    "are read from Invoice, which has it after its release (23.200.001 has both)",
                )
            )
        held = await self._logins.current(auth.LOGIN)
        ends_at = auth.consent_ends_at(held) if held is not None else None
        if ends_at is not None and self._settings.login_mode == "oauth_code":
            lines.append(
                _line(
                    "fact",
                    "consent",
                    f"runs out on {ends_at:%Y-%m-%d}, unless the site extends it on use (sliding "
                    "expiration of refresh tokens)",
                )
            )
        return lines

    @property
    def _user(self) -> str:
        return self._settings.username or self._settings.client_id or ""


def _line(check: _Check, subject: str, message: str, *, is_good: bool = True) -> PingLine:
    return PingLine(check=check, subject=subject, is_good=is_good, message=message)
