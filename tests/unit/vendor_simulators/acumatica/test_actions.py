from __future__ import annotations

from typing import Any

import pytest

from vendor_simulators.acumatica.identity import PASSWORD, USERNAME


async def started(site: Any) -> Any:
    order = await site.order(await site.customer(), Hold=False)
    key = {"OrderType": {"value": "SO"}, "OrderNbr": {"value": order["OrderNbr"]}}
    return await site.call("POST", "SalesOrder/CancelSalesOrder", {"entity": key})


async def test_an_action_is_accepted_and_polled_until_204(site):
    site.switch(action_polls=2)

    accepted = await started(site)
    location = accepted.headers["Location"]
    polls = [(await site.get(location)).status for _ in range(4)]

    assert accepted.status == 202
    assert location.startswith(
        "/AcumaticaERP/entity/Default/24.200.001/SalesOrder/CancelSalesOrder/status/"
    )
    assert polls == [202, 202, 204, 204]


async def test_an_action_may_be_done_at_once(site):
    site.switch(action_polls=0)

    assert (await started(site)).status == 204


async def test_a_location_may_be_absolute(site):
    site.switch(absolute_locations=True)

    assert (await started(site)).headers["Location"].startswith(site.origin)


async def test_an_unknown_action_is_404_and_a_missing_record_500(site):
    unknown = await site.call("POST", "SalesOrder/ReleaseFromNothing", {"entity": {}})
    missing = await site.call(
        "POST", "SalesOrder/CancelSalesOrder", {"entity": {"OrderNbr": {"value": "NOPE"}}}
    )

    assert (unknown.status, missing.status) == (404, 500)


async def test_workflow_actions_go_by_their_own_names(site):
    order = await site.order(await site.customer())

    done = await site.run(
        "SalesOrder/releaseFromHold", entity={"OrderType": "SO", "OrderNbr": order["OrderNbr"]}
    )
    schema = await site.get("SalesOrder/$adHocSchema")

    assert done.status == 204
    assert "releasefromhold" in schema.content["_workflowActions"]


@pytest.mark.parametrize("status", [500, 422])
async def test_a_failure_shows_on_the_poll(site, status):
    await site.play("fail_action", action="CancelSalesOrder", status=status, text="No.")

    accepted = await started(site)
    location = accepted.headers["Location"]
    polls = [(await site.get(location)).status for _ in range(2)]

    assert (accepted.status, polls) == (202, [202, status])


async def test_another_session_cannot_poll(site):
    location = (await started(site)).headers["Location"]
    await site.sign_in()

    assert (await site.get(location)).status == 404


@pytest.mark.parametrize(("version", "status"), [("24.200.001", 500), ("25.200.001", 409)])
async def test_the_form_is_busy_for_its_session_while_an_action_runs(site, version, status):
    site.version = version
    location = (await started(site)).headers["Location"]

    busy = await site.put("SalesOrder", {"Description": "x"})
    other_form = await site.put("Customer", {"CustomerName": "Acme"})
    await site.get(location)
    free = await site.put("SalesOrder", {"Description": "x"})

    assert (busy.status, other_form.status) == (status, 200)
    assert free.status == 422  # the customer is missing, but the form is free


async def test_a_prospect_becomes_a_customer_with_the_same_number(site):
    account = await site.saved(
        "BusinessAccount",
        {"Name": "Acme", "MainContact": {"Email": "a@acme.example"}, "AccountRef": "pd-org-9"},
    )
    number = account["BusinessAccountID"]

    await site.run(
        "BusinessAccount/ConvertBusinessAccountToCustomer", entity={"BusinessAccountID": number}
    )

    customer = await site.get(f"Customer/{number}", expand="MainContact")
    assert (account["Type"], customer["CustomerName"]) == ("Prospect", "Acme")
    assert customer.content["id"] == account.content["id"]
    assert (await site.get(f"BusinessAccount/{number}"))["Type"] == "Customer"


def test_the_sandbox_user_is_described(anonymous):
    assert anonymous.described["username"] == USERNAME
    assert anonymous.described["password"] == PASSWORD
