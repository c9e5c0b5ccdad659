"""What each line of a deal brings to which account, with which dimensions (INT-04, INT-08)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ml_connector.core.errors import HeldError, MissingMappingError, NotFoundError
from ml_connector.integrations.from_pipedrive import parties
from ml_connector.integrations.from_pipedrive.amounts import DealAmounts
from ml_connector.integrations.sage_intacct_pipedrive import targets
from ml_connector.integrations.sage_intacct_pipedrive.context import Context
from ml_connector.integrations.sage_intacct_pipedrive.flows.customers import customer_of
from ml_connector.integrations.sage_intacct_pipedrive.mappings import Credit
from ml_connector.sync.mapping.compiling import CompiledMapping
from ml_connector.sync.mapping.evaluation import Sources, evaluate
from ml_connector.sync.mapping.views import RecordView
from ml_connector.vendors.pipedrive.deal_lines import NetLine
from ml_connector.vendors.pipedrive.models import Deal, Organization, Person, Product

_TEXTS = {targets.DESCRIPTION, targets.DOCUMENT}


@dataclass(frozen=True, slots=True, kw_only=True)
class DealParty:
    """Who a deal is with; its own organization counts, whatever its person's is (M-09)."""

    organization: Organization | None
    person: Person | None

    @property
    def subject(self) -> str:
        """What it is called in causes: ``organization:5512``."""
        if self.organization is not None:
            return f"organization:{self.organization.id}"
        return f"person:{self.person.id}" if self.person is not None else "nobody"

    def sources(self, deal: Deal) -> dict[str, Mapping[str, Any] | None]:
        """Return the records that mappings read."""
        return {
            "deal": RecordView(deal),
            "organization": RecordView(self.organization) if self.organization else None,
            "person": RecordView(self.person) if self.person else None,
        }


async def party_of(deal: Deal, ctx: Context) -> DealParty:
    """Return who the deal is with, as far as Pipedrive still has them."""
    organization, person = await asyncio.gather(
        parties.organization(deal.org_id, ctx), parties.person(deal.person_id, ctx)
    )
    for each in (organization, person):
        if each is not None:
            ctx.also_known_as(each.name)
    return DealParty(organization=organization, person=person)


async def credits_of(
    deal: Deal, amounts: DealAmounts, party: DealParty, ctx: Context
) -> list[Credit]:
    """Return the credits of a deal's lines; lines that are worth nothing bring none.

    Raises MissingMappingError or HeldError that names the deal, its line and the way out.
    """
    mapping = (await ctx.mappings()).line
    counted = [line for line in amounts.lines.lines if line.net]
    products = await asyncio.gather(*(_product(line, ctx) for line in counted))
    sources = party.sources(deal)
    parts = []
    for line, product in zip(counted, products, strict=True):
        source = amounts.sources.get(line.line_id) if line.line_id is not None else None
        own = {
            **sources,
            "line": RecordView(source) if source else {"name": line.name},
            "product": RecordView(product) if product else None,
        }
        what = _called(deal, line)
        parts.append(replace(_credit(line, own, mapping, what), party=party.subject))
    return await _with_customer(parts, party, ctx)


def _called(deal: Deal, line: NetLine) -> str:
    called = f"Deal {deal.id} ({deal.title})"
    return called if line.line_id is None else f"{called}, line {line.name!r}"


def _credit(line: NetLine, sources: Sources, mapping: CompiledMapping, what: str) -> Credit:
    is_recurring = line.recurrence is not None
    unused = targets.ACCOUNT if is_recurring else targets.RECURRING_ACCOUNT
    rules = tuple(rule for rule in mapping.rules if rule.target.key != unused)
    try:
        values = dict(evaluate(replace(mapping, rules=rules), sources).values)
    except MissingMappingError as exc:
        raise MissingMappingError(f"{what}: {exc.message}", waits_for=exc.waits_for) from exc
    except HeldError as exc:
        raise HeldError(f"{what}: {exc.message}", waits_for=exc.waits_for) from exc
    account = values.pop(targets.RECURRING_ACCOUNT if is_recurring else targets.ACCOUNT, None)
    if account is None:
        raise HeldError(
            f"{what} has no {'account of recurring lines' if is_recurring else 'revenue account'}; "
            "map one under line_mapping",
            waits_for="mapping:account",
        )
    return Credit(
        account=str(account),
        net=line.net,
        dimensions={
            name: str(value) for name, value in values.items() if targets.is_dimension(name)
        },
        description=values.get(targets.DESCRIPTION),
        document=values.get(targets.DOCUMENT),
        further={
            name: value
            for name, value in values.items()
            if name not in _TEXTS and not targets.is_dimension(name)
        },
        is_recurring=is_recurring,
        what=what,
    )


async def _with_customer(parts: list[Credit], party: DealParty, ctx: Context) -> list[Credit]:
    """Add the customer of the deal's organization where no mapping names one (INT-13)."""
    if all(targets.CUSTOMER in each.dimensions for each in parts):
        return parts
    customer = await customer_of(party.organization, ctx)
    if customer is None:
        return parts
    return [
        replace(each, dimensions={targets.CUSTOMER: customer, **each.dimensions}) for each in parts
    ]


async def _product(line: NetLine, ctx: Context) -> Product | None:
    if line.product_id is None:
        return None
    try:
        return await ctx.pipedrive.product(line.product_id)
    except NotFoundError:
        return None
