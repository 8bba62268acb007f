"""From changed rows to records: a section of a case with its evidence is one; what cannot become one is refused.

Pure. A row that holds what it held when it was read last leaves nothing; one without a revision of its own gets the
next. Rows come from outside, so a refusal names the column and keeps the row as it was.
"""

import json
import logging
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from connectors.county.packing import packed_unchecked, told_time
from connectors.mapping import map_row
from connectors.mapping_model import Mapping as RowMapping
from connectors.sheets import SheetRow
from connectors.table_rows import TableRow, case_of, section_of
from connectors.wire import write_parcel
from exchange_db.attachment_records import AttachmentRef
from exchange_db.inbox import Refusal
from exchange_db.intermediate import schema
from exchange_db.intermediate.reading.pages import ChangedRow, Key, Values
from exchange_db.pickups import GONE, PickedRow, RowState
from exchange_db.records import Action, Case, Component, Violated, Violation
from hub.intermediate.sources import Followed

logger = logging.getLogger(__name__)

#: Most actions one record carries.
_MOST_ACTIONS = 50
#: Where the revision stands in a row of our tables; ``None`` for those without.
_REVISION_PLACES = {
    table.name: table.names.index("revision") if "revision" in table.names else None for table in schema.SHARED
}
_ENCODER = msgspec.msgpack.Encoder()
#: What rows held when they were read last, by table and key text.
States = Mapping[tuple[str, str], RowState]


class Translated(NamedTuple):
    """What a page became: parcels and refusals in order, and the rows behind them."""

    items: list[bytes | Refusal]
    rows: list[PickedRow]


class _Part(NamedTuple):
    """A row of a case and the section, action or evidence it is."""

    row: ChangedRow
    key_text: str
    part: Any
    revision: int
    content_hash: bytes


def key_text(key: Key) -> str:
    """Returns a key as it is told everywhere: a JSON array of texts."""
    return msgspec.json.encode(key).decode()


