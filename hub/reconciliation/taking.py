"""What is needed of intake, handed in by ``hub.bootstrap``: the check every record passes, and the way in."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from auth.principal import Principal
from exchange_db.inbox import Answer, Entry, Refusal
from exchange_db.seal_records import Sealed


class Taken(Protocol):
    """The intake's answer to a batch."""

    @property
    def answer(self) -> Answer:
        """What became of each parcel."""


#: Decides about one parcel of a neighbour, as intake does.
Check = Callable[[Principal, bytes], Entry | Refusal]
#: Sender, stream, first number, parcels, and what came beside them.
Take = Callable[[Principal, int, int, list[bytes], Sealed], Awaitable[Taken]]
