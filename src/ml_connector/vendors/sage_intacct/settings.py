"""What an operator enters for a connection to a Sage Intacct company."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from ml_connector.core.secret import Secret
from ml_connector.vendors.sage_intacct.characters import is_clean

GATEWAY = "https://api.intacct.com/ia/xml/xmlgw.phtml"
VENDOR_DOMAIN = "intacct.com"
"""Sessions lead to hosts of this domain, such as na12.intacct.com."""


def _entered(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def _name(value: str) -> str:
    if not value:
        raise ValueError("enter it: without it nobody can log in")
    if not is_clean(value):
        raise ValueError("it has a character that cannot be sent, such as a control character")
    return value


def _password(value: Secret) -> Secret:
    _name(value.reveal())
    return value


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as exc:
        raise ValueError(f"{name!r} is not a time zone such as America/New_York") from exc
    return name


_Name = Annotated[str, BeforeValidator(_entered), AfterValidator(_name)]
_Password = Annotated[Secret, AfterValidator(_password)]
_Zone = Annotated[str, AfterValidator(_zone)]


class Settings(BaseModel):
    """One company, as one Web Services user sees it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sender_id: _Name = Field(
        title="Sender ID",
        description=(
            "Of the Web Services subscription. The company's administrator has to allow it under "
            "Company > Security > Web Services authorizations. Case counts."
        ),
    )
    sender_password: _Password = Field(
        title="Sender password", description="Belongs to the sender ID. Case counts."
    )
    company_id: _Name = Field(
        title="Company ID",
        description="As at sign-in. Of a client reached through a console: console|client.",
    )
    user_id: _Name = Field(
        title="User ID",
        description=(
            "A Web Services user of its own, with a role that may list, view, add and edit what "
            "is to be moved, and nothing else."
        ),
    )
    user_password: _Password = Field(title="User password")
    entity_id: str | None = Field(
        default=None,
        title="Entity",
        description=(
            "Only in a company of several entities: the ID of the one to work in (an entity, not "
            "a location below one). Empty for the top level, which sees what is shared."
        ),
    )
    time_zone: _Zone = Field(
        default="UTC",
        title="Time zone",
        description="Where the company's day begins, such as America/New_York.",
    )
    audit_time_zone: _Zone = Field(
        default="UTC",
        title="Time zone of stamps",
        description=(
            "In which Intacct tells when a record was changed. UTC wherever we have seen it; the "
            "vendor does not say, so it can be set."
        ),
    )
    session_minutes: int = Field(
        default=50,
        ge=5,
        le=24 * 60,
        title="Session length",
        description=(
            "Minutes after which a session is not used any more; it is renewed when a tenth of "
            "them is left (5 minutes at most), or earlier when Intacct says that it ends earlier."
        ),
    )
    concurrent_requests: int = Field(
        default=2,
        ge=1,
        le=20,
        title="Requests at once",
        description="How many may be under way. Performance tier 1 allows 6 for an application.",
    )
    gateway_url: str = Field(
        default=GATEWAY,
        title="Gateway address",
        description="Only for a sandbox or a gateway of your own: replaces Intacct's address.",
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(),
        title="Allowed hosts",
        description=(
            "Further hosts to which a session may lead. Intacct's own (*.intacct.com) and the "
            "gateway's are allowed; to any other no session is sent."
        ),
    )

    @property
    def zone(self) -> ZoneInfo:
        """The company's time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def audit_zone(self) -> ZoneInfo:
        """The time zone of WHENMODIFIED and its like."""
        return ZoneInfo(self.audit_time_zone)

    def allows_host(self, host: str) -> bool:
        """Tell whether a session may be sent to ``host``."""
        gateway = urlsplit(self.gateway_url).hostname
        known = {each.lower() for each in self.allowed_hosts} | {gateway}
        return host.lower() in known or host.lower().endswith(f".{VENDOR_DOMAIN}")

    @field_validator("entity_id", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return _entered(value) or None

    @field_validator("entity_id")
    @classmethod
    def _can_be_sent(cls, value: str | None) -> str | None:
        return None if value is None else _name(value)

    @field_validator("gateway_url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        parts = urlsplit(url.strip())
        if parts.scheme not in {"https", "http"} or not parts.hostname:
            raise ValueError(f"{url!r} is not an address; Intacct's is {GATEWAY}")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("leave out user, password and what follows the path")
        return url.strip()

    @field_validator("allowed_hosts")
    @classmethod
    def _are_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            if not host or "/" in host or ":" in host or "*" in host:
                raise ValueError(f"{host!r} is not a host's name such as na12.intacct.com")
        return hosts
