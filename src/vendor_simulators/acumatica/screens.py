"""Finding the record that a person means, and telling why something could not be done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import msgspec

from vendor_simulators.acumatica.answers import RefusalError
from vendor_simulators.acumatica.erp import Erp
from vendor_simulators.acumatica.records import Record
from vendor_simulators.acumatica.site import ListPrice
from vendor_simulators.acumatica.values import UnreadableError
from vendor_simulators.kit import ControlError

Body = Mapping[str, Any]


class Screens:
    """Looks records up for people."""

    def __init__(self, erp: Erp) -> None:
        self.erp = erp

    def keyed(self, entity: str, key: Sequence[Any] | str) -> Record:
        """Return the record of a key; raise ControlError when there is none."""
        parts = [key] if isinstance(key, str) else list(key)
        record = self.erp.table(entity).get(*parts)
        if record is None:
            raise ControlError(f"there is no {entity} {'/'.join(map(str, parts))}")
        return record

    def order(self, body: Body) -> Record:
        """Return the order named by number or by external reference."""
        if "external_ref" in body:
            found = self.erp.table("SalesOrder").matching("ExternalRef", body["external_ref"])
            if found:
                return found[0]
            raise ControlError(f"there is no order with reference {body['external_ref']}")
        return self.keyed("SalesOrder", [str(body.get("type", "SO")), str(body["order"])])

    def document(self, body: Body) -> Record:
        """Return the invoice or memo named."""
        type_label, number = str(body.get("type", "Invoice")), str(body["invoice"])
        record = self.erp.applications.document(type_label, number)
        if record is None:
            raise ControlError(f"there is no document {type_label} {number}")
        return record

    def act(self, entity: str, record: Record, action: str, **parameters: Any) -> dict[str, Any]:
        """Run a form's action; return the record's key and status afterwards."""
        self.erp.forms[entity].actions[action](record, parameters)
        return self.key_and_status(record)

    def key_and_status(self, record: Record) -> dict[str, Any]:
        """Return a record's key and present status."""
        present = self.erp.table(record.entity.name).by_id(record.id) or record
        keys = {name: present[name] for name in present.entity.keys}
        return {"id": present.id, **keys, "Status": present["Status"]}

    def list_price(self, body: Body) -> ListPrice:
        """Return the list price that a body describes."""
        return ListPrice(
            inventory_id=str(body["item"]),
            price=Decimal(str(body["price"])),
            currency=str(body.get("currency", self.erp.base_currency)),
            uom=body.get("uom"),
            customer=body.get("customer"),
            price_class=body.get("price_class"),
            break_qty=Decimal(str(body.get("break_qty", 0))),
        )


@contextmanager
def told() -> Iterator[None]:
    """Turn what a form refuses, and what a body lacks, into an answer of the control API."""
    try:
        yield
    except RefusalError as exc:
        text = msgspec.json.encode(exc.content).decode()
        raise ControlError(f"refused with {exc.status}: {text}") from exc
    except KeyError as exc:
        raise ControlError(f"{exc.args[0]} is missing or unknown") from exc
    except (UnreadableError, TypeError, ValueError, ArithmeticError) as exc:
        raise ControlError(str(exc)) from exc
