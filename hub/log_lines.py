"""How a line of the log looks: one event a line, whatever was in it, and no password.

What comes from outside may hold line breaks, codes that move a terminal's cursor, or marks that turn the direction of
reading; in the log they are shown by their number. A traceback keeps its lines, each begun so that none can pass for
an event. Called by ``hub.cli.serve``.
"""

import json
import logging
import re
import unicodedata
from datetime import UTC, datetime
from typing import Literal

from hub.log_context import NAMES, about

#: Passwords inside addresses, as libraries repeat them in errors: postgresql://user:secret@host, password=secret.
_SECRETS = (
    (re.compile(r"(://[^\s:/@]*:)[^\s@/]+(@)"), r"\1***\2"),
    (
        re.compile(
            r"((?:password|passwd|secret|token|authorization|cookie)['\"]?\s*[=:]\s*['\"]?)[^\s'\"&,;]+", re.IGNORECASE
        ),
        r"\1***",
    ),
)
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class LineFormatter(logging.Formatter):
    """Writes one event as one line, and below it the lines of a traceback, indented."""

    def __init__(self) -> None:
        super().__init__(_FORMAT)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 — of logging
        """Returns the line."""
        record.message = safe(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: object) -> str:  # noqa: N802 — of logging
        """Returns the traceback."""
        text = super().formatException(ei)  # type: ignore[arg-type]
        return "\n".join(f"  | {safe(line)}" for line in text.split("\n"))


class JsonFormatter(logging.Formatter):
    """Writes one event as one JSON object on one line: time, level, logger, message, what it is about, trouble.

    What it is about are the names of ``hub.log_context``, each only where it is known.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line."""
        event = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": safe(record.getMessage()),
        }
        known = about()
        event |= {name: safe(known[name]) for name in NAMES if name in known}
        if record.exc_info:
            event["trouble"] = "\n".join(map(safe, self.formatException(record.exc_info).split("\n")))
        return json.dumps(event, ensure_ascii=False)


def safe(text: str) -> str:
    """Returns a text as it may stand in a line of the log."""
    shown = "".join(letter if _is_plain(letter) else f"\\u{ord(letter):04x}" for letter in text)
    for pattern, kept in _SECRETS:
        shown = pattern.sub(kept, shown)
    return shown


def write_log(form: Literal["text", "json"] = "text") -> None:
    """Makes this process write its log to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else LineFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def _is_plain(letter: str) -> bool:
    """Tells whether a letter is shown as it is: no control, format or surrogate code, no line or paragraph end."""
    return letter == "\t" or unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
