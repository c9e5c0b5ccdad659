"""The pair's table of contents: which flows there are, what starts them, what they make."""

from __future__ import annotations

from dataclasses import replace

from ml_connector.integrations.from_pipedrive import taking_up
from ml_connector.integrations.sage_intacct_pipedrive import period_statement
from ml_connector.integrations.sage_intacct_pipedrive.checking import check
from ml_connector.integrations.sage_intacct_pipedrive.context import Context
from ml_connector.integrations.sage_intacct_pipedrive.flows import (
    customers,
    match_vendors,
    organization_to_vendor,
    post_entry,
    postings,
    taking_back,
    won_deal_to_journal_entry,
)
from ml_connector.integrations.sage_intacct_pipedrive.flows.recognise_vendor import (
    FLOW,
    find_vendors,
)
from ml_connector.integrations.sage_intacct_pipedrive.settings import Settings
from ml_connector.sync.flow import EffectKind, Flow, Integration, OnStream, Report
from ml_connector.sync.installations import Installation
from ml_connector.vendors import pipedrive, sage_intacct
from ml_connector.vendors.pipedrive.drafts import OwnField

_ORGANIZATION_FIELDS = {
    "vendor_number": OwnField(name="ERP vendor number", field_type="varchar"),
}


async def provide_fields(client: pipedrive.Client, installation: Installation) -> dict[str, str]:
    """Make the CRM fields that the flows write; found again by key, however renamed.

    None for entries: those are shown only on fields that the user names.
    """
    switch = installation.flows.get(FLOW)
    if switch is None or not switch.is_on:
        return {}
    wanted = [
        replace(field, key=installation.own_fields.get(name))
        for name, field in _ORGANIZATION_FIELDS.items()
    ]
    made = await client.fields.ensure("organization", wanted)
    return {name: made[field.name] for name, field in _ORGANIZATION_FIELDS.items()}


INTEGRATION = Integration(
    name="sage_intacct_pipedrive",
    title="Sage Intacct and Pipedrive",
    vendors={"crm": pipedrive.VENDOR, "erp": sage_intacct.VENDOR},
    settings=Settings,
    flows=(
        Flow(
            name="won_deal_to_journal_entry",
            title="A won deal becomes a journal entry",
            record_kind="deal",
            source="crm",
            started_by=(OnStream(role="crm", stream="deals"),),
            run=won_deal_to_journal_entry.run,
            reads=("organization", "person", "product"),
            weigh=taking_up.weigh,
            needs={
                "crm": ("deals:full", "contacts:full", "products:read"),
                "erp": ("GLACCOUNT", "JOURNAL", "GLBATCH:write", "GLENTRY", "CUSTOMER"),
            },
        ),
        Flow(
            name=FLOW,
            title="An organization and its vendor",
            record_kind="organization",
            source="crm",
            started_by=(OnStream(role="crm", stream="organizations"),),
            run=organization_to_vendor.run,
            reads=("person",),
            weigh=organization_to_vendor.weigh,
            first_match=match_vendors.matches,
            look_up=match_vendors.look_up,
            needs={"crm": ("contacts:full", "deals:read"), "erp": ("VENDOR:write",)},
        ),
    ),
    effects=(
        EffectKind(name="customer", role="erp", find=customers.find_customers),
        EffectKind(name="journal_entry", role="erp", find=postings.find_entries),
        EffectKind(name="reversal", role="erp", find=postings.find_entries),
        EffectKind(name="draft_removal", role="erp", find=taking_back.find_removed),
        EffectKind(name="vendor", role="erp", find=find_vendors),
        EffectKind(name="entry_revision", role="erp", find=post_entry.find_revised),
    ),
    causes={"organization": ("organization", "customer:organization", "match:organization")},
    reports=(
        Report(
            name="period-statement",
            title="What was won beside what the ledger has of it",
            flow="won_deal_to_journal_entry",
            columns=period_statement.COLUMNS,
            rows=period_statement.rows,
        ),
    ),
    context=Context,
    check=check,
    provide_fields=provide_fields,
)
