"""The endpoint's entities over HTTP: list, read, write, act.

Addresses and parameters stand here once, and so does the question that a 404 leaves open:
whether the version, the entity, the action or the record is what is missing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote, urljoin, urlsplit

from ml_connector.core.clock import Clock
from ml_connector.core.errors import ConfigurationError, ContractError, NotFoundError
from ml_connector.core.logins import LoginStore
from ml_connector.transport.http import Transport
from ml_connector.transport.messages import Cost, Method, Response
from ml_connector.vendors.acumatica import auth, bodies, echo, errors, odata, wire
from ml_connector.vendors.acumatica.drafts import RecordDraft
from ml_connector.vendors.acumatica.echo import Written
from ml_connector.vendors.acumatica.models import Record
from ml_connector.vendors.acumatica.pages import PAGE
from ml_connector.vendors.acumatica.profile import PER_MINUTE
from ml_connector.vendors.acumatica.settings import Settings
from ml_connector.vendors.acumatica.site import Offers

R = TypeVar("R", bound=Record)

COST = Cost(windows=(PER_MINUTE,))

_ADDRESSABLE = re.compile(r"[A-Za-z0-9 _#=,;()\[\]'!~$@-]+")
"""Keys that can stand in a path. IIS refuses ``< > * % & : \\ ? +`` there even when encoded, and
``/`` and ``|`` separate keys; a record with such a key is read by its id instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a read asks for."""

    where: str | None = None
    select: Sequence[str] = ()
    expand: Sequence[str] = ()
    custom: Sequence[str] = ()
    top: int | None = None
    skip: int = 0

    def params(self) -> list[tuple[str, str]]:
        """Return the parameters of the address."""
        given = (
            ("$filter", self.where),
            ("$select", ",".join(self.select)),
            ("$expand", ",".join(self.expand)),
            ("$custom", ",".join(self.custom)),
            ("$top", None if self.top is None else str(self.top)),
            ("$skip", str(self.skip) if self.skip else None),
        )
        return [(name, value) for name, value in given if value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer to a list."""

    rows: list[dict[str, Any]]
    response: Response = field(repr=False)


