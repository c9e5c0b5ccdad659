"""What people do in every demo: deals are won, edited, and strangers knock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ml_connector.app.demo.simulators import CRM, Simulators
from ml_connector.app.demo.watching import Watcher, Watching

_WAVE = 10  # deals won at one go while a storm blows, so that it meets every stage of the work
_AHEAD = 30  # deals won and not decided yet, before the next wave waits
_EDITED_ONCE_IN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class CRMDeal:
    """A deal as the CRM knows it."""

    id: int
    title: str


@dataclass(frozen=True, slots=True)
class People:
    """Those who work in Pipedrive, and those who would like to."""

    simulators: Simulators

    async def win(self, deals: Sequence[CRMDeal], **more: str) -> None:
        """Win deals at one go, now or at a ``won_time``."""
        if deals:
            await self.simulators.play(CRM, "win_deal", ids=[deal.id for deal in deals], **more)

    async def win_in_waves(
        self,
        deals: Sequence[CRMDeal],
        *,
        end_logins: Callable[[], Awaitable[Any]],
        watching: Watching,
        watcher: Watcher,
    ) -> None:
        """Win deals wave by wave, each while the ones before are still being worked on.

        Some are edited right after they were won, and in the midst of it the ERP ends every login.
        """
        waves = [deals[begin : begin + _WAVE] for begin in range(0, len(deals), _WAVE)]
        for number, wave in enumerate(waves):
            await self.win(wave)
            await self.edit(wave[::_EDITED_ONCE_IN])
            if number == len(waves) // 2:
                await end_logins()
            if number < len(waves) - 1:
                await watching.settled(watcher, at_least=(number + 1) * _WAVE - _AHEAD)

    async def edit(self, deals: Sequence[CRMDeal]) -> None:
        """Edit what no ERP asks for."""
        for deal in deals:
            await self.simulators.play(
                CRM, "edit", kind="deal", id=deal.id, changes={"title": f"{deal.title} (edited)"}
            )

    async def repeat_a_webhook(self) -> None:
        """Let the vendor deliver once more, byte for byte, what it has delivered."""
        await self.simulators.play(CRM, "repeat_webhook")

    async def forge_a_webhook(self, deal: CRMDeal) -> int:
        """Post what looks like a won deal with a guessed password; return the HTTP status."""
        hooks = await self.simulators.records(CRM, "webhooks")
        answer = await self.simulators.play(
            CRM,
            "forge_webhook",
            url=hooks[0]["subscription_url"],
            deal_id=deal.id,
            user="ml-connector",
            password="guessed",  # noqa: S106 - it is wrong on purpose
        )
        return int(answer["status"])
