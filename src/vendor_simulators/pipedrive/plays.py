"""What a person at Pipedrive's screen does, and what a test does to logins and webhooks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from vendor_simulators.kit import ControlError
from vendor_simulators.pipedrive import activities, contacts, deals, lines, pipelines, products
from vendor_simulators.pipedrive.answers import RefusedError
from vendor_simulators.pipedrive.company import FIRST_USER, Actor, Company
from vendor_simulators.pipedrive.fields import FieldDefinition
from vendor_simulators.pipedrive.merging import merge
from vendor_simulators.pipedrive.rules import UnfitError
from vendor_simulators.pipedrive.seeding import numbers
from vendor_simulators.pipedrive.webhooks.sender import basic, signature
from vendor_simulators.pipedrive.wire import Row, encode

if TYPE_CHECKING:
    from vendor_simulators.pipedrive.simulator import PipedriveSimulator

ACTIONS: Mapping[str, str] = {
    "win_deal": "set deals won: id or ids; won_time",
    "lose_deal": "set deals lost: id or ids; lost_reason",
    "reopen_deal": "set deals open again: id or ids",
    "move_stage": "move deals: id or ids, stage_id",
    "archive": "archive deals: id or ids",
    "unarchive": "take deals out of the archive: id or ids",
    "create": "add a record: kind, and its values in v2's names",
    "edit": "change records: kind, id or ids, changes in v2's names",
    "delete": "delete records: kind, id or ids",
    "restore": "undo deletions: kind, id or ids",
    "purge": "remove records for good, as after 30 days: kind, id or ids",
    "merge": "merge records: kind, id (survives), merge_with_id (is deleted)",
    "add_line": "attach a product to a deal: deal_id, product_id, quantity, item_price, ...",
    "edit_line": "change a deal's line: id, changes",
    "remove_line": "detach a deal's line: id",
    "add_discount": "discount a deal: deal_id, amount, type, description",
    "add_field": "define a custom field: kind, field_name, field_type, options, field_code",
    "edit_field": "rename a field or its options: kind, field (code or name), field_name, options",
    "delete_field": "delete a custom field: kind, field (code or name)",
    "deactivate_user": "deactivate a user: id",
    "rotate_token": "give a user a new API token: user_id; the old one is dead",
    "expire_tokens": "let access tokens expire now",
    "revoke_login": "uninstall the OAuth app: user_id; notify: true sends the DELETE notice",
    "exhaust_budget": "use up today's token budget",
    "repeat_webhook": "send a delivery again, byte for byte: delivery_id, or the last one",
    "forge_webhook": "post a forged delivery: url; body, user, password, secret, signature",
    "authorize": "return a code for the OAuth app as if the user had allowed it: user_id",
}
_Act = Callable[["Plays", Row], Any]


class Plays:
    """Carries out ``POST play/<action>``."""

    def __init__(self, simulator: PipedriveSimulator) -> None:
        self._simulator = simulator

    @property
    def _company(self) -> Company:
        return self._simulator.company

    async def play(self, action: str, body: Row) -> Row:
        """Carry out an action; raise ControlError for one that cannot be."""
        act = getattr(self, f"_{action}", None) if action in ACTIONS else None
        if act is None:
            raise ControlError(f"there is no action {action}; see GET .../play")
        try:
            found = act(numbers(body))
            done: Row = await found if isinstance(found, Awaitable) else found
        except UnfitError as exc:
            raise ControlError(str(exc)) from exc
        except RefusedError as exc:
            raise ControlError(str(exc.answer.body)) from exc
        except KeyError as exc:
            raise ControlError(f"{action} needs {exc.args[0]}") from exc
        return done

    def _rows(self, body: Row, kind: str, *, alive: bool = True) -> list[Row]:
        """Return the records that ``id`` or ``ids`` name; names and refs serve too."""
        wanted = body["ids"] if "ids" in body else [body["id"]]
        table = self._company[kind]
        rows = []
        for one in wanted:
            row_id = self._simulator.seeder.lookup(kind, one) if isinstance(one, str) else one
            row = table.live(row_id) if alive else table.find(row_id)
            if row is None:
                raise ControlError(f"there is no {kind} {one}")
            rows.append(row)
        return rows

    def _actor(self, body: Row) -> Actor:
        return Actor(body.get("by_user_id") or FIRST_USER, correlation_id=self._company.new_uuid())

    def _change_deals(self, body: Row, given: Row) -> Row:
        rows = self._rows(body, "deal")
        for row in rows:
            deals.update_deal(self._company, row, given, self._actor(body))
        return {"ids": [row["id"] for row in rows]}

    def _win_deal(self, body: Row) -> Row:
        times = self._simulator.seeder.resolved("deal", {"won_time": body.get("won_time")})
        return self._change_deals(body, {"status": "won", **times})

    def _lose_deal(self, body: Row) -> Row:
        return self._change_deals(body, {"status": "lost", "lost_reason": body.get("lost_reason")})

    def _reopen_deal(self, body: Row) -> Row:
        return self._change_deals(body, {"status": "open"})

    def _move_stage(self, body: Row) -> Row:
        given = self._simulator.seeder.resolved("deal", {"stage_id": body["stage_id"]})
        return self._change_deals(body, given)

    def _archive(self, body: Row) -> Row:
        return self._change_deals(body, {"is_archived": True})

    def _unarchive(self, body: Row) -> Row:
        return self._change_deals(body, {"is_archived": False})

    def _create(self, body: Row) -> Row:
        given = {name: value for name, value in body.items() if name != "kind"}
        made = self._simulator.seeder.create(body["kind"], given, self._actor(body))
        return {"id": made["id"]}

    def _edit(self, body: Row) -> Row:
        kind, company, actor = body["kind"], self._company, self._actor(body)
        updates: Mapping[str, Callable[[Company, Row, Row, Actor], object]] = {
            "deal": deals.update_deal,
            "person": contacts.update_person,
            "organization": contacts.update_organization,
            "product": products.update_product,
            "activity": activities.update_activity,
            "note": activities.update_note,
            "stage": pipelines.update_stage,
        }
        given = self._simulator.seeder.resolved(kind, body["changes"])
        rows = self._rows(body, kind)
        for row in rows:
            if kind in updates:
                updates[kind](company, row, given, actor)
            else:
                company.change(kind, row, given, actor)
        return {"ids": [row["id"] for row in rows]}

    def _delete(self, body: Row) -> Row:
        rows = self._rows(body, body["kind"])
        for row in rows:
            if body["kind"] == "note":
                activities.delete_note(self._company, row, self._actor(body))
            else:
                self._company.delete(body["kind"], row, self._actor(body))
        return {"ids": [row["id"] for row in rows]}

    def _restore(self, body: Row) -> Row:
        rows = self._rows(body, body["kind"], alive=False)
        for row in rows:
            self._company.restore(body["kind"], row, self._actor(body))
        return {"ids": [row["id"] for row in rows]}

    def _purge(self, body: Row) -> Row:
        rows = self._rows(body, body["kind"], alive=False)
        for row in rows:
            self._company.purge(body["kind"], row["id"])
        return {"ids": [row["id"] for row in rows]}

    def _merge(self, body: Row) -> Row:
        kind = body["kind"]
        survivor = self._rows(body, kind)[0]
        loser = self._rows({"id": body["merge_with_id"]}, kind)[0]
        merge(self._company, kind, survivor, loser, self._actor(body))
        return {"id": survivor["id"], "merged_id": loser["id"]}

    def _add_line(self, body: Row) -> Row:
        deal = self._rows({"id": body["deal_id"]}, "deal")[0]
        given = self._simulator.seeder.resolved("deal_product", body)
        given.pop("id", None)
        made = lines.add_lines(self._company, deal, [given], self._actor(body))
        return {"id": made[0]["id"], "value": deal["value"]}

    def _edit_line(self, body: Row) -> Row:
        line = self._rows(body, "deal_product")[0]
        deal = self._rows({"id": line["deal_id"]}, "deal")[0]
        lines.update_line(self._company, deal, line, body["changes"], self._actor(body))
        return {"id": line["id"], "value": deal["value"]}

    def _remove_line(self, body: Row) -> Row:
        line = self._rows(body, "deal_product")[0]
        deal = self._rows({"id": line["deal_id"]}, "deal")[0]
        lines.remove_lines(self._company, deal, [line], self._actor(body))
        return {"id": line["id"], "value": deal["value"]}

    def _add_discount(self, body: Row) -> Row:
        deal = self._rows({"id": body["deal_id"]}, "deal")[0]
        given = {"description": "Discount", "type": "percentage", **body}
        made = lines.add_discount(self._company, deal, given, self._actor(body))
        return {"id": made["uuid"], "value": deal["value"]}

    def _add_field(self, body: Row) -> Row:
        return self._simulator.seeder.add_field(body["kind"], body)

    def _edit_field(self, body: Row) -> Row:
        field = self._field(body)
        field.name = body.get("field_name", field.name)
        field.update_time = self._company.stamp()
        for given in body.get("options") or ():
            option = field.option(given.get("id"))
            if option is None:
                self._company.fields.add_options(field, [given["label"]])
            else:
                option.label = given["label"]
        return {"field_code": field.code, "field_name": field.name}

    def _delete_field(self, body: Row) -> Row:
        field = self._field(body)
        self._company.fields.delete(field)
        return {"field_code": field.code}

    def _field(self, body: Row) -> FieldDefinition:
        fields = self._company.fields
        found = fields.find_custom(body["kind"], body["field"])
        found = found or fields.named(body["kind"], body["field"])
        if found is None:
            raise ControlError(f"{body['kind']} has no custom field {body['field']}")
        return found

    def _deactivate_user(self, body: Row) -> Row:
        row = self._rows(body, "user")[0]
        self._company.change("user", row, {"active_flag": False}, self._actor(body))
        return {"id": row["id"]}

    def _rotate_token(self, body: Row) -> Row:
        user_id = body.get("user_id", FIRST_USER)
        return {"api_token": self._simulator.logins.new_api_token(user_id)}

    def _expire_tokens(self, _body: Row) -> Row:
        return {"expired": self._simulator.logins.expire_access()}

    async def _revoke_login(self, body: Row) -> Row:
        user_id = body.get("user_id", FIRST_USER)
        self._simulator.logins.revoke_user(user_id)
        self._simulator.uninstalled(user_id)
        status = None
        if body.get("notify"):
            status = await self._simulator.notify_uninstall(user_id)
        return {"user_id": user_id, "status": status}

    def _exhaust_budget(self, _body: Row) -> Row:
        self._simulator.limiter.exhaust_day()
        return {"left": self._simulator.limiter.daily_left}

    def _repeat_webhook(self, body: Row) -> Row:
        sender = self._simulator.sender
        wanted = body.get("delivery_id")
        sent = [one for one in sender.deliveries() if one.body and wanted in {None, one.id}]
        if not sent:
            raise ControlError("no such delivery was sent")
        return {"delivery_id": sender.repeat(sent[-1]).id}

    async def _forge_webhook(self, body: Row) -> Row:
        """Post a body with wrong credentials; ``user`` and ``secret`` null leave theirs out."""
        content = body.get("body")
        raw = self._imitation(body) if content is None else _as_bytes(content)
        headers: dict[str, str] = {}
        user, secret = body.get("user", "forger"), body.get("secret", "forged")
        if user is not None:
            headers["Authorization"] = basic(user, body.get("password", "forged"))
        if secret is not None:
            headers["X-Pipedrive-Signature"] = body.get("signature") or signature(secret, raw)
        self._simulator.faults.count("webhook_forged")
        return {"status": await self._simulator.sender.send_raw(body["url"], raw, headers)}

    def _imitation(self, body: Row) -> bytes:
        """Return what a forger would send: a copy of a delivery, or a won deal made up."""
        sent = [one for one in self._simulator.sender.deliveries() if one.body]
        if sent and "deal_id" not in body:
            return sent[-1].body
        deal_id = body.get("deal_id", 1)
        meta = {"action": "change", "entity": "deal", "entity_id": str(deal_id), "version": "2.0"}
        return encode(
            {
                "meta": {**meta, "id": self._company.new_uuid(), "attempt": 1},
                "data": {"id": deal_id, "status": "won"},
                "previous": {"status": "open"},
            }
        )

    def _authorize(self, body: Row) -> Row:
        user_id = body.get("user_id", FIRST_USER)
        uri = body.get("redirect_uri") or self._simulator.switches["redirect_uri"]
        return {"code": self._simulator.logins.new_code(user_id, uri), "redirect_uri": uri}


def _as_bytes(content: Any) -> bytes:
    return content.encode() if isinstance(content, str) else encode(content)
