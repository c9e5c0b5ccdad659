"""v2: the search calls; 20 tokens each and a rate window of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from vendor_simulators.pipedrive.answers import Answer, invalid
from vendor_simulators.pipedrive.calls import Call, Operation, scopes
from vendor_simulators.pipedrive.search import FIELDS, Search, Searcher
from vendor_simulators.pipedrive.v2 import validation as v
from vendor_simulators.pipedrive.v2.lists import DEFAULT_PAGE
from vendor_simulators.pipedrive.wire import Row, read_cursor, write_cursor

LARGEST_ITEM_PAGE = 100
_COST = 20
_SHORTEST = 2
_NOUNS = {
    "deal": "deals",
    "person": "persons",
    "organization": "organizations",
    "product": "products",
}
_ITEM_TYPES = (
    "deal", "person", "organization", "product", "lead", "file", "mail_attachment", "project",
)  # fmt: skip
_INCLUDES: Mapping[str, tuple[str, ...]] = {
    "deal": ("deal.cc_email",),
    "person": ("person.picture",),
    "organization": (),
    "product": ("product.price",),
}
_COLUMNS: Mapping[str, Mapping[str, str]] = {
    "deal": {"person_id": "person_id", "organization_id": "org_id", "status": "status"},
    "person": {"organization_id": "org_id"},
    "organization": {},
    "product": {},
}
_SCOPES: Mapping[str, frozenset[str]] = {
    "deal": scopes("deals:read", "search:read"),
    "person": scopes("contacts:read", "search:read"),
    "organization": scopes("contacts:read", "search:read"),
    "product": scopes("products:read", "search:read"),
}
_COMMON: Mapping[str, v.Reader] = {
    "term": v.query_text,
    "exact_match": v.query_flag,
    "limit": v.query_limit,
    "cursor": v.query_text,
}
_ALL_FIELDS = tuple(dict.fromkeys(name for names in FIELDS.values() for name in names))
_ITEM_READERS: Mapping[str, v.Reader] = {
    **_COMMON,
    "item_types": v.query_choices(*_ITEM_TYPES),
    "fields": v.query_choices(*_ALL_FIELDS, "description"),
    "search_for_related_items": v.query_flag,
    "include_fields": v.query_choices("deal.cc_email", "person.picture", "product.price"),
}
_FIELD_READERS: Mapping[str, v.Reader] = {
    "term": v.query_text,
    "entity_type": v.query_choice("deal", "lead", "person", "organization", "product", "project"),
    "match": v.query_choice("exact", "beginning", "middle"),
    "field": v.query_text,
    "limit": v.query_limit,
    "cursor": v.query_text,
}


def _entity_readers(kind: str) -> dict[str, v.Reader]:
    readers: dict[str, v.Reader] = {**_COMMON, "fields": v.query_choices(*FIELDS[kind])}
    if _INCLUDES[kind]:
        readers["include_fields"] = v.query_choices(*_INCLUDES[kind])
    for name in _COLUMNS[kind]:
        known = v.query_choice("open", "won", "lost")
        readers[name] = known if name == "status" else v.query_number
    return readers


def _search_of(call: Call, query: Row, equal: Row) -> Search:
    is_exact = query.get("exact_match", False)
    _check_term(query["term"], is_exact=is_exact)
    return Search(
        term=query["term"],
        fields=query.get("fields", ()),
        is_exact=is_exact,
        include=query.get("include_fields", ()),
        equal=equal,
        user_id=call.login.user_id,
    )


def _check_term(term: str, *, is_exact: bool) -> None:
    shortest = 1 if is_exact else _SHORTEST
    if len(term.strip()) < shortest:
        raise invalid(f"term: must be at least {shortest} characters long")


def _sliced(found: Sequence[Row], query: Row) -> tuple[Sequence[Row], str | None]:
    """Return one page; search cursors carry the position, as results have no sort key."""
    begin, limit = 0, query.get("limit", DEFAULT_PAGE)
    if "cursor" in query:
        marker = read_cursor(query["cursor"])
        if marker is None or not isinstance(marker["fieldValue"], int):
            raise invalid("cursor: Invalid cursor")
        begin = marker["fieldValue"]
    end = begin + limit
    if end >= len(found):
        return found[begin:], None
    following = found[end].get("item", found[end])["id"]
    cursor = write_cursor(field="position", value=end, direction="asc", record_id=following)
    return found[begin:end], cursor


def search_operations(searcher_now: Callable[[], Searcher]) -> tuple[Operation, ...]:
    """Return the search calls; ``searcher_now`` outlives resets."""

    def entity(kind: str) -> Callable[[Call], Answer]:
        readers = _entity_readers(kind)

        def run(call: Call) -> Answer:
            query = v.read_query(call, readers, required=("term",))
            equal = {
                column: query[name] for name, column in _COLUMNS[kind].items() if name in query
            }
            items, following = _sliced(
                searcher_now().hits(kind, _search_of(call, query, equal)), query
            )
            return _answer({"items": items}, following)

        return run

    def all_items(call: Call) -> Answer:
        query = v.read_query(call, _ITEM_READERS, required=("term",))
        if query.get("limit", 0) > LARGEST_ITEM_PAGE:
            raise invalid(f"limit: must be less than or equal to {LARGEST_ITEM_PAGE}")
        search = _search_of(call, query, {})
        wanted = query.get("item_types") or _ITEM_TYPES
        searcher = searcher_now()
        found = [hit for kind in FIELDS if kind in wanted for hit in searcher.hits(kind, search)]
        found.sort(key=lambda hit: -hit["result_score"])
        items, following = _sliced(found, query)
        related = searcher.related(items) if query.get("search_for_related_items") else []
        return _answer({"items": items, "related_items": related}, following)

    def one_field(call: Call) -> Answer:
        query = v.read_query(call, _FIELD_READERS, required=("term", "entity_type", "field"))
        match, kind = query.get("match", "exact"), query["entity_type"]
        _check_term(query["term"], is_exact=match == "exact")
        found: list[Row] = []
        if kind in FIELDS:
            if call.company.fields.find(kind, query["field"]) is None:
                raise invalid(f"field: Field '{query['field']}' was not found")
            found = searcher_now().by_field(kind, query["field"], query["term"], match)
        return _answer(*_sliced(found, query))

    whole = scopes("search:read")
    return (
        *(
            Operation(
                method="GET",
                path=f"/{noun}/search",
                cost=_COST,
                run=entity(kind),
                scopes=_SCOPES[kind],
                is_search=True,
            )
            for kind, noun in _NOUNS.items()
        ),
        Operation(
            method="GET",
            path="/itemSearch",
            cost=_COST,
            run=all_items,
            scopes=whole,
            is_search=True,
        ),
        Operation(
            method="GET",
            path="/itemSearch/field",
            cost=_COST,
            run=one_field,
            scopes=whole,
            is_search=True,
        ),
    )


def _answer(data: object, following: str | None) -> Answer:
    return Answer({"success": True, "data": data, "additional_data": {"next_cursor": following}})
