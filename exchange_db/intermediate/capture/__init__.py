"""Capture: what is installed in a partner's database so that the keys of changed rows are noted there.

Triggers write ``x_change_log``: which table, which key, and ``I``, ``U``, ``D`` or ``T`` (all rows gone). Sessions of
the hub mark themselves and are passed over, so nothing the hub writes comes back to it. One module an engine; each
makes *parts* (tables, functions, triggers), so that what is missing, altered or switched off can be told one by one.

``row_key`` holds the values of the key columns as text, in the order of the key: an array of texts on PostgreSQL, a
JSON array elsewhere.
"""

from exchange_db.intermediate.capture.parts import (
    CHANGE_LOG,
    CHANNEL,
    READER,
    SESSION,
    Capture,
    CaptureRefused,
    Finding,
    Part,
    Standing,
    Watched,
    capture_of,
    install,
    remove,
    show,
)

__all__ = [
    "CHANGE_LOG",
    "CHANNEL",
    "READER",
    "SESSION",
    "Capture",
    "CaptureRefused",
    "Finding",
    "Part",
    "Standing",
    "Watched",
    "capture_of",
    "install",
    "remove",
    "show",
]
