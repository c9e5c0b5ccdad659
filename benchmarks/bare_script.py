"""The yardstick of won deals: the same calls with the same clients and mappings, and no more.

What a careful engineer would write for one evening: everything is gathered into few calls and
searched for before it is created, but nothing is remembered. Killed half-way it would leave
deals without orders and orders that nobody knows of.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from benchmarks.children import Arguments, be_child, hear, tell
from benchmarks.deployment import crm_settings, erp_settings
from ml_connector.app.garbage import collect_seldom
from ml_connector.core.clock import SystemClock
from ml_connector.core.logins import MemoryLogins
from ml_connector.integrations.acumatica_pipedrive import mappings
from ml_connector.integrations.acumatica_pipedrive.fields import Mappings, making
from ml_connector.integrations.acumatica_pipedrive.settings import Settings
from ml_connector.integrations.from_pipedrive import resolving
from ml_connector.sync.mapping.evaluation import evaluate
from ml_connector.sync.mapping.views import RecordView
from ml_connector.transport.http import Transport
from ml_connector.vendors import acumatica, pipedrive
from ml_connector.vendors.acumatica import limits_of
from ml_connector.vendors.pipedrive.deal_lines import NetLine, net_lines
from ml_connector.vendors.pipedrive.drafts import DealUpdate, OrganizationDraft
from ml_connector.vendors.pipedrive.models import Deal, Organization, Person

_AT_ONCE = 200  # deals; as many as a worker has runs


class Script:
    """Moves deals, and keeps what it knows in memory."""

    def __init__(
        self, crm: pipedrive.Client, erp: acumatica.Client, own_fields: Mapping[str, str]
    ) -> None:
        self._crm = crm
        self._erp = erp
        self._own = own_fields
        self._settings = Settings()
        self._mappings: Mappings | None = None
        self._customers: dict[int, asyncio.Task[str]] = {}
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def move(self, deal_ids: Sequence[int]) -> None:
        """Make the order of each deal."""
        make = await making(self._settings, self._erp, {})
        self._mappings = await resolving.resolve(self._crm, make)
        async with asyncio.TaskGroup() as group:
            for deal_id in deal_ids:
                await self._places.acquire()
                group.create_task(self._moved(deal_id))

    async def _moved(self, deal_id: int) -> None:
        try:
            await self._move(deal_id)
        finally:
            self._places.release()

    async def _move(self, deal_id: int) -> None:
        assert self._mappings is not None  # noqa: S101 - set by move
        deal = await self._crm.deal(deal_id)
        assert deal.org_id is not None and deal.person_id is not None  # noqa: PT018, S101 - as seeded
        organization, person, products, installments = await asyncio.gather(
            self._crm.organization(deal.org_id),
            self._crm.person(deal.person_id),
            self._crm.deal_products(deal.id),
            self._crm.deal_installments(deal.id),
        )
        lines = net_lines(deal, products, (), installments, rules=self._settings.lines)
        sources = _sources(deal, organization, person)
        order_lines = await asyncio.gather(*(self._line(line, sources) for line in lines.lines))
        customer_id = await self._customer(deal, organization, sources)
        reference = f"pd-deal-{deal.id}"
        draft = mappings.sales_order_draft(
            evaluate(self._mappings.order, sources).values,
            order_lines,
            order_type=self._settings.orders.order_type,
            customer_id=customer_id,
            currency=lines.currency,
            reference=reference,
            on_hold=True,
            keeps_price=True,
        )
        found = await self._erp.find_sales_orders(external_ref=reference)
        order = found[0] if found else (await self._erp.create_sales_order(draft)).record
        shown = {
            self._own["order_number"]: order.order_nbr,
            self._own["order_link"]: f"{self._erp.settings.instance_url}/Main?{order.key}",
        }
        await self._crm.update_deal(deal.id, DealUpdate(custom_fields=shown))

    async def _line(self, line: NetLine, sources: Mapping[str, Any]) -> mappings.OrderLine:
        assert self._mappings is not None and line.product_id is not None  # noqa: PT018, S101 - as seeded
        product = await self._crm.product(line.product_id)
        item = await self._erp.item(mappings.sku_of(product, line))
        own = {"name": line.name, "comments": line.comments, "quantity": line.quantity}
        everything = {**sources, "line": own, "product": RecordView(product)}
        values = evaluate(self._mappings.line, everything).values
        unit = mappings.unit_of(values.get("UOM"), item, (), line=line)
        return mappings.OrderLine(net=line, item=item, unit=unit, values=values)

    async def _customer(
        self, deal: Deal, organization: Organization, sources: Mapping[str, Any]
    ) -> str:
        task = self._customers.get(organization.id)
        if task is None:
            task = asyncio.create_task(self._ensure_customer(organization, sources))
            self._customers[organization.id] = task
        return await task

    async def _ensure_customer(self, organization: Organization, sources: Mapping[str, Any]) -> str:
        assert self._mappings is not None  # noqa: S101 - set by move
        reference = f"pd-org-{organization.id}"
        by_reference, by_name, others = await asyncio.gather(
            self._erp.customers_by_account_ref(reference),
            self._erp.customers_by_name(organization.name),
            self._erp.business_accounts_by_name(organization.name),
        )
        if others:
            raise RuntimeError(f"{organization.name} is in Acumatica, but no customer")
        found = (*by_reference, *by_name)
        if found:
            return found[0].customer_id
        values = evaluate(self._mappings.customer, sources).values
        draft = mappings.customer_draft(
            {"CustomerName": organization.name, **values},
            reference=reference,
            address=mappings.address_draft(organization.address, of=organization.name),
        )
        customer = (await self._erp.create_customer(draft)).record
        shown = {self._own["customer_number"]: customer.customer_id}
        await self._crm.update_organization(organization.id, OrganizationDraft(custom_fields=shown))
        return customer.customer_id


def _sources(deal: Deal, organization: Organization, person: Person) -> dict[str, Any]:
    return {
        "deal": RecordView(deal),
        "organization": RecordView(organization),
        "person": RecordView(person),
    }


async def main(arguments: Arguments) -> None:
    """Move a few deals to warm up, then, when told to, all others; tell how long it took."""
    description = arguments["description"]
    async with AsyncExitStack() as stack:
        crm = pipedrive.Client(
            crm_choice := pipedrive.Settings(**crm_settings(description["pipedrive"])),
            transport=_transport(stack, pipedrive.VENDOR.profile.limits),
            logins=MemoryLogins(),
            clock=SystemClock(),
        )
        erp_choice = acumatica.Settings(**erp_settings(description["acumatica"], 32))
        erp = acumatica.Client(
            erp_choice,
            transport=_transport(stack, limits_of(erp_choice)),
            logins=MemoryLogins(),
            clock=SystemClock(),
        )
        del crm_choice
        script = Script(crm, erp, arguments["own_fields"])
        await script.move(arguments["warm_up"])
        collect_seldom()
        tell({"ready": True})
        await (await hear()).readline()
        began = time.perf_counter()
        await script.move(arguments["deals"])
        tell({"seconds": time.perf_counter() - began})


def _transport(stack: AsyncExitStack, limits: Any) -> Transport:
    transport = Transport(profile_limits=limits, clock=SystemClock(), allow_private_targets=True)
    stack.push_async_callback(transport.close)
    return transport


if __name__ == "__main__":
    be_child(main)
