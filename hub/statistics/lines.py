"""Business lines (市容, 环卫, 市政, 园林): which classes belong to one, as data. Pure.

Source: F21 of the domain notes (S001: 环比 by line); which class belongs to which line is each city's own.
"""

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

_SHIPPED: Final = Path(__file__).with_name("data") / "lines" / "shipped.toml"
#: The line of classes that belong to none.
OTHER: Final = ""


class Line(Struct, frozen=True, forbid_unknown_fields=True):
    """A line, and what the keys of its classes begin with (``standard|C or E|code``)."""

    code: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,39}$")]
    zh: str
    en: str
    classes: tuple[Annotated[str, Meta(min_length=1, max_length=64)], ...]


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    form: Annotated[int, Meta(ge=1, le=1)]
    lines: tuple[Line, ...]


class LinesInvalid(Exception):
    """A file of business lines cannot be used."""

    def __init__(self, place: str, chinese: str, english: str) -> None:
        super().__init__(f"{place}：{chinese}。 / {english}.")


class BusinessLines:
    """Lines to look up.

    Args:
        lines: by code; no beginning belongs to two.
    """

    def __init__(self, lines: tuple[Line, ...]) -> None:
        self.lines = {line.code: line for line in lines}
        beginnings = [(beginning, line.code) for line in lines for beginning in line.classes]
        self._beginnings = sorted(beginnings, key=lambda pair: -len(pair[0]))

    def line_of(self, class_key: str) -> str:
        """Returns the code of the line a class belongs to; ``OTHER`` when none claims it."""
        return next((code for beginning, code in self._beginnings if class_key.startswith(beginning)), OTHER)


def read_lines(name: str, content: bytes) -> BusinessLines:
    """Reads a file of lines.

    Raises:
        LinesInvalid: it is none, or two lines claim the same classes.
    """
    try:
        file = msgspec.convert(tomllib.loads(content.decode("utf-8-sig")), _File)
    except (ValueError, msgspec.ValidationError) as error:
        raise LinesInvalid(name, f"条线文件有误，请更正（{error}）", f"correct the file of lines ({error})") from None
    claimed = [beginning for line in file.lines for beginning in line.classes]
    for beginning in claimed:
        if claimed.count(beginning) > 1:
            raise LinesInvalid(
                name, f"{beginning} 属于两个条线，请只保留一个", f"{beginning} is in two lines; keep one"
            )
    return BusinessLines(file.lines)


@lru_cache(maxsize=1)
def shipped_lines() -> BusinessLines:
    """Returns the lines that come with the software."""
    return read_lines(_SHIPPED.name, _SHIPPED.read_bytes())
