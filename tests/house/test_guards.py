"""The guards of the tests hold: nothing reaches past loopback, warnings are errors."""

import asyncio
import socket
import warnings

import pytest

# TEST-NET-1 (RFC 5737): routed nowhere, should the guard ever fail.
OUTSIDE = "192.0.2.1"


def test_a_socket_reaches_loopback() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname(), timeout=5) as client,
    ):
        assert server.getsockname() == client.getpeername()


def test_a_socket_does_not_reach_outside() -> None:
    with socket.socket() as client, pytest.raises(RuntimeError, match="loopback"):
        client.connect((OUTSIDE, 80))
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
        pytest.raises(RuntimeError, match="loopback"),
    ):
        client.sendto(b"x", (OUTSIDE, 53))


def test_a_name_is_not_looked_up_outside() -> None:
    with pytest.raises(RuntimeError, match="loopback"):
        socket.getaddrinfo("atomic.invalid", 80)


async def test_an_event_loop_does_not_reach_outside() -> None:
    with pytest.raises(RuntimeError, match="loopback"):
        await asyncio.open_connection(OUTSIDE, 80)


def test_a_warning_is_an_error() -> None:
    with pytest.raises(UserWarning, match="heard"):
        warnings.warn("heard", stacklevel=1)
