"""The proof of a case: its records with receipts, seals and keys in one file that anybody can check offline.

Owns the file's form and the checking. Three things hold it together, each alone enough to notice what the others
would not: the exporting hub's signature over all of it, each sender's seal over the batch a record came in, and the
cards that lead from a sender's key to the federation's authority. Pure: no database, no network. Made by
``hub.evidence.casefile``, checked by ``sanji evidence verify``.
"""

import base64
import binascii
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec import DecodeError, Struct, json

from auth import key_cards, signatures
from auth.batch_keys import VerifyingKey
from auth.envelope import LINK_STREAM, Statement, read_statement
from auth.hash_tree import is_included, leaf_of
from auth.sm import SmUnavailable
from exchange_db.records import Violated

#: What the file is signed for, and its form.
PURPOSE = "sanji case proof 1"
#: Name under which a hub numbers what it fetched; there the sender's statement names the link.
FETCHED_STREAM = "fetched"
#: Most bytes of a file.
MAX_PROOF_BYTES = 64 * 1024 * 1024
#: Microseconds a record may have been received before its statement was made: clocks differ by so much.
_AHEAD = 300_000_000


class ProvedSeal(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A seal on the batch a record came in, and the record's path in its tree; bytes in base64.

    ``place`` is the record's in a batch that counts from 0, because its receiver gave the numbers; else 0.
    """

    statement: str
    signature: str
    path: tuple[str, ...]
    place: int = 0


class ProvedRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """A record as it came; ``parcel`` is its bytes in base64, times are microseconds since 1970, 0 for not yet."""

    sender: str
    stream: str
    sequence: int
    received_time: int
    parcel: str
    state: str
    reason: str
    settled_time: int
    seals: tuple[ProvedSeal, ...]


class ProvedKey(Struct, frozen=True, forbid_unknown_fields=True):
    """A signing key of a sender: its card, and when this hub ended it, 0 for never."""

    key_id: str
    card: str
    withdrawn_time: int


class Passed(Struct, frozen=True, forbid_unknown_fields=True):
    """A record that went on to a neighbour, with its number there and how far it came."""

    neighbour: str
    sequence: int
    is_accepted: bool
    is_settled: bool


class Proof(Struct, frozen=True, forbid_unknown_fields=True):
    """All that is told about a case by one hub."""

    form: str
    hub_id: str
    exported_time: int
    issuer_id: str
    case_no: str
    case_state: str
    record_count: int
    records: tuple[ProvedRecord, ...]
    keys: tuple[ProvedKey, ...]
    passed: tuple[Passed, ...]

    def canonical(self) -> bytes:
        """Returns the bytes the exporting hub signs."""
        return json.encode(self, order="sorted")


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    proof: Proof
    signature: str
    certificates: str


class Finding(NamedTuple):
    """What was found about one record: with which keys its batch was signed; none where its sender did not sign."""

    record: ProvedRecord
    signed_with: tuple[str, ...]


class Checked(NamedTuple):
    """A file that holds. ``is_trusted`` says that everything led to the authority that was given."""

    proof: Proof
    exporter: str
    findings: tuple[Finding, ...]
    is_trusted: bool


#: Tells which case a parcel is about: (issuer, number); ``None`` when it is about none.
CaseOf = Callable[[bytes], tuple[str, str] | None]


def write_proof(proof: Proof, certificates: bytes, key: bytes) -> bytes:
    """Signs a proof with the hub's certificate and returns the file.

    Raises:
        ValueError: certificate and key cannot be used for signing.
    """
    signed = signatures.sign(PURPOSE, proof.canonical(), certificates, key)
    return json.format(
        json.encode(_File(proof, base64.b64encode(signed.signature).decode(), signed.certificates.decode()))
    )


def verify_proof(content: bytes, authorities: bytes, case_of: CaseOf) -> Checked:
    """Checks a file from anywhere.

    Args:
        content: the file.
        authorities: PEM of the federation's authorities; empty to check only that nothing was changed.
        case_of: reads a parcel.

    Raises:
        Violated: the first thing that does not hold: one of the EVIDENCE_… reasons.
    """
    proof, signed = _read(content)
    exporter = _exporter(proof, signed, authorities)
    if proof.record_count != len(proof.records) or not proof.records:
        told = f"{len(proof.records)} / {proof.record_count}"
        raise Violated("EVIDENCE_INCOMPLETE", "records", told)
    places = {(record.sender, record.stream, record.sequence) for record in proof.records}
    if len(places) != len(proof.records):
        raise Violated("EVIDENCE_INCOMPLETE", "records", f"{len(places)} < {len(proof.records)}")
    cards = _Cards(proof, authorities)
    findings = tuple(
        _checked(f"records[{number}]", proof, record, cards, case_of) for number, record in enumerate(proof.records)
    )
    return Checked(proof, exporter, findings, bool(authorities))


def _read(content: bytes) -> tuple[Proof, signatures.Signed]:
    if len(content) > MAX_PROOF_BYTES:
        raise Violated("EVIDENCE_UNREADABLE", "", f"{len(content)} B")
    try:
        file = json.decode(content, type=_File)
        signature = base64.b64decode(file.signature, validate=True)
    except (DecodeError, UnicodeDecodeError, binascii.Error, RecursionError) as error:
        raise Violated("EVIDENCE_UNREADABLE", "", error) from None
    if file.proof.form != PURPOSE:
        raise Violated("EVIDENCE_UNREADABLE", "proof.form", file.proof.form)
    signed = signatures.Signed(file.proof.canonical(), signature, file.certificates.encode())
    return file.proof, signed


def _exporter(proof: Proof, signed: signatures.Signed, authorities: bytes) -> str:
    """Returns who signed the file: the hub it names, and with authorities given, one of theirs."""
    try:
        moment = datetime.fromtimestamp(proof.exported_time / 1_000_000, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise Violated("EVIDENCE_UNREADABLE", "proof.exported_time", error) from None
    try:
        if authorities:
            exporter = signatures.signer_of(PURPOSE, signed, authorities, moment)
        else:
            exporter = signatures.signer_unproved(PURPOSE, signed)
    except Violated as violated:
        is_content = violated.violation.field_path == "signature"
        reason = "EVIDENCE_ALTERED" if is_content else "EVIDENCE_EXPORTER_UNKNOWN"
        raise Violated(reason, violated.violation.field_path, violated.violation.message) from None
    if exporter != proof.hub_id:
        raise Violated("EVIDENCE_EXPORTER_UNKNOWN", "certificates", f"{exporter} ≠ {proof.hub_id}")
    return exporter


class _Cards:
    """The cards of a proof, each read once, when a seal asks for its key."""

    def __init__(self, proof: Proof, authorities: bytes) -> None:
        self._held = {key.key_id: key for key in proof.keys}
        self._authorities = authorities
        self._read: dict[str, key_cards.Card] = {}

    def key_of(self, path: str, statement: Statement) -> VerifyingKey:
        """Returns the key a statement names, if it was its sender's and valid when the statement was made."""
        held = self._held.get(statement.key_id)
        if held is None:
            raise Violated("EVIDENCE_KEY_INVALID", path, f"{statement.key_id}: -")
        card = self._read.get(statement.key_id)
        if card is None:
            try:
                if self._authorities:
                    card = key_cards.read_card(held.card.encode(), self._authorities)
                else:
                    card = key_cards.read_unproved(held.card.encode())
            except Violated as violated:
                raise Violated("EVIDENCE_KEY_INVALID", path, violated.violation.message) from None
            self._read[statement.key_id] = card
        made = datetime.fromtimestamp(statement.made_time / 1_000_000, UTC)
        is_theirs = card.key.key_id == statement.key_id and card.platform_id == statement.sender
        if not is_theirs or card.key.algorithm is not statement.algorithm:
            raise Violated("EVIDENCE_KEY_INVALID", path, f"{card.platform_id} {card.key.algorithm} {card.key.key_id}")
        if not card.begin_time <= made < card.end_time or 0 < held.withdrawn_time <= statement.made_time:
            raise Violated("EVIDENCE_KEY_INVALID", path, f"{statement.key_id}, {made:%Y-%m-%d %H:%M:%S}")
        return card.key


def _checked(path: str, proof: Proof, record: ProvedRecord, cards: _Cards, case_of: CaseOf) -> Finding:
    try:
        parcel = base64.b64decode(record.parcel, validate=True)
    except binascii.Error as error:
        raise Violated("EVIDENCE_UNREADABLE", f"{path}.parcel", error) from None
    about = case_of(parcel)
    if about != (proof.issuer_id, proof.case_no):
        told = "/".join(about) if about else "-"
        raise Violated("EVIDENCE_RECORD_UNPROVED", f"{path}.parcel", f"{told} ≠ {proof.issuer_id}/{proof.case_no}")
    signed_with = []
    for place, seal in enumerate(record.seals):
        signed_with.append(_judged(f"{path}.seals[{place}]", proof, record, parcel, seal, cards))
    return Finding(record, tuple(signed_with))


def _judged(path: str, proof: Proof, record: ProvedRecord, parcel: bytes, seal: ProvedSeal, cards: _Cards) -> str:
    """Returns with what a record's batch was signed, if the seal holds for it."""
    try:
        statement = read_statement(seal.statement.encode())
        signature = base64.b64decode(seal.signature, validate=True)
        nodes = [bytes.fromhex(node) for node in seal.path]
    except (ValueError, binascii.Error) as error:
        raise Violated("EVIDENCE_UNREADABLE", path, error) from None
    stream = LINK_STREAM if record.stream == FETCHED_STREAM else record.stream
    told = (statement.sender, statement.receiver, statement.stream)
    if told != (record.sender, proof.hub_id, stream):
        raise Violated("EVIDENCE_RECORD_UNPROVED", path, " → ".join(told))
    place = record.sequence if statement.first_sequence else seal.place
    if not statement.first_sequence <= place <= statement.last_sequence:
        numbers = f"{statement.first_sequence} … {statement.last_sequence}"
        raise Violated("EVIDENCE_RECORD_UNPROVED", path, f"{place}: {numbers}")
    if not statement.made_time - _AHEAD <= record.received_time <= statement.end_time:
        raise Violated("EVIDENCE_SIGNATURE_INVALID", path, f"{statement.made_time}, {record.received_time}")
    try:
        key = cards.key_of(path, statement)
    except SmUnavailable as error:
        raise Violated("EVIDENCE_KEY_INVALID", path, error) from None
    if not key.verify(seal.statement.encode(), signature):
        raise Violated("EVIDENCE_SIGNATURE_INVALID", path, f"{statement.algorithm} {statement.key_id}")
    index, size = place - statement.first_sequence, statement.last_sequence - statement.first_sequence + 1
    if not is_included(statement.digest, leaf_of(statement.digest, parcel), index, size, nodes, statement.root):
        raise Violated("EVIDENCE_RECORD_UNPROVED", path, f"{record.sender} {record.stream} {record.sequence}")
    return f"{statement.algorithm} {statement.key_id}"
