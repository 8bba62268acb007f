"""What changed about the columns a link uses, since it was last looked at: pure comparison.

A change that lets every row through as before is *additive* and only reported; any other one is *breaking*: that table
stops until a person has seen it, and the others go on.
"""

import hashlib
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import NamedTuple

import msgspec

from exchange_db.intermediate.columns import ColumnFacts


class ChangeKind(StrEnum):
    """What happened to a column."""

    ADDED = "added"
    DROPPED = "dropped"
    RENAMED = "renamed"
    RETYPED = "retyped"
    NARROWED = "narrowed"
    WIDENED = "widened"
    REQUIRED = "required"  # may no longer be empty
    RELEASED = "released"  # may be empty now


#: Types of one kind, each wider than those before it.
_FAMILIES = (
    ("tinyint", "smallint", "mediumint", "int", "integer", "bigint"),
    ("varchar", "character varying", "tinytext", "text", "mediumtext", "longtext"),
)
_BREAKING = frozenset({ChangeKind.DROPPED, ChangeKind.RENAMED, ChangeKind.RETYPED, ChangeKind.NARROWED})
_CHINESE = {
    ChangeKind.ADDED: "新增",
    ChangeKind.DROPPED: "已删除",
    ChangeKind.RENAMED: "可能已改名为 {now}",
    ChangeKind.RETYPED: "类型由 {before} 改为 {now}",
    ChangeKind.NARROWED: "长度由 {before} 缩短为 {now}",
    ChangeKind.WIDENED: "由 {before} 加宽为 {now}",
    ChangeKind.REQUIRED: "改为不允许为空",
    ChangeKind.RELEASED: "改为允许为空",
}
_ENGLISH = {
    ChangeKind.ADDED: "added",
    ChangeKind.DROPPED: "dropped",
    ChangeKind.RENAMED: "renamed, perhaps to {now}",
    ChangeKind.RETYPED: "retyped from {before} to {now}",
    ChangeKind.NARROWED: "narrowed from {before} to {now}",
    ChangeKind.WIDENED: "widened from {before} to {now}",
    ChangeKind.REQUIRED: "may no longer be empty",
    ChangeKind.RELEASED: "may be empty now",
}


class Change(NamedTuple):
    """One change. ``use`` is where the link uses the column, such as a field of the mapping; empty if nowhere."""

    table: str
    column: str
    kind: ChangeKind
    is_breaking: bool
    use: str = ""
    before: str = ""
    now: str = ""

    @property
    def told(self) -> str:
        """The change for people, Chinese first."""
        chinese = _CHINESE[self.kind].format(before=self.before, now=self.now)
        english = _ENGLISH[self.kind].format(before=self.before, now=self.now)
        use = f"（用于 {self.use}）" if self.use else ""
        return f"{self.table}.{self.column}{use}：{chinese} / {english}"


def kept(columns: Mapping[str, ColumnFacts]) -> str:
    """Returns columns as JSON, to be kept and compared with later."""
    return msgspec.json.encode(list(columns.values())).decode()


def read_kept(text: str) -> dict[str, ColumnFacts]:
    """Returns columns that were kept."""
    return {column.name: column for column in msgspec.json.decode(text, type=list[ColumnFacts])}


def fingerprint(columns: Mapping[str, ColumnFacts]) -> str:
    """Returns 32 hex digits that differ when anything about the columns does, whatever their order."""
    return hashlib.sha256(kept(dict(sorted(columns.items()))).encode()).hexdigest()[:32]


def compare(
    table: str,
    before: Mapping[str, ColumnFacts],
    now: Mapping[str, ColumnFacts],
    uses: Mapping[str, str],
    written: Collection[str] = (),
) -> list[Change]:
    """Returns what changed, breaking changes first.

    Args:
        table: name, for the message.
        before: all columns when the link was last looked at.
        now: all columns as they are.
        uses: columns the link uses, each with where it is used.
        written: those of them that the hub writes; for these a new rule of NOT NULL counts, too.
    """
    fresh = [name for name in now if name not in before]
    changes = []
    for name, old in before.items():
        new = now.get(name)
        if new is None:
            changes.append(_gone(table, old, [now[one] for one in fresh], uses))
            continue
        for kind, was, is_now in _differences(old, new):
            is_breaking = name in uses and (kind in _BREAKING or (kind is ChangeKind.REQUIRED and name in written))
            changes.append(Change(table, name, kind, is_breaking, uses.get(name, ""), was, is_now))
    for name in fresh:
        # A column that must be filled stops every row the hub would write without it.
        is_breaking = bool(written) and not now[name].is_left_out_well
        changes.append(Change(table, name, ChangeKind.ADDED, is_breaking))
    return sorted(changes, key=lambda change: not change.is_breaking)


def _gone(table: str, old: ColumnFacts, fresh: list[ColumnFacts], uses: Mapping[str, str]) -> Change:
    is_used, use = old.name in uses, uses.get(old.name, "")
    alike = [column.name for column in fresh if (column.type, column.length) == (old.type, old.length)]
    if len(alike) == 1:
        return Change(table, old.name, ChangeKind.RENAMED, is_used, use, now=alike[0])
    return Change(table, old.name, ChangeKind.DROPPED, is_used, use)


def _differences(old: ColumnFacts, new: ColumnFacts) -> list[tuple[ChangeKind, str, str]]:
    found = []
    if (old.type, old.encoding) != (new.type, new.encoding):
        kind = ChangeKind.WIDENED if _is_wider(old, new) else ChangeKind.RETYPED
        found.append((kind, _type_of(old), _type_of(new)))
    elif old.length != new.length:
        # No bound at all is the widest.
        is_shorter = new.length != 0 and (old.length == 0 or new.length < old.length)
        kind = ChangeKind.NARROWED if is_shorter else ChangeKind.WIDENED
        found.append((kind, str(old.length or "∞"), str(new.length or "∞")))
    if old.is_nullable != new.is_nullable:
        found.append((ChangeKind.RELEASED if new.is_nullable else ChangeKind.REQUIRED, "", ""))
    return found


def _is_wider(old: ColumnFacts, new: ColumnFacts) -> bool:
    """Tells whether whatever the old type held, the new one holds, too, and in the same form."""
    if new.encoding not in ("", old.encoding) or (new.length and (old.length == 0 or new.length < old.length)):
        return False
    for family in _FAMILIES:
        if old.type.lower() in family and new.type.lower() in family:
            return family.index(old.type.lower()) <= family.index(new.type.lower())
    return False


def _type_of(column: ColumnFacts) -> str:
    return " ".join(part for part in (column.type, column.encoding) if part)
