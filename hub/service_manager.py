"""Tells systemd when a process is open and when it begins to drain, so that a restart of several goes one by one.

Source: sd_notify(3); a datagram to the socket that NOTIFY_SOCKET names, where there is one.
"""

import os
import socket


def tell_manager(state: str) -> None:
    """Sends a state, for example ``READY=1``; does nothing when no manager listens."""
    name = os.environ.get("NOTIFY_SOCKET", "")
    if not name:
        return
    # An abstract address begins with a zero byte, written as @.
    address = f"\0{name[1:]}" if name.startswith("@") else name
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
        try:
            manager.connect(address)
            manager.sendall(state.encode())
        except OSError:
            # Nobody waits for it any more: that is the manager's affair, not the hub's.
            return
