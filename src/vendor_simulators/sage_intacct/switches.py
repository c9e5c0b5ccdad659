"""What a test may change: behaviours that Intacct does not document, and the company's settings.

Where the vendor's documentation is silent both settings exist, so that a client can be shown to
live with either.
"""

from __future__ import annotations

from collections.abc import Mapping

from vendor_simulators.kit import Switch

_YES, _NO = True, False

SWITCHES: Mapping[str, Switch] = {
    # the company
    "multi_entity": Switch(
        _NO, "the company has entities: locations are required, logins may name one"
    ),
    "multi_currency": Switch(_NO, "lines carry currency and rate; other currencies are accepted"),
    "journal_approval": Switch(
        _NO, "an entry sent as Posted becomes Submitted until it is approved"
    ),
    "vendor_approval": Switch(
        _NO, "new and edited vendors wait for approval before they can be used"
    ),
    "numbered": Switch([], 'objects numbered by document sequence, such as ["VENDOR"]'),
    "subledger_control": Switch(
        _YES, "entries on payables and receivables control accounts are refused"
    ),
    "company_zone": Switch("UTC", "zone of WHENCREATED and WHENMODIFIED in requests and answers"),
    # envelope
    "dtdversion_required": Switch(_YES, "a request without dtdversion is refused"),
    "support_ids": Switch(_YES, "messages of business errors end with [Support ID: ...]"),
    "escaped_quotes": Switch(_NO, "apostrophes in messages come as &#039;, escaped twice"),
    "bad_sender_answer": Switch(
        "control",
        "a wrong sender is a 'control' failure in HTTP 200 or a 'gateway' one in HTTP 400",
    ),
    "trailing_answer": Switch(_NO, "every answer is two XML documents in a row, as was seen"),
    # sessions
    "session_idle_minutes": Switch(50, "a session ends when it was not used for so long"),
    "session_minutes": Switch(50, "a session ends so long after it began; null: no such end"),
    "session_timeout_told": Switch(_YES, "answers carry sessiontimeout, which old ones lack"),
    "session_offset": Switch(
        "+00:00", "offset in session stamps: +00:00, or -08:00 as in old ones"
    ),
    "pod": Switch(
        "", "sessions get an endpoint under this path, such as na12, and work only there"
    ),
    "foreign_endpoint": Switch(None, "endpoint told with a session instead of the own address"),
    # uniqueid
    "duplicate_answer": Switch(
        "function_error",
        "a repeated function control id: 'function_error', 'control_error' or 'replay'",
    ),
    "duplicate_errorno": Switch(
        "DUPLICATE-CONTROLID", "errorno of that refusal; the vendor's is unknown"
    ),
    "duplicate_text": Switch(
        "The function with control id '{controlid}' was already executed and completed.",
        "text of that refusal; the vendor's is unknown",
    ),
    "failed_functions_consume_ids": Switch(
        _NO, "a function that failed uses its control id up too"
    ),
    "unique_per_sender": Switch(_NO, "control ids are unique for each sender, not for the company"),
    "unique_days": Switch(None, "days for which control ids are remembered; null: for good"),
    # transactions
    "culprit_status": Switch(
        "failure", "status of the function that broke a transaction: 'failure' or 'aborted'"
    ),
    "later_functions": Switch(
        "absent", "functions after the one that broke a transaction: 'absent' or 'aborted'"
    ),
    # reading
    "shuffle_unordered": Switch(_YES, "queries without orderby answer in a new order each time"),
    "visible_after_seconds": Switch(0.0, "reads show a change so long after its WHENMODIFIED"),
    "top_level_sees": Switch(
        "shared", "without showprivate the top level reads 'shared' records or 'all'"
    ),
    "draft_lines_queried": Switch(
        _NO, "query GLENTRY also answers lines of entries that are not posted"
    ),
    "read_by_query_values": Switch(
        "database",
        "readByQuery answers enumerations as in the 'database' (T) or 'display' (active)",
    ),
    "aggregates_bare": Switch(_NO, "a sum comes under the bare field name, not as SUM.AMOUNT"),
    "unknown_object_form": Switch(
        "old", "unknown object: 'old' (errorno Query Failed) or 'new' (DL02000001 with description)"
    ),
    "unknown_keys": Switch(
        "absent", "read of an unknown key: 'absent' from the answer or a 'failure'"
    ),
    "result_seconds": Switch(1800.0, "how long a resultId of readByQuery stays good"),
    # writing
    "empty_element": Switch(
        "clears", "an empty element on update 'clears' the field or is 'ignored'"
    ),
    "unknown_fields": Switch("ignore", "unknown fields on create and update: 'ignore' or 'refuse'"),
    "overlong_text": Switch(
        "refuse", "text longer than its field: 'refuse', or 'cut' without a word"
    ),
    "unknown_countries": Switch(
        "refuse", "a COUNTRY that is not on the list: 'refuse' or 'accept'"
    ),
    "iso_country_codes": Switch(
        _NO, "ISO country codes are on: COUNTRY and COUNTRYCODE are both required"
    ),
    "deleted_party_leaves_contact": Switch(
        _YES, "deleting a vendor or customer leaves its contact, whose name stays taken"
    ),
    "permission_errorno": Switch(
        "Error", "errorno of a missing permission; the vendor's is unknown"
    ),
    # journal entries
    "posted_changes": Switch(
        "open_period", "posted entries can be changed while the period is open, or 'never'"
    ),
    "reversedate_on_update": Switch(
        "refuse", "REVERSEDATE in an update: 'reverse' the entry or 'refuse'"
    ),
    "reversed_state": Switch(
        "Posted", "STATE of an entry that was reversed: stays 'Posted' or becomes 'Reversed'"
    ),
    "reversal_copies_reference": Switch(_YES, "a reversal carries the REFERENCENO of its original"),
    "closed_period_text": Switch(
        "long", "text of the refusal of a closed period: 'long' or 'short'"
    ),
    "negative_amounts": Switch("refuse", "a negative TRX_AMOUNT: 'refuse', or 'accept' as signed"),
    "zero_amounts": Switch("refuse", "a line of zero: 'refuse' or 'accept'"),
    "base_currency_rate": Switch(
        "optional", "rate or rate type on base currency lines: 'optional' or 'required'"
    ),
    "posting_errorno": Switch("BL01001973", "errorno of the cause when an entry is refused"),
    # limits
    "concurrent_requests": Switch(None, "requests run at once; more wait up to queue_seconds"),
    "queue_seconds": Switch(30.0, "longest wait for a free place; then the request is throttled"),
    "work_seconds": Switch(0.0, "how long each request takes"),
    "throttle_next": Switch(0, "so many requests are throttled"),
    "throttle_status": Switch(
        429, "HTTP status of a throttled request: 429, or 200 with the same text"
    ),
    "throttle_retry_after": Switch(None, "seconds in Retry-After of a 429; null: no header"),
    "offline_next": Switch(0, "so many requests meet 'The Service is Temporarily Off-line'"),
}
