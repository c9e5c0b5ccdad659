"""What applying an installation's settings checks: names, accounts, the journal (P-13, INT-06)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from ml_connector.core.clock import SystemClock
from ml_connector.integrations.from_pipedrive import resolving
from ml_connector.integrations.sage_intacct_pipedrive import targets
from ml_connector.integrations.sage_intacct_pipedrive.fields import Mappings, making
from ml_connector.integrations.sage_intacct_pipedrive.flows.preflight import refusal_of_kind
from ml_connector.integrations.sage_intacct_pipedrive.ledger import Ledger
from ml_connector.integrations.sage_intacct_pipedrive.settings import Settings
from ml_connector.sync.flow import Checked, Role
from ml_connector.sync.mapping.compiling import MappingFault, MappingFaultsError
from ml_connector.vendors import sage_intacct

CLEARING = (
    "a company that also invoices these deals in Intacct must name a clearing account as "
    "posting.offset_account, or revenue counts twice"
)
_MAPPINGS = frozenset({"entry_mapping", "line_mapping", "vendor_mapping"})


async def check(
    settings: Settings,
    clients: Mapping[Role, Any],
    *,
    pins: Mapping[str, str],
    before: Settings | None,
) -> Checked:
    """Resolve every name against the fields that both sides have now, and look at each account.

    Raises MappingFaultsError that names every fault by its place in the settings. What may be put
    right in Intacct later is a notice: until then the deals it concerns are held.
    """
    crm, erp = clients["crm"], clients["erp"]
    found = await resolving.resolve(crm, await making(settings, erp, pins))
    ledger = Ledger(erp, SystemClock())
    faults = [*found.lost_fields, *[each async for each in _accounts(settings, found, ledger)]]
    if faults:
        raise MappingFaultsError(faults)
    known = await _known(before, settings, crm, erp, pins)
    notices = [each async for each in _notices(settings, found, ledger)]
    alike = before is not None and _others(before) == _others(settings)
    return Checked(
        pins=found.pins,
        notices=(*found.notices, *notices),
        wakes=tuple(resolving.wakes(known, found, are_alike=alike)),
    )


async def _known(
    before: Settings | None,
    settings: Settings,
    crm: Any,
    erp: sage_intacct.Client,
    pins: Mapping[str, str],
) -> Mappings | None:
    if before is None or before == settings:
        return None
    try:
        return await resolving.resolve(crm, await making(before, erp, pins))
    except MappingFaultsError:
        return None  # what did not fit may have held anything


async def _accounts(
    settings: Settings, found: Mappings, ledger: Ledger
) -> AsyncIterator[MappingFault]:
    """Yield the accounts that no entry may name, whatever is done about them."""
    for path, number, is_revenue in _named_accounts(settings, found):
        account = await ledger.account(number)
        if account is None:
            continue
        refused = refusal_of_kind(account, await ledger.bank_of(number))
        if refused is not None:
            yield MappingFault(
                path=path, words=f"account {number} {refused}, and entries may not name it"
            )
        elif is_revenue and not account.is_income_statement:
            yield MappingFault(
                path=path,
                words=f"account {number} is a {account.account_type} account: revenue goes to an "
                "income-statement account",
            )


async def _notices(settings: Settings, found: Mappings, ledger: Ledger) -> AsyncIterator[str]:
    yield CLEARING
    for path, number, _ in _named_accounts(settings, found):
        account = await ledger.account(number)
        if account is None or not account.is_active:
            said = "is not there" if account is None else "is inactive"
            yield f"{'.'.join(path)}: account {number} {said} in Intacct; its deals are held"
    symbol = settings.posting.journal
    journal = await ledger.journal(symbol)
    if journal is None or not journal.is_active:
        said = "is not there" if journal is None else "is inactive"
        yield f"posting.journal: {symbol} {said} in Intacct; all deals are held"
    if settings.posting.state == "draft":
        yield "entries are made as drafts until posting.state is posted"


def _named_accounts(settings: Settings, found: Mappings) -> list[tuple[tuple[str, ...], str, bool]]:
    """Return every account that the settings name: where, its number, whether it is for revenue."""
    named: list[tuple[tuple[str, ...], str, bool]] = [
        (("posting", "offset_account"), settings.posting.offset_account, False)
    ]
    for rule in found.line.rules:
        is_revenue = rule.target.key == targets.ACCOUNT
        if not is_revenue and rule.target.key != targets.RECURRING_ACCOUNT:
            continue
        at = ("line_mapping", "fields", rule.target.key)
        for name, value in (("constant", rule.constant), ("default", rule.default)):
            if value is not None:
                named.append(((*at, name), str(value), is_revenue))
        if rule.table is None:
            continue
        table = settings.line_mapping.tables.get(rule.table.name)
        if table is None:
            continue
        place = ("line_mapping", "tables", rule.table.name)
        for key, value in table.entries.items():
            named.append(((*place, "entries", key), str(value), is_revenue))
        if table.fallback is not None:
            named.append(((*place, "fallback"), str(table.fallback), is_revenue))
    return named


def _others(settings: Settings) -> dict[str, Any]:
    return settings.model_dump(exclude=set(_MAPPINGS))
