"""What delivery needs of intake, handed in by ``hub.bootstrap``: the way fetched parcels enter the log."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from auth.principal import Principal
from exchange_db.inbox import Answer


class Taken(Protocol):
    """The intake's answer to a batch."""

    @property
    def answer(self) -> Answer:
        """What became of each parcel."""


Take = Callable[[Principal, int, int, list[bytes]], Awaitable[Taken]]
