"""Whether a value goes into a partner's column whole, asked before it is written.

Engines refuse what does not fit, or cut it, or turn letters into ``?``, and not all say which column it was. Asked
here, one row is refused with its column, and the rows beside it go through.
"""

from collections.abc import Mapping
from typing import Any, Final

from exchange_db.intermediate.columns import ColumnFacts
from exchange_db.records import Violated

#: Whole numbers a type holds, by its bits.
_BITS: Final = {"smallint": 16, "integer": 32, "int": 32, "mediumint": 24, "tinyint": 8, "bigint": 64}


def require_fit(table: str, columns: Mapping[str, ColumnFacts], values: Mapping[str, Any]) -> None:
    """Checks that a row goes into a table.

    Args:
        table: name, for the message.
        columns: of the table.
        values: what is to be written, by column.

    Raises:
        Violated: COLUMN_UNFIT, with the column as its field.
    """
    for name, value in values.items():
        facts = columns.get(name)
        trouble = "没有此列 / no such column" if facts is None else trouble_of(facts, value)
        if trouble:
            raise Violated("COLUMN_UNFIT", f"{table}.{name}", trouble)
    for name, facts in columns.items():
        if name not in values and not facts.is_left_out_well:
            raise Violated("COLUMN_UNFIT", f"{table}.{name}", "未写入，但该列不允许为空 / not given, and NOT NULL")


def trouble_of(facts: ColumnFacts, value: Any) -> str:
    """Returns why a value does not go into a column, empty if it does."""
    if value is None or value == "":
        return "" if facts.is_nullable else "不允许为空 / NOT NULL"
    if isinstance(value, str):
        return _trouble_of_text(facts, value)
    bits = _BITS.get(facts.type.lower(), 64)
    if isinstance(value, int) and not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
        return f"{value} 超出 {facts.type} / is beyond {facts.type}"
    return ""


def _trouble_of_text(facts: ColumnFacts, text: str) -> str:
    for letter in text:
        if not _knows(facts.encoding, letter):
            return f"列的字符集没有「{letter}」 / its character set lacks {letter!r}"
    if not facts.length:
        return ""
    length = len(_encoded(facts.encoding, text)) if facts.is_in_bytes else len(text)
    if length > facts.length:
        unit = "字节 / bytes" if facts.is_in_bytes else "字 / characters"
        return f"{length} > {facts.length} {unit}"
    return ""


def _knows(encoding: str, letter: str) -> bool:
    if letter == "\0":
        return False
    if encoding == "utf8mb3":
        return ord(letter) < 0x10000
    try:
        letter.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _encoded(encoding: str, text: str) -> bytes:
    return text.encode("utf-8" if encoding in ("", "utf8mb3") else encoding)
