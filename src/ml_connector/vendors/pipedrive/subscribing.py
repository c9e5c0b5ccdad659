"""What a deployment asks for when it subscribes: every event of some kinds of record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import UNSET

from ml_connector.core.webhooks import Guard
from ml_connector.transport.vendor import Subscribed
from ml_connector.vendors.pipedrive.client import Client
from ml_connector.vendors.pipedrive.drafts import WebhookDraft

Action = Literal["create", "change", "delete", "added", "updated", "deleted", "merged"]

_ACTIONS: tuple[Action, ...] = ("create", "change", "delete")
_ACTIONS_OF_1_0: tuple[Action, ...] = ("added", "updated", "deleted", "merged")


async def subscribe(
    client: Client, *, address: str, guard: Guard, kinds: Sequence[str]
) -> Subscribed:
    """Make sure that Pipedrive sends every event of ``kinds`` to ``address``, once each."""
    version = client.settings.webhook_format
    drafts = [
        WebhookDraft(
            subscription_url=address,
            event_action=action,
            event_object=kind,
            name=f"ml-connector {kind} {action}",
            version=version,
            http_auth_user=guard.basic[0].reveal() if guard.basic else UNSET,
            http_auth_password=guard.basic[1] if guard.basic else UNSET,
        )
        for kind in kinds
        for action in (_ACTIONS if version == "2.0" else _ACTIONS_OF_1_0)
    ]
    done = await client.subscriptions.repair(drafts, own_prefix=address)
    return Subscribed(kept=len(done.kept), created=len(done.created), removed=len(done.removed))
