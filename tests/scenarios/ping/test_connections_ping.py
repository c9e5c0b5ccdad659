"""`connections ping --all --json` over both simulators: all right, and what is wrong told apart."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from aiohttp import web
from tests.security.looking import LEFT
from tests.unit.transport.certificates import serving, write_certificate
from tests.world.world import World, world

from ml_connector.app.applying import Applying
from ml_connector.app.configuration import load
from ml_connector.connections.consent import Consents

_CLI = "from ml_connector.app.cli import main; main()"
_REPOSITORY = Path(__file__).parents[3]
_NAMES = re.compile(r"https?://\S+|\d+\.\d+\.\d+\.\d+(:\d+)?|'[^']*'|\([^)]*\)")


@dataclass(frozen=True)
class Fault:
    """A connection with one thing wrong, and what a ping says of it."""

    connection: str
    vendor: str
    settings: Mapping[str, Any]
    check: str
    words: tuple[str, ...]


@pytest.fixture
async def one_world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with world(database_url, tmp_path) as made:
        yield made


@pytest.fixture
async def tls_address(tmp_path: Path) -> AsyncIterator[str]:
    """A server whose certificate nobody signed but itself."""
    path = write_certificate(tmp_path, address="127.0.0.1")
    runner = web.AppRunner(web.Application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=serving(path)).start()
    yield f"https://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_ping_of_both_sides_finds_everything_right(one_world: World):
    await one_world.apply()

    report, code = await ping_all(one_world)

    assert report["is_good"] is True
    assert code == 0
    found = {
        (one["vendor"], line["check"])
        for one in report["connections"]
        for line in one["lines"]
        if line["is_good"]
    }
    assert found >= {
        ("pipedrive", "address"), ("pipedrive", "login"), ("pipedrive", "tenant"),
        ("acumatica", "address"), ("acumatica", "login"), ("acumatica", "tenant"),
        ("acumatica", "version"),
    }  # fmt: skip
    rights = {line["subject"] for one in report["connections"] for line in one["lines"]
              if line["check"] == "right"}  # fmt: skip
    assert rights >= {"deals:full", "contacts:full", "products:read", "Customer", "SalesOrder"}
    assert all(one["state"] == "ready" for one in report["connections"])


async def test_each_fault_of_a_connection_has_its_own_clear_message(
    one_world: World, tls_address: str
):
    await one_world.apply()
    faults = [*_faults_of_pipedrive(one_world, tls_address),
              *_faults_of_acumatica(one_world, tls_address)]  # fmt: skip
    await _apply_connections(one_world, faults)

    report, code = await ping_all(one_world)

    assert code == 1
    messages = {}
    for fault in faults:
        (one,) = [each for each in report["connections"] if each["name"] == fault.connection]
        bad = [line for line in one["lines"] if not line["is_good"]]
        assert [line["check"] for line in bad] == [fault.check], one
        for word in fault.words:
            assert word in bad[0]["message"], (fault.connection, bad)
        messages[fault.connection] = _NAMES.sub("", bad[0]["message"])
    for vendor in ("pipedrive", "acumatica"):
        of_vendor = [messages[fault.connection] for fault in faults if fault.vendor == vendor]
        assert len(of_vendor) == len(set(of_vendor)), of_vendor


async def test_missing_rights_are_named_on_both_sides(one_world: World):
    scopes = "base deals:full contacts:read products:full search:read admin"
    await one_world.control("pipedrive/switches", {"app_scopes": scopes, "any_redirect_uri": True})
    crm = one_world.sandbox.describe()["pipedrive"]
    await one_world.apply()
    await _apply_connections(
        one_world,
        [Fault("crm", "pipedrive", {
            "login": "oauth", "client_id": crm["client_id"], "client_secret": crm["client_secret"],
            "oauth_url": crm["oauth_url"], "api_url": crm["url"],
        }, "right", ())],
    )  # fmt: skip
    await _consent(one_world, "crm")
    await one_world.control("acumatica/switches", {"forbidden_entities": ["SalesOrder"]})

    report, code = await ping_all(one_world)

    assert code == 1
    bad = {
        (line["check"], line["subject"]): line["message"]
        for one in report["connections"]
        for line in one["lines"]
        if not line["is_good"]
    }
    assert set(bad) == {("right", "contacts:full"), ("right", "SalesOrder")}
    assert "lacks the scope contacts:full" in bad["right", "contacts:full"]
    assert "SO301000" in bad["right", "SalesOrder"]
    assert all(one["state"] == "ready" for one in report["connections"])


async def test_nothing_worse_than_unreachable_has_an_exit_code_of_its_own(one_world: World):
    await _apply_connections(
        one_world,
        [Fault("away", "pipedrive", {"api_token": "t" * 40, "api_url": _closed()}, "address", ())],
    )

    _, code = await ping_all(one_world)

    assert code == 3


def _faults_of_pipedrive(one: World, tls_address: str) -> Iterator[Fault]:
    crm = one.sandbox.describe()["pipedrive"]
    good = {"api_url": crm["url"], "api_token": crm["api_token"]}
    for name, changed, check, words in (
        ("unreachable", {"api_url": _closed()}, "address", ("does not accept connections",)),
        ("certificate", {"api_url": tls_address}, "certificate", ("certificate", "self-signed")),
        ("login", {"api_token": "0" * 40}, "login", ("API token",)),
        (
            "tenant",
            {"company_domain": "somebody-else"},
            "tenant",
            ("somebody-else", "correct one of the two"),
        ),
    ):
        yield Fault(f"crm-{name}", "pipedrive", {**good, **changed}, check, words)


def _faults_of_acumatica(one: World, tls_address: str) -> Iterator[Fault]:
    erp = one.sandbox.describe()["acumatica"]
    good = {
        "instance_url": erp["instance_url"],
        "login_mode": "oauth_password",
        **{name: erp[name] for name in ("client_id", "client_secret", "username", "password")},
    }
    application = erp["client_id"].partition("@")[0]
    cookie = {
        **{name: erp[name] for name in ("instance_url", "username", "password")},
        "login_mode": "cookie",
    }
    for name, settings, check, words in (
        (
            "unreachable",
            {**good, "instance_url": _closed()},
            "address",
            ("does not accept connections",),
        ),
        (
            "certificate",
            {**good, "instance_url": tls_address},
            "certificate",
            ("certificate", "self-signed"),
        ),
        ("elsewhere", {**good, "instance_url": f"{erp['instance_url']}/Nowhere"}, "address", ()),
        (
            "version",
            {**good, "endpoint_version": "22.200.001"},
            "version",
            ("22.200.001", "23.200.001", "24.200.001"),
        ),
        ("login", {**good, "password": "not-it"}, "login", ("user name or password",)),
        (
            "tenant",
            {**good, "client_id": f"{application}@Elsewhere"},
            "login",  # the site says no more than that it knows no such client
            ("names the tenant Elsewhere", "SM303010"),
        ),
        ("cookie-login", {**cookie, "tenant": erp["tenant"], "password": "not-it"}, "login", ()),
        ("cookie-tenant", {**cookie, "tenant": "Elsewhere"}, "tenant", ("tenant", "SM203520")),
    ):
        yield Fault(f"erp-{name}", "acumatica", settings, check, words)


async def ping_all(one: World) -> tuple[dict[str, Any], int]:
    """Run the command as a person would."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _CLI, "connections", "ping", "--all", "--json",
        cwd=_REPOSITORY,
        env={
            **os.environ,
            "ML_CONNECTOR_HOME": str(one.folder / "home"),
            "ML_CONNECTOR_DATABASE_URL": one.services.database.url,
            "ML_CONNECTOR_MASTER_KEYS": one.master_keys,
            "ML_CONNECTOR_ALLOW_PRIVATE_TARGETS": "true",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), timeout=60)
    for said in (out, err):
        LEFT.look("output of commands", "connections ping", said)
    assert out, err.decode()
    return json.loads(out), process.returncode or 0


async def _apply_connections(one: World, faults: Iterable[Fault]) -> None:
    document = {
        "connections": {
            fault.connection: {"vendor": fault.vendor, "settings": dict(fault.settings)}
            for fault in faults
        }
    }
    path = one.folder / "connections.yaml"
    path.write_text(yaml.safe_dump(document))
    await Applying(one.services).apply(load(path), who="test")


async def _consent(one: World, name: str) -> None:
    """Open the address and agree, as a person does; the simulator agrees by itself."""
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


def _closed() -> str:
    """Return an address at which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"
