"""Addresses that an administrator enters at a vendor which pushes what happens (ACU-10)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from ml_connector.app.differences import public_address
from ml_connector.app.services import Services
from ml_connector.audit import trail
from ml_connector.connections.rows import ConnectionRow
from ml_connector.core.errors import ConfigurationError
from ml_connector.core.ids import new_token
from ml_connector.core.secret import Secret
from ml_connector.core.webhooks import Guard
from ml_connector.transport.vendor import PushDestination
from ml_connector.webhooks.endpoints import Endpoint

_NAME = "push"


@dataclass(frozen=True, slots=True, kw_only=True)
class PushAddress:
    """What is entered at the vendor."""

    url: str
    destination: PushDestination
    header_value: Secret | None
    """Only of an address that is new, or whose value has just been replaced."""


async def push_address(
    services: Services, row: ConnectionRow, *, rotate: bool, who: str
) -> PushAddress:
    """Return the connection's address for pushes, made if there is none.

    With ``rotate`` the header gets another value; the one before stays good for a day.
    Raises ConfigurationError where the vendor pushes nothing, or we have no public address.
    """
    vendor = services.vendors[row.vendor]
    destination = None if vendor.webhooks is None else vendor.webhooks.destination
    if destination is None:
        raise ConfigurationError(
            f"{vendor.profile.title} has no destinations that an administrator sets up"
        )
    public = public_address(services, is_sandbox=False)
    if public is None:
        raise ConfigurationError(
            "pushes need an address under which the vendor reaches this service; set "
            "ML_CONNECTOR_PUBLIC_URL"
        )

    async def work(db: AsyncConnection) -> tuple[Endpoint, bool]:
        return await _endpoint(db, services, row, destination, rotate=rotate, who=who)

    endpoint, is_new = await services.database.run(work)
    header = endpoint.guard.header
    return PushAddress(
        url=f"{public}{endpoint.path}",
        destination=destination,
        header_value=header[1] if header is not None and is_new else None,
    )


async def _endpoint(
    db: AsyncConnection,
    services: Services,
    row: ConnectionRow,
    destination: PushDestination,
    *,
    rotate: bool,
    who: str,
) -> tuple[Endpoint, bool]:
    """Return the endpoint, and whether its header has a value that nobody was shown yet."""
    now = services.clock.now()
    known = await services.endpoints.of_connection(db, row.id, now=now)
    endpoint = next((each for each in known if each.name == _NAME), None)
    if endpoint is not None and not rotate:
        return endpoint, False
    guard = Guard(header=(destination.header, Secret(new_token())))
    if endpoint is None:
        endpoint = await services.endpoints.create(
            db,
            workspace_id=row.workspace_id,
            connection_id=row.id,
            name=_NAME,
            guard=guard,
            now=now,
        )
    else:
        endpoint = await services.endpoints.rotate_guard(db, endpoint, guard, now=now)
    entry = trail.Entry(
        at=now,
        workspace_id=row.workspace_id,
        event="push_address_rotated" if rotate else "push_address_made",
        who=who,
        detail={"connection": row.name},
    )
    await trail.write(db, [entry])
    return endpoint, True
