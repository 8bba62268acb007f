"""What the plug-in ``pgoutput`` says of a transaction, as far as keys of changed rows go.

Source: the protocol's message formats, version 1, in PostgreSQL's manual.
"""

import json
from collections.abc import Iterable, Iterator
from struct import unpack_from
from typing import NamedTuple

from exchange_db.intermediate.reading.pages import Key

#: Prefix of messages by which keys are put into the log to be read once more.
PREFIX = "sanji"


class Change(NamedTuple):
    """A changed row, by table and key; an empty key means that the whole table was emptied."""

    table: str
    key: Key


class Committed(NamedTuple):
    """A transaction: where it ends in the log, and its changes in order."""

    end_lsn: int
    changes: list[Change]


class _Relation(NamedTuple):
    table: str
    places: tuple[int, ...]


class LogReading:
    """Reads messages in order; remembers what tables look like.

    Args:
        keys: the columns that name a row, by table.
    """

    def __init__(self, keys: dict[str, Key]) -> None:
        self._keys = keys
        self._relations: dict[int, _Relation | None] = {}

    def transactions(self, messages: Iterable[bytes]) -> Iterator[Committed]:
        """Yields the transactions of some messages; the messages end with one."""
        changes: list[Change] = []
        for message in messages:
            kind = message[:1]
            if kind == b"B":
                changes = []
            elif kind == b"C":
                yield Committed(unpack_from(">q", message, 10)[0], changes)
            elif kind == b"R":
                self._note(message)
            elif kind == b"T":
                changes += self._emptied(message)
            elif kind == b"M":
                changes += self._asked(message)
            elif kind in (b"I", b"U", b"D"):
                changes += self._changed(message)

    def _note(self, message: bytes) -> None:
        relation = unpack_from(">i", message, 1)[0]
        _, at = _text(message, 5)
        name, at = _text(message, at)
        count = unpack_from(">h", message, at + 1)[0]
        at += 3
        columns = []
        for _ in range(count):
            column, at = _text(message, at + 1)
            columns.append(column)
            at += 8
        key = self._keys.get(name)
        is_whole = key is not None and set(key) <= set(columns)
        self._relations[relation] = _Relation(name, tuple(map(columns.index, key))) if key and is_whole else None

    def _emptied(self, message: bytes) -> Iterator[Change]:
        count = unpack_from(">i", message, 1)[0]
        for relation in unpack_from(f">{count}i", message, 6):
            if (found := self._relations.get(relation)) is not None:
                yield Change(found.table, ())

    @staticmethod
    def _asked(message: bytes) -> Iterator[Change]:
        prefix, at = _text(message, 10)
        if prefix == PREFIX:
            for table, key in json.loads(message[at + 4 :]):
                yield Change(table, tuple(key))

    def _changed(self, message: bytes) -> Iterator[Change]:
        relation = self._relations.get(unpack_from(">i", message, 1)[0])
        if relation is None:
            return
        at, seen = 5, set()
        while at < len(message):
            # The old key comes first where it changed, then the row as it is now.
            values, at = _values(message, at + 1)
            key = tuple(values[place] for place in relation.places)
            if None not in key and key not in seen:
                seen.add(key)
                yield Change(relation.table, tuple(str(part) for part in key))


def _text(message: bytes, at: int) -> tuple[str, int]:
    end = message.index(b"\0", at)
    return message[at:end].decode(), end + 1


def _values(message: bytes, at: int) -> tuple[list[str | None], int]:
    count = unpack_from(">h", message, at)[0]
    at += 2
    values: list[str | None] = []
    for _ in range(count):
        kind = message[at : at + 1]
        at += 1
        if kind == b"t":
            length = unpack_from(">i", message, at)[0]
            values.append(message[at + 4 : at + 4 + length].decode())
            at += 4 + length
        else:
            values.append(None)
    return values, at
