"""What people do at the screens: sales, finance, administration.

Every action names its record by key: ``order`` (number, of type SO unless ``type`` says
otherwise), ``invoice``, ``payment``, ``customer``, ``item``; an order also by ``external_ref``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from vendor_simulators.acumatica.actions import Operations
from vendor_simulators.acumatica.answers import RefusalError, fault, lock_violation
from vendor_simulators.acumatica.bodies import BodyReader
from vendor_simulators.acumatica.contract import ANY_VERSION
from vendor_simulators.acumatica.erp import Erp
from vendor_simulators.acumatica.finance import Finance
from vendor_simulators.acumatica.identity import Identity
from vendor_simulators.acumatica.records import Record
from vendor_simulators.acumatica.saving import save
from vendor_simulators.acumatica.screens import Screens, told
from vendor_simulators.acumatica.seeding import entity_of
from vendor_simulators.acumatica.values import converted
from vendor_simulators.kit import ControlError

_SERVER_FAULT = 500

Body = Mapping[str, Any]


class People(Screens):
    """Plays what people do."""

    ACTIONS: ClassVar[Mapping[str, str]] = {
        "hold_order": "put a sales order on hold: order",
        "release_order": "release a sales order from hold: order",
        "release_credit_hold": "release a sales order from credit hold: order",
        "approve_order": "approve a sales order that waits for it: order",
        "reject_order": "reject a sales order that waits for an approval: order",
        "waive_prepayment": "let a sales order go on without its prepayment: order",
        "cancel_order": "cancel a sales order: order",
        "reopen_order": "reopen a canceled or completed sales order: order",
        "complete_order": "mark a sales order completed: order",
        "edit": "change fields of any record: entity, key (list), values",
        "edit_order_line": "change a line: order, line (number), values",
        "delete_order_line": "remove a line: order, line (number)",
        "set_status": "give any record any status, a site's own ones included: entity, key, status",
        "delete": "delete a record: entity, key (list)",
        "ship": "create and confirm a shipment: order; optional warehouse, confirm (true)",
        "invoice": "invoice what is shipped or needs no shipment: order; optional release (true)",
        "release_invoice": "release a document: invoice; optional type",
        "pay": "pay a document: invoice; optional amount (all), type, ref, date",
        "prepay": "take a prepayment for an order: order, amount",
        "credit_memo": "credit a document: invoice; optional amount (all), apply (true), "
        "names_orders (true)",
        "write_off": "write off the balance of a document: invoice",
        "void_payment": "void a payment: payment; optional type",
        "cancel_invoice": "cancel a released document without payments: invoice; optional type",
        "order_to_cash": "ship, invoice, release and pay an order: order; optional amount",
        "set_customer_status": "customer, status (Active, On Hold, Credit Hold, Inactive, ...)",
        "set_credit_limit": "customer, limit",
        "rename_customer": "customer, name",
        "change_address": "of a customer's main contact: customer, address (its fields)",
        "edit_contact": "change a person: contact (its number), values",
        "set_item_status": "item, status (Active, Inactive, No Sales, ...)",
        "set_item_price": "item, price (the default price)",
        "rename_item": "change an inventory ID, as Change ID does: item, inventory_id",
        "set_list_price": "item, price, currency; optional uom, customer, price_class, break_qty",
        "clear_list_prices": "empty the price list",
        "close_period": "no document may be dated earlier: date",
        "advance_numbering": "let a sequence go on after a number: sequence, last",
        "expire_tokens": "let every access token expire; refresh tokens stay good",
        "revoke_tokens": "revoke every grant: a person has to sign in again",
        "end_sessions": "sign everybody out",
        "change_password": "username, password",
        "fail_action": "the next run of an action fails: action; optional status (500), text",
        "lock": "the next writes to an entity meet a lock violation: entity; optional times (1)",
    }

    def __init__(self, erp: Erp, identity: Identity, operations: Operations) -> None:
        super().__init__(erp)
        self._identity = identity
        self._operations = operations
        self._locks: dict[str, int] = {}
        finance = Finance(erp)
        self._plays: dict[str, Callable[[Body], dict[str, Any]]] = {
            **{name: getattr(finance, name) for name in self.ACTIONS if hasattr(finance, name)},
            **{
                name: getattr(self, f"_{name}")
                for name in self.ACTIONS
                if not hasattr(finance, name)
            },
        }

    def play(self, action: str, body: Body) -> dict[str, Any]:
        """Carry an action out as one transaction; raise ControlError when it cannot be done."""
        if action not in self._plays:
            raise ControlError(f"there is no action {action}; there are: {', '.join(self.ACTIONS)}")
        with told(), self.erp.transaction(by_person=True):
            return self._plays[action](body)

    def raise_planned_lock(self, entity: str, method: str) -> None:
        """Refuse a write that was told to meet another one."""
        if method != "GET" and self._locks.get(entity, 0) > 0:
            self._locks[entity] -= 1
            self.erp.faults.count("lock_violation")
            raise lock_violation(entity)

    # Records of any kind

    def _edit(self, body: Body) -> dict[str, Any]:
        entity = entity_of(self.erp, str(body["entity"]))
        return _key_of(self._save(self.keyed(entity, body["key"]), body["values"]))

    def _set_status(self, body: Body) -> dict[str, Any]:
        entity = entity_of(self.erp, str(body["entity"]))
        record = self.keyed(entity, body["key"]).copied()
        record["Status"] = str(body["status"])
        self.erp.commit(record)
        return _key_of(record)

    def _delete(self, body: Body) -> dict[str, Any]:
        entity = entity_of(self.erp, str(body["entity"]))
        record = self.keyed(entity, body["key"])
        self.erp.delete(record)
        return _key_of(record)

    # Orders

    def _hold_order(self, body: Body) -> dict[str, Any]:
        return self.act("SalesOrder", self.order(body), "putonhold")

    def _release_order(self, body: Body) -> dict[str, Any]:
        return self.act("SalesOrder", self.order(body), "releasefromhold")

    def _release_credit_hold(self, body: Body) -> dict[str, Any]:
        return self.act("SalesOrder", self.order(body), "releasefromcredithold")

    def _approve_order(self, body: Body) -> dict[str, Any]:
        return self.act("SalesOrder", self.order(body), "approve")

    def _reject_order(self, body: Body) -> dict[str, Any]:
        return self.act("SalesOrder", self.order(body), "reject")

    def _waive_prepayment(self, body: Body) -> dict[str, Any]:
        return self.act("SalesOrder", self.order(body), "waiveprepayment")

    def _cancel_order(self, body: Body) -> dict[str, Any]:
        return self.act("SalesOrder", self.order(body), "cancelorder")

    def _reopen_order(self, body: Body) -> dict[str, Any]:
        return self.act("SalesOrder", self.order(body), "reopenorder")

    def _complete_order(self, body: Body) -> dict[str, Any]:
        order = self.order(body).copied()
        order["Status"], order["Hold"] = "Completed", False
        for row in order.rows.get("Details", []):
            row["Completed"] = True
        self.erp.commit(order)
        return _key_of(order)

    def _edit_order_line(self, body: Body) -> dict[str, Any]:
        order = self.order(body)
        line = {"LineNbr": int(body["line"]), **body["values"]}
        return _key_of(self._save(order, {"Details": [line]}))

    def _delete_order_line(self, body: Body) -> dict[str, Any]:
        order = self.order(body)
        line = {"LineNbr": int(body["line"]), "delete": True}
        return _key_of(self._save(order, {"Details": [line]}))

    # Master data

    def _set_customer_status(self, body: Body) -> dict[str, Any]:
        return self._change("Customer", body["customer"], Status=body["status"])

    def _set_credit_limit(self, body: Body) -> dict[str, Any]:
        return self._change("Customer", body["customer"], CreditLimit=body["limit"])

    def _rename_customer(self, body: Body) -> dict[str, Any]:
        return self._change("Customer", body["customer"], CustomerName=body["name"])

    def _change_address(self, body: Body) -> dict[str, Any]:
        contact = {"MainContact": {"Address": dict(body["address"])}}
        return _key_of(self._save(self.keyed("Customer", [body["customer"]]), contact))

    def _edit_contact(self, body: Body) -> dict[str, Any]:
        return _key_of(self._save(self.keyed("Contact", [body["contact"]]), body["values"]))

    def _set_item_status(self, body: Body) -> dict[str, Any]:
        return self._change(self._item_entity(body), body["item"], ItemStatus=body["status"])

    def _set_item_price(self, body: Body) -> dict[str, Any]:
        return self._change(self._item_entity(body), body["item"], DefaultPrice=body["price"])

    def _rename_item(self, body: Body) -> dict[str, Any]:
        """Give an item another inventory ID; its own id stays."""
        held = self.keyed(self._item_entity(body), [body["item"]])
        if self.erp.item(str(body["inventory_id"])) is not None:
            raise ControlError(f"there is an item {body['inventory_id']} already")
        renamed = held.copied()
        renamed["InventoryID"] = str(body["inventory_id"]).upper()
        self.erp.commit(renamed)
        return _key_of(renamed)

    def _set_list_price(self, body: Body) -> dict[str, Any]:
        price = self.list_price(body)
        same = ("inventory_id", "currency", "uom", "customer", "price_class", "break_qty")
        self.erp.prices[:] = [
            held
            for held in self.erp.prices
            if any(getattr(held, name) != getattr(price, name) for name in same)
        ]
        self.erp.prices.append(price)
        return {"prices": len(self.erp.prices)}

    def _clear_list_prices(self, _body: Body) -> dict[str, Any]:
        self.erp.prices.clear()
        return {}

    # Administration

    def _close_period(self, body: Body) -> dict[str, Any]:
        self.erp.closed_before = converted("D", body["date"])
        return {"closed_before": self.erp.closed_before}

    def _advance_numbering(self, body: Body) -> dict[str, Any]:
        self.erp.numbering.advance(str(body["sequence"]), str(body["last"]))
        return {}

    def _expire_tokens(self, _body: Body) -> dict[str, Any]:
        return {"expired": self._identity.oauth.expire_access_tokens()}

    def _revoke_tokens(self, _body: Body) -> dict[str, Any]:
        return {"revoked": self._identity.oauth.revoke_grants()}

    def _end_sessions(self, _body: Body) -> dict[str, Any]:
        return {"ended": self._identity.sessions.end_all()}

    def _change_password(self, body: Body) -> dict[str, Any]:
        self._identity.sessions.users[str(body["username"])].password = str(body["password"])
        return {}

    def _fail_action(self, body: Body) -> dict[str, Any]:
        status, text = int(body.get("status", 500)), str(body.get("text", "The action failed."))
        refusal = fault(text) if status >= _SERVER_FAULT else RefusalError(status, {"error": text})
        self._operations.fail_next(str(body["action"]), refusal)
        return {}

    def _lock(self, body: Body) -> dict[str, Any]:
        self._locks[entity_of(self.erp, str(body["entity"]))] = int(body.get("times", 1))
        return {}

    # What they share

    def _item_entity(self, body: Body) -> str:
        item = self.erp.item(str(body["item"]))
        if item is None:
            raise ControlError(f"there is no item {body['item']}")
        return item.entity.name

    def _change(self, entity: str, key: str, **values: Any) -> dict[str, Any]:
        return _key_of(self._save(self.keyed(entity, [key]), values))

    def _save(self, record: Record, values: Body) -> Record:
        form = self.erp.forms[record.entity.name]
        reader = BodyReader(self.erp.contract, ANY_VERSION, is_wrapped=False)
        return save(form, reader.read(form.entity, dict(values)), record)


def _key_of(record: Record) -> dict[str, Any]:
    return {"id": record.id, **{name: record[name] for name in record.entity.keys}}
