from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ml_connector.app.applying import Applied, Applying
from ml_connector.app.configuration import Loaded, load
from ml_connector.app.differences import Change
from ml_connector.app.pairs import INTEGRATIONS, VENDORS
from ml_connector.app.services import Catalogue, Services
from ml_connector.app.settings import DeploymentSettings
from ml_connector.core.secret import Secret
from ml_connector.storage.database import Database
from ml_connector.vault.keyring import Keyring, new_master_key

FLOW = "won_deal_to_sales_order"


def document(**installation: Any) -> dict[str, Any]:
    """Return a configuration that needs no vendor to be applied."""
    return {
        "connections": {
            "crm": {"vendor": "pipedrive", "settings": {"api_token": "token-1", "seats": 5}},
            "erp": {
                "vendor": "acumatica",
                "settings": {
                    "instance_url": "https://erp.example.com/AcumaticaERP",
                    "login_mode": "oauth_password",
                    "client_id": "6B1F0C2E@Company",
                    "client_secret": "secret-1",
                    "username": "connector",
                    "password": "password-1",
                },
            },
        },
        "installations": {
            "acme": {
                "pair": "acumatica",
                "crm": "crm",
                "erp": "erp",
                "flows": {FLOW: {"on": True, "when": {"every": "5m"}}},
                **installation,
            }
        },
    }


class Deployment:
    """A deployment's services, with the ways in which a test changes it."""

    def __init__(self, services: Services, folder: Path) -> None:
        self.services = services
        self._folder = folder

    def loaded(self, content: dict[str, Any] | str, **environment: str) -> Loaded:
        path = self._folder / "connector.yaml"
        text = content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
        path.write_text(text, "utf-8")
        return load(path, environment=environment)

    async def changes(self, content: dict[str, Any] | str, **environment: str) -> list[Change]:
        return await Applying(self.services).differences(self.loaded(content, **environment))

    async def apply(self, content: dict[str, Any] | str, **environment: str) -> Applied:
        loaded = self.loaded(content, **environment)
        return await Applying(self.services).apply(loaded, who="test")

    async def export(self) -> str:
        return await Applying(self.services).export("main")


@pytest.fixture
async def deployment(database: Database, tmp_path: Path) -> AsyncIterator[Deployment]:
    services = Services(
        DeploymentSettings(home=tmp_path / "home", master_keys=Secret(new_master_key())),
        database=database,
        keyring=Keyring.from_text(new_master_key()),
        catalogue=Catalogue(vendors=VENDORS, integrations=INTEGRATIONS),
        rng=random.Random(5),
    )
    yield Deployment(services, tmp_path)
    await services.engine.close()
    await services.receiver.close()
    await services.connections.close()
    await services.delivery.close()
