"""What an operator enters to connect a Pipedrive account."""

from __future__ import annotations

import re
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ml_connector.core.secret import Secret
from ml_connector.vendors.pipedrive.models import WebhookFormat

Plan = Literal["lite", "growth", "premium", "ultimate"]

SHARED_API = "https://api.pipedrive.com"
"""Answers for every company; the company's own address is nearer to its data."""
OAUTH = "https://oauth.pipedrive.com"

_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class Settings(BaseModel):
    """One Pipedrive account: how to log in, and what it is allowed to ask."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    login: Literal["api_token", "oauth"] = Field(
        default="api_token",
        title="Login",
        description=(
            "'api_token' acts as the user whose token it is. 'oauth' is for an app registered in "
            "Pipedrive's Developer Hub: a person consents once, and four times as many calls in "
            "two seconds are allowed."
        ),
    )
    api_token: Secret | None = Field(
        default=None,
        title="API token",
        description=(
            "In Pipedrive under Personal preferences > API. Making a new one there ends the old "
            "one at once. Use a user who may see every deal and organization to be moved."
        ),
    )
    client_id: str | None = Field(
        default=None,
        title="Client id",
        description="Of the app, in Developer Hub under OAuth & access scopes.",
    )
    client_secret: Secret | None = Field(
        default=None,
        title="Client secret",
        description="Of the app, beside its client id.",
    )
    company_domain: str | None = Field(
        default=None,
        title="Company domain",
        description=(
            "The first part of the address you work at: acme-1a2b3c for "
            "https://acme-1a2b3c.pipedrive.com. With 'oauth' Pipedrive tells it."
        ),
    )
    api_url: str | None = Field(
        default=None,
        title="API address",
        description="Only for a sandbox or a gateway of your own: replaces Pipedrive's address.",
    )
    oauth_url: str = Field(
        default=OAUTH,
        title="OAuth address",
        description="Only for a sandbox: where consent is asked and tokens are fetched.",
    )
    plan: Plan | None = Field(
        default=None,
        title="Plan",
        description=(
            "Pipedrive's plan, for the call limits. Left empty, the smallest plan is assumed "
            "until Pipedrive's answers tell the true limits."
        ),
    )
    seats: int | None = Field(
        default=None,
        ge=1,
        title="Seats",
        description="Number of paid seats: the daily budget is 30,000 tokens x plan x seats.",
    )
    webhook_format: WebhookFormat = Field(
        default="2.0",
        title="Webhook format",
        description=(
            "Format of the webhooks that we subscribe to. Pipedrive protects both with a user "
            "name and password only and signs neither."
        ),
    )

    @field_validator("api_token", "client_id", "client_secret", mode="before")
    @classmethod
    def _without_pasted_space(cls, value: object) -> object:
        return value.strip() if isinstance(value, str) else value

    @field_validator("company_domain", mode="before")
    @classmethod
    def _only_the_name(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        name = value.strip().lower().removeprefix("https://").split("/")[0]
        name = name.removesuffix(".pipedrive.com")
        if not _DOMAIN.fullmatch(name) or name in {"api", "oauth", "app", "www"}:
            raise ValueError(
                f"{value!r} is not a company domain; for https://acme.pipedrive.com enter acme"
            )
        return name

    @field_validator("api_url", "oauth_url")
    @classmethod
    def _only_an_origin(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value.strip().rstrip("/"))
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{value!r} is not an address; it begins with https:// and a host")
        if parts.path or parts.query or parts.fragment or parts.username:
            raise ValueError(f"{value!r} has more than scheme, host and port; leave the rest out")
        return f"{parts.scheme}://{parts.netloc}"

    @model_validator(mode="after")
    def _has_what_the_login_needs(self) -> Self:
        if self.login == "api_token" and not self.api_token:
            raise ValueError("login 'api_token' needs the API token")
        if self.login == "oauth" and not (self.client_id and self.client_secret):
            raise ValueError("login 'oauth' needs the app's client id and client secret")
        return self

    def company_origin(self, api_domain: str | None = None) -> str:
        """Return scheme and host of the API: as entered, as the token says, or the shared one."""
        if self.api_url:
            return self.api_url
        if api_domain:
            return api_domain
        return f"https://{self.company_domain}.pipedrive.com" if self.company_domain else SHARED_API
