from __future__ import annotations

import asyncio

import pytest

from ml_connector.core.errors import (
    ConfigurationError,
    QuotaScope,
    RateLimitedError,
    UnavailableError,
)
from ml_connector.vendors.pipedrive import OrganizationDraft
from ml_connector.vendors.pipedrive.costs import OPERATIONS


async def test_call_refused_for_its_rate_is_made_again_and_succeeds(client, hand):
    await hand.switch(burst_limit=4, burst_seconds=0.2)

    found = await asyncio.gather(*(client.pipelines() for _ in range(5)))

    assert len(found) == 5
    statuses = [call["status"] for call in await hand.calls()]
    assert statuses.count(200) == 5


async def test_create_refused_for_its_rate_is_made_once(client, hand):
    await hand.fault("throttle", method="POST")

    await client.create_organization(OrganizationDraft(name="Nordwerk GmbH"))

    assert len(await hand.records("organizations")) == 1


async def test_used_up_budget_stops_at_once_and_says_so(client, hand):
    await hand.play("exhaust_budget")

    with pytest.raises(RateLimitedError) as caught:
        await client.me()

    assert caught.value.scope is QuotaScope.DAILY
    assert len(await hand.calls()) == 1


async def test_firewall_page_stops_everything(client, hand):
    await hand.fault("html", status=403, body="<!DOCTYPE html><title>Attention Required</title>")

    with pytest.raises(RateLimitedError) as caught:
        await client.me()

    assert caught.value.scope is QuotaScope.BLOCKED
    assert len(await hand.calls()) == 1


async def test_read_is_repeated_after_an_outage(client, hand):
    await hand.fault("status", status=503, body='{"success": false}')

    assert (await client.me()).id


async def test_lasting_outage_is_told(client, hand):
    await hand.fault("status", times=100, status=503, body='{"success": false}')

    with pytest.raises(UnavailableError) as caught:
        await client.me()

    assert caught.value.is_connection_wide


async def test_limit_of_the_plan_is_a_matter_of_configuration(client, hand):
    await hand.fault(
        "status",
        method="POST",
        status=403,
        body='{"success": false, "error": "limit reached", "code": "feature_capping_deals_limit"}',
    )

    with pytest.raises(ConfigurationError, match="plan is at its limit"):
        await client.create_organization(OrganizationDraft(name="Nordwerk GmbH"))


async def test_costs_are_the_ones_that_pipedrive_charges(client, hand):
    ids = (await hand.seed(organizations=[{"name": "a"}]))["organizations"]

    await client.organization(ids[0])
    await client.create_organization(OrganizationDraft(name="b"))
    await client.organizations_where("name", "a")
    await client.me()
    await client.pipelines()

    charged = [call["cost"] for call in await hand.calls()]
    assert charged == [
        OPERATIONS[operation].tokens
        for operation in (
            "organizations.get",
            "organizations.create",
            "organizations.search",
            "organizations.get",
            "users.me",
            "pipelines.list",
        )
    ]
