"""What a pair brings to its demo, and what it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, Protocol

from ml_connector.app.demo.deployment import Deployment
from ml_connector.app.demo.report import Findings, Held, Least
from ml_connector.app.demo.simulators import Simulators
from ml_connector.app.demo.storm import Weather
from ml_connector.app.demo.watching import Watcher, Watching


class Fate(Enum):
    """What must become of a deal."""

    MOVED = "moved"
    HELD = "held"
    LEFT_ALONE = "left alone"


class Case(Protocol):
    """What is particular about a deal."""

    @property
    def fate(self) -> Fate:
        """What must become of such a deal."""

    @property
    def words(self) -> str:
        """The particular, for a person."""


class FatedDeal(Protocol):
    """A deal of which it is known beforehand what must become of it."""

    @property
    def ref(self) -> str:
        """What the demo calls it."""

    @property
    def title(self) -> str:
        """What it is called in the CRM."""

    @property
    def case(self) -> Case:
        """What is particular about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything that runs while a play is acted."""

    deployment: Deployment
    vendors: Simulators
    watching: Watching
    watcher: Watcher
    is_stormy: bool


class Play(Protocol):
    """The demo of one pair: who is there, what they do, and what must come of it.

    The order of calls is the order of the methods here.
    """

    erp: ClassVar[str]
    """The ERP's vendor, whose simulator runs beside Pipedrive's."""
    flow: ClassVar[str]
    """The flow whose records are counted while they move."""
    weather: ClassVar[Weather]
    """What a storm does to the ERP."""

    @property
    def words(self) -> str:
        """Who is there, for a person."""

    @property
    def deals_to_win(self) -> int:
        """How many deals are won while the demo watches."""

    async def seed(self, vendors: Simulators) -> None:
        """Put the company into both products."""

    def configuration(self, vendors: Simulators) -> Mapping[str, Any]:
        """Return the configuration file's content; its secrets are `${env:NAME}`."""

    def secrets(self, vendors: Simulators) -> Mapping[str, str]:
        """Return what its secrets stand for."""

    async def act(self, stage: Stage) -> int:
        """Do what people do, until everything has settled; return the forged webhook's status.

        Raises:
            NotSettledError: Something was still under way when the patience ended.
        """

    async def compare(self, vendors: Simulators) -> Findings:
        """Compare both vendors' books with what was seeded and done; nothing of ours is asked."""

    async def held(self, deployment: Deployment, findings: Findings) -> Sequence[Held]:
        """Return what waits for a person; notes as wrong what should wait and does not."""

    @property
    def left_alone(self) -> int:
        """How many deals were won before go-live."""

    def least_calls(self, *, polls: int) -> Mapping[str, Least]:
        """Return the least calls that each vendor could have been asked."""
