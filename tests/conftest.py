"""What every test stands on: the slow switch, the real data, and a network that ends at loopback."""

import asyncio
import ipaddress
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# A property test is bound by pytest-timeout; a deadline per example would only measure busy neighbours.
settings.register_profile("atomic", deadline=None)
settings.load_profile("atomic")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the long batteries too (make test-all)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    skip = pytest.mark.skip(reason="a long battery: run with --slow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def slow(pytestconfig: pytest.Config) -> bool:
    """Whether the long batteries were asked for: lets one test choose between 20 and 200 repetitions."""
    return bool(pytestconfig.getoption("--slow"))


@pytest.fixture
async def failures() -> list[BaseException]:
    """What reaches the event loop's exception handler."""
    caught: list[BaseException] = []

    def note(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        caught.append(context["exception"])

    asyncio.get_running_loop().set_exception_handler(note)
    return caught


@pytest.fixture(scope="session")
def atomic_data(pytestconfig: pytest.Config) -> Path:
    """The folder with real data, from ATOMIC_DATA; without it the test is skipped, and under CI it fails."""
    folder = pytestconfig.rootpath / os.environ.get("ATOMIC_DATA", "../shared/data")
    if not folder.is_dir():
        absent = "needs real data, and the folder that ATOMIC_DATA names (default ../shared/data) is missing"
        if os.environ.get("CI"):
            pytest.fail(f"This test {absent}; under CI that is a failure.")
        pytest.skip(absent)
    return folder


class OutsideNetworkError(RuntimeError):
    """A test tried to reach past loopback."""


def _is_loopback(host: object) -> bool:
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    name = host.decode() if isinstance(host, bytes) else str(host)
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False  # a name would have to be looked up outside
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_loopback or address.is_unspecified or (mapped is not None and mapped.is_loopback)


def _stay_on_loopback(event: str, arguments: tuple[object, ...]) -> None:
    # An audit hook sees every socket of the interpreter, whoever made it, and replaces nothing.
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        if isinstance(address, tuple) and not _is_loopback(address[0]):
            raise OutsideNetworkError(f"tests may only reach loopback, not {address[0]}")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname") and not _is_loopback(arguments[0]):
        raise OutsideNetworkError(f"tests may only look up loopback, not {arguments[0]}")


sys.addaudithook(_stay_on_loopback)
