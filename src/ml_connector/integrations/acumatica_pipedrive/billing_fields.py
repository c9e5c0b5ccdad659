"""The deal fields that show billing: what each is, which are provided, which key each has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ml_connector.integrations.acumatica_pipedrive.billing import Ageing, InvoiceStatus
from ml_connector.integrations.acumatica_pipedrive.settings import Settings
from ml_connector.vendors.pipedrive.drafts import OwnField
from ml_connector.vendors.pipedrive.models import FieldDefinition

if TYPE_CHECKING:
    from ml_connector.integrations.acumatica_pipedrive.context import Context

FLOW = "invoice_to_deal"
"""The flow that the fields belong to: where it is off, none are made."""

FIELDS: Mapping[str, OwnField] = {
    "invoice_numbers": OwnField(name="ERP invoices", field_type="text"),
    "invoice_status": OwnField(
        name="ERP invoice status",
        field_type="enum",
        options=tuple(each.value for each in InvoiceStatus),
    ),
    "billed_total": OwnField(name="ERP invoiced, with tax", field_type="monetary"),
    "billed_net": OwnField(name="ERP invoiced, without tax", field_type="monetary"),
    "open_balance": OwnField(name="ERP open balance, with tax", field_type="monetary"),
    "due_on": OwnField(name="ERP invoice due", field_type="date"),
    "overdue_since": OwnField(name="ERP overdue since", field_type="date"),
    "ageing": OwnField(
        name="ERP ageing", field_type="enum", options=tuple(each.value for each in Ageing)
    ),
    "last_payment_on": OwnField(name="ERP last payment on", field_type="date"),
    "last_payment": OwnField(name="ERP last payment", field_type="monetary"),
    "prepaid": OwnField(name="ERP prepaid", field_type="monetary"),
    "written_off": OwnField(name="ERP written off", field_type="monetary"),
    "order_status": OwnField(name="ERP order status", field_type="text"),
    "billing_remark": OwnField(name="ERP billing remark", field_type="text"),
}
"""By our name of each, as figures and settings have it. Found again by key, however renamed."""

_TEXTS = frozenset({"text", "varchar"})
"""Types of which a field of the user's own may have either, where a text is shown."""


def setting_of(name: str) -> str:
    """Return the setting that names the deal field of a figure."""
    return f"billing.fields.{name}"


def unfit(name: str, field: FieldDefinition) -> str | None:
    """Say why a field of the user's own cannot show a figure; None where it can."""
    own = FIELDS.get(name)
    if own is None:
        return None
    fitting = _TEXTS if own.field_type in _TEXTS else {own.field_type}
    if field.field_type not in fitting:
        return (
            f"the Pipedrive field {field.field_name!r} is of type {field.field_type}; it must be "
            f"{' or '.join(sorted(fitting))}"
        )
    missing = set(own.options) - {option.label for option in field.options}
    if missing:
        return f"the Pipedrive field {field.field_name!r} lacks {', '.join(sorted(missing))}"
    return None


def provided(settings: Settings) -> dict[str, OwnField]:
    """Return the fields that are to be provided: all that are shown on none of the user's own."""
    fields = settings.billing.fields
    return {name: own for name, own in FIELDS.items() if getattr(fields, name) is True}


async def keys_of(ctx: Context) -> dict[str, str]:
    """Return the key of each figure's deal field; figures that are shown nowhere are left out."""
    fields = ctx.settings.billing.fields
    stated = {name for name in FIELDS if isinstance(getattr(fields, name), str)}
    named = (await ctx.mappings()).named_fields if stated else {}
    keys = {name: named.get(setting_of(name)) for name in stated}
    keys |= {name: ctx.installation.own_fields.get(name) for name in provided(ctx.settings)}
    return {name: key for name in FIELDS if (key := keys.get(name)) is not None}
