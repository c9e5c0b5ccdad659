"""No secret is in anything that a run leaves behind: logs, tables, traces, commands' output.

Every credential of both vendors is a canary, and the vendors are made to fail in every way in
which a careless program would tell what it knows.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import structlog
import yaml
from aiohttp import encode_basic_auth, web
from sqlalchemy import text
from tests.security.canaries import Collector, dump
from tests.security.spans import KeepingTracer
from tests.world.world import FLOW, World, world

from ml_connector.connections.consent import Consents

_CLI = """
import json, sys
from ml_connector.app.cli.command_line import program
for words in json.load(sys.stdin):
    try:
        program()(words)
    except SystemExit as exc:
        print(f"# {words} ended with {exc.code}", flush=True)
"""
_REPOSITORY = Path(__file__).parents[2]
_CONNECTIONS = ("crm", "crm-oauth", "erp", "erp-cookie")
# Told apart by what is between the signs that have to be escaped on some way or other.
_PASSWORD = 'canaryAcumaticaPassword "&+/<ü'
_NAMES = iter(("Nordwerk", "Sonnenhof", "Kupfermann", "Lichtenau", "Brandtauer", "Vogelsang"))
_SECRETS = {
    "password at Acumatica": "canaryAcumaticaPassword",
    "client secret at Acumatica": "canaryAcumaticaClientSecret",
    "client secret at Pipedrive": "canaryPipedriveClientSecret",
    "password that somebody guessed": "canaryGuessedPassword",
    "secret in a file with a fault": "canaryMisplacedSecret",
}


@dataclass
class Watched:
    """A world whose every trace is collected."""

    one: World
    collector: Collector
    variables: dict[str, str]
    tracer: KeepingTracer
    told: list[str] = field(default_factory=list)
    """What was sent to the address for notifications."""

    async def commands(self, *commands: str) -> str:
        """Run commands one after another; what they write is collected."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _CLI,
            cwd=_REPOSITORY,
            env=self.variables,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        lines = json.dumps([command.split() for command in commands]).encode()
        out, _ = await asyncio.wait_for(process.communicate(lines), timeout=120)
        said = out.decode()
        assert said.count(" ended with ") == len(commands), said
        assert "Traceback" not in said, said
        self.collector.keep("output of commands", said)
        return said

    async def look_for_tokens(self) -> None:
        """Take up every token that was won so far."""
        services = self.one.services
        for row in await services.connections.accounts.list(1):
            logins = services.connections.logins_of(row)
            async with services.database.transaction() as db:
                names = await db.execute(
                    text("SELECT name FROM login WHERE owner = :owner AND sealed IS NOT NULL"),
                    {"owner": row.owner.name},
                )
                found = list(names.scalars())
            for name in found:
                login = await logins.current(name)
                assert login is not None
                self.collector.watch_for({
                    f"{field_} of {row.name} no. {login.version}": value.reveal()
                    for field_, value in login.values.items()
                    if len(value.reveal()) > len("Company")  # a cookie that names the tenant
                })  # fmt: skip
            async with services.database.transaction() as db:
                for endpoint in await services.endpoints.of_connection(
                    db, row.id, now=services.clock.now()
                ):
                    assert endpoint.guard.basic is not None
                    self.collector.watch_for({
                        "token of the webhook's address": endpoint.token.reveal(),
                        "password of the webhook": endpoint.guard.basic[1].reveal(),
                    })  # fmt: skip


