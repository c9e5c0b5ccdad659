"""How often a long-lived process looks for garbage.

Python's usual rhythm suits small programs: a worker that moves hundreds of records a second
spent a quarter of its processor time on looking through objects that live as long as it does.
"""

from __future__ import annotations

import gc

_YOUNG = 5_000  # more allocations than releases until the youngest are looked through
_MIDDLE, _OLD = 20, 50  # rounds of the younger until the next older generation is


def collect_seldom() -> None:
    """Leave out what is loaded by now, code above all, and look at the rest less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