class Endpoint:
    """One endpoint of one site, with one login."""

    def __init__(
        self, settings: Settings, *, transport: Transport, logins: LoginStore, clock: Clock
    ) -> None:
        self.settings = settings
        self.version = settings.version
        self.clock = clock
        accept = {"Accept": "application/json"}
        self._anonymous = transport.http(
            base_url=settings.instance_url, error_of=errors.error_of, headers=accept
        )
        self.login = auth.open_login(
            settings, transport=transport, http=self._anonymous, logins=logins, clock=clock
        )
        branch = {"PX-CbApiBranch": settings.branch} if settings.branch else {}
        self._http = transport.http(
            base_url=settings.instance_url,
            error_of=errors.error_of,
            authenticator=self.login,
            headers={**accept, **branch},
        )

    # --- reading ---------------------------------------------------------------------------

    async def rows(self, entity: str, query: Query) -> Page:
        """Return the rows of a list, still wrapped, in the order of their keys."""
        response = await self._call(
            "GET", entity, operation=f"{entity}.list", params=query.params()
        )
        found = wire.decode(response.body)
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise ContractError(f"Acumatica's list of {entity} is not an array of objects")
        return Page(rows=found, response=response)

    async def list(self, model: type[R], where: str, *, top: int | None = None) -> list[R]:
        """Return the records that fulfil a condition, with their own fields only.

        A list that expands can fail as a whole (NOTES.md, "Optimiser"), so none here does. All of
        them come, unless only the first ``top`` are asked for: a site may cut a list short that
        does not say how much it wants.
        """
        select = wire.selection(model, self.version)
        rows: list[dict[str, Any]] = []
        while True:
            query = Query(where=where, select=select, top=top or PAGE, skip=len(rows))
            page = await self.rows(model.ENTITY, query)
            rows += page.rows
            if top is not None or len(page.rows) < PAGE:
                return wire.records(model, rows)

    async def get(
        self,
        model: type[R],
        *keys: str | int,
        expand: Sequence[str] = (),
        custom: Sequence[str] = (),
    ) -> R:
        """Return one record with what is linked to it.

        Raises NotFoundError when there is none.
        """
        query = Query(
            select=wire.selection(model, self.version, expand=expand), expand=expand, custom=custom
        )
        raw = await self.get_raw(model, *keys, query=query)
        return wire.record(model, raw)

    async def get_raw(self, model: type[Record], *keys: str | int, query: Query) -> dict[str, Any]:
        """Return one record, still wrapped."""
        path = "/".join(quote(str(key), safe="") for key in keys)
        if not all(_ADDRESSABLE.fullmatch(str(key)) for key in keys):
            path = await self._id_of(model, *keys)
        response = await self._call(
            "GET",
            f"{model.ENTITY}/{path}",
            operation=f"{model.ENTITY}.get",
            params=query.params(),
            is_record=True,
        )
        raw = wire.decode(response.body)
        if not isinstance(raw, dict):
            raise ContractError(f"Acumatica's {model.ENTITY} is not an object")
        return raw

    async def json(self, path: str, *, operation: str) -> Any:
        """Return any other document of the endpoint, such as its own description."""
        response = await self._call("GET", path, operation=operation)
        return wire.decode(response.body)

    # --- writing ---------------------------------------------------------------------------

    async def put(
        self,
        model: type[R],
        draft: RecordDraft,
        *,
        record_id: str | None = None,
        expand: Sequence[str] = (),
    ) -> Written[R]:
        """Create a record, or change the one with ``record_id``.

        Never by key: under auto-numbering a key that does not exist makes a new record.
        """
        body = bodies.body_of(draft, self.version)
        if record_id is not None:
            body = {"id": record_id, **body}
        nested = bodies.nested_names(body)
        query = Query(
            select=wire.selection(model, self.version, expand=expand),
            expand=tuple(dict.fromkeys((*expand, *nested))),
            custom=bodies.custom_names(body),
        )
        response = await self._call(
            "PUT",
            model.ENTITY,
            operation=f"{model.ENTITY}.{'create' if record_id is None else 'update'}",
            params=query.params(),
            json=bodies.encode(body),
            is_safe=record_id is not None and not bodies.adds_rows(body),
        )
        raw = wire.decode(response.body)
        written = wire.record(model, raw)
        return Written(record=written, differences=echo.differences(body, raw))

    async def post(self, entity: str, action: str, body: bodies.JSONObject) -> Response:
        """Start an action on a record."""
        return await self._call(
            "POST",
            f"{entity}/{action}",
            operation=f"{entity}.{action}",
            json=bodies.encode(body),
        )

    async def operation_status(self, location: str, *, operation: str) -> Response:
        """Ask how far a started action is."""
        return await self._http.call("GET", self.resolved(location), operation=operation, cost=COST)

    def resolved(self, location: str) -> str:
        """Make an address that the server returned absolute: they are relative to the host.

        Raises ContractError when it leads out of the site: it would carry the login there.
        """
        base = self.settings.instance_url
        absolute = urljoin(f"{base}/", location)
        site, target = urlsplit(base), urlsplit(absolute)
        below = f"{site.path}/".lower()
        is_inside = target.path.lower().startswith(below) and ".." not in target.path.split("/")
        if (target.scheme, target.netloc.lower()) != (site.scheme, site.netloc.lower()) or (
            not is_inside
        ):
            raise ContractError(f"Acumatica points outside of the site: {absolute}")
        return absolute

    # --- the site --------------------------------------------------------------------------

    async def offers(self) -> tuple[Offers, Response]:
        """Return what the site serves. Needs no login."""
        response = await self._anonymous.call("GET", "entity", operation="site.endpoints")
        return Offers.read(wire.decode(response.body)), response

    async def _call(
        self,
        method: Method,
        path: str,
        *,
        operation: str,
        params: Sequence[tuple[str, str]] = (),
        json: bytes | None = None,
        is_safe: bool | None = None,
        is_record: bool = False,
    ) -> Response:
        try:
            return await self._http.call(
                method,
                f"{self.settings.endpoint_path}/{path}",
                operation=operation,
                params=params,
                json=json,
                cost=COST,
                is_safe=is_safe,
            )
        except errors.UnknownAddressError as exc:
            raise await self._what_is_missing(path, is_record=is_record) from exc

    async def _what_is_missing(
        self, path: str, *, is_record: bool
    ) -> NotFoundError | ConfigurationError:
        offers, _ = await self.offers()
        settings = self.settings
        if not offers.serves(settings.endpoint_name, settings.endpoint_version):
            return offers.not_served(settings.endpoint_name, settings.endpoint_version)
        if is_record:
            return NotFoundError(f"Acumatica has no {path}")
        return ConfigurationError(
            f"The endpoint {settings.endpoint_name}/{settings.endpoint_version} has no {path}: "
            "it is not part of this version, or its feature is off"
        )

    async def _id_of(self, model: type[Record], *keys: str | int) -> str:
        where = odata.all_of(
            *(odata.compare(name, "eq", key) for name, key in zip(model.KEYS, keys, strict=True))
        )
        page = await self.rows(model.ENTITY, Query(where=where, select=model.KEYS, top=2))
        if not page.rows:
            raise NotFoundError(f"Acumatica has no {model.ENTITY} {'/'.join(map(str, keys))}")
        return quote(str(page.rows[0].get("id", "")), safe="")
