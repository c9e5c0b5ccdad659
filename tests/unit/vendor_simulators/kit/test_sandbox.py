import socket

import aiohttp
import pytest

from vendor_simulators import catalogue
from vendor_simulators.kit import Sandbox


async def test_ports_follow_the_alphabet_with_gaps_for_vendors_that_do_not_run(built):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        first = probe.getsockname()[1]

    async with Sandbox.start(port=first, vendors=built) as sandbox:
        assert sandbox.control_url.endswith(f":{first}")
        assert sandbox.urls["pipedrive"].endswith(f":{first + 4}")


async def test_a_taken_port_is_an_error_and_leaves_nothing_running(sandbox):
    taken = int(sandbox.control_url.rsplit(":", 1)[1])

    with pytest.raises(OSError, match="in use"):
        async with Sandbox.start(port=taken, vendors=["pipedrive"]):
            pass


async def test_nothing_listens_after_the_end(built):
    async with Sandbox.start(vendors=built) as sandbox:
        url = sandbox.urls["pipedrive"]

    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientConnectorError):
            await http.get(url)


def test_every_built_vendor_can_be_loaded_under_its_name():
    for name in catalogue.available():
        assert catalogue.load(name).name == name


def test_an_unknown_vendor_is_named():
    with pytest.raises(LookupError, match="no vendor sap"):
        catalogue.load("sap")
