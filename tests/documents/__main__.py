"""Write every table of the documents again: ``python -m tests.documents``."""

from __future__ import annotations

from tests.documents.pages import name_of, pages
from tests.documents.tables import write

for page in pages():
    if write(page):
        print(f"{name_of(page)}: brought up to date")  # noqa: T201 - the answer of this command
