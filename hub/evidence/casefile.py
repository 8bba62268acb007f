"""Putting the proof of a case together from the ledger. Called by ``sanji evidence export``."""

import base64

from auth.case_proof import PURPOSE, Passed, Proof, ProvedKey, ProvedRecord, ProvedSeal
from auth.envelope import read_statement
from auth.hash_tree import DIGEST_BYTES, inclusion_proof, leaf_of
from connectors.wire import read_parcel
from exchange_db import case_evidence, cases, seals, tracing
from exchange_db.case_evidence import HeldRecord
from exchange_db.cases import CaseState
from exchange_db.keys import case_key
from exchange_db.receipts import APPLIED, PENDING, QUARANTINED, STALE
from exchange_db.records import Case, Violated
from exchange_db.regions import region_of, subtree
from exchange_db.seal_records import BatchKey, KeptSeal
from exchange_db.session import ReadSession

#: A hub's own operator sees every case.
_EVERYWHERE = 0
_STATES = {PENDING: "pending", APPLIED: "applied", STALE: "stale", QUARANTINED: "quarantined"}


async def proof_of(session: ReadSession, hub_id: str, issuer_id: str, case_no: str, now: int) -> Proof:
    """Returns the proof of a case as this hub holds it.

    Args:
        session: the transaction.
        hub_id: name of this hub.
        issuer_id: platform that gave the number.
        case_no: the number.
        now: the hub's clock, microseconds since 1970.

    Raises:
        Violated: CASE_NOT_FOUND, or PLATFORM_ID_INVALID.
    """
    try:
        home = region_of(issuer_id)
    except ValueError:
        raise Violated("PLATFORM_ID_INVALID", "issuer", issuer_id) from None
    row = await cases.find(session, home, case_key(issuer_id, case_no), subtree(_EVERYWHERE))
    if row is None:
        raise Violated("CASE_NOT_FOUND", "case", case_no)
    records, used = [], set()
    for held in await case_evidence.records_of(session, row):
        kept = _fitting(held, await seals.covering(session, held.stream_id, held.sequence))
        used |= {(held.sender_id, seal.key_id) for seal in kept}
        records.append(_record(held, kept))
    keys = [await seals.key_named(session, *named) for named in sorted(used)]
    return Proof(
        form=PURPOSE,
        hub_id=hub_id,
        exported_time=now,
        issuer_id=issuer_id,
        case_no=case_no,
        case_state=CaseState(row.state).name.lower(),
        record_count=len(records),
        records=tuple(records),
        keys=tuple(_key(key) for key in keys if key is not None),
        passed=tuple(
            Passed(trail.peer_id, trail.sequence, trail.is_acked, trail.is_settled)
            for trail in await tracing.deliveries(session, row)
        ),
    )


def case_of(parcel: bytes) -> tuple[str, str] | None:
    """Tells which case a parcel is about: (issuer, number)."""
    try:
        record = read_parcel(parcel).record
    except Violated:
        return None
    return (record.issuer_id, record.case_no) if isinstance(record, Case) else None


def _fitting(held: HeldRecord, kept: list[KeptSeal]) -> list[KeptSeal]:
    """Returns of each algorithm the first seal whose batch held these bytes under the record's number."""
    found: dict[str, KeptSeal] = {}
    for seal in kept:
        digest = read_statement(seal.seal.statement).digest
        begin = (held.sequence - seal.first_sequence) * DIGEST_BYTES
        if seal.leaves[begin : begin + DIGEST_BYTES] == leaf_of(digest, held.payload):
            found.setdefault(seal.algorithm, seal)
    return list(found.values())


def _record(held: HeldRecord, kept: list[KeptSeal]) -> ProvedRecord:
    return ProvedRecord(
        sender=held.sender_id,
        stream=held.stream,
        sequence=held.sequence,
        received_time=held.received_time,
        parcel=base64.b64encode(held.payload).decode(),
        state=_STATES[held.state if held.settled_time else PENDING],
        reason=held.reason,
        settled_time=held.settled_time,
        seals=tuple(_seal(seal, held.sequence) for seal in kept),
    )


def _seal(kept: KeptSeal, sequence: int) -> ProvedSeal:
    statement = read_statement(kept.seal.statement)
    leaves = [kept.leaves[start : start + DIGEST_BYTES] for start in range(0, len(kept.leaves), DIGEST_BYTES)]
    path = inclusion_proof(statement.digest, leaves, sequence - kept.first_sequence)
    return ProvedSeal(
        kept.seal.statement.decode(),
        base64.b64encode(kept.seal.signature).decode(),
        tuple(node.hex() for node in path),
        0 if statement.first_sequence else sequence - kept.first_sequence,
    )


def _key(key: BatchKey) -> ProvedKey:
    withdrawn = round(key.withdrawn_time.timestamp() * 1_000_000) if key.withdrawn_time else 0
    return ProvedKey(key.key_id, key.card.decode(), withdrawn)
