"""Tests reach this machine only."""

import asyncio
import socket

import pytest

from tests.support.network import NetworkClosed


def test_another_machine_cannot_be_reached() -> None:
    with socket.socket() as outward, pytest.raises(NetworkClosed):
        outward.connect(("192.0.2.1", 443))


def test_another_machine_cannot_be_looked_up() -> None:
    with pytest.raises(NetworkClosed):
        socket.getaddrinfo("example.org", 443)


async def test_the_event_loop_is_closed_in_as_well() -> None:
    with pytest.raises(NetworkClosed):
        await asyncio.open_connection("192.0.2.1", 443)


def test_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as inward:
        inward.connect(listening.getsockname())
    assert socket.getaddrinfo("localhost", 80)
