"""Settings of the simulated company, and every behaviour that Pipedrive leaves undocumented.

Each row names the default and says what the settings do; documents are made from this table.
"""

from __future__ import annotations

from collections.abc import Mapping

from vendor_simulators.kit import Switch

_ACCOUNT: Mapping[str, Switch] = {
    "plan": Switch(
        "premium", "lite, growth, premium or ultimate: budgets, visibility, MRR/ARR/ACV"
    ),
    "seats": Switch(5, "paid seats; the daily budget is 30,000 x plan multiplier x seats"),
    "redirect_uri": Switch(
        "http://127.0.0.1:9600/oauth/callback", "the callback registered for the OAuth app"
    ),
    "any_redirect_uri": Switch(default=False, about="true: every redirect_uri passes"),
    "app_scopes": Switch(
        "base deals:full contacts:full products:full activities:full search:read users:read "
        "recents:read admin",
        "scopes that the OAuth app was given, separated by spaces",
    ),
    "contact_sync": Switch(
        default=False,
        about="true: persons carry im, postal_address, notes, birthday, job_title; "
        "false: writing them is 403",
    ),
    "organization_enrichment": Switch(
        default=True,
        about="true: organizations carry website, linkedin, industry, annual_revenue, "
        "employee_count; false: absent, and writing them is 400",
    ),
    "open_deals_limit": Switch(None, "number of open deals above which creating one is 403"),
    "webhooks_per_user": Switch(40, "subscriptions per user; one more is 422"),
}

_LOGIN: Mapping[str, Switch] = {
    "token_in_query": Switch(
        default=True, about="true: ?api_token= is accepted on v1 and v2; false: only the header"
    ),
    "oauth_auto_allow": Switch(
        default=True,
        about="true: GET /oauth/authorize redirects with a code at once; "
        "false: it shows a page with Allow and Deny",
    ),
    "access_token_seconds": Switch(3599, "life of an access token"),
    "rotate_refresh_tokens": Switch(
        default=False, about="true: each refresh answers a new refresh token and kills the old one"
    ),
    "refresh_ends_access_token": Switch(
        default=False, about="true: a refresh kills the access tokens issued before it"
    ),
    "oauth_error_form": Switch(
        "message", "message: {success, message, error}; rfc: {error, error_description}"
    ),
    "oauth_scope_separator": Switch(" ", "what separates scopes in token answers: space or comma"),
}

_READING: Mapping[str, Switch] = {
    "limit_above_maximum": Switch("reject", "reject: 400; clamp: treated as the maximum"),
    "deleted_get": Switch(
        "returned", "GET of a soft-deleted v2 record: returned (is_deleted true) or missing (404)"
    ),
    "deleted_deal_status": Switch(
        "kept", "status of a deleted deal in v2: kept, or deleted as in v1"
    ),
    "v1_missing": Switch(404, "GET of a v1 record that never was: 404, or 204 without a body"),
    "no_custom_fields": Switch(
        "null", "custom_fields in v2 when none are defined: null, or object for {}"
    ),
    "formatted_address": Switch(
        default=True, about="true: v2 addresses carry formatted_address, which the schema lacks"
    ),
    "v1_row_pagination": Switch(
        "pagination",
        "where v1 field lists tell about more: pagination (nested) or flat (on additional_data)",
    ),
    "search_lag_seconds": Switch(0.0, "simulated seconds until the search index sees a change"),
}

_WRITING: Mapping[str, Switch] = {
    "archived_edit": Switch(
        400, "status for writing to an archived deal through the API; 200: it is carried out"
    ),
    "value_with_lines": Switch(
        "ignored", "value sent for a deal with enabled lines: ignored, or rejected with 400"
    ),
    "value_write_resets_custom_fields": Switch(
        default=False,
        about="true: PATCH with value clears the custom fields that it does not name, as reported "
        "in 2025",
    ),
    "unchanged_write_touches": Switch(
        default=False,
        about="true: a write that changes nothing still moves update_time and sends a webhook",
    ),
    "first_won_time_kept": Switch(
        default=True, about="true: reopening a deal leaves first_won_time; false: clears it"
    ),
    "note_touches_deal": Switch(
        default=False, about="true: adding a note moves the update_time of its deal"
    ),
    "exclusive_tax_in_sum": Switch(
        default=False, about="true: a line's sum, and so the deal's value, includes exclusive tax"
    ),
    "line_discount_amount": Switch(
        "per_line", "a line discount of type amount is taken off: per_line or per_unit"
    ),
    "deal_discounts": Switch(
        "on_subtotal", "several deal discounts: each on_subtotal, or one_after_another"
    ),
    "endless_lines_in_value": Switch(
        "one_cycle",
        "recurring lines without cycles count in value as: one_cycle, one_year, nothing",
    ),
    "default_tax_method": Switch("exclusive", "tax_method of a deal's first line if not given"),
    "activity_person_id": Switch(
        "accepted",
        "person_id in v2 activity bodies: accepted (becomes the primary participant) or rejected",
    ),
    "longest_note": Switch(100_000, "characters of a note; more is 400"),
    "notes_reformatted": Switch(
        default=False,
        about="true: sanitising rewrites a note's markup: b becomes strong, and so on",
    ),
}

