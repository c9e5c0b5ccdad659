"""What every pair that starts from Pipedrive's deals needs: reading, rules, own fields.

No pair of its own: pairs are built from it, and never from one another.
"""

from ml_connector.integrations.from_pipedrive import (
    amounts,
    context,
    parties,
    resolving,
    rules,
    shown,
    sources,
    surveying,
    taking_up,
)

__all__ = [
    "amounts",
    "context",
    "parties",
    "resolving",
    "rules",
    "shown",
    "sources",
    "surveying",
    "taking_up",
]
