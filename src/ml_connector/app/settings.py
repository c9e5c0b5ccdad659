"""Deployment settings: read from the environment once, at start, all faults together."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, HttpUrl, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ml_connector.core.errors import ConfigurationError
from ml_connector.core.secret import Secret

_PREFIX = "ML_CONNECTOR_"


class DeploymentSettings(BaseSettings):
    """What the machine and the operator decide; everything else is in the database."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="ignore")

    home: Path = Field(
        default=Path.home() / ".ml-connector",
        description="Folder of the embedded database, its socket and its master key",
    )
    database_url: Secret | None = Field(
        default=None,
        description="PostgreSQL 14 or newer; without it an embedded server runs under HOME",
    )
    master_keys: Secret | None = Field(
        default=None,
        description="Master keys of the vault, newest first, separated by commas; without them "
        "a key file under HOME is used",
    )
    public_url: HttpUrl | None = Field(
        default=None, description="Address under which vendors reach this service"
    )
    host: str = Field(default="127.0.0.1", description="Address that the web server listens on")
    port: int = Field(default=8400, ge=0, le=65535, description="0 picks a free port")
    concurrency: int = Field(default=200, ge=1, le=2000, description="Runs at once per worker")
    database_connections: int = Field(
        default=10, ge=2, le=200, description="Connections to the database that a process keeps"
    )
    allow_private_targets: bool = Field(
        default=False,
        description="Let connections go to http:// and private addresses; for the sandbox",
    )
    write_deadline_seconds: float | None = Field(
        default=None,
        gt=0,
        description="Upper bound of a write's deadline, below the vendor's own; for the sandbox",
    )
    notify_url: HttpUrl | None = Field(
        default=None, description="Address that notifications are posted to as JSON"
    )
    keep_trail_days: int = Field(
        default=400, ge=1, description="How long the stories of records and runs are kept"
    )
    keep_bodies_days: int = Field(
        default=90,
        ge=1,
        description="How long what was received and sent is kept: webhooks, calls, runs' inputs",
    )
    keep_bodies_megabytes: int | None = Field(
        default=None,
        ge=1,
        description="Most that what was received and sent may take; its oldest months go first",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severity: debug, info, warning or error"
    )
    log_format: Literal["json", "console"] = Field(
        default="json", description="json: an object a line; console: for reading along"
    )
    clock_offset_seconds: float = Field(
        default=0,
        description="Make this process's clock wrong by so much; for proving only",
    )
    crash_at: str | None = Field(
        default=None,
        description="Kill this process at a point, as point:count:signal; for proving only",
    )


def read_settings() -> DeploymentSettings:
    """Return the settings; raise ConfigurationError that names every fault and its variable."""
    try:
        return DeploymentSettings()
    except ValidationError as exc:
        faults = "; ".join(
            f"{_PREFIX}{'_'.join(str(part) for part in fault['loc']).upper()}: {fault['msg']}"
            for fault in exc.errors(include_input=False)
        )
        raise ConfigurationError(f"the environment is not right: {faults}") from exc
