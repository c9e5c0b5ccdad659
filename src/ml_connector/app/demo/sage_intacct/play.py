"""The demo of Pipedrive and Sage Intacct: won deals become balanced entries, buyers vendors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from ml_connector.app.demo import crm
from ml_connector.app.demo.crm import PipedriveIds
from ml_connector.app.demo.deployment import Deployment
from ml_connector.app.demo.held import held_deals
from ml_connector.app.demo.play import Stage
from ml_connector.app.demo.report import DemoOptions, Findings, Held, Least
from ml_connector.app.demo.sage_intacct import books, configuration
from ml_connector.app.demo.sage_intacct.company import Case, Company, Deal
from ml_connector.app.demo.sage_intacct.founding import found
from ml_connector.app.demo.sage_intacct.least_calls import least_calls
from ml_connector.app.demo.sage_intacct.seeding import ERP, WON_IN_CLOSED_BOOKS, seed
from ml_connector.app.demo.simulators import CRM, Simulators
from ml_connector.app.demo.storm import Weather
from ml_connector.app.demo.winning import CRMDeal, People

_WRITES_CUT = (("create GLBATCH", 4), ("create VENDOR", 2))
_READS_LAG = 2.0  # seconds; within what the vendor's profile says


class SageIntacctPlay:
    """The company, and what becomes of its deals and its buyers."""

    erp: ClassVar[str] = ERP
    flow: ClassVar[str] = configuration.FLOW
    weather: ClassVar[Weather] = Weather(
        rules=(
            {"effect": {"kind": "expire_login"}, "times": 1, "skip": 20},
            *(
                {
                    "effect": {"kind": "cut_after"},
                    "match": {"operation": operation},
                    "times": times,
                    "skip": 1,
                }
                for operation, times in _WRITES_CUT
            ),
        ),
        switches={"visible_after_seconds": _READS_LAG},
    )

    def __init__(self, options: DemoOptions, *, now: datetime) -> None:
        self._company: Company = found(options.deals, seed=options.seed)
        self._ids = PipedriveIds(deals={}, organizations={})
        self._now = now

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
        return len(self._company.deals) - self.left_alone

    @property
    def left_alone(self) -> int:
        """How many deals were won before go-live."""
        return len(self._company.of_case(Case.BEFORE_GO_LIVE))

    async def seed(self, vendors: Simulators) -> None:
        """Put the company into both products."""
        self._ids = await seed(self._company, vendors, now=self._now)

    def configuration(self, vendors: Simulators) -> Mapping[str, Any]:
        """Return the configuration file's content; one revenue group is not mapped yet."""
        return configuration.configuration(vendors, now=self._now, is_complete=False)

    def secrets(self, vendors: Simulators) -> Mapping[str, str]:
        """Return what its secrets stand for."""
        return configuration.secrets(vendors)

    async def act(self, stage: Stage) -> int:
        """Win every deal; then map what somebody forgot, and watch the held ones go on."""
        people, watching, watcher = People(stage.vendors), stage.watching, stage.watcher
        await stage.deployment.match_first(configuration.VENDORS)
        for deal in self._known(Case.BY_STAGE):
            await stage.vendors.play(CRM, "move_stage", id=deal.id, stage_id=_STAGE)
        await watching.settled(watcher)
        to_be_won = [self._as_known(deal) for deal in self._to_be_won()]
        if stage.is_stormy:
            await people.win_in_waves(
                to_be_won,
                end_logins=partial(stage.vendors.play, self.erp, "end_sessions"),
                watching=watching,
                watcher=watcher,
            )
        else:
            await people.win(to_be_won)
        await people.win(self._known(Case.CLOSED_BOOKS), won_time=crm.ago(WON_IN_CLOSED_BOOKS))
        early = self._known(Case.BEFORE_GO_LIVE)
        await people.edit(early)
        forged_answer = await people.forge_a_webhook((early or to_be_won)[0])
        await watching.settled(watcher)
        await people.repeat_a_webhook()
        await watching.settled(watcher)
        if stage.is_stormy:
            await watching.let_time_pass(watcher)
        await self._map_what_was_forgotten(stage)
        return forged_answer

    async def compare(self, vendors: Simulators) -> Findings:
        """Compare ledger and CRM with what was seeded."""
        return books.compare(self._company, self._ids, await books.read(vendors))

    async def held(self, deployment: Deployment, findings: Findings) -> Sequence[Held]:
        """Return what waits for a person: deals, and the namesake of a vendor."""
        deals = await held_deals(
            deployment, self.flow, self._company.deals, self._ids.deals, findings
        )
        rows = await deployment.rows(
            "SELECT record, state, reason FROM backlog WHERE flow LIKE :flow AND state <> 'done'",
            flow=f"%.{configuration.VENDORS}",
        )
        namesake = str(self._ids.organizations[self._company.namesake])
        for row in rows:
            if (row.record, row.state) != (namesake, "held"):
                findings.wrong.append(f"organization {row.record} is {row.state}: {row.reason}")
        if namesake not in {row.record for row in rows}:
            findings.wrong.append("the namesake of a vendor waits for nobody")
        return [
            *deals,
            *(Held(cause="a vendor of the same name, with another tax number", deals=0,
                   example=row.reason) for row in rows[:1]),
        ]  # fmt: skip

    def least_calls(self, *, polls: int) -> Mapping[str, Least]:
        """Return the least calls that each vendor could have been asked."""
        return least_calls(self._company, polls=polls)

    async def _map_what_was_forgotten(self, stage: Stage) -> None:
        """Apply the configuration with the revenue group that was missing."""
        complete = configuration.configuration(stage.vendors, now=self._now, is_complete=True)
        await stage.deployment.apply(complete, secrets=self.secrets(stage.vendors))
        await stage.watching.settled(stage.watcher)

    def _to_be_won(self) -> list[Deal]:
        """Return the deals that are won now, those of one organization close to each other."""
        elsewhere = {Case.BEFORE_GO_LIVE, Case.CLOSED_BOOKS}
        return sorted(
            (deal for deal in self._company.deals if deal.case not in elsewhere),
            key=lambda deal: deal.organization.ref,
        )

    def _known(self, case: Case) -> list[CRMDeal]:
        return [self._as_known(deal) for deal in self._company.of_case(case)]

    def _as_known(self, deal: Deal) -> CRMDeal:
        return CRMDeal(id=self._ids.deals[deal.ref], title=deal.title)


_STAGE = 5  # Negotiation
