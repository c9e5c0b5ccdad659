"""What happens to a sales order besides editing it: hold, approval, credit, cancel and reopen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from vendor_simulators.acumatica.forms import refuse
from vendor_simulators.acumatica.records import Record
from vendor_simulators.acumatica.values import ZERO

if TYPE_CHECKING:
    from vendor_simulators.acumatica.orders import SalesOrderForm

_CANCELLABLE = frozenset({"On Hold", "Open", "Awaiting Payment", "Credit Hold", "Pending Approval"})
_HOLDABLE = frozenset({"Open", "Credit Hold", "Awaiting Payment", "Pending Approval", "Back Order"})

Parameters = Mapping[str, Any]


class OrderActions:
    """The actions of SO301000 that concern the order alone."""

    def __init__(
        self, form: SalesOrderForm, recompute: Callable[[SalesOrderForm, Record], object]
    ) -> None:
        self._form = form
        self._recompute = recompute

    def cancel(self, order: Record, _parameters: Parameters) -> None:
        """Cancel; refused once there is a shipment or an applied payment."""
        order = self._form.edit(order)
        if order["Status"] not in _CANCELLABLE:
            raise refuse(f"The order is {order['Status']} and cannot be canceled.")
        if order.rows.get("Shipments") or order["_Prepaid"]:
            raise refuse("The order has shipments or applied payments and cannot be canceled.")
        self._move(order, "Canceled", is_held=False)

    def reopen(self, order: Record, _parameters: Parameters) -> None:
        """Take a completed or canceled order up again."""
        order = self._form.edit(order)
        if order["Status"] not in {"Completed", "Canceled"}:
            raise refuse(f"The order is {order['Status']} and cannot be reopened.")
        status = str(self._form.site.switches["reopened_status"])
        self._move(order, status, is_held=status == "On Hold")

    def open(self, order: Record, _parameters: Parameters) -> None:
        """Move a back order to open."""
        order = self._form.edit(order)
        if order["Status"] != "Back Order":
            raise refuse(f"The order is {order['Status']}, not on back order.")
        self._move(order, "Open", is_held=False)

    def put_on_hold(self, order: Record, _parameters: Parameters) -> None:
        """Put on hold."""
        order = self._form.edit(order)
        if order["Status"] not in _HOLDABLE:
            raise refuse(f"The order is {order['Status']} and cannot be put on hold.")
        order["Approved"] = not self._form.site.switches["orders_need_approval"]
        self._move(order, "On Hold", is_held=True)

    def release_from_hold(self, order: Record, _parameters: Parameters) -> None:
        """Release from hold, into credit hold where the customer's credit does not suffice."""
        order = self._form.edit(order)
        if order["Status"] != "On Hold":
            raise refuse(f"The order is {order['Status']}, not on hold.")
        self._let_go(order)

    def approve(self, order: Record, _parameters: Parameters) -> None:
        """Approve an order that waits for it."""
        order = self._awaiting_approval(order)
        order["Approved"] = True
        self._let_go(order)

    def reject(self, order: Record, _parameters: Parameters) -> None:
        """Reject an order that waits for an approval."""
        self._move(self._awaiting_approval(order), "Rejected", is_held=False)

    def release_from_credit_hold(self, order: Record, _parameters: Parameters) -> None:
        """Release from credit hold."""
        order = self._form.edit(order)
        if order["Status"] != "Credit Hold":
            raise refuse(f"The order is {order['Status']}, not on credit hold.")
        self._let_go(order, past_credit=True)

    def waive_prepayment(self, order: Record, _parameters: Parameters) -> None:
        """Let an order go on without the prepayment that its terms ask for."""
        order = self._form.edit(order)
        if order["Status"] != "Awaiting Payment":
            raise refuse(f"The order is {order['Status']} and awaits no payment.")
        order["_IsWaived"] = True
        self._let_go(order, past_credit=True)

    def recalculate(self, order: Record, _parameters: Parameters) -> None:
        """Recompute discounts and totals."""
        order = self._form.edit(order)
        self._recompute(self._form, order)
        self._form.site.commit(order)

    def _awaiting_approval(self, order: Record) -> Record:
        order = self._form.edit(order)
        if order["Status"] != "Pending Approval":
            raise refuse(f"The order is {order['Status']} and waits for no approval.")
        return order

    def _let_go(self, order: Record, *, past_credit: bool = False) -> None:
        self._form.let_go(order, past_credit=past_credit)
        self._move(order, str(order["Status"]), is_held=False)

    def _move(self, order: Record, status: str, *, is_held: bool) -> None:
        order["Status"], order["Hold"] = status, is_held
        if status == "Canceled":
            order.links["Totals"]["UnbilledAmount"] = ZERO
            for row in order.rows.get("Details", []):
                row["OpenQty"] = row["UnbilledAmount"] = ZERO
                row["Completed"] = True
        elif status in {"Open", "Back Order"}:
            for row in order.rows.get("Details", []):
                row["Completed"] = False
            self._recompute(self._form, order)
        self._form.site.commit(order)