class Translation:
    """Translates one page.

    Args:
        peer_id: the partner, in whose name the records are.
        followed: the tables and their mappings.
        states: what rows of the page held before.
        is_asked: also rows that hold what they held become records.
    """

    def __init__(
        self, peer_id: str, followed: Mapping[str, Followed], states: States, *, is_asked: bool = False
    ) -> None:
        self._is_asked = is_asked
        self._peer_id = peer_id
        self._followed = followed
        self._states = states
        self._made = Translated([], [])
        self._cases: dict[Key, list[_Part]] = {}
        #: Sections that did not change, by table and case; evidence may name them.
        self._unchanged: dict[tuple[str, Key], ChangedRow] = {}

    def translate(self, rows: list[ChangedRow]) -> Translated:
        """Returns what the rows became."""
        for row in rows:
            try:
                self._take(row)
            except Exception as error:  # noqa: BLE001 — a row that breaks this code must not hold the others for ever
                self._refuse_broken([row], error)
        for key, parts in self._cases.items():
            try:
                self._write_case(key, self._with_sections(key, parts))
            except Exception as error:  # noqa: BLE001 — the same
                self._refuse_broken([part.row for part in parts], error)
        return self._made

    def _refuse_broken(self, rows: list[ChangedRow], error: Exception) -> None:
        name = f"{rows[0].table} {key_text(rows[0].key)}"
        logger.error("pickup %s: row %s", self._peer_id, name, exc_info=error)
        self._refuse(Violated("INTERNAL", rows[0].table, name).violation, rows)

    def _take(self, row: ChangedRow) -> None:
        mapping = self._followed[row.table].mapping
        if row.values is None:
            self._take_gone(row)
        elif mapping is None:
            self._take_ours(row, row.values)
        else:
            self._take_theirs(row, row.values, mapping)

    def _take_gone(self, row: ChangedRow) -> None:
        if not row.key:
            self._refuse(Violated("TABLE_EMPTIED", row.table, row.table).violation, [row])
            return
        state = self._states.get((row.table, key_text(row.key)))
        if state is None or state.content_hash != GONE:
            self._refuse(Violated("ROW_DELETED", row.table, key_text(row.key)).violation, [row], GONE)

    def _take_ours(self, row: ChangedRow, values: Values) -> None:
        content = _hash(values[:-1])  # when the row was written is no content
        key = key_text(row.key)
        state = self._states.get((row.table, key))
        if state is not None and state.content_hash == content:
            self._unchanged[row.table, row.key] = row
            return
        part = self._part(row, values, content, key)
        if part is None:
            return
        if isinstance(part.part, Component):
            self._write(part.part, [part])
        else:
            self._cases.setdefault(row.key[:2], []).append(part)

    def _part(self, row: ChangedRow, values: Values, content: bytes, key: str) -> _Part | None:
        """Reads a row; ``None`` when it is refused."""
        table = schema.TABLES[row.table]
        revision = 0
        if (place := _REVISION_PLACES[row.table]) is not None:
            own = values[place]
            state = self._states.get((row.table, key))
            revision = own if isinstance(own, int) and own else (state.revision + 1 if state else 1)
        try:
            return _Part(row, key, section_of(TableRow(table, values), revision), revision, content)
        except Violated as refused:
            self._refuse(refused.violation, [row])
            return None

    def _with_sections(self, key: Key, parts: list[_Part]) -> list[_Part]:
        """Adds the sections that evidence among the parts belongs to, as they stand; refuses it where there is none."""
        there = {part.row.table for part in parts}
        kept = []
        for part in parts:
            if isinstance(part.part, AttachmentRef):
                table = schema.SECTIONS[part.part.section].name
                section = self._unchanged.get((table, key))
                if table not in there and section is not None and section.values is not None:
                    added = self._part(section, section.values, _hash(section.values[:-1]), key_text(key))
                    if added is not None:
                        there.add(table)
                        kept.append(added)
                if table not in there:
                    violation = Violated("FIELD_MISSING", f"{part.row.table}.section", part.part.section).violation
                    self._refuse(violation, [part.row])
                    continue
            kept.append(part)
        return kept

    def _write_case(self, key: Key, parts: list[_Part]) -> None:
        """Writes a record for each section with its evidence, so that one that is refused takes no other along."""
        issuer_id, case_no = key
        sections: dict[str, list[_Part]] = {table.name: [] for table in schema.SECTIONS.values()}
        actions = []
        for part in parts:
            if isinstance(part.part, Action):
                actions.append(part)
            elif isinstance(part.part, AttachmentRef):
                sections[schema.SECTIONS[part.part.section].name].append(part)
            else:
                sections[part.row.table].insert(0, part)
        together = [some for some in sections.values() if some]
        # Actions go along with the first section: the report, where it is there.
        for start in range(0, len(actions), _MOST_ACTIONS):
            some = actions[start : start + _MOST_ACTIONS]
            if start or not together:
                together.append(some)
            else:
                together[0] += some
        for some in together:
            told = ((schema.TABLES[part.row.table], part.part) for part in some)
            self._write(case_of(issuer_id, case_no, told), some)

    def _take_theirs(self, row: ChangedRow, values: Values, mapping: RowMapping) -> None:
        content = _hash(values)
        key = key_text(row.key)
        state = self._states.get((row.table, key))
        if state is not None and state.content_hash == content and not self._is_asked:
            return
        columns = self._followed[row.table].table.columns
        texts = {name: "" if value is None else value for name, value in zip(columns, values, strict=True)}
        mapped = map_row(mapping, SheetRow(0, texts))
        if mapped.violation is not None:
            self._refuse(mapped.violation, [row])
        elif mapped.record is not None:
            self._write(mapped.record, [_Part(row, key, None, _revision_in(mapped.record), content)])

    def _write(self, record: Case | Component, parts: list[_Part]) -> None:
        try:
            payload = self._payload(record, parts)
        except (ValueError, TypeError) as error:
            # A number too large for its field, say, or a half of a surrogate pair.
            violation = Violated("FIELD_INVALID", parts[0].row.table, error).violation
            self._refuse(violation, [part.row for part in parts])
            return
        ordinal = len(self._made.items)
        self._made.items.append(payload)
        self._made.rows.extend(
            PickedRow(ordinal, part.row.table, part.key_text, part.revision, part.content_hash) for part in parts
        )

    def _payload(self, record: Case | Component, parts: list[_Part]) -> bytes:
        if parts[0].part is None:
            return packed_unchecked(self._peer_id, record).payload
        # In our tables a row is the record, so its hash may stand for it; the key is part of the content.
        said = b"".join([b"%b %d " % (part.content_hash, part.revision) for part in parts])
        message_id = UUID(bytes=blake2b(said, digest_size=16, person=b"picked-up row").digest())
        return write_parcel(message_id, self._peer_id, told_time(record), record)

    def _refuse(self, violation: Violation, rows: list[ChangedRow], content_hash: bytes | None = None) -> None:
        ordinal = len(self._made.items)
        self._made.rows.extend(PickedRow(ordinal, row.table, key_text(row.key), 0, content_hash) for row in rows)
        image = json.dumps([self._image(row) for row in rows], ensure_ascii=False, default=str)
        self._made.items.append(Refusal(violation, self._peer_id, image.encode(errors="replace")))

    def _image(self, row: ChangedRow) -> dict[str, Any]:
        image: dict[str, Any] = {"table": row.table, "key": row.key}
        if row.values is not None:
            image["row"] = dict(zip(self._followed[row.table].table.columns, row.values, strict=True))
        return image


def _hash(values: Values) -> bytes:
    try:
        told = _ENCODER.encode(values)
    except (TypeError, ValueError, OverflowError):
        # No engine gives such values for a table of ours; they are refused, and known again.
        told = repr(values).encode(errors="replace")
    return blake2b(told, digest_size=16).digest()


def _revision_in(record: Case | Component) -> int:
    if isinstance(record, Component):
        return record.revision
    sections = (record.report, record.assignment, record.handling, record.verdict)
    return max((section.revision for section in sections if section is not None), default=0)
