"""Streams of the hub itself: what it writes (sheets of counts) enters the log like everything else."""

from auth.principal import Principal
from exchange_db import inbox
from exchange_db.errors import ExchangeDbError
from exchange_db.session import Ledger
from hub.intake.desk import IntakeDesk


class OwnStream:
    """A stream whose sender is this hub.

    Args:
        ledger: the hub's database.
        desk: the intake desk of this process.
        hub_id: name of this hub.
        hub_region: its region.
        name: name of the stream.
    """

    def __init__(self, ledger: Ledger, desk: IntakeDesk, hub_id: str, hub_region: int, name: str) -> None:
        self._ledger = ledger
        self._desk = desk
        self._sender = Principal(hub_id, hub_region, "hub", "child", 0, "")
        self._name = name

    async def submit(self, payloads: list[bytes]) -> None:
        """Appends parcels of this hub; a repeated one has no further effect.

        Raises:
            ExchangeDbError: the database does not answer, or a parcel was refused.
        """
        async with self._ledger.watching() as connection:
            stream = await inbox.open_stream(connection, self._sender.peer_id, self._name)
        receipt = await self._desk.take(self._sender, stream.stream_id, 0, payloads)
        for violation in receipt.answer.violations.values():
            raise ExchangeDbError(f"own parcel refused: {violation.reason} {violation.field_path}")
