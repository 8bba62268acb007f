"""Definitions as TOML: read, brought into their form, and refused in words with place, value and what to do.

One way for metric definitions and scoring schemes. Pure. Called by the readers of the two.
"""

import tomllib
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import msgspec
from msgspec import Struct

from exchange_db.records import printable

#: Most bytes of one file.
MAX_BYTES = 1_000_000

Form = TypeVar("Form", bound=Struct)


class ContentInvalid(Exception):
    """A file cannot be used; ``place`` is the file and the entry. ``subject`` says what the file is of."""

    subject: ClassVar[tuple[str, str]]

    def __init__(self, place: str, chinese: str, english: str) -> None:
        self.place, self.chinese, self.english = map(printable, (place, chinese, english))
        super().__init__(
            f"{self.subject[0]} {self.place}：{self.chinese}。 / {self.subject[1]} {self.place}: {self.english}."
        )


def read_document(
    name: str, content: bytes, invalid: type[ContentInvalid], parse_float: Callable[[str], Any] = float
) -> dict[str, Any]:
    """Reads TOML in UTF-8.

    Args:
        name: of the file, in messages.
        content: its bytes.
        invalid: what is raised.
        parse_float: how decimals are read.

    Raises:
        ContentInvalid: it is too long, or no TOML.
    """
    if len(content) > MAX_BYTES:
        raise invalid(name, f"超过 {MAX_BYTES:,} 字节", f"more than {MAX_BYTES:,} bytes")
    try:
        return tomllib.loads(content.decode("utf-8-sig"), parse_float=parse_float)
    except (ValueError, RecursionError) as error:
        raise invalid(name, f"不是有效的 UTF-8 编码 TOML（{error}）", f"not valid TOML in UTF-8 ({error})") from None


def in_form(name: str, document: dict[str, Any], form: type[Form], invalid: type[ContentInvalid]) -> Form:
    """Brings a document into its form.

    Raises:
        ContentInvalid: a key or a value does not fit; names its place.
    """
    try:
        return msgspec.convert(document, form)
    except msgspec.ValidationError as error:
        told, _, inside = str(error).partition(" - at `$")
        raise invalid(f"{name} {inside.strip('.`')}".strip(), f"键或值的写法不对（{told}）", told) from None
