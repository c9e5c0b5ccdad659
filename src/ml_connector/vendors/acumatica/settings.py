"""What an operator enters for a connection to an Acumatica site."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ml_connector.core.secret import Secret
from ml_connector.vendors.acumatica import versions

LoginMode = Literal["oauth_code", "oauth_password", "cookie"]

_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_PAGES = ("/main", "/frames", "/entity", "/identity", "/pages")
"""Folders of a site that a copied address may end in; none is the site's own address."""


class Settings(BaseModel):
    """One tenant of one Acumatica site."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    instance_url: str = Field(
        title="Instance URL",
        description=(
            "The address of the site up to its folder, such as https://erp.example.com or "
            "https://erp.example.com/AcumaticaERP."
        ),
    )
    endpoint_name: str = Field(
        default="Default",
        title="Endpoint",
        description="Default, or the name of a custom endpoint that extends it.",
    )
    endpoint_version: str = Field(
        default="24.200.001",
        title="Endpoint version",
        description="One of the versions that the site serves; a ping lists them.",
    )
    login_mode: LoginMode = Field(
        default="oauth_code",
        title="Login",
        description=(
            "oauth_code: a person consents once in the browser (recommended). oauth_password: "
            "OAuth with a user's password. cookie: the old sign-in, which the vendor will end."
        ),
    )
    client_id: str | None = Field(
        default=None,
        title="Client ID",
        description="From Connected Applications (SM303010), in full: {id}@{tenant}.",
    )
    client_secret: Secret | None = Field(
        default=None,
        title="Client secret",
        description="The shared secret of the connected application.",
    )
    username: str | None = Field(
        default=None,
        title="User name",
        description="A user of the site's own, with an English locale and only the rights needed.",
    )
    password: Secret | None = Field(default=None, title="Password")
    tenant: str | None = Field(
        default=None,
        title="Tenant",
        description=(
            "The tenant's login name (SM203520). For the cookie login only: with OAuth the "
            "client ID names the tenant."
        ),
    )
    branch: str | None = Field(
        default=None,
        title="Branch",
        description="The branch that documents are made in; empty for the user's own.",
    )
    time_zone: str = Field(
        default="UTC",
        title="Time zone",
        description="Where the company's day begins, such as Europe/Berlin.",
    )
    requests_per_minute: int | None = Field(
        default=None,
        ge=1,
        title="Requests per minute",
        description=(
            "What the licence grants (License Monitoring Console, SM604000); empty when it sets no "
            "limit or it is not known."
        ),
    )
    concurrent_requests: int = Field(
        default=2,
        ge=1,
        le=32,
        title="Requests at once",
        description="How many calls may be under way; the licence's cores, or fewer.",
    )

    @property
    def version(self) -> versions.Version:
        """The endpoint version as numbers."""
        return versions.parse(self.endpoint_version)

    @property
    def endpoint_path(self) -> str:
        """The endpoint's path below the instance URL."""
        return f"entity/{self.endpoint_name}/{self.endpoint_version}"

    @property
    def tenant_name(self) -> str:
        """The tenant that the login selects."""
        if self.login_mode == "cookie":
            return self.tenant or ""
        return (self.client_id or "").rpartition("@")[2]

    @property
    def zone(self) -> ZoneInfo:
        """The company's time zone."""
        return ZoneInfo(self.time_zone)

    def end_of(self, day: date) -> datetime:
        """Return the end of a document's own day where the company is.

        A document has a day and no time. It counts as old only when the whole day lies before
        the go-live, so that nothing of the go-live's own day is left out.
        """
        return datetime.combine(day, time.max, tzinfo=self.zone)

    @field_validator("instance_url")
    @classmethod
    def _is_the_site(cls, url: str) -> str:
        stripped = url.strip().rstrip("/")
        parts = urlsplit(stripped)
        if parts.scheme not in {"https", "http"} or not parts.hostname:
            raise ValueError(
                "give the site's full address, such as https://erp.example.com/AcumaticaERP"
            )
        if parts.username or parts.password:
            raise ValueError("leave user and password out of the address")
        if parts.query or parts.fragment:
            raise ValueError("leave out what follows the site's folder: the address has a ? or #")
        for page in _PAGES:
            if f"{parts.path.lower()}/".find(f"{page}/") >= 0:
                raise ValueError(f"leave out {page} and what follows: only the site's folder")
        return stripped

    @field_validator("endpoint_name")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if _NAME.fullmatch(name) is None:
            raise ValueError("an endpoint's name has letters, digits, dots, hyphens only")
        return name

    @field_validator("endpoint_version")
    @classmethod
    def _is_a_version(cls, version: str) -> str:
        if versions.parse(version) < versions.OLDEST:
            raise ValueError("versions before 20.200.001 are no longer served (contract version 4)")
        return version.strip()

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as exc:
            raise ValueError(f"{name!r} is not a time zone such as Europe/Berlin") from exc
        return name

    @field_validator("client_id")
    @classmethod
    def _names_its_tenant(cls, client_id: str | None) -> str | None:
        if client_id is None:
            return None
        generated, at, tenant = client_id.strip().rpartition("@")
        if not (generated and at and tenant):
            raise ValueError(
                "the client ID must be entered in full, with @ and the tenant, such as "
                "6B1F0C2E-9A44-4E57-BD13-2C7705A1D9E4@Company: the part after @ selects the tenant"
            )
        return client_id.strip()

    @model_validator(mode="after")
    def _has_what_the_login_needs(self) -> Self:
        needed: dict[str, object] = {}
        if self.login_mode == "cookie":
            needed |= {"tenant": self.tenant}
        else:
            needed |= {"client_id": self.client_id, "client_secret": self.client_secret}
        if self.login_mode != "oauth_code":
            needed |= {"username": self.username, "password": self.password}
        missing = [name for name, value in needed.items() if not value]
        if missing:
            raise ValueError(f"the login {self.login_mode} also needs: {', '.join(missing)}")
        return self