@pytest.fixture
async def watched(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Watched]:
    tracer = KeepingTracer()
    monkeypatch.setattr("ml_connector.sync.runner.tracer", tracer)
    monkeypatch.setattr("ml_connector.transport.calling._tracer", tracer)
    told: list[str] = []
    address, stop = await _notified(told)
    async with world(database_url, tmp_path, serves=True, notify_url=address) as one:
        made = Watched(one=one, collector=Collector(), variables={}, tracer=tracer, told=told)
        crm, erp = await _canaries(one)
        made.collector.watch_for(_SECRETS)
        made.collector.watch_for(
            {"API token at Pipedrive": crm["api_token"], "master key": one.master_keys.rstrip("=")}
        )
        made.variables = {
            **os.environ,
            "ML_CONNECTOR_HOME": str(one.folder / "home"),
            "ML_CONNECTOR_DATABASE_URL": one.services.database.url,
            "ML_CONNECTOR_MASTER_KEYS": one.master_keys,
            "ML_CONNECTOR_ALLOW_PRIVATE_TARGETS": "true",
            "ML_CONNECTOR_PUBLIC_URL": str(one.public_url),
            "ML_CONNECTOR_LOG_LEVEL": "debug",
            "CRM_TOKEN": crm["api_token"],
            "CRM_SECRET": crm["client_secret"],
            "ERP_SECRET": erp["client_secret"],
            "ERP_PASSWORD": _PASSWORD,
        }
        (tmp_path / "all.yaml").write_text(yaml.safe_dump(_configuration(crm, erp)))
        await made.commands(f"apply {tmp_path / 'all.yaml'} --yes")
        await one.services.directory.read()
        one.start_worker(
            ML_CONNECTOR_LOG_LEVEL="debug",
            ML_CONNECTOR_NOTIFY_URL=address,
            ML_CONNECTOR_PUBLIC_URL=str(one.public_url),
        )
        await one.work_inside()
        yield made
    await stop()


@pytest.fixture
def log_of_this_process() -> Iterator[io.StringIO]:
    """What this process logs, down to the last detail, in the form of the service."""
    before, kept = structlog.get_config(), io.StringIO()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        logger_factory=structlog.PrintLoggerFactory(kept),
        cache_logger_on_first_use=False,
    )
    yield kept
    structlog.configure(**before)


async def test_no_secret_is_left_anywhere(log_of_this_process: io.StringIO, watched: Watched):
    one, collector = watched.one, watched.collector
    await _consented(one, "crm-oauth")
    await one.items("PUMP-40")
    product = await one.product("PUMP-40")

    for happening in (_all_goes_well, _answer_is_lost, _vendor_fails, _vendor_tells_secrets):
        await happening(one, product)
        await watched.look_for_tokens()
    await _strangers_knock(one)
    await watched.commands("connections ping --all --json")
    await watched.look_for_tokens()
    await _logins_are_refused(one, product)
    await watched.commands(
        "connections ping --all --json", "connections ping --all", "connections list --json",
        "status --json", "status", "held --json", "held", "audit --json", "audit",
        "records show 1 --json", "records show 1", "records show 3 --json", "records list --json",
        "export", "keys list --json", f"run {FLOW} --record 1 --dry-run",
    )  # fmt: skip
    assert await _is_in(one, "crm", "needs_login")
    await _changed_configurations(watched)

    collector.keep("traces", "\n".join(watched.tracer.kept))
    collector.keep("notifications", "\n".join(watched.told))
    collector.keep("log of a worker", one.log_of(0))
    collector.keep("log of this process", log_of_this_process.getvalue())
    for table, content in (await dump(one.services.database.url)).items():
        collector.keep(f"table {table}", content)
    assert all(collector.places[place] for place in ("traces", "notifications", "log of a worker"))
    assert watched.told
    assert any(name.startswith("access_token of erp") for name in collector.secrets)
    assert any(name.startswith("refresh_token of crm-oauth") for name in collector.secrets)
    assert "password of the webhook" in collector.secrets
    assert any("bad login ***" in words for words in await one.notified("dead_letter"))
    assert not collector.found(), "\n".join(collector.found()[:20])


def test_collector_finds_a_secret_in_whatever_form_it_left():
    secret = "canaryPassword1"
    collector = Collector()
    collector.watch_for({"password": secret})
    for place, content in {
        "plain": f"the password is {secret}",
        "basic": f"Authorization: {encode_basic_auth('somebody', secret)}",
        "bytes": "\\x" + f"xx{secret}".encode().hex(),
        "innocent": "the password is ***",
    }.items():
        collector.keep(place, content)

    places = {found.partition(" has ")[0] for found in collector.found()}

    assert places == {"plain", "basic", "bytes"}


# --- what happens ------------------------------------------------------------------------------


async def _all_goes_well(one: World, product: int) -> None:
    await _won(one, product)


async def _answer_is_lost(one: World, product: int) -> None:
    await one.control("acumatica/faults", {
        "match": {"method": "PUT", "path": "SalesOrder"}, "times": 1,
        "effect": {"kind": "cut_after"},
    })  # fmt: skip
    await _won(one, product)


