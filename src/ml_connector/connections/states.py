"""The states of a connection, which may follow which, and who moves it.

A connection's trouble is not its records' trouble: while the state is not READY nothing is
fed to it, and no record loses an attempt. A failing call takes a READY connection out of
service; what comes after is decided by probes, which one worker at a time makes, and by people.
"""

from __future__ import annotations

from enum import Enum, StrEnum


class State(StrEnum):
    """How a connection stands."""

    READY = "ready"
    NEEDS_LOGIN = "needs_login"
    """The vendor refuses the login: a person enters it anew or consents again."""
    MISCONFIGURED = "misconfigured"
    """Address, version or tenant is wrong: a person puts it right, here or at the vendor."""
    UNREACHABLE = "unreachable"
    """The vendor is down, or the network between. Probed with growing pauses."""
    EXHAUSTED = "exhausted"
    """The day's budget is used up. Probed when it should renew."""
    SEATS_TAKEN = "seats_taken"
    """All of the licence's sessions are in use. Probed shortly."""
    BLOCKED = "blocked"
    """The vendor shut us out for too many calls. Probed after a long pause."""
    PAUSED = "paused"
    """A person paused it, until they resume it or a moment that they named."""


class By(Enum):
    """Who moves a connection."""

    CALL = "call"
    """A run's call failed."""
    LOOK = "look"
    """A probe or a ping looked at it."""
    PERSON = "person"


TROUBLES = frozenset(State) - {State.READY, State.PAUSED}

_BY_CALL: dict[State, frozenset[State]] = {
    # In any other state the call was under way before that state began and tells nothing new:
    # a dropped connection must not shorten the pause of a login that was blocked.
    State.READY: TROUBLES,
}
_BY_LOOK: dict[State, frozenset[State]] = {
    State.READY: TROUBLES,
    # The pause of a person is not ended by finding that all is well.
    **{trouble: TROUBLES | {State.READY} for trouble in TROUBLES},
}
_BY_PERSON: dict[State, frozenset[State]] = {
    State.READY: frozenset({State.PAUSED}),
    State.PAUSED: frozenset({State.PAUSED, State.READY}),
    **{trouble: frozenset({State.PAUSED}) for trouble in TROUBLES},
}
TRANSITIONS: dict[By, dict[State, frozenset[State]]] = {
    By.CALL: _BY_CALL,
    By.LOOK: _BY_LOOK,
    By.PERSON: _BY_PERSON,
}


def states_before(following: State, by: By) -> list[State]:
    """Return the states out of which ``by`` may move a connection to ``following``."""
    return [state for state, allowed in TRANSITIONS[by].items() if following in allowed]
