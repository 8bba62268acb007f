"""What signatures on batches are as they travel and are kept. Shapes only: ``auth.envelope`` makes and judges them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

#: Stream of what goes over a link between hubs, pushed, pulled or fetched by a platform: its numbers are the link's.
LINK_STREAM = "link"
#: Streams whose numbers the receiver gives: single calls, and records handed over again. Statements about batches of
#: them count from 0.
ONE_STREAM, RESEND_STREAM = "one", "resend"
#: What is asked for where the sender cannot ask the receiver before: it signs with every key it has.
ANY_ALGORITHM = ("ES256", "Ed25519", "SM2-SM3")


class Seal(NamedTuple):
    """One signature on a batch: the statement as it was signed, and the signature, 64 bytes."""

    statement: bytes
    signature: bytes


class Sealed(NamedTuple):
    """What came beside a batch: the name of its stream as the sender knows it, and the seals.

    ``signed_with`` names algorithms with which the whole call was signed and verified, where the transport does that.
    """

    stream: str
    seals: Sequence[Seal]
    signed_with: tuple[str, ...] = ()


class KeptSeal(NamedTuple):
    """A seal that held, with what proves single records: ``leaves`` are the digests of all of them, 32 bytes each.

    The numbers are those of the stream here; the statement's own count from 0 where the receiver gives them.
    """

    first_sequence: int
    last_sequence: int
    algorithm: str
    key_id: str
    seal: Seal
    leaves: bytes

    def placed_at(self, first_sequence: int) -> "KeptSeal":
        """Returns it for the batch that begins at a number here."""
        last = first_sequence + self.last_sequence - self.first_sequence
        return self._replace(first_sequence=first_sequence, last_sequence=last)


class BatchKey(NamedTuple):
    """A public key a neighbour signs its batches with, as the registry holds it.

    ``public_key`` is DER, ``card`` what bound it to the neighbour's certificate. It holds from begin to end, unless it
    was withdrawn.
    """

    peer_id: str
    key_id: str
    algorithm: str
    public_key: bytes
    begin_time: datetime
    end_time: datetime
    card: bytes
    withdrawn_time: datetime | None = None


#: Seals a batch: receiver, stream, first sequence, the parcels as sent, algorithms the receiver asks for.
Sealing = Callable[[str, str, int, Sequence[bytes], Sequence[str]], list[Seal]]


class Judging(NamedTuple):
    """What judges batches we fetch: by which algorithms they must be signed, and what raises ``Violated`` otherwise.

    ``require`` is given the stream, the first number, the parcels as they came and the seals beside them.
    """

    algorithms: tuple[str, ...]
    require: Callable[[str, int, Sequence[bytes], Sequence[Seal]], None]
