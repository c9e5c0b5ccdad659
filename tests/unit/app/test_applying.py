import pytest
from sqlalchemy import text
from tests.unit.app.conftest import FLOW, Deployment, document

from ml_connector.app.pairs import INTEGRATIONS
from ml_connector.core.errors import ConfigurationError

KNOWN_FLOWS = sorted(
    flow.name for flow in INTEGRATIONS["acumatica_pipedrive"].flows if not flow.switched_with
)
SECRETS = ("token-1", "secret-1", "password-1", "token-2")


async def faults_of(deployment: Deployment, content) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        await deployment.changes(content)
    return [line.partition("connector.yaml:")[2] for line in caught.value.message.splitlines()]


async def test_the_first_file_is_added_and_the_same_again_changes_nothing(deployment):
    first = await deployment.apply(document())

    second = await deployment.apply(document())

    shown = [str(change) for change in first.changes]
    assert "+ connection crm vendor: pipedrive" in shown
    assert "+ connection crm api_token: ***" in shown
    assert f"+ installation acme flow {FLOW} when: {{every: 5m}}" in shown
    assert second.changes == ()


async def test_looking_at_the_difference_writes_nothing(deployment):
    await deployment.changes(document())

    async with deployment.services.database.transaction() as db:
        for table in ("workspace", "connection", "installation", "trail"):
            assert (await db.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one() == 0  # noqa: S608 - names of this test


async def test_a_difference_names_each_field_with_both_values(deployment):
    await deployment.apply(document())
    changed = document(settings={"orders": {"order_type": "IN"}})
    changed["connections"]["crm"]["settings"]["seats"] = 7
    changed["installations"]["acme"]["flows"][FLOW] = {"on": False, "when": "events"}

    found = [str(change) for change in await deployment.changes(changed)]

    assert found == [
        "~ connection crm seats: 5 -> 7",
        f"~ installation acme flow {FLOW} on: yes -> no",
        f"~ installation acme flow {FLOW} when: {{every: 5m}} -> events",
        "~ installation acme orders.order_type: SO -> IN",
    ]


async def test_no_secret_is_shown_in_a_difference(deployment):
    added = [str(change) for change in await deployment.changes(document())]
    await deployment.apply(document())
    content = document()
    content["connections"]["crm"]["settings"]["api_token"] = "token-2"

    changed = [str(change) for change in await deployment.changes(content)]

    assert changed == ["~ connection crm api_token: *** -> ***"]
    assert not [line for line in [*added, *changed] if any(word in line for word in SECRETS)]


async def test_a_secret_that_the_file_leaves_out_stays(deployment):
    await deployment.apply(document())
    content = document()
    del content["connections"]["erp"]["settings"]["password"]

    assert await deployment.changes(content) == []


async def test_an_exported_file_applies_without_a_difference(deployment):
    settings = {
        "trigger": {"on": "stage", "stages": [3, 4]},
        "customers": {"match_by_name": True},
        "orders": {"item_without_products": "SERVICE"},
    }
    await deployment.apply(document(settings=settings))
    exported = await deployment.export()

    found = await deployment.changes(
        exported, CRM_API_TOKEN="token-1", ERP_CLIENT_SECRET="secret-1", ERP_PASSWORD="password-1"
    )

    assert found == []
    assert await deployment.export() == exported
    assert "${env:CRM_API_TOKEN}" in exported
    assert not [word for word in SECRETS if word in exported]


async def test_an_exported_file_shows_what_was_chosen_and_not_every_default(deployment):
    await deployment.apply(document(settings={"orders": {"order_type": "IN"}}))

    exported = await deployment.export()

    assert "order_type: IN" in exported
    assert "on_hold" not in exported
    assert "    flows:\n      won_deal_to_sales_order:\n        on: true\n" in exported


async def test_every_fault_of_a_file_is_told_at_once(deployment):
    content = document(
        crm="erp",
        webhooks=True,
        settings={"orders": {"order_typ": "IN"}, "trigger": {"on": "lost"}},
        flows={"won_deal_to_invoice": {"on": True}},
    )
    content["connections"]["crm"]["settings"] = {"api_tokn": "token-1", "plan": "gold"}
    content["connections"]["other"] = {"vendor": "hubspot"}

    found = await faults_of(deployment, content)

    shown = "\n".join(found)
    for words in (
        (
            "connections.crm.settings.api_tokn: there is no setting 'api_tokn' here; did you mean "
            "'api_token'?"
        ),
        (
            "connections.crm.settings.plan: 'gold': input should be 'lite', 'growth', 'premium' or "
            "'ultimate'"
        ),
        "connections.other.vendor: there is no vendor 'hubspot'",
        "installations.acme.crm: 'erp' is a connection to acumatica; crm takes one to pipedrive",
        (
            "installations.acme.flows.won_deal_to_invoice: Acumatica and Pipedrive has no flow "
            f"'won_deal_to_invoice'; there are: {', '.join(KNOWN_FLOWS)}"
        ),
        (
            "installations.acme.webhooks: the vendor must know an address under which it reaches "
            "this service; set ML_CONNECTOR_PUBLIC_URL"
        ),
        (
            "installations.acme.settings.orders.order_typ: there is no setting 'order_typ' here; "
            "did you mean 'order_type'?"
        ),
        "installations.acme.settings.trigger.on: 'lost': input should be 'won', 'stage' or",
    ):
        assert words in shown
    assert all(line.partition(":")[0].isdecimal() for line in found)
    assert not [word for word in SECRETS if word in shown]


async def test_a_connection_keeps_its_vendor_and_an_installation_its_pair(deployment):
    await deployment.apply(document())
    content = document()
    content["connections"]["crm"] = content["connections"]["erp"]

    found = await faults_of(deployment, content)

    assert "is one of pipedrive; give this one another name" in found[0]


async def test_a_new_setting_wakes_what_waited_for_it(deployment):
    await deployment.apply(document())
    async with deployment.services.database.transaction() as db:
        await db.execute(
            text(
                "INSERT INTO backlog (workspace_id, owner, installation_id, flow, record, state,"
                " lane, due_at, trigger, waits_for, wanted_at)"
                " SELECT workspace_id, 'installation:' || id, id, 'f', '42', 'held', 1, now(),"
                " '{}', 'setting:orders.item_without_products', now() FROM installation"
            )
        )

    await deployment.apply(document(settings={"orders": {"item_without_products": "SERVICE"}}))

    async with deployment.services.database.transaction() as db:
        assert (await db.execute(text("SELECT state FROM backlog"))).scalar_one() == "ready"


async def test_who_changed_what_stands_in_the_trail(deployment):
    await deployment.apply(document())

    async with deployment.services.database.transaction() as db:
        row = (await db.execute(text("SELECT event, who, detail::text AS detail FROM trail"))).one()
    assert (row.event, row.who) == ("configuration_applied", "test")
    assert "+ connection crm vendor: pipedrive" in row.detail
    assert not [word for word in SECRETS if word in row.detail]


async def test_a_sandbox_file_makes_the_deployment_a_sandboxs(deployment):
    await deployment.apply({"sandbox": True, **document()})

    assert deployment.services.is_sandbox
    assert deployment.services.connections.allow_private_targets
    assert (await deployment.export()).startswith("workspace: main\nsandbox: true\n")
    assert await deployment.changes({"sandbox": True, **document()}) == []


async def test_a_deployment_with_real_connections_does_not_become_a_sandboxs(deployment):
    await deployment.apply(document())

    found = await faults_of(deployment, {"sandbox": True, **document()})

    assert "this deployment has connections that are not the sandbox's" in found[0]
    assert not deployment.services.is_sandbox
