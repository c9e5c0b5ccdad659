"""The reverse of items that become products, as a report only: products that have no item."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from ml_connector.integrations.acumatica_pipedrive.context import Context
from ml_connector.vendors.pipedrive import folded_code
from ml_connector.vendors.pipedrive.models import Product

COLUMNS = ("product", "name", "code", "offered", "why")


async def rows(ctx: Context) -> AsyncIterator[Mapping[str, str]]:
    """Yield each product that names no item of Acumatica, with the reason."""
    items = {one.inventory_id async for one in ctx.acumatica.stock_items()}
    items |= {one.inventory_id async for one in ctx.acumatica.non_stock_items()}
    known = {item.strip().upper() for item in items}
    alike = {folded_code(item): item for item in items}
    async for product in ctx.pipedrive.products():
        code = (product.code or "").strip()
        # without regard to case, as Acumatica looks up the items of order lines
        if code.upper() not in known:
            yield _row(product, alike.get(folded_code(code)) if code else None)


def _row(product: Product, alike: str | None) -> Mapping[str, str]:
    code = (product.code or "").strip()
    why = f"Acumatica has no item {code}"
    if not code:
        why = "it has no product code"
    elif alike is not None:
        why = f"{why}, but {alike}, which is spaced otherwise"
    return {
        "product": str(product.id),
        "name": product.name,
        "code": code,
        "offered": "yes" if product.is_linkable else "no",
        "why": why,
    }