async def _vendor_fails(one: World, product: int) -> None:
    for vendor in ("acumatica", "pipedrive"):
        await one.control(f"{vendor}/faults", {"rules": [
            {"effect": {"kind": kind}, "times": 1, "match": {"method": "GET"}}
            for kind in ("status", "html", "reset", "throttle", "expire_login")
        ]})  # fmt: skip
    await _won(one, product)


async def _vendor_tells_secrets(one: World, product: int) -> None:
    """A vendor that puts into its error what it was sent."""
    (row,) = [row for row in await one.services.connections.accounts.list(1) if row.name == "erp"]
    login = await one.services.connections.logins_of(row).current("user")
    tokens = [value.reveal() for value in login.values.values()] if login else []
    words = f"bad login {_PASSWORD} canaryAcumaticaClientSecret {' '.join(tokens)}"
    await one.control("acumatica/faults", {
        "match": {"method": "PUT", "path": "SalesOrder"}, "times": 1,
        "effect": {
            "kind": "status", "status": 422, "headers": {"Content-Type": "application/json"},
            "body": json.dumps({"message": words, "exceptionMessage": words, "error": words}),
        },
    })  # fmt: skip
    await _won(one, product)


async def _strangers_knock(one: World) -> None:
    """Somebody posts to the address with a guessed password, and to one that is not there."""
    services = one.services
    (row,) = [row for row in await services.connections.accounts.list(1) if row.name == "crm"]
    async with services.database.transaction() as db:
        (endpoint,) = await services.endpoints.of_connection(db, row.id, now=services.clock.now())
    assert endpoint.guard.basic is not None
    body = b'{"meta": {"id": "canaryGuessedPassword"}, "password": "canaryGuessedPassword"}'
    for path, authorization, status in (
        (endpoint.path, encode_basic_auth("ml-connector", "canaryGuessedPassword"), 401),
        (endpoint.path, None, 401),
        ("/webhooks/canaryGuessedPassword", encode_basic_auth("x", "canaryGuessedPassword"), 404),
    ):
        url = f"{str(one.public_url).rstrip('/')}{path}"
        headers = {"Authorization": authorization} if authorization else {}
        async with one.http.post(url, data=body, headers=headers) as answer:
            assert answer.status == status


async def _logins_are_refused(one: World, product: int) -> None:
    await one.play("acumatica", "change_password", username="canary", password="another one")
    await one.play("acumatica", "revoke_tokens")
    await one.play("acumatica", "end_sessions")
    deal_id = await _deal(one, product)
    await one.win(deal_id)
    await one.poll_now()
    await _until(lambda: _is_in(one, "erp", "needs_login"))
    await one.play("pipedrive", "rotate_token", user_id=2001)
    await one.play("pipedrive", "revoke_login", user_id=2001)


async def _changed_configurations(watched: Watched) -> None:
    """Files with other secrets, and with faults next to secrets."""
    folder = watched.one.folder
    document = yaml.safe_load((folder / "all.yaml").read_text())
    watched.variables["ERP_PASSWORD"] = "canaryMisplacedSecret"
    erp = document["connections"]["erp"]["settings"]
    faulty: dict[str, dict[str, Any]] = {
        "misspelt": {"pasword": "canaryMisplacedSecret"},
        "of-a-wrong-kind": {"password": ["canaryMisplacedSecret"]},
        "in-the-address": {"instance_url": "http://u:canaryMisplacedSecret@127.0.0.1/"},
        "missing": {"client_secret": "${env:NOWHERE_canary}"},
    }
    for name, changes in faulty.items():
        document["connections"]["erp"]["settings"] = {**erp, **changes}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(document))
    said = await watched.commands(
        f"apply {folder / 'all.yaml'} --dry-run",
        *(f"apply {folder / name}.yaml --dry-run" for name in faulty),
    )
    assert said.count(" ended with 2") == len(faulty), said


# --- helpers of this page ------------------------------------------------------------------------


async def _won(one: World, product: int) -> None:
    deal_id = await _deal(one, product)
    await one.win(deal_id)
    await one.poll_now()
    await one.settled(deal_id, within=60)


