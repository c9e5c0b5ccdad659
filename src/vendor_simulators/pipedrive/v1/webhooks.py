"""v1: webhook subscriptions; there is no call to change one."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from vendor_simulators.pipedrive.answers import Answer, RefusedError
from vendor_simulators.pipedrive.calls import Call, Operation, scopes
from vendor_simulators.pipedrive.webhooks.subscriptions import SubscriptionBook, not_found

_ADMIN = scopes("admin")


def webhook_operations(book_now: Callable[[], SubscriptionBook]) -> tuple[Operation, ...]:
    """Return the calls; ``book_now`` outlives resets."""

    def listing(call: Call) -> Answer:
        shown = [one.view() for one in book_now().visible_to(call.login)]
        return Answer({"status": "ok", "success": True, "data": shown})

    def create(call: Call) -> Answer:
        made = book_now().create(call.form(), call.login)
        body = {"status": "ok", "success": True, "data": made.view()}
        return Answer(body, HTTPStatus.CREATED)

    def delete(call: Call) -> Answer:
        one = book_now().find(call.number())
        if one is None:
            raise not_found()
        if one.is_app != call.login.is_oauth:
            raise RefusedError(HTTPStatus.FORBIDDEN, {"success": False, "message": "Forbidden"})
        book_now().delete(one.id)
        return Answer({"status": "ok", "success": True})

    return (
        Operation(method="GET", path="/webhooks", cost=10, run=listing, scopes=_ADMIN, version=1),
        Operation(method="POST", path="/webhooks", cost=10, run=create, scopes=_ADMIN, version=1),
        Operation(
            method="DELETE", path="/webhooks/{id}", cost=6, run=delete, scopes=_ADMIN, version=1
        ),
    )