_RATES: Mapping[str, Switch] = {
    "rate_limits": Switch(default=True, about="false: nothing is ever refused for its rate"),
    "burst_limit": Switch(None, "calls per burst window and token; null: by plan and token kind"),
    "search_limit": Switch(10, "searches per burst window and token"),
    "burst_seconds": Switch(2.0, "length of the burst window"),
    "burst_window": Switch("rolling", "rolling, or fixed: counted anew each window"),
    "refused_calls_count": Switch(
        default=False, about="true: calls answered 429 fill the burst window too"
    ),
    "daily_budget": Switch(None, "tokens per day; null: by plan and seats"),
    "daily_reset_zone": Switch("UTC", "zone at whose midnight the daily budget begins anew"),
    "daily_headers": Switch(
        "always",
        "daily budget headers: always, never, or after_first (not on the first call "
        "after ten idle minutes)",
    ),
    "failed_calls_cost": Switch(
        default=True, about="true: 4xx answers except 401 and 429 cost tokens too"
    ),
    "retry_after": Switch(None, "seconds in Retry-After of a burst 429; null: no such header"),
    "retry_after_daily": Switch(
        None, "seconds in Retry-After of a daily-budget 429; null: no such header"
    ),
    "cloudflare_after": Switch(
        None, "429s in a row, ignored by an API token, until an HTML 403 blocks it; null: never"
    ),
    "cloudflare_seconds": Switch(600.0, "how long that block lasts"),
}

_WEBHOOKS: Mapping[str, Switch] = {
    "webhook_secret": Switch(
        None, "signing secret; a set one makes deliveries carry X-Pipedrive-Signature"
    ),
    "sign_1_0": Switch(default=True, about="true: 1.0 deliveries are signed if a secret is set"),
    "sign_2_0": Switch(default=False, about="true: 2.0 deliveries are signed if a secret is set"),
    "webhook_https_only": Switch(
        default=False, about="true: http subscription URLs are refused (403 for OAuth apps)"
    ),
    "webhook_public_only": Switch(
        default=False, about="true: loopback and private subscription URLs are refused with 400"
    ),
    "v1_relations": Switch(
        "ids", "relations in 1.0 payloads: ids (plain integers), or objects with .value"
    ),
    "webhook_states": Switch(
        default=False, about="true: 2.0 data carries is_deleted, is_archived and label_ids too"
    ),
    "repeated_1_0_events": Switch(
        default=False, about="true: each change sends two 1.0 events, as one edit may"
    ),
    "delivery_seconds": Switch(10.0, "seconds until an unanswered delivery counts as failed"),
    "retry_seconds": Switch([3, 30, 150], "simulated seconds between the attempts of a delivery"),
    "ban_after": Switch(10, "failed first attempts until a webhook is banned"),
    "ban_seconds": Switch(1800, "how long it is banned; its events are lost meanwhile"),
    "success_resets_ban_counter": Switch(
        default=False, about="true: a delivered event sets the ban counter back to 0"
    ),
    "failing_days_until_deletion": Switch(3, "days without a success until it is deleted"),
    "retries_keep_event_id": Switch(
        default=True, about="true: retries carry the meta.id of the first attempt"
    ),
    "lost_webhooks": Switch(0.0, "probability that a delivery is never sent"),
    "doubled_webhooks": Switch(0.0, "probability that a delivery is sent twice"),
    "reordered_webhooks": Switch(0.0, "probability that a delivery is overtaken by later ones"),
    "deliveries_at_once": Switch(
        32, "deliveries under way at the same moment; read at start and reset"
    ),
}

SWITCHES: Mapping[str, Switch] = {
    **_ACCOUNT,
    **_LOGIN,
    **_READING,
    **_WRITING,
    **_RATES,
    **_WEBHOOKS,
}
