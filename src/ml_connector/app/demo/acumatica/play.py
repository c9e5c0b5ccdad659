"""The demo of Pipedrive and Acumatica: won deals become customers and orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from ml_connector.app.demo.acumatica import books, configuration
from ml_connector.app.demo.acumatica.company import Company, Deal
from ml_connector.app.demo.acumatica.founding import found
from ml_connector.app.demo.acumatica.least_calls import least_calls
from ml_connector.app.demo.acumatica.seeding import Ids, seed
from ml_connector.app.demo.deployment import Deployment
from ml_connector.app.demo.held import held_deals
from ml_connector.app.demo.play import Fate, Stage
from ml_connector.app.demo.report import DemoOptions, Findings, Held, Least
from ml_connector.app.demo.simulators import Simulators
from ml_connector.app.demo.storm import Weather
from ml_connector.app.demo.winning import CRMDeal, People

_WRITES_CUT = (("SalesOrder", 4), ("Customer", 2))
_LIST_LAG = 0.9  # seconds; within what the vendor's profile says


class AcumaticaPlay:
    """The company, and what becomes of its deals."""

    erp: ClassVar[str] = "acumatica"
    flow: ClassVar[str] = configuration.FLOW
    weather: ClassVar[Weather] = Weather(
        rules=(
            {"effect": {"kind": "expire_login"}, "times": 1, "skip": 20},
            *(
                {
                    "effect": {"kind": "cut_after"},
                    "match": {"method": "PUT", "operation": entity},
                    "times": times,
                    "skip": 1,
                }
                for entity, times in _WRITES_CUT
            ),
        ),
        switches={"list_lag_seconds": _LIST_LAG},
    )

    def __init__(self, options: DemoOptions, *, now: datetime) -> None:
        self._company: Company = found(options.deals, seed=options.seed)
        self._ids = Ids(deals={}, organizations={}, customers={})

    @property
    def words(self) -> str:
        """Who is there, for a person."""
        company = self._company
        return (
            f"A company with {len(company.organizations)} organizations, "
            f"{len(company.persons)} people and {len(company.deals)} deals"
        )

    @property
    def deals_to_win(self) -> int:
        """How many deals are won while the demo watches."""
        return len(self._to_be_won())

    @property
    def left_alone(self) -> int:
        """How many deals were won before go-live."""
        return len(self._company.of_fate(Fate.LEFT_ALONE))

    async def seed(self, vendors: Simulators) -> None:
        """Put the company into both products."""
        self._ids = await seed(self._company, vendors)

    def configuration(self, vendors: Simulators) -> Mapping[str, Any]:
        """Return the configuration file's content."""
        return configuration.configuration(vendors)

    def secrets(self, vendors: Simulators) -> Mapping[str, str]:
        """Return what its secrets stand for."""
        return configuration.secrets(vendors)

    async def act(self, stage: Stage) -> int:
        """Win every deal, edit those won before go-live, repeat a webhook and forge another."""
        people, watching, watcher = People(stage.vendors), stage.watching, stage.watcher
        to_be_won = [self._as_known(deal) for deal in self._to_be_won()]
        if stage.is_stormy:
            await people.win_in_waves(
                to_be_won,
                end_logins=partial(stage.vendors.play, self.erp, "expire_tokens"),
                watching=watching,
                watcher=watcher,
            )
        else:
            await people.win(to_be_won)
        early = [self._as_known(deal) for deal in self._company.of_fate(Fate.LEFT_ALONE)]
        await people.edit(early)
        forged_answer = await people.forge_a_webhook((early or to_be_won)[0])
        await watching.settled(watcher)
        await people.repeat_a_webhook()
        await watching.settled(watcher)
        if stage.is_stormy:
            await watching.let_time_pass(watcher)
        return forged_answer

    async def compare(self, vendors: Simulators) -> Findings:
        """Compare both vendors' books with what was seeded."""
        return books.compare(self._company, self._ids, await books.read(vendors))

    async def held(self, deployment: Deployment, findings: Findings) -> Sequence[Held]:
        """Return what waits for a person."""
        return await held_deals(
            deployment, self.flow, self._company.deals, self._ids.deals, findings
        )

    def least_calls(self, *, polls: int) -> Mapping[str, Least]:
        """Return the least calls that each vendor could have been asked."""
        return least_calls(self._company, polls=polls)

    def _to_be_won(self) -> list[Deal]:
        """Return the deals to win, those of one organization close to each other."""
        return sorted(
            (deal for deal in self._company.deals if deal.case.fate is not Fate.LEFT_ALONE),
            key=lambda deal: deal.organization.ref if deal.organization else "",
        )

    def _as_known(self, deal: Deal) -> CRMDeal:
        return CRMDeal(id=self._ids.deals[deal.ref], title=deal.title)
