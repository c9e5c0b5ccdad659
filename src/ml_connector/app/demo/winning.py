"""What people do while the demo watches: deals are won, edited, and strangers knock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ml_connector.app.demo.company import Company, Deal, Fate
from ml_connector.app.demo.seeding import Ids
from ml_connector.app.demo.simulators import Simulators
from ml_connector.app.demo.watching import Watcher, Watching

_WAVE = 10  # deals won at one go while a storm blows, so that it meets every stage of the work
_AHEAD = 30  # deals won and not decided yet, before the next wave waits
_EDITED_ONCE_IN = 8


@dataclass(frozen=True, slots=True)
class People:
    """Those who work in the vendors' products."""

    company: Company
    ids: Ids
    simulators: Simulators

    @property
    def deals_to_win(self) -> int:
        """How many deals are won while the demo watches."""
        return len(self._to_be_won())

    async def win_all(self) -> None:
        """Win every deal at one go."""
        await self._win(self._to_be_won())

    async def win_in_waves(self, watching: Watching, watcher: Watcher) -> None:
        """Win deals wave by wave, each while the ones before are still being worked on.

        Deals of one organization follow each other closely, some are edited right after they
        were won, and in the midst of it the ERP ends every login.
        """
        won = sorted(
            self._to_be_won(), key=lambda deal: deal.organization.ref if deal.organization else ""
        )
        waves = [won[begin : begin + _WAVE] for begin in range(0, len(won), _WAVE)]
        for number, wave in enumerate(waves):
            await self._win(wave)
            await self._edit(wave[::_EDITED_ONCE_IN])
            if number == len(waves) // 2:
                await self.simulators.play("acumatica", "expire_tokens")
            if number < len(waves) - 1:
                await watching.settled(watcher, at_least=(number + 1) * _WAVE - _AHEAD)

    async def edit_those_won_before(self) -> None:
        """Edit the deals that were won before go-live: they must stay where they are."""
        early = self.company.of_fate(Fate.LEFT_ALONE)
        await self._edit(early)

    async def repeat_a_webhook(self) -> None:
        """Let the vendor deliver once more, byte for byte, what it has delivered."""
        await self.simulators.play("pipedrive", "repeat_webhook")

    async def forge_a_webhook(self) -> int:
        """Post what looks like a won deal with a guessed password; return the HTTP status."""
        hooks = await self.simulators.records("pipedrive", "webhooks")
        url = next(hook["subscription_url"] for hook in hooks)
        early = self.company.of_fate(Fate.LEFT_ALONE) or self.company.deals
        answer = await self.simulators.play(
            "pipedrive",
            "forge_webhook",
            url=url,
            deal_id=self.ids.deals[early[0].ref],
            user="ml-connector",
            password="guessed",  # noqa: S106 - it is wrong on purpose
        )
        return int(answer["status"])

    def _to_be_won(self) -> list[Deal]:
        return [deal for deal in self.company.deals if deal.case.fate is not Fate.LEFT_ALONE]

    async def _win(self, deals: Sequence[Deal]) -> None:
        ids = [self.ids.deals[deal.ref] for deal in deals]
        await self.simulators.play("pipedrive", "win_deal", ids=ids)

    async def _edit(self, deals: Sequence[Deal]) -> None:
        for deal in deals:
            await self.simulators.play(
                "pipedrive",
                "edit",
                kind="deal",
                id=self.ids.deals[deal.ref],
                changes={"title": f"{deal.title} (edited)"},
            )
