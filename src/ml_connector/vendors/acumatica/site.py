"""What a site serves: its build, and its endpoints with their versions."""

from __future__ import annotations

from dataclasses import dataclass

from ml_connector.core.errors import ConfigurationError, ContractError
from ml_connector.vendors.acumatica import versions


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """The answer to ``GET {instance}/entity``."""

    build: str | None
    """Such as 25.201.0213."""
    endpoints: tuple[tuple[str, str], ...]
    """Name and version of each."""

    @classmethod
    def read(cls, raw: object) -> Offers:
        """Read the list; older builds answer the bare array of endpoints."""
        rows = raw.get("endpoints") if isinstance(raw, dict) else raw
        if not isinstance(rows, list):
            raise ContractError("Acumatica's list of endpoints is not as documented")
        version = raw.get("version") if isinstance(raw, dict) else None
        build = version.get("acumaticaBuildVersion") if isinstance(version, dict) else None
        return cls(
            build=build if isinstance(build, str) else None,
            endpoints=tuple(
                (str(row["name"]), str(row["version"]))
                for row in rows
                if isinstance(row, dict) and "name" in row and "version" in row
            ),
        )

    def serves(self, name: str, version: str) -> bool:
        """Whether an endpoint is in the list; names are compared as paths are, without case."""
        return (name.lower(), version) in {(one.lower(), other) for one, other in self.endpoints}

    def versions_of(self, name: str) -> tuple[str, ...]:
        """Return the versions of an endpoint, the newest last."""
        own = {version for one, version in self.endpoints if one.lower() == name.lower()}
        return tuple(sorted(own, key=_as_numbers))

    def suggestion(self, name: str) -> str | None:
        """Return the best version to use: the newest of those that this package was tried with."""
        tried = [
            version
            for version in self.versions_of(name)
            if _as_numbers(version) <= versions.NEWEST_TRIED
        ]
        return tried[-1] if tried else None

    def not_served(self, name: str, version: str) -> ConfigurationError:
        """Tell that an endpoint is not in the list, and what is."""
        offered = self.versions_of(name)
        if not offered:
            names = ", ".join(sorted({one for one, _ in self.endpoints})) or "none"
            return ConfigurationError(
                f"The site has no endpoint {name}; it offers: {names}",
                waits_for="setting:endpoint_name",
            )
        best = self.suggestion(name)
        advice = f"; enter {best}" if best else ""
        return ConfigurationError(
            f"The site does not serve endpoint version {name}/{version}; it offers "
            f"{', '.join(offered)}{advice}",
            waits_for="setting:endpoint_version",
        )


def _as_numbers(version: str) -> versions.Version:
    try:
        return versions.parse(version)
    except ValueError:  # a custom endpoint's version may have any form
        return (0, 0, 0)
