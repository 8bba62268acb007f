"""A link's file: one range of its stream in one direction, with the answers to the other, for where there is no line.

Owns the bytes: a first line, the SHA-256 of what follows, and a ``LinkFile`` of the contract, whose content is signed
by whoever writes it. Nothing of a file is believed before its digest and its signature hold, and its name never is.
Who signs and who judges is handed in: ``auth`` is not seen from here. ``docs/files.md`` tells it to technicians.
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from google.protobuf.message import DecodeError

from connectors import verdicts
from exchange_db.records import Refused, Violated, Violation, printable
from exchange_db.seal_records import Seal
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1 import link_file_pb2, parcel_pb2, receipt_pb2

#: What a signature on a file is for: one for this is none for anything else.
PURPOSE = "sanji link file 1"
ENDING = ".sanji"
#: Most bytes of a file that is read, whatever its writer's settings are.
MAX_FILE_BYTES = 256 * 1024 * 1024
#: Most parcels and, about, most bytes of one batch in a file; a batch is taken in one transaction.
MAX_BATCH, MAX_BATCH_BYTES = 1_000, 3_500_000
_FIRST_LINE = b"SANJI LINK FILE 1\n"
_HEAD_BYTES = len(_FIRST_LINE) + hashlib.sha256().digest_size
_LONGEST_NAME = 64


class SignedContent(NamedTuple):
    """Content with its signature and the signer's certificates (PEM), as they stand in a file."""

    content: bytes
    signature: bytes
    certificates: bytes


#: Signs content in the writer's name.
Signing = Callable[[bytes], SignedContent]


class FileKeys(NamedTuple):
    """What signs a platform's files, and what raises ``Violated`` for a file that its hub did not sign."""

    sign: Signing
    judge: Callable[[SignedContent], None]


class FileBatch(NamedTuple):
    """Parcels of a stream in order, with the seals beside them."""

    first_sequence: int
    payloads: Sequence[bytes]
    seals: Sequence[Seal] = ()


class Settled(NamedTuple):
    """Numbers that are settled; those named did not simply take effect."""

    first: int
    last: int
    quarantined: Sequence[Refused] = ()
    stale: frozenset[int] = frozenset()


class StreamAnswer(NamedTuple):
    """How far a stream of the reader has come at the writer.

    ``first`` to ``last`` are on disk there, but for ``refused``; ``known`` had come before under other numbers.
    ``is_missing`` says that later numbers are known of and have not come.
    """

    stream: str
    first: int
    last: int
    refused: Sequence[Refused] = ()
    known: frozenset[int] = frozenset()
    settled: Sequence[Settled] = ()
    is_missing: bool = False


class LinkFile(NamedTuple):
    """What a file says. Times are microseconds since 1970.

    ``last_sequence`` is the last number of the stream that was put into any file; ``answered_sequence`` and
    ``settled_sequence`` say up to where the writer has verdicts and receipts on it.
    """

    sender_id: str
    receiver_id: str
    made_time: int
    stream: str
    last_sequence: int
    answered_sequence: int
    settled_sequence: int
    batches: Sequence[FileBatch] = ()
    answers: Sequence[StreamAnswer] = ()

    @property
    def span(self) -> tuple[int, int]:
        """First and last number of the parcels in it; (0, 0) where it brings none."""
        if not self.batches:
            return 0, 0
        last = self.batches[-1]
        return self.batches[0].first_sequence, last.first_sequence + len(last.payloads) - 1


def name_of(file: LinkFile) -> str:
    """Returns the name a file is written under: who to whom, stream, first and last number, and when.

    Files of one stream stand in the order of their numbers; no letter in it is one a disk or a gap device may refuse.
    """
    first, last = file.span
    moment = datetime.fromtimestamp(file.made_time / 1_000_000, UTC)
    stream = file.stream.replace(":", "_")
    return f"{file.sender_id}~{file.receiver_id}~{stream}~{first:012d}-{last:012d}~{moment:%Y%m%dT%H%M%S%fZ}{ENDING}"


def write_file(file: LinkFile, signing: Signing) -> bytes:
    """Returns the bytes of a file."""
    content = link_file_pb2.LinkFileContent(
        sender_id=file.sender_id,
        receiver_id=file.receiver_id,
        made_time=file.made_time,
        stream=file.stream,
        last_sequence=file.last_sequence,
        answered_sequence=file.answered_sequence,
        settled_sequence=file.settled_sequence,
        answers=[_answer(answer) for answer in file.answers],
    )
    for batch in file.batches:
        seals = [parcel_pb2.BatchSignature(statement=seal.statement, signature=seal.signature) for seal in batch.seals]
        content.batches.add(first_sequence=batch.first_sequence, parcels=batch.payloads, signatures=seals)
    signed = signing(content.SerializeToString(deterministic=True))
    body = link_file_pb2.LinkFile(
        content=signed.content, signature=signed.signature, certificates=signed.certificates
    ).SerializeToString(deterministic=True)
    return _FIRST_LINE + hashlib.sha256(body).digest() + body


