"""What a whole run of tests is carried out under: an endpoint version, switches of simulators.

``pytest --endpoint-version 23.200.001 --switch acumatica.list_lag_seconds=1`` runs every test
that opens a deployment so, except where a test names a setting itself: that is what it is about.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from vendor_simulators import catalogue

_erp_settings: dict[str, Any] = {}
_switches: dict[str, dict[str, Any]] = {}


def erp_settings() -> Mapping[str, Any]:
    """Return the settings of connections to Acumatica that this run asks for."""
    return _erp_settings


def switches(given: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return a test's switches by vendor, and beneath them those that this run asks for."""
    vendors = {*_switches, *given}
    return {name: {**_switches.get(name, {}), **given.get(name, {})} for name in vendors}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("ml-connector")
    group.addoption(
        "--endpoint-version",
        help="version of Acumatica's endpoint that deployments use, unless a test names one",
    )
    group.addoption(
        "--switch",
        action="append",
        default=[],
        metavar="VENDOR.NAME=VALUE",
        help="setting of a simulator, its value as JSON or a word; may be repeated",
    )


def pytest_configure(config: pytest.Config) -> None:
    version = config.getoption("--endpoint-version")
    if version is not None:
        _erp_settings["endpoint_version"] = version
    for option in config.getoption("--switch"):
        vendor, name, value = _read(option)
        _switches.setdefault(vendor, {})[name] = value


def pytest_report_header() -> list[str]:
    return (
        [f"deployments run with: {_erp_settings} {_switches}"] if _erp_settings | _switches else []
    )


def _read(option: str) -> tuple[str, str, Any]:
    name, is_set, value = option.partition("=")
    vendor, _, switch = name.partition(".")
    if not is_set or vendor not in catalogue.available():
        raise pytest.UsageError(f"--switch {option}: write vendor.name=value")
    if switch not in catalogue.load(vendor).SWITCHES:
        raise pytest.UsageError(f"--switch {option}: {vendor} has no switch {switch}")
    try:
        return vendor, switch, json.loads(value)
    except ValueError:
        return vendor, switch, value
