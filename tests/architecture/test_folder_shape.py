"""Whoever has read one vendor's folder, or one pair's, finds the way in all others."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from tests.architecture.source import ROOT, SERVICE, SIMULATORS, SOURCE, folders, modules

from ml_connector.app.pairs import INTEGRATIONS, VENDORS
from ml_connector.sync.flow import Integration
from ml_connector.transport.vendor import Vendor
from vendor_simulators import catalogue

VENDOR_FOLDERS = folders(SERVICE / "vendors")
SHARED_BY_PAIRS = SERVICE / "integrations" / "from_pipedrive"
"""What pairs are built from: no pair itself, so it has neither flows nor promises of its own."""
PAIR_FOLDERS = [each for each in folders(SERVICE / "integrations") if each != SHARED_BY_PAIRS]

# A file may be a folder of the same name, where its subject is large. Files of a vendor's or a
# pair's own subjects stand beside these, named after the subject.
_OF_A_VENDOR = (
    "NOTES.md", "auth.py", "client.py", "errors.py", "models.py", "pages.py", "profile.py",
    "settings.py", "webhooks.py", "wire.py",
)  # fmt: skip
_OF_A_PAIR = ("PROMISES.md", "context.py", "flows/", "integration.py", "mappings.py", "settings.py")
_PARTS = {
    "app", "api", "audit", "connections", "console", "core", "integrations", "jobs",
    "notifications", "storage", "sync", "transport", "vault", "vendors", "webhooks",
}  # fmt: skip
_SAY_NOTHING = {"common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}
_LONGEST = 500  # lines
_LONGER = {
    "ml_connector/storage/migrations/versions/0101_initial.py":
        "a revision is one story: the whole schema as it was when there was none",
}  # fmt: skip
_OF_NO_MODULE = {
    "docs": "the documents are checked against the code",
    "vendor_simulators": "simulators are tried over sockets, by what a vendor does",
    "storage/test_release_schema.py": "the tables of all parts together against the migrations",
    "sync/test_engine_machine.py": "backlog, feeder, worker and crashes in any order",
    "sync/test_setting_going.py": "what a run asks of the engine beside its record",
    "sync/test_write_once.py": "the context's `write_once`, which several modules keep",
    "sync/test_write_fields.py": "the context's `write_fields`, which several modules keep",
}

every_vendor = pytest.mark.parametrize("folder", VENDOR_FOLDERS, ids=lambda folder: folder.name)
every_pair = pytest.mark.parametrize("folder", PAIR_FOLDERS, ids=lambda folder: folder.name)


# --- vendors -----------------------------------------------------------------------------------


@every_vendor
def test_vendor_folder_has_the_files_of_all_or_its_profile_says_which_it_needs_not(folder: Path):
    missing = {name for name in _OF_A_VENDOR if not _is_there(folder, name)}

    assert missing == set(_vendor(folder).profile.absent_files)


@every_vendor
def test_vendor_is_called_as_its_folder_and_known_to_the_service(folder: Path):
    vendor = _vendor(folder)

    assert vendor.profile.name == folder.name
    assert VENDORS[folder.name] is vendor
    assert folder.name in catalogue.VENDORS


@every_vendor
def test_vendor_has_a_simulator_that_exports_itself(folder: Path):
    assert folder.name in catalogue.available()
    assert "SIMULATOR" in import_module(f"vendor_simulators.{folder.name}").__all__
    assert (SIMULATORS / folder.name / "NOTES.md").is_file()


@every_vendor
def test_vendor_says_of_its_streams_what_the_engine_reads(folder: Path):
    profile = _vendor(folder).profile

    assert len({stream.name for stream in profile.streams}) == len(profile.streams)
    assert profile.title


@pytest.mark.parametrize(
    "folder", [*VENDOR_FOLDERS, *PAIR_FOLDERS, SHARED_BY_PAIRS], ids=lambda folder: folder.name
)
def test_public_surface_is_all_that_others_use(folder: Path):
    package = _package(folder)
    public, prefix = set(package.__all__), package.__name__
    used = {
        (module.name, found)
        for module in modules()
        if not module.path.is_relative_to(folder)
        for name, what in module.imported()
        if name == prefix or name.startswith(f"{prefix}.")
        for found in [name.removeprefix(prefix).removeprefix(".").partition(".")[0] or what]
    }

    assert [name for name in public if not hasattr(package, name)] == []
    assert {(where, name) for where, name in used if name not in public} == set()
    is_a_vendors = {"PROFILE", "VENDOR", "Client", "Settings"} <= public
    assert is_a_vendors or public == {"INTEGRATION"} or folder == SHARED_BY_PAIRS


# --- pairs -------------------------------------------------------------------------------------


@every_pair
def test_pair_folder_has_the_files_of_all(folder: Path):
    assert [name for name in _OF_A_PAIR if not _is_there(folder, name)] == []


@every_pair
def test_pair_is_called_as_its_folder_and_known_to_the_service(folder: Path):
    integration = _integration(folder)

    assert integration.name == folder.name
    assert INTEGRATIONS[folder.name] is integration
    assert {vendor.profile.name for vendor in integration.vendors.values()} == {
        "pipedrive",
        folder.name.removesuffix("_pipedrive"),
    }


@every_pair
def test_each_flow_is_a_file_of_its_name_with_one_coroutine_that_tells_it(folder: Path):
    for flow in _integration(folder).flows:
        assert flow.run.__module__ == f"{_package(folder).__name__}.flows.{flow.name}"
        assert flow.run.__name__ == "run"


# --- every module ------------------------------------------------------------------------------


def test_first_level_is_the_parts_of_the_service():
    assert {folder.name for folder in folders(SERVICE)} <= _PARTS


def test_every_name_says_what_is_inside():
    paths = [
        path
        for folder in (SOURCE, ROOT / "tests", ROOT / "benchmarks")
        for path in folder.rglob("*.py")
    ]

    assert [path for path in paths if _SAY_NOTHING & {*path.parts[:-1], path.stem}] == []


def test_no_module_is_longer_than_a_reader_can_keep_in_mind():
    longer = {module.name for module in modules() if len(module.text.splitlines()) > _LONGEST}

    assert longer == set(_LONGER)


def test_unit_tests_mirror_the_source():
    folder = ROOT / "tests" / "unit"
    strays = [
        path.as_posix()
        for found in sorted(folder.rglob("test_*.py"))
        for path in [found.relative_to(folder)]
        if path.parts[0] not in _OF_NO_MODULE and path.as_posix() not in _OF_NO_MODULE
        if not _is_there(SERVICE / path.parent, path.name.removeprefix("test_"))
    ]

    assert strays == []
    assert [path for path in _OF_NO_MODULE if not (folder / path).exists()] == []


def _is_there(folder: Path, name: str) -> bool:
    if name.endswith("/"):
        return (folder / name / "__init__.py").is_file()
    return (folder / name).is_file() or (
        name.endswith(".py") and (folder / name[:-3] / "__init__.py").is_file()
    )


def _package(folder: Path) -> ModuleType:
    return import_module(".".join(folder.relative_to(SOURCE).parts))


def _vendor(folder: Path) -> Vendor:
    vendor = _package(folder).VENDOR
    assert isinstance(vendor, Vendor)
    return vendor


def _integration(folder: Path) -> Integration:
    integration = _package(folder).INTEGRATION
    assert isinstance(integration, Integration)
    return integration
