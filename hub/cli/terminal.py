"""Texts of unknown origin on a terminal: nothing in them acts, and what cannot be seen is shown.

Control characters, the marks that turn the direction of writing, and other invisible ones become � in tables and
messages, and escapes in JSON. Called by every command that shows what came from outside.
"""

import json
from datetime import UTC, datetime
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape

from exchange_db.records import printable


def plain(text: str) -> str:
    """Returns a text for a cell or line printed by Rich, with nothing in it taken for markup."""
    return escape(printable(text))


def visible(text: str) -> str:
    """Returns a text of several lines for plain printing."""
    return "\n".join(map(printable, text.split("\n")))


def local_time(moment: int, zone: ZoneInfo) -> str:
    """Returns a moment, in microseconds since 1970, as clocks there show it to the second; empty for none (0)."""
    if not moment:
        return ""
    return datetime.fromtimestamp(moment / 1_000_000, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def fail(text: str, code: int = 2) -> NoReturn:
    """Ends the command with a message to the user: 2 when it was asked wrongly, 1 when it could not be done."""
    typer.echo(visible(text), err=True)
    raise typer.Exit(code)


def as_json(value: Any) -> str:
    """Returns JSON in which Chinese is readable and every invisible character is written as its escape."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return text if text.isascii() else "\n".join(map(_escaped, text.split("\n")))


def _escaped(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(sign if sign.isprintable() else json.dumps(sign)[1:-1] for sign in line)
