"""The envelope of a batch: one signature over a tree of its records, so that each can be shown alone afterwards.

What is signed is a *statement*: a few lines that name sender, receiver, stream, numbers, the root over the parcels'
bytes as they are sent, and until when it holds. It travels beside the batch and is kept; the receiver compares every
line with what it knows itself, so that a statement for another link, place or time is refused for that reason.
Pure but for chance in signatures. Called by ``hub.intake``, ``hub.delivery`` and the evidence of cases.

Source: RFC 9162 section 2.1 for the tree. That a batch is signed once and its records are proved one by one is how
X-Road signs attachments.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from auth.batch_keys import Algorithm, SigningKey, VerifyingKey
from auth.hash_tree import DIGEST_BYTES, TreeDigest, leaves_of, root_of
from exchange_db import seal_records
from exchange_db.records import Violated, printable
from exchange_db.seal_records import KeptSeal, Seal

#: First line of a statement: what it is for, and which form it has. It is a statement of nothing else.
PURPOSE = "sanji batch statement 1"
LINK_STREAM = seal_records.LINK_STREAM
#: Most seconds a clock may be ahead of ours, and the longest time a statement may hold.
MAX_AHEAD_SECONDS, MAX_VALIDITY_SECONDS = 300, 86_400
#: Most seals beside a batch, and most bytes of a statement; what is more is not read.
MAX_SEALS, MAX_STATEMENT_BYTES = 4, 1_024
_SECOND = 1_000_000
_NAMES = (
    "sender", "receiver", "stream", "first", "last", "digest", "root", "made", "ends", "algorithm", "key",
)  # fmt: skip


class Statement(NamedTuple):
    """What a signature says. Times are microseconds since 1970; ``root`` is 32 bytes."""

    sender: str
    receiver: str
    stream: str
    first_sequence: int
    last_sequence: int
    digest: TreeDigest
    root: bytes
    made_time: int
    end_time: int
    algorithm: Algorithm
    key_id: str

    def framed(self) -> bytes:
        """Returns the bytes that are signed: the purpose, then a line for each value, in this order."""
        values = (*self[:6], self.root.hex(), *self[7:])
        lines = [f"{name}: {value}\n" for name, value in zip(_NAMES, values, strict=True)]
        return f"{PURPOSE}\n{''.join(lines)}".encode()


class Batch(NamedTuple):
    """What a receiver knows of a batch itself."""

    sender: str
    receiver: str
    stream: str
    first_sequence: int
    payloads: Sequence[bytes]

    @property
    def last_sequence(self) -> int:
        """Number of the last parcel."""
        return self.first_sequence + len(self.payloads) - 1


class Sealer:
    """Signs batches in one name.

    Args:
        sender: who sends.
        keys: private keys, at most one an algorithm.
        clock: microseconds since 1970.
        validity_seconds: how long a statement holds.
    """

    def __init__(
        self, sender: str, keys: Sequence[SigningKey], clock: Callable[[], int], validity_seconds: int = 600
    ) -> None:
        self._sender = sender
        self._keys = {key.algorithm: key for key in keys}
        self._clock = clock
        self._validity_seconds = validity_seconds

    def __call__(
        self, receiver: str, stream: str, first_sequence: int, payloads: Sequence[bytes], asked: Sequence[str]
    ) -> list[Seal]:
        """Seals a batch with every algorithm that is asked for, or with the first key where none is.

        An algorithm there is no key for is left out: the receiver says what it misses.
        """
        wanted = [key for name, key in self._keys.items() if name in asked] if asked else [*self._keys.values()][:1]
        now, last_sequence = self._clock(), first_sequence + len(payloads) - 1
        roots = {key.algorithm.digest: b"" for key in wanted}
        for digest in roots:
            roots[digest] = root_of(digest, leaves_of(digest, payloads))
        seals = []
        for key in wanted:
            digest = key.algorithm.digest
            statement = Statement(
                self._sender, receiver, stream, first_sequence, last_sequence, digest, roots[digest],
                now, now + self._validity_seconds * _SECOND, key.algorithm, key.public.key_id,
            ).framed()  # fmt: skip
            seals.append(Seal(statement, key.sign(statement)))
        return seals


def read_statement(content: bytes) -> Statement:
    """Reads a statement; what is read is written back to the same bytes.

    Raises:
        ValueError: it is none.
    """
    if len(content) > MAX_STATEMENT_BYTES:
        raise ValueError("the statement is too long")
    lines = content.decode("utf-8").split("\n")
    if lines[0] != PURPOSE or len(lines) != len(_NAMES) + 2:
        raise ValueError("it is no statement about a batch")
    values = [line.removeprefix(f"{name}: ") for name, line in zip(_NAMES, lines[1:-1], strict=True)]
    first, last, made, ends = (int(values[place]) for place in (3, 4, 7, 8))
    statement = Statement(
        values[0], values[1], values[2], first, last, TreeDigest(values[5]), bytes.fromhex(values[6]),
        made, ends, Algorithm(values[9]), values[10],
    )  # fmt: skip
    if statement.framed() != content or len(statement.root) != DIGEST_BYTES:
        raise ValueError("the statement is not in its one form")
    return statement


def require_sealed(
    batch: Batch,
    seals: Sequence[Seal],
    required: Sequence[str],
    keys: Mapping[str, VerifyingKey],
    now: int,
) -> list[KeptSeal]:
    """Judges the seals of a batch before anything of it is taken.

    Every seal that can be judged must hold, whether it is required or not: a wrong one is a sign of trouble. One that
    is not required and made with a key that is not registered here cannot be judged, and is not kept.

    Args:
        batch: what the receiver knows itself.
        seals: what came with it.
        required: algorithms the link demands, each by a seal of its own; none where it demands nothing.
        keys: the sender's keys that are valid now, by name.
        now: the receiver's clock, microseconds since 1970.

    Raises:
        Violated: BATCH_UNSIGNED, BATCH_KEY_UNKNOWN, BATCH_SIGNATURE_INVALID or BATCH_SIGNATURE_EXPIRED.
    """
    if not required and not keys:
        return []
    if len(seals) > MAX_SEALS:
        raise Violated("BATCH_SIGNATURE_INVALID", "batch.signatures", f"{len(seals)} > {MAX_SEALS}")
    leaves: dict[TreeDigest, list[bytes]] = {}
    kept = []
    for seal in seals:
        statement = _held(batch, seal, required, keys, now)
        if statement is None:
            continue
        if statement.digest not in leaves:
            leaves[statement.digest] = leaves_of(statement.digest, batch.payloads)
        found = leaves[statement.digest]
        if root_of(statement.digest, found) != statement.root:
            raise Violated("BATCH_SIGNATURE_INVALID", "batch.signatures", "root ≠ parcels")
        kept.append(
            KeptSeal(
                batch.first_sequence, batch.last_sequence, statement.algorithm, statement.key_id, seal, b"".join(found)
            )
        )
    missing = [name for name in required if name not in {seal.algorithm for seal in kept}]
    if missing:
        raise Violated("BATCH_UNSIGNED", "batch.signatures", " + ".join(missing))
    return kept


def _held(
    batch: Batch, seal: Seal, required: Sequence[str], keys: Mapping[str, VerifyingKey], now: int
) -> Statement | None:
    """Returns a seal's statement if it is about this batch, of this time, and signed by the sender.

    ``None`` where it is not required and its key is not known here.
    """
    try:
        statement = read_statement(seal.statement)
    except ValueError as error:
        raise Violated("BATCH_SIGNATURE_INVALID", "batch.signatures", error) from None
    told = (statement.sender, statement.receiver, statement.stream, statement.first_sequence, statement.last_sequence)
    known = (batch.sender, batch.receiver, batch.stream, batch.first_sequence, batch.last_sequence)
    for name, said, is_so in zip(_NAMES, told, known, strict=False):
        if said != is_so:
            shown = printable(str(said))
            raise Violated("BATCH_SIGNATURE_INVALID", "batch.signatures", f"{name} {shown} ≠ {is_so}")
    if statement.digest is not statement.algorithm.digest:
        raise Violated("BATCH_SIGNATURE_INVALID", "batch.signatures", f"{statement.algorithm}, {statement.digest}")
    if statement.made_time > now + MAX_AHEAD_SECONDS * _SECOND:
        raise Violated("BATCH_SIGNATURE_EXPIRED", "batch.signatures", f"made {statement.made_time} > {now}")
    if statement.end_time <= now or statement.end_time - statement.made_time > MAX_VALIDITY_SECONDS * _SECOND:
        raise Violated("BATCH_SIGNATURE_EXPIRED", "batch.signatures", f"ends {statement.end_time}, {now}")
    key = keys.get(statement.key_id)
    if key is None and statement.algorithm not in required:
        return None
    if key is None or key.algorithm is not statement.algorithm:
        raise Violated("BATCH_KEY_UNKNOWN", "batch.signatures", f"{statement.algorithm} {printable(statement.key_id)}")
    if not key.verify(seal.statement, seal.signature):
        raise Violated("BATCH_SIGNATURE_INVALID", "batch.signatures", f"{statement.algorithm} {statement.key_id}")
    return statement
