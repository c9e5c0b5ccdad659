"""Putting the company into both products, and back into ids."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from ml_connector.app.demo import crm
from ml_connector.app.demo.crm import PipedriveIds
from ml_connector.app.demo.sage_intacct.catalogue import (
    ACCOUNTS,
    CREDIT,
    FURTHER_ACCOUNTS,
    GOODS,
    INACTIVE,
    MAPPED_LATER,
    RATES,
    RENTAL,
    TRAINING,
)
from ml_connector.app.demo.sage_intacct.company import Case, Company, KnownVendor
from ml_connector.app.demo.simulators import CRM, Simulators

ERP = "sage_intacct"
GROUP_FIELD = "Revenue group"
LABEL, _LABEL = "Customer", 5
"""Organizations with this label become vendors without a deal; its option in Pipedrive."""
GO_LIVE_BEFORE = timedelta(days=60)
"""So long ago deals began to count ..."""
WON_BEFORE_GO_LIVE = timedelta(days=90)
WON_IN_CLOSED_BOOKS = timedelta(days=45)
CLOSED_BEFORE = timedelta(days=40)
"""... and so long ago the last closed day was."""
_DAY = "%m/%d/%Y"


async def seed(company: Company, simulators: Simulators, *, now: datetime) -> PipedriveIds:
    """Put everything into both products; only deals from before go-live are won already."""
    await simulators.switch(ERP, multi_currency=True)
    await simulators.seed(
        ERP,
        {
            "gl_accounts": [_account(one) for one in FURTHER_ACCOUNTS],
            "rates": {"Intacct Daily Rate": dict(RATES)},
            "currencies": list(RATES),
            "closed_through": {"": f"{now - CLOSED_BEFORE:{_DAY}}"},
            "vendors": [_vendor(one) for one in company.known_vendors],
        },
    )
    made = await simulators.seed(CRM, _crm_records(company, await _groups(simulators)))
    return crm.ids(company.deals, company.organizations, made)


def _account(given: Any) -> dict[str, Any]:
    return {
        "ACCOUNTTYPE": "incomestatement",
        "NORMALBALANCE": "credit",
        "CLOSINGTYPE": "closing account",
        **given,
    }


def _vendor(known: KnownVendor) -> dict[str, Any]:
    return {
        "VENDORID": known.vendor_id,
        "NAME": known.name,
        "TAXID": known.vat,
        "DISPLAYCONTACT.PRINTAS": known.name,
    }


async def _groups(simulators: Simulators) -> Mapping[str, int]:
    """Make the custom fields; return the option of each revenue group."""
    groups = [*ACCOUNTS, *MAPPED_LATER, *INACTIVE]
    fields = {
        "organization": [{"field_name": crm.VAT_FIELD, "field_type": "varchar"}],
        "product": [{"field_name": GROUP_FIELD, "field_type": "enum", "options": groups}],
    }
    await simulators.seed(CRM, {"fields": fields})
    (made,) = [
        row for row in await simulators.records(CRM, "fields") if row["field_name"] == GROUP_FIELD
    ]
    return {option["label"]: option["id"] for option in made["options"]}


def _crm_records(company: Company, groups: Mapping[str, int]) -> dict[str, Any]:
    return {
        "products": [
            crm.product(good, custom_fields={GROUP_FIELD: groups[good.group]})
            for good in (*GOODS, TRAINING, RENTAL, CREDIT)
        ],
        "organizations": [
            crm.organization(one, label_ids=[_LABEL] if _is_labelled(one.ref, company) else [])
            for one in company.organizations
        ],
        "persons": [crm.person(one) for one in company.persons],
        "deals": [
            crm.deal(
                deal,
                won_before=WON_BEFORE_GO_LIVE if deal.case is Case.BEFORE_GO_LIVE else None,
            )
            for deal in company.deals
        ],
    }


def _is_labelled(ref: str, company: Company) -> bool:
    return ref in {company.recognised, company.namesake}
