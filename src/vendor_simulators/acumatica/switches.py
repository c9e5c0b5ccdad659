"""What a test may change: behaviours that Acumatica does not document, and site settings.

Where the vendor's documentation is silent both settings exist, so that a client can be shown to
live with either.
"""

from __future__ import annotations

from collections.abc import Mapping

from vendor_simulators.kit import Switch

_YES, _NO = True, False

VERSIONS = ["23.200.001", "24.200.001", "25.200.001"]

SWITCHES: Mapping[str, Switch] = {
    # endpoints
    "versions": Switch(VERSIONS, "versions of the Default endpoint that are served"),
    "build_version": Switch("25.201.0213", "acumaticaBuildVersion in the answer of GET /entity"),
    "bare_version_list": Switch(_NO, "GET /entity answers the bare array of older builds"),
    "forbidden_entities": Switch([], "entities whose form the user has no rights to: 403"),
    "hidden_fields": Switch(
        [],
        "fields such as Customer.PriceClassID of a feature that is off: "
        "accepted, not stored, not returned",
    ),
    "links_member": Switch(_YES, "records carry _links (some sites' recordings lack it)"),
    "absolute_locations": Switch(_NO, "Location is an absolute address, not root-relative"),
    # signing in
    "auto_allow": Switch(_YES, "the consent page allows at once; otherwise a form is shown"),
    "deny_consent": Switch(_NO, "the consent page answers error=access_denied"),
    "any_loopback_redirect": Switch(
        _NO,
        "any http://localhost or 127.0.0.1 redirect_uri is taken; otherwise exact match alone",
    ),
    "token_seconds": Switch(3600, "life of an access token"),
    "refresh_days": Switch(30, "life of a refresh chain from its first grant"),
    "sliding_refresh_days": Switch(None, "each refresh extends the chain by so many days"),
    "renewal_without_refresh_token": Switch(
        _NO, "a refresh answers no new refresh token and the old one stays good"
    ),
    "revoke_chain_on_reuse": Switch(_NO, "a used refresh token revokes its whole chain"),
    "scope_in_token_answer": Switch(_YES, "the token answer names the scope"),
    "any_tenant": Switch(_NO, "a single-tenant database: any tenant name signs in"),
    "session_idle_minutes": Switch(10, "after this idle time a session ends and frees its seat"),
    # licence
    "api_users": Switch(None, "seats for API sessions; null: no limit"),
    "seat_taken_at": Switch("token", "OAuth takes its seat at the 'token' or the first 'call'"),
    "seat_limit_status": Switch(500, "status of 'API Login Limit': 500 or 429"),
    "requests_per_minute": Switch(None, "from half of this on, requests are delayed"),
    "concurrent_requests": Switch(None, "more than these wait in a queue; above 20 waiting: 429"),
    "decline_next": Switch(0, "so many requests are declined with 429 plain text"),
    "decline_retry_after": Switch(None, "seconds in a Retry-After of a 429; null: no header"),
    "work_seconds": Switch(0.0, "how long each request takes"),
    "cold_requests": Switch(0, "so many requests meet a starting site"),
    "cold_answer": Switch(
        "html",
        "a starting site answers 'html' (200), 'redirect' (302 to the "
        "sign-in page) or 'unavailable' (503)",
    ),
    # reading
    "list_lag_seconds": Switch(0.0, "lists and filters show a change so much later"),
    "late_commit_seconds": Switch(
        0.0, "what people do becomes visible so long after its timestamp, as in a long transaction"
    ),
    "page_limit": Switch(None, "most records in a list without $top; null: all"),
    "details_empty_on_lists": Switch([], "entities whose detail rows lists leave empty"),
    "unknown_expand_fails": Switch(_YES, "$expand of an unknown name is HTTP 500, not ignored"),
    "order_invoices_in_ar": Switch(
        "released", "Invoice shows documents from orders once 'released' or 'always'"
    ),
    # writing
    "numbering": Switch({}, 'manual numbering, for example {"Customer": "manual"}'),
    "bare_values_refused": Switch(_YES, "a field that is not wrapped is HTTP 400"),
    "errors_as_500": Switch(
        _NO, "failed validation is 500 OutcomeEntityHasErrorsException, not the 422 tree"
    ),
    "list_price_replaces_price": Switch(_YES, "a line without ManualPrice takes the list price"),
    "copy_customer_order": Switch(_YES, "an invoice takes CustomerOrder from its order"),
    "copy_external_ref": Switch(_NO, "an invoice takes ExternalRef from its order"),
    "new_invoices_on_hold": Switch(_NO, "invoices made from orders start On Hold"),
    "advanced_so_invoices": Switch(
        _YES, "sales invoices without an order take stock items, by location; else they refuse them"
    ),
    "new_orders_on_hold": Switch(_YES, "orders start On Hold unless Hold is sent as false"),
    "orders_need_approval": Switch(
        _NO, "orders released from hold wait for 'approve_order' or 'reject_order'"
    ),
    "prepayment_percent": Switch(
        0, "released orders await a payment until so much of them is prepaid"
    ),
    "on_hold_customer_orders": Switch(
        "refuse", "an order of a customer On Hold is refused ('refuse') or taken ('accept')"
    ),
    "moved_contact_company": Switch(
        "kept",
        "a contact that goes to another account keeps its company name ('kept') or takes that "
        "account's ('account')",
    ),
    "primary_contact_leaves": Switch(
        _NO, "an account forgets its primary contact when that one goes to another account"
    ),
    "customer_with_open_orders": Switch(
        "accept",
        "a customer with orders under way may be set inactive ('accept') or not ('refuse')",
    ),
    "order_customer": Switch(
        "changes", "the customer of an order without shipments and payments 'changes', or 'stays'"
    ),
    "closed_documents": Switch(
        "refuse",
        "an edit of a finished document fails ('refuse') or is dropped silently ('ignore')",
    ),
    "negative_prices": Switch(_NO, "order lines may have a negative price"),
    "payment_moves_invoice_timestamp": Switch(
        _YES, "applying a payment moves the invoice's LastModifiedDateTime"
    ),
    "tax_rounding": Switch("document", "tax is rounded per 'document' or per 'line'"),
    "reopened_status": Switch("Open", "status of a reopened order: Open, Back Order or On Hold"),
    # actions
    "action_polls": Switch(1, "polls answered 202 before 204; 0: 204 at once"),
    "action_seconds": Switch(0.0, "an action runs at least so long"),
    "foreign_poll_status": Switch(404, "poll of an action from another session"),
    # push notifications
    "push_retry_seconds": Switch([10, 30, 60, 120], "waits between the five attempts"),
    "padded_push_keys": Switch(_YES, "keys in notifications are right-padded"),
}
