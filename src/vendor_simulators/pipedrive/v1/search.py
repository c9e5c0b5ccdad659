"""v1: the deprecated search calls, with offsets instead of cursors."""

from __future__ import annotations

from collections.abc import Callable

from vendor_simulators.pipedrive.answers import Answer, v1_bad_request
from vendor_simulators.pipedrive.calls import Call, Operation, scopes
from vendor_simulators.pipedrive.search import FIELDS, Search, Searcher
from vendor_simulators.pipedrive.v1.lists import offset_page
from vendor_simulators.pipedrive.wire import Row

_COST = 40
_NOUNS = {
    "deal": ("deals", "deals:read"),
    "person": ("persons", "contacts:read"),
    "organization": ("organizations", "contacts:read"),
    "product": ("products", "products:read"),
}


def v1_search_operations(searcher_now: Callable[[], Searcher]) -> tuple[Operation, ...]:
    """Return the search calls; ``searcher_now`` outlives resets."""

    def over(*kinds: str) -> Callable[[Call], Answer]:
        def run(call: Call) -> Answer:
            search = _search_of(call)
            wanted = call.query.get("item_types", "")
            chosen = [kind for kind in kinds if not wanted or kind in wanted.split(",")]
            found = [hit for kind in chosen for hit in searcher_now().hits(kind, search)]
            found.sort(key=lambda hit: -hit["result_score"])
            return _answer(call, found)

        return run

    def operation(path: str, run: Callable[[Call], Answer], *names: str) -> Operation:
        return Operation(
            method="GET", path=path, cost=_COST, run=run, scopes=scopes(*names), version=1,
            is_search=True,
        )  # fmt: skip

    return (
        *(
            operation(f"/{noun}/search", over(kind), scope, "search:read")
            for kind, (noun, scope) in _NOUNS.items()
        ),
        operation("/itemSearch", over(*FIELDS), "search:read"),
    )


def _search_of(call: Call) -> Search:
    term = call.query.get("term", "")
    is_exact = call.query.get("exact_match") in {"1", "true"}
    if len(term.strip()) < (1 if is_exact else 2):
        raise v1_bad_request()
    fields = [part.strip() for part in call.query.get("fields", "").split(",") if part.strip()]
    return Search(term=term, fields=fields, is_exact=is_exact, user_id=call.login.user_id)


def _answer(call: Call, found: list[Row]) -> Answer:
    answer = offset_page(call, found, dict)
    answer.body["data"] = {"items": answer.body["data"] or []}
    return answer
