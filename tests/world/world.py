"""One installation of Acumatica and Pipedrive against the simulators, on a real database.

Workers are processes of their own where a test kills them, or run inside the test where it
only watches. Everything that a person would do in the vendors' products goes through the
simulators' control API.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from sqlalchemy import text
from tests.security.looking import canary_master_key
from tests.world import chosen

from ml_connector.app.applying import Applying
from ml_connector.app.configuration import load
from ml_connector.app.pairs import INTEGRATIONS, VENDORS
from ml_connector.app.sandbox_clock import read_offset, set_offset
from ml_connector.app.services import Catalogue, Services
from ml_connector.app.settings import DeploymentSettings
from ml_connector.app.web import serving
from ml_connector.app.worker import Worker
from ml_connector.core.secret import Secret
from ml_connector.storage.database import Database, is_database_away
from ml_connector.vault.keyring import Keyring
from vendor_simulators.kit.sandbox import Sandbox

FLOW = "won_deal_to_sales_order"
WRITE_DEADLINE = 1.0  # seconds; a lost answer is searched for soon after
_DATABASE_AWAY = 30.0  # seconds; a server that was killed recovers sooner
_REPOSITORY = Path(__file__).parents[2]
_WORKER = (
    "import asyncio\n"
    "from ml_connector.app import logs, processes, settings\n"
    "found = settings.read_settings()\n"
    "logs.set_up_logs(found)\n"
    "asyncio.run(processes.work(found, announce=lambda _: print('working', flush=True)))\n"
)


@dataclass
class Books:
    """What stands in the ERP, by our references."""

    orders: Counter[str]
    customers: Counter[str]
    by_reference: dict[str, dict[str, Any]]


@dataclass
class World:
    """A deployment that a test moves."""

    sandbox: Sandbox
    services: Services
    folder: Path
    master_keys: str
    public_url: str | None
    http: aiohttp.ClientSession
    flow: str = FLOW
    """The flow whose rows are looked at."""
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    flows: Mapping[str, Any] = field(
        default_factory=lambda: {FLOW: {"on": True, "when": {"every": "1m"}}}
    )
    """Which flows an installation has on, unless it is applied with others."""
    crm_settings: Mapping[str, Any] = field(default_factory=dict)
    """Further settings of the connection to Pipedrive."""
    erp_settings: Mapping[str, Any] = field(default_factory=dict)
    """Further settings of the connection to Acumatica."""
    _inside: Worker | None = None
    _working: asyncio.Task[None] | None = None

    # --- what people do ------------------------------------------------------------------

    async def control(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Call the simulators' control API."""
        url = f"{self.sandbox.control_url}/_control/{path}"
        method = "GET" if body is None else "POST"
        async with self.http.request(method, url, json=body) as answer:
            found = await answer.json(content_type=None)
            assert answer.status < 300, f"{path}: {answer.status} {found}"
            return found

    async def seed(self, vendor: str, **records: Sequence[Mapping[str, Any]]) -> Any:
        return await self.control(f"{vendor}/seed", records)

    async def play(self, vendor: str, action: str, **body: Any) -> Any:
        return await self.control(f"{vendor}/play/{action}", body)

    async def items(self, *codes: str, **fields: Any) -> None:
        await self.seed(
            "acumatica",
            stock_items=[
                {"InventoryID": code, "Description": code, "BaseUOM": "EA", **fields}
                for code in codes
            ],
        )

    async def product(self, code: str | None, **fields: Any) -> int:
        made = await self.seed(
            "pipedrive", products=[{"name": code or "?", "code": code, **fields}]
        )
        return int(made["products"][0])

    async def organization(self, name: str = "Nordwerk GmbH", **fields: Any) -> int:
        made = await self.seed("pipedrive", organizations=[{"name": name, **fields}])
        return int(made["organizations"][0])

    async def deal(self, lines: Sequence[Mapping[str, Any]] = (), **fields: Any) -> int:
        """Seed an open deal with its lines."""
        made = await self.seed(
            "pipedrive", deals=[{"title": "Deal", "currency": "USD", "value": 0, **fields}]
        )
        deal_id = int(made["deals"][0])
        for line in lines:
            await self.play("pipedrive", "add_line", deal_id=deal_id, **line)
        return deal_id

    async def win(self, *deal_ids: int) -> None:
        for deal_id in deal_ids:
            await self.play("pipedrive", "win_deal", id=deal_id)

    # --- our side ------------------------------------------------------------------------

    async def apply(
        self,
        *,
        crm_token: str | None = None,
        erp_password: str | None = None,
        erp_settings: Mapping[str, Any] | None = None,
        endpoint_version: str | None = None,
        others: Mapping[str, Sandbox] | None = None,
        **installation: Any,
    ) -> None:
        """Apply a configuration for both simulators, with changes to the installation.

        ``others`` are further installations, with vendors of their own.
        """
        document: dict[str, Any] = {"connections": {}, "installations": {}}
        secrets: dict[str, str] = {}
        for name, sandbox in {"acme": self.sandbox, **(others or {})}.items():
            prefix = "" if sandbox is self.sandbox else f"{name}_"
            document["connections"] |= _connections(sandbox, prefix)
            document["installations"][name] = self._installation(prefix)
            secrets |= _secrets(sandbox, prefix)
        document["connections"]["crm"]["settings"] |= self.crm_settings
        document["connections"]["erp"]["settings"] |= {**chosen.erp_settings(), **self.erp_settings}
        if endpoint_version is not None:
            document["connections"]["erp"]["settings"]["endpoint_version"] = endpoint_version
        document["installations"]["acme"] |= installation
        document["connections"]["erp"]["settings"] |= erp_settings or {}
        secrets["CRM_TOKEN"] = crm_token or secrets["CRM_TOKEN"]
        secrets["ERP_PASSWORD"] = erp_password or secrets["ERP_PASSWORD"]
        path = self.folder / "configuration.yaml"
        path.write_text(yaml.safe_dump(document))
        await Applying(self.services).apply(load(path, environment=secrets), who="test")

    def _installation(self, prefix: str) -> dict[str, Any]:
        return {
            "pair": "acumatica",
            "crm": f"{prefix}crm",
            "erp": f"{prefix}erp",
            "provide_fields": True,
            "webhooks": self.public_url is not None,
            "flows": dict(self.flows),
        }

    async def connection(self, name: str) -> Any:
        """Return the row of a connection."""
        async with self.services.database.transaction() as db:
            statement = text("SELECT * FROM connection WHERE name = :name")
            return (await db.execute(statement, {"name": name})).one()

    async def jump(self, by: timedelta) -> None:
        """Let time pass at once, for the simulators and for business time."""
        await self.control("clock", {"advance_seconds": by.total_seconds()})
        async with self.services.database.transaction() as db:
            offset = await read_offset(db) or timedelta()
            await set_offset(db, offset + by)
        await self.services.follow_clock()

    async def poll_now(self) -> None:
        """Make every poll due."""
        async with self.services.database.transaction() as db:
            await db.execute(text("UPDATE installation_flow SET next_due_at = :now"),
                             {"now": self.services.clock.now()})  # fmt: skip

    async def rows(self, flow: str | None = None) -> list[Any]:
        """Return the backlog's rows; a database that is away for a moment is waited for."""
        statement = text("SELECT * FROM backlog WHERE flow LIKE :flow ORDER BY id")
        end = time.monotonic() + _DATABASE_AWAY
        while True:
            try:
                async with self.services.database.transaction() as db:
                    return list(
                        (
                            await db.execute(
                                statement, {"flow": f"%{self.flow if flow is None else flow}"}
                            )
                        ).all()
                    )
            except Exception as exc:
                if not is_database_away(exc) or time.monotonic() > end:
                    raise
            await asyncio.sleep(0.05)

    async def row(self, deal_id: int) -> Any:
        (row,) = [row for row in await self.rows() if row.record == str(deal_id)]
        return row

    async def settled(
        self, *deal_ids: int, within: float = 30.0, flow: str = FLOW
    ) -> dict[int, Any]:
        """Wait until these deals (default: all that are known) have nothing left to do."""
        end = time.monotonic() + within
        while True:
            rows = {int(row.record): row for row in await self.rows(flow)}
            wanted = deal_ids or tuple(rows)
            states = {deal: rows[deal].state if deal in rows else "unseen" for deal in wanted}
            if wanted and all(state in {"done", "held", "dead"} for state in states.values()):
                return {deal: rows[deal] for deal in wanted}
            if time.monotonic() > end:
                waiting = {deal: (state, rows[deal].reason if deal in rows else None)
                           for deal, state in states.items()
                           if state not in {"done", "held", "dead"}}  # fmt: skip
                raise AssertionError(f"not settled within {within} s: {waiting}")
            await asyncio.sleep(0.05)

    async def books(self) -> Books:
        orders = (await self.control("acumatica/records/sales_order"))["records"]
        customers = (await self.control("acumatica/records/customer"))["records"]
        return Books(
            orders=Counter(order["ExternalRef"] for order in orders if order["ExternalRef"]),
            customers=Counter(one["AccountRef"] for one in customers if one["AccountRef"]),
            by_reference={order["ExternalRef"]: order for order in orders},
        )

    async def order_of(self, deal_id: int) -> dict[str, Any]:
        return (await self.books()).by_reference[f"pd-deal-{deal_id}"]

    async def calls(self, vendor: str, *, since: int = 0) -> list[dict[str, Any]]:
        """Return the calls that a simulator received, oldest first."""
        found: list[dict[str, Any]] = (await self.control(f"{vendor}/calls?since={since}"))["calls"]
        return found

    async def notified(self, kind: str) -> list[str]:
        async with self.services.database.transaction() as db:
            rows = await db.execute(
                text("SELECT message FROM notification WHERE kind = :kind ORDER BY id"),
                {"kind": kind},
            )
            return list(rows.scalars())

    # --- workers -------------------------------------------------------------------------

    def start_worker(self, *, crash_at: str | None = None, **environment: str) -> Any:
        """Start a worker process; it prints a line when it works."""
        variables = {
            **os.environ,
            "ML_CONNECTOR_HOME": str(self.folder / "home"),
            "ML_CONNECTOR_DATABASE_URL": self.services.database.url,
            "ML_CONNECTOR_MASTER_KEYS": self.master_keys,
            "ML_CONNECTOR_ALLOW_PRIVATE_TARGETS": "true",
            "ML_CONNECTOR_WRITE_DEADLINE_SECONDS": str(WRITE_DEADLINE),
            "ML_CONNECTOR_LOG_LEVEL": "info",
            **({"ML_CONNECTOR_CRASH_AT": crash_at} if crash_at else {}),
            **environment,
        }
        log = (self.folder / f"worker{len(self.workers)}.log").open("wb")
        process = subprocess.Popen(  # noqa: S603 - our own program, and no shell in between
            [sys.executable, "-c", _WORKER],
            cwd=_REPOSITORY,
            env=variables,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        log.close()
        self.workers.append(process)
        return process

    def log_of(self, number: int) -> str:
        return (self.folder / f"worker{number}.log").read_text()

    async def work_inside(self) -> None:
        """Run a worker in this process until the world ends."""
        self._inside = Worker(self.services)
        self._working = asyncio.create_task(self._inside.work())

    async def stop_working(self) -> None:
        """End the worker that runs in this process."""
        if self._inside is not None and self._working is not None:
            self._inside.stop()
            await self._working
        self._inside = self._working = None

    async def restart_inside(self) -> None:
        """End the worker of this process, as SIGTERM does, and start another."""
        await self.stop_working()
        await self.services.connections.close()
        await self.work_inside()

    async def stop(self) -> None:
        for process in self.workers:
            if process.poll() is None:
                process.kill()
            process.wait()
        await self.stop_working()


@asynccontextmanager
async def world(
    database_url: str,
    folder: Path,
    *,
    serves: bool = False,
    master_keys: str | None = None,
    public_url: str | None = None,
    notify_url: str | None = None,
    made_as: type[World] = World,
    **switches: Mapping[str, Any],
) -> AsyncIterator[World]:
    """Open a deployment; with ``serves`` a web server takes the simulators' webhooks.

    Where another process serves, ``public_url`` is its address and ``master_keys`` are its keys.
    ``made_as`` is the world of a pair.
    """
    master_keys = master_keys or canary_master_key()
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(
            Sandbox.start(seed=1, switches=chosen.switches(switches))
        )
        database = await Database.connect(database_url, application_name="test")
        port = _free_port()
        if serves:
            public_url = f"http://127.0.0.1:{port}"
        settings = DeploymentSettings(
            home=folder / "home",
            allow_private_targets=True,
            write_deadline_seconds=WRITE_DEADLINE,
            master_keys=Secret(master_keys),
            public_url=public_url,
            notify_url=notify_url,
            concurrency=100,
        )
        services = Services(
            settings,
            database=database,
            keyring=Keyring.from_text(master_keys),
            catalogue=Catalogue(vendors=VENDORS, integrations=INTEGRATIONS),
            rng=random.Random(3),
        )
        stack.push_async_callback(services.close)
        if serves:
            await stack.enter_async_context(serving(services, host="127.0.0.1", port=port))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        made = made_as(
            sandbox=sandbox,
            services=services,
            folder=folder,
            master_keys=master_keys,
            public_url=public_url,
            http=http,
        )
        stack.push_async_callback(made.stop)
        yield made


def _connections(sandbox: Sandbox, prefix: str) -> dict[str, Any]:
    """Return both connections as a file has them, their secrets by name."""
    described = sandbox.describe()
    crm, erp = described["pipedrive"], described["acumatica"]
    env = prefix.upper()
    return {
        f"{prefix}crm": {
            "vendor": "pipedrive",
            "settings": {"api_url": crm["url"], "api_token": f"${{env:{env}CRM_TOKEN}}"},
        },
        f"{prefix}erp": {
            "vendor": "acumatica",
            "settings": {
                "instance_url": erp["instance_url"],
                "login_mode": "oauth_password",
                "client_id": erp["client_id"],
                "client_secret": f"${{env:{env}ERP_SECRET}}",
                "username": erp["username"],
                "password": f"${{env:{env}ERP_PASSWORD}}",
                "concurrent_requests": 8,
            },
        },
    }


def _secrets(sandbox: Sandbox, prefix: str) -> dict[str, str]:
    described = sandbox.describe()
    crm, erp = described["pipedrive"], described["acumatica"]
    env = prefix.upper()
    return {
        f"{env}CRM_TOKEN": crm["api_token"],
        f"{env}ERP_SECRET": erp["client_secret"],
        f"{env}ERP_PASSWORD": erp["password"],
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