async def _deal(one: World, product: int) -> int:
    name = next(_NAMES)  # that of no other, or the deal would be held for its customer
    organization = await one.organization(name, address={"country": "Germany"})
    return await one.deal(
        [{"product_id": product, "quantity": 1, "item_price": 100}], org_id=organization
    )


async def _until(holds: Callable[[], Awaitable[bool]], *, within: float = 30.0) -> None:
    end = time.monotonic() + within
    while not await holds():
        assert time.monotonic() < end, "it did not come about"
        await asyncio.sleep(0.1)


async def _is_in(one: World, name: str, state: str) -> bool:
    rows = await one.services.connections.accounts.list(1)
    return any(row.name == name and row.state.value == state for row in rows)


async def _canaries(one: World) -> tuple[dict[str, str], dict[str, str]]:
    """Give both simulators credentials that can be looked for; return what they say of them."""
    erp = one.sandbox.describe()["acumatica"]
    client_id = f"6B1F0C2E-9A44-4E57-BD13-2C7705A1D9E4@{erp['tenant']}"
    await one.control("acumatica/seed", {
        "users": [{"name": "canary", "password": _PASSWORD}],
        "connected_apps": [{
            "client_id": client_id, "secret": "canaryAcumaticaClientSecret",
            "redirect_uris": ["http://127.0.0.1:9600/callback"],
        }],
    })  # fmt: skip
    simulator: Any = one.sandbox.simulators["pipedrive"]
    simulator.logins.client_secret = "canaryPipedriveClientSecret"
    await one.control(
        "pipedrive/switches", {"rotate_refresh_tokens": True, "any_redirect_uri": True}
    )
    crm = one.sandbox.describe()["pipedrive"]
    assert crm["client_secret"] == "canaryPipedriveClientSecret"
    return crm, {
        **erp, "client_id": client_id, "client_secret": "canaryAcumaticaClientSecret",
        "username": "canary",
    }  # fmt: skip


def _configuration(crm: dict[str, str], erp: dict[str, str]) -> dict[str, Any]:
    site = {
        "instance_url": erp["instance_url"],
        "username": erp["username"],
        "password": "${env:ERP_PASSWORD}",
    }
    return {
        "connections": {
            "crm": {
                "vendor": "pipedrive",
                "settings": {"api_url": crm["url"], "api_token": "${env:CRM_TOKEN}"},
            },
            "crm-oauth": {
                "vendor": "pipedrive",
                "settings": {
                    "login": "oauth",
                    "api_url": crm["url"],
                    "oauth_url": crm["oauth_url"],
                    "client_id": crm["client_id"],
                    "client_secret": "${env:CRM_SECRET}",
                },
            },
            "erp": {
                "vendor": "acumatica",
                "settings": {
                    **site,
                    "login_mode": "oauth_password",
                    "client_id": erp["client_id"],
                    "client_secret": "${env:ERP_SECRET}",
                },
            },
            "erp-cookie": {
                "vendor": "acumatica",
                "settings": {**site, "login_mode": "cookie", "tenant": erp["tenant"]},
            },
        },
        "installations": {
            "acme": {
                "pair": "acumatica",
                "crm": "crm",
                "erp": "erp",
                "provide_fields": True,
                "webhooks": True,
                "flows": {FLOW: {"on": True, "when": {"every": "1m"}}},
            }
        },
    }


async def _notified(told: list[str]) -> tuple[str, Callable[[], Awaitable[None]]]:
    """Take notifications, as somebody's chat would."""

    async def take(request: web.Request) -> web.Response:
        told.append(await request.text())
        return web.Response()

    application = web.Application()
    application.router.add_post("/", take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}/", runner.cleanup


async def _consented(one: World, name: str) -> None:
    services = one.services
    (row,) = [row for row in await services.connections.accounts.list(1) if row.name == name]
    consents = Consents(
        connections=services.connections,
        database=services.database,
        keyring=services.keyring,
        clock=services.clock,
    )
    started = await consents.start(
        workspace_id=row.workspace_id,
        connection_id=row.id,
        redirect_uri="http://127.0.0.1:9600/callback",
    )
    async with one.http.get(started.url, allow_redirects=False) as answer:
        query = parse_qs(urlsplit(answer.headers["Location"]).query)
    await consents.finish(state=query["state"][0], code=query["code"][0])
