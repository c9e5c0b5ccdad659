"""What a user decides about billing figures on deals (ACU-07, M-06, M-07, M-11)."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Shown = bool | str
"""True: on the field that is provided for it. False: nowhere. A text: on this field of yours."""


def _shown(what: str) -> Shown:
    made: Shown = Field(default=True, description=what)
    return made


class BillingFields(BaseModel):
    """Where each figure is shown: yes for the field that is provided, no, or a deal field."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    invoice_numbers: Shown = _shown(
        "Numbers of the deal's invoices and memos. Yes: on the field that is provided for it; no: "
        "nowhere; or a deal field of yours, by name or key (here: text)."
    )
    invoice_status: Shown = _shown(
        "Not released, open, partly paid, paid, prepaid, credited or written off (single option "
        "with these choices)."
    )
    billed_total: Shown = _shown(
        "What released invoices come to with tax, less credit memos (monetary)."
    )
    billed_net: Shown = _shown("The same without tax (monetary).")
    open_balance: Shown = _shown("What of it is not settled yet, with tax (monetary).")
    due_on: Shown = _shown("The earliest due date of what is open (date).")
    overdue_since: Shown = _shown("The due date of the oldest invoice that is overdue (date).")
    ageing: Shown = _shown(
        "Not due, or how many days the oldest is overdue: 1 to 30, 31 to 60, 61 to 90, over 90 "
        "(single option with these choices)."
    )
    last_payment_on: Shown = _shown("The day of the last payment (date).")
    last_payment: Shown = _shown("Its amount on this deal's invoices (monetary).")
    prepaid: Shown = _shown("What was paid in advance for the deal's orders (monetary).")
    written_off: Shown = _shown("What was written off or given as cash discount (monetary).")
    order_status: Shown = _shown("The status of the deal's order in Acumatica's words (text).")
    billing_remark: Shown = _shown(
        "What a figure alone would hide: shared invoices, other currencies, what is not released "
        "(text)."
    )


class BillingRules(BaseModel):
    """What is shown of invoices and payments on deals."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unreleased: Literal["show", "leave_out"] = Field(
        default="show",
        description="Invoices that are not released yet: name them as such, or leave them out. "
        "They never count.",
    )
    reread_open_every_hours: int = Field(
        default=24,
        ge=1,
        le=24 * 31,
        description="How often invoices with a balance are looked at though Acumatica tells of no "
        "change: a payment need not touch the invoice.",
    )
    note: Literal["off", "status", "amounts", "documents"] = Field(
        default="off",
        description="A note on the deal, kept up to date: the status alone, the amounts too, or "
        "each document. Everybody who sees the deal sees its notes.",
    )
    fields: BillingFields = BillingFields()
