"""What delivery needs of intake, handed in by ``hub.bootstrap``: the way fetched parcels enter the log."""

from typing import Protocol

from auth.principal import Principal
from exchange_db.inbox import Answer
from exchange_db.seal_records import Sealed


class Taken(Protocol):
    """The intake's answer to a batch."""

    @property
    def answer(self) -> Answer:
        """What became of each parcel."""


class Take(Protocol):
    """Hands a batch in and waits until it is on disk."""

    async def __call__(
        self, sender: Principal, stream_id: int, first_sequence: int, payloads: list[bytes], sealed: Sealed | None, /
    ) -> Taken:
        """Returns what became of it; raises ``Violated`` when it is not signed as the link demands."""
