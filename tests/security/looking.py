"""Looking for the mark that every credential of every test carries.

Simulators give out no credential without it (`vendor_simulators/kit/marks.py`), and the master
keys of tests have it too.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections import Counter
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path

from tests.security.canaries import dump, forms_of

from vendor_simulators.kit.marks import MARK

# Files in which a test writes secrets down on purpose, as a person would, by the test's folder.
GIVEN_ON_PURPOSE = {
    "leaks-on-purpose/*": "the run that shows that looking can fail",
    "oauth.yaml": "a configuration with an app's secret in it, written by a test",
    "connections.yaml": "a configuration with faults in its secrets, written by a test",
    "sandbox.yaml": "what `sandbox --write-config` is asked to write",
}
_LOOKED_INTO_ELSEWHERE = (
    "popen-",  # another test process's, which looks there itself
    "postgres/database/",  # the server of the run: each database is dumped before it is dropped
)
_KEY_BYTES = 32
_AROUND = 80  # bytes
_FORMS = tuple(sorted(forms_of(MARK) | forms_of(MARK.upper())))


class LeftBehind:
    """What was looked at in this process, and where the mark was found."""

    def __init__(self) -> None:
        self.looked: Counter[str] = Counter()
        self.found: list[str] = []
        self.folder: Path | None = None

    def look(self, kind: str, place: str, content: str | bytes) -> None:
        """Look for the mark in something that is left at a place."""
        self.looked[kind] += 1
        data = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
        for form in _FORMS:
            at = data.find(form)
            if at >= 0:
                near = data[max(0, at - _AROUND) : at + len(form) + _AROUND // 4]
                self.found.append(f"{kind}, {place}: {near!r}")
                return

    async def look_into_database(self, url: str) -> None:
        """Look into every table, as text."""
        for table, content in (await dump(url)).items():
            self.look("tables", f"{table}, {running_test()}", content)

    def look_into_files(self, folder: Path) -> None:
        """Look into every file below a folder, except where a test put secrets on purpose."""
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if name.startswith(_LOOKED_INTO_ELSEWHERE) or path.is_symlink() or not path.is_file():
                continue
            if any(fnmatch(name, f"*{pattern}") for pattern in GIVEN_ON_PURPOSE):
                continue
            with suppress(FileNotFoundError):  # of a process that is just ending
                self.look("files", str(path), path.read_bytes())


LEFT = LeftBehind()


def canary_master_key() -> str:
    """Return a fresh master key that carries the mark."""
    start = base64.urlsafe_b64decode(MARK)
    return base64.urlsafe_b64encode(start + secrets.token_bytes(_KEY_BYTES - len(start))).decode()


def running_test() -> str:
    """Return which test runs now."""
    return os.environ.get("PYTEST_CURRENT_TEST", "outside of a test").partition(" (")[0]
