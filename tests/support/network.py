"""Closes the network for a test run: sockets of this process reach this machine only."""

import ipaddress
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class NetworkClosed(RuntimeError):
    """A test tried to reach another machine."""


def _require_near(host: object) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return
    try:
        is_near = ipaddress.ip_address(str(name)).is_loopback or str(name) in ("0.0.0.0", "::")
    except ValueError:
        is_near = str(name).endswith(".localhost")
    if not is_near:
        raise NetworkClosed(f"a test tried to reach {name}; only this machine may be reached")


def _is_address(host: object) -> bool:
    try:
        ipaddress.ip_address(str(host))
    except ValueError:
        return False
    return True


def _guarded(act: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _require_near(address[0])
        return act(self, address)

    return guarded


@contextmanager
def closed_network() -> Iterator[None]:
    """Refuses connections and look-ups that would leave this machine, until the block ends."""
    look_up = socket.getaddrinfo

    def near_look_up(host: Any, *arguments: Any, **options: Any) -> Any:
        if not _is_address(host):
            _require_near(host)
        return look_up(host, *arguments, **options)

    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex
    changed: Any = socket.socket
    changed.connect, changed.connect_ex = _guarded(connect), _guarded(connect_ex)
    socket.getaddrinfo = near_look_up
    try:
        yield
    finally:
        changed.connect, changed.connect_ex = connect, connect_ex
        socket.getaddrinfo = look_up
