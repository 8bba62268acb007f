"""Cases as they stood at an earlier moment of the log: folded once more from the records that had taken effect by then.

The moment is one cursor a partition (``exchange_db.frozen_figures.cursors``). The log keeps every record, so nothing
else need be kept for this. Made by ``hub.bootstrap`` and the command line for ``hub.statistics.corrections``, which
asks which cases have changed since figures were published.
"""

from collections.abc import AsyncIterator, Sequence

from connectors.wire import read_parcel
from exchange_db import case_past, cases, inbox
from exchange_db.cases import CaseRow
from exchange_db.facts import CaseFacts, facts_of, read_facts
from exchange_db.records import Case, Violated
from exchange_db.session import HotSession
from hub.apply.lifecycle import fold

_BATCH = 500


async def changed_cases(
    session: HotSession, since: Sequence[int], until: Sequence[int]
) -> AsyncIterator[tuple[CaseRow | None, CaseRow]]:
    """Yields the cases that changed between two moments of the log, as they stood at the first and as they stand now.

    Args:
        session: a transaction that reads one picture, taken at ``until``.
        since: cursors of the first moment, by partition.
        until: cursors of now, by partition.

    Yields:
        The case then, ``None`` for one that was not known, and the case now.
    """
    keys = await case_past.keys_between(session, since, until)
    for start in range(0, len(keys), _BATCH):
        now = await cases.load(session, await case_past.homes_of(session, keys[start : start + _BATCH]))
        past = await _replayed(session, list(now.values()), since)
        for case_id, row in now.items():
            yield past.get(case_id), row


async def _replayed(session: HotSession, rows: list[CaseRow], since: Sequence[int]) -> dict[bytes, CaseRow]:
    records = await case_past.records_until(session, [(row.home_region, row.case_id) for row in rows], since)
    facts = {record.inbox_id: read_facts(record.facts) if record.facts else None for record in records}
    bare = [record for record in records if facts[record.inbox_id] is None]
    facts |= {inbox_id: _read(payload) for inbox_id, payload in (await inbox.payloads(session, bare)).items()}
    past: dict[bytes, CaseRow] = {}
    for record in records:
        case_id, told = record.record_key, facts[record.inbox_id]
        if told is None:
            continue
        try:
            past[case_id] = fold(past.get(case_id), case_id, told, record.inbox_id).row
        except Violated:
            # It took effect once, under rules of then; what it changed is told by the records after it.
            continue
    return past


def _read(payload: bytes) -> CaseFacts | None:
    try:
        parcel = read_parcel(payload)
    except Violated:
        return None
    return facts_of(parcel.record, parcel.origin_id, parcel.created_time) if isinstance(parcel.record, Case) else None
