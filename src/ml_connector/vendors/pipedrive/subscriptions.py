"""Webhook subscriptions: what Pipedrive sends us, and to which address.

Pipedrive deletes a subscription that could not be delivered for three days, and there is no
call to change one. So ours are compared with what should be there, and made anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ml_connector.core.errors import NotFoundError
from ml_connector.vendors.pipedrive import wire
from ml_connector.vendors.pipedrive.api import API
from ml_connector.vendors.pipedrive.drafts import WebhookDraft
from ml_connector.vendors.pipedrive.models import WebhookSubscription

_WORDS_OF_1_0 = {"create": "added", "change": "updated", "delete": "deleted"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """What a repair found and did."""

    kept: tuple[WebhookSubscription, ...] = ()
    created: tuple[WebhookSubscription, ...] = ()
    removed: tuple[WebhookSubscription, ...] = ()


class Subscriptions:
    """The webhook subscriptions that this login can see; needs the scope ``admin``."""

    def __init__(self, api: API) -> None:
        self._api = api

    async def list(self) -> tuple[WebhookSubscription, ...]:
        """Return all of them, others' too."""
        found = await self._api.read("webhooks", operation="webhooks.list", version="v1")
        return wire.records(WebhookSubscription, found.items)

    async def create(self, draft: WebhookDraft) -> WebhookSubscription:
        """Subscribe. Twice makes two, and every event comes twice."""
        answer = await self._api.call(
            "POST", "webhooks", operation="webhooks.create", version="v1", draft=draft
        )
        return wire.record(WebhookSubscription, wire.envelope(answer).data)

    async def delete(self, subscription_id: int) -> None:
        """Unsubscribe; one that is gone already is no error."""
        try:
            await self._api.call(
                "DELETE",
                f"webhooks/{subscription_id}",
                operation="webhooks.delete",
                version="v1",
                is_safe=True,
            )
        except NotFoundError:
            return

    async def repair(
        self, wanted: Sequence[WebhookDraft], *, own_prefix: str, renew: bool = False
    ) -> Repaired:
        """Make the subscriptions below our own address what they should be.

        ``own_prefix`` begins the addresses that are ours; no other subscription is touched.
        Missing ones are created before surplus, inactive and repeated ones are removed, so that
        no event falls between. ``renew`` replaces all of them, as after a change of the
        password, which a subscription does not show.
        """
        ours = [s for s in await self.list() if s.subscription_url.startswith(own_prefix)]
        kept: dict[int, WebhookSubscription] = {}
        created = []
        for draft in wanted:
            good = [s for s in ours if s.is_active and serves(s, draft) and s.id not in kept]
            if good and not renew:
                kept[good[0].id] = good[0]
            else:
                created.append(await self.create(draft))
        surplus = [s for s in ours if s.id not in kept]
        for subscription in surplus:
            await self.delete(subscription.id)
        return Repaired(kept=tuple(kept.values()), created=tuple(created), removed=tuple(surplus))


def serves(subscription: WebhookSubscription, draft: WebhookDraft) -> bool:
    """Return whether a subscription is what a draft asks for, in either format's words."""
    return (
        subscription.subscription_url,
        subscription.event_object,
        subscription.version,
        _WORDS_OF_1_0.get(subscription.event_action, subscription.event_action),
    ) == (
        draft.subscription_url,
        draft.event_object,
        draft.version,
        _WORDS_OF_1_0.get(draft.event_action, draft.event_action),
    )