def open_file(data: bytes) -> SignedContent:
    """Returns the signed content of a file that is whole; its signature is not judged here.

    Raises:
        Violated: FILE_DAMAGED.
    """
    if not data.startswith(_FIRST_LINE):
        raise _damaged("no link file")
    if len(data) <= _HEAD_BYTES or hashlib.sha256(data[_HEAD_BYTES:]).digest() != data[len(_FIRST_LINE) : _HEAD_BYTES]:
        raise _damaged("SHA-256")
    try:
        body = link_file_pb2.LinkFile.FromString(data[_HEAD_BYTES:])
    except DecodeError:
        raise _damaged("LinkFile") from None
    return SignedContent(body.content, body.signature, body.certificates)


def read_content(content: bytes) -> LinkFile:
    """Reads signed content; call it once the signature held.

    Raises:
        Violated: FILE_DAMAGED, it is no content, or its numbers do not follow one another.
    """
    try:
        read = link_file_pb2.LinkFileContent.FromString(content)
    except DecodeError:
        raise _damaged("LinkFileContent") from None
    if max(len(read.sender_id), len(read.receiver_id), len(read.stream)) > _LONGEST_NAME:
        raise _damaged("LinkFileContent")
    batches = [
        FileBatch(
            batch.first_sequence,
            list(batch.parcels),
            [Seal(item.statement, item.signature) for item in batch.signatures],
        )
        for batch in read.batches
    ]
    expected = batches[0].first_sequence if batches else 1
    for batch in batches:
        if batch.first_sequence != expected or expected < 1 or not 1 <= len(batch.payloads) <= MAX_BATCH:
            raise _damaged(f"batches.first_sequence {batch.first_sequence}")
        expected += len(batch.payloads)
    if not 0 <= read.made_time < 2**53 or min(read.last_sequence, read.answered_sequence, read.settled_sequence) < 0:
        raise _damaged("LinkFileContent")
    return LinkFile(
        read.sender_id, read.receiver_id, read.made_time, read.stream, read.last_sequence, read.answered_sequence,
        read.settled_sequence, batches, [_answered(answer) for answer in read.answers],
    )  # fmt: skip


def batches_of(first_sequence: int, payloads: Sequence[bytes]) -> list[FileBatch]:
    """Cuts parcels into batches that can each be taken at once."""
    batches: list[FileBatch] = []
    taken: list[bytes] = []
    size = 0
    for payload in payloads:
        if taken and (len(taken) == MAX_BATCH or size + len(payload) > MAX_BATCH_BYTES):
            batches.append(FileBatch(first_sequence, taken))
            first_sequence += len(taken)
            taken, size = [], 0
        taken.append(payload)
        size += len(payload)
    return [*batches, FileBatch(first_sequence, taken)] if taken else batches


def _damaged(value: str) -> Violated:
    return Violated("FILE_DAMAGED", "file", printable(value))


def _answer(answer: StreamAnswer) -> link_file_pb2.StreamAnswer:
    refused = [_verdict(item) for item in answer.refused]
    known = [
        receipt_pb2.Verdict(sequence=number, outcome=receipt_pb2.OUTCOME_DUPLICATE) for number in sorted(answer.known)
    ]
    return link_file_pb2.StreamAnswer(
        stream=answer.stream,
        first_sequence=answer.first,
        last_sequence=answer.last,
        exceptions=refused + known,
        receipts=[_receipts(settled) for settled in answer.settled],
        is_missing=answer.is_missing,
    )


def _verdict(item: Refused) -> receipt_pb2.Verdict:
    told = item.violation
    return receipt_pb2.Verdict(
        sequence=item.sequence, outcome=receipt_pb2.OUTCOME_REFUSED, reason=told.reason, field_path=told.field_path,
        message=told.message, message_zh=told.message_zh,
    )  # fmt: skip


def _receipts(settled: Settled) -> exchange.ReceiptRange:
    return exchange.ReceiptRange(
        first_sequence=settled.first,
        last_sequence=settled.last,
        exceptions=[
            *(_receipt(item.sequence, receipt_pb2.BUSINESS_STATE_QUARANTINED, item) for item in settled.quarantined),
            *(_receipt(number, receipt_pb2.BUSINESS_STATE_STALE) for number in sorted(settled.stale)),
        ],
    )


def _receipt(
    sequence: int, state: receipt_pb2.BusinessState.ValueType, item: Refused | None = None
) -> receipt_pb2.Receipt:
    told = item.violation if item else Violation("", "", "", "")
    return receipt_pb2.Receipt(
        sequence=sequence, state=state, reason=told.reason, field_path=told.field_path, message=told.message,
        message_zh=told.message_zh,
    )  # fmt: skip


def _answered(answer: link_file_pb2.StreamAnswer) -> StreamAnswer:
    verdict = exchange.BatchVerdict(verdicts=answer.exceptions)
    duplicate, stale = receipt_pb2.OUTCOME_DUPLICATE, receipt_pb2.BUSINESS_STATE_STALE
    return StreamAnswer(
        answer.stream,
        answer.first_sequence,
        answer.last_sequence,
        verdicts.refused(verdict),
        frozenset(item.sequence for item in answer.exceptions if item.outcome == duplicate),
        [
            Settled(
                told.first_sequence,
                told.last_sequence,
                verdicts.quarantined(told),
                frozenset(item.sequence for item in told.exceptions if item.state == stale),
            )
            for told in answer.receipts
        ],
        answer.is_missing,
    )
