"""What a line of the log is about: the request, the link and the case that are being dealt with.

Kept in context variables, so a task and all it starts bear them without handing them on.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

#: Names as they stand in the log, in this order.
NAMES = ("request", "link", "case", "message_id", "trace")
_ABOUT: ContextVar[dict[str, str]] = ContextVar("about", default={})  # noqa: B039 — never changed, always replaced


def about() -> dict[str, str]:
    """Returns what is being dealt with, by name."""
    return _ABOUT.get()


def concern(**names: str) -> None:
    """Says what this task is about from here on; a name that is empty is left out."""
    _ABOUT.set({name: text for name, text in (_ABOUT.get() | names).items() if text})


@contextmanager
def concerning(**names: str) -> Iterator[None]:
    """Says what is dealt with inside."""
    token = _ABOUT.set({name: text for name, text in (_ABOUT.get() | names).items() if text})
    try:
        yield
    finally:
        _ABOUT.reset(token)


def begin_request() -> str:
    """Gives the request this task answers a number, which the log bears and a caller is told when something breaks.

    Whatever the task was about before is over: one connection may bring many requests.
    """
    number = uuid.uuid4().hex[:12]
    _ABOUT.set({"request": number})
    return number
