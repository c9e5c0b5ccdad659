"""Where vendors' machine-readable descriptions and recorded answers lie, if they are here.

They are not part of the project: tests that read them are skipped where they are absent.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]


def folder_of(vendor: str) -> Path | None:
    """Return the folder of a vendor's descriptions, or None where there is none."""
    named = os.environ.get("ML_CONNECTOR_SPECS")
    folder = (Path(named) if named else _ROOT.parent / "shared" / "specs") / vendor
    return folder if folder.is_dir() else None


def needed(vendor: str) -> Path:
    """Return the folder of a vendor's descriptions; skip the test where there is none."""
    folder = folder_of(vendor)
    if folder is None:
        pytest.skip(f"the descriptions of {vendor} are not here (ML_CONNECTOR_SPECS names them)")
    return folder
