"""Who sits at the hub's machine, as the operating system knows it; names in the environment are not believed.

Where somebody became another user (``sudo``, ``su``), the system still knows who logged in: both names are told, so
that one person cannot propose as one and approve as the other.
"""

import os
import pwd
from pathlib import Path
from typing import NamedTuple

_LOGIN_ID = Path("/proc/self/loginuid")
#: What the kernel says for processes nobody logged in for.
_NOBODY = 2**32 - 1


class LocalUser(NamedTuple):
    """A user of this machine: ``name`` is whom entries name, ``names`` are all names they go by now."""

    name: str
    names: tuple[str, ...]


def local_user() -> LocalUser:
    """Returns who runs this process: the one who logged in, where that is known and another."""
    acting = _name_of(os.getuid())
    login_id = _login_id()
    logged_in = _name_of(login_id) if login_id is not None else acting
    if logged_in == acting:
        return LocalUser(acting, (acting,))
    return LocalUser(f"{logged_in} as {acting}", (logged_in, acting))


def _login_id() -> int | None:
    try:
        number = int(_LOGIN_ID.read_text())
    except (OSError, ValueError):
        return None
    return None if number == _NOBODY else number


def _name_of(user_id: int) -> str:
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError:
        return f"uid {user_id}"
