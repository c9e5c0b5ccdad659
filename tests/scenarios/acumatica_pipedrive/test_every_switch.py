"""The whole story under every setting of both simulators, one by one.

Where a vendor's behaviour is not documented, its simulator has a switch: the books have to agree
whichever way it stands. `make test` tells the story under the settings of `IN_SHORT` alone, because
all of them take minutes; `make prove` under every one.
"""

from __future__ import annotations

import pytest
from tests.scenarios.acumatica_pipedrive.party_shop import OpenParties
from tests.scenarios.acumatica_pipedrive.story import open_story
from tests.world.every_switch import Setting, settings_of, without_settings

VENDORS = ("acumatica", "pipedrive")
IN_SHORT = {
    "details_empty_on_lists",
    "errors_as_500",
    "list_lag_seconds",
    "payment_moves_invoice_timestamp",
    "doubled_webhooks",
    "lost_webhooks",
    "no_custom_fields",
    "unchanged_write_touches",
}
"""Switches that change most of what the story meets."""


def _told_under(setting: Setting) -> object:
    marks = () if setting.switch in IN_SHORT else (pytest.mark.prove,)
    return pytest.param(setting, marks=marks, id=str(setting))


SETTINGS = [setting for vendor in VENDORS for setting in settings_of(vendor)]


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_declared_switch_is_set_to_something_else(vendor: str):
    assert not without_settings(vendor)


def test_every_switch_that_is_told_in_short_is_declared():
    assert {setting.switch for setting in SETTINGS} >= IN_SHORT


@pytest.mark.parametrize("version", ["23.200.001", "24.200.001", "25.200.001"])
async def test_books_agree_in_every_endpoint_version(opened_parties: OpenParties, version: str):
    async with open_story(opened_parties, erp_settings={"endpoint_version": version}) as story:
        await story.tell()


@pytest.mark.parametrize("setting", [_told_under(setting) for setting in SETTINGS])
async def test_books_agree_under_every_setting(opened_parties: OpenParties, setting: Setting):
    switches = {setting.vendor: {setting.switch: setting.value}}
    async with open_story(opened_parties, **switches) as story:
        await story.tell()
