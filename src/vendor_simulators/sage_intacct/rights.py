"""What the roles of a user allow."""

from __future__ import annotations

from vendor_simulators.sage_intacct.answers import Fault, FunctionError
from vendor_simulators.sage_intacct.company import Company
from vendor_simulators.sage_intacct.definitions import Definition
from vendor_simulators.sage_intacct.sessions import Caller, Identity

EVERYTHING = "List|View|Add|Edit|Delete"
_OPERATIONS = {
    "List": "READ_BY_QUERY",
    "View": "READ",
    "Add": "CREATE",
    "Edit": "UPDATE",
    "Delete": "DELETE",
}


class Rights:
    """Refuses what a user may not do."""

    def __init__(self, company: Company, identity: Identity) -> None:
        self._company = company
        self._identity = identity

    def of(self, user_id: str, policy: str) -> list[str]:
        """Return a user's rights under a policy."""
        text = self._identity.users[user_id].rights.get(policy, EVERYTHING)
        return [right for right in text.split("|") if right]

    def check(self, caller: Caller, definition: Definition, right: str) -> None:
        """Refuse a caller without a right to an object."""
        if caller.actor.source == "ui":
            return
        if right in self.of(caller.actor.user, definition.policy):
            return
        text = (
            f"You do not have permission for API operation {_OPERATIONS[right]} "
            f"on objects of type {definition.name.lower()}"
        )
        raise FunctionError(Fault(self._company.switches["permission_errorno"], text))

    def policies(self) -> dict[str, list[str]]:
        """Return the policies of each application."""
        found: dict[str, list[str]] = {}
        for definition in self._company.definitions.values():
            policies = found.setdefault(definition.application, [])
            if definition.policy not in policies:
                policies.append(definition.policy)
        return found
