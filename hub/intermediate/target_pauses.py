"""Tables of a partner's own that cannot be written for now; the others go on.

A table is paused when it is not as its link file says, or its engine refuses the hub's statement. Rows for it are left
out of batches from then on; from which number on is kept in the ledger before any batch without them is committed.
Once the table takes rows again, what it missed is written from the parcels, oldest first, and only then it is in the
batches again. One that went back to a backup misses what all of that database misses.
"""

import logging
import re

from exchange_db import outbox, pickups
from exchange_db.intermediate.partner import PartnerRefused
from exchange_db.intermediate.writing.targets import Bad, Target
from exchange_db.session import Dedicated
from hub.intermediate.link_files import DatabaseLink, TargetTable
from hub.intermediate.marks import Standing
from hub.intermediate.writeback_parcels import Batch, ParcelSource

logger = logging.getLogger(__name__)

#: Name under which it is kept from which number on a table misses rows.
PREFIX = "unwritten/"
#: Parcels that are turned into rows at once when a table catches up.
_PARCELS = 1_000


class TableRefused(Exception):
    """The partner's engine refuses a table's rows altogether: nothing of the transaction can stand."""

    def __init__(self, target: Target, refusal: str) -> None:
        super().__init__(refusal)
        self.target = target


class TargetPauses:
    """The paused tables of one partner, while it is connected.

    Args:
        connection: to the ledger, for this alone.
        link: its link file; only tables it names as targets can be paused.
    """

    def __init__(self, connection: Dedicated, link: DatabaseLink) -> None:
        self._driver = connection.driver
        self._peer_id = link.peer
        self._told_of = {target.name: target for target in link.target}
        self._paused: dict[Target, str] = {}

    @property
    def told(self) -> str:
        """What is said about the paused tables, in both languages; empty when there is none."""
        return "; ".join(self._paused.values())

    def is_paused(self, target: Target) -> bool:
        """Tells whether rows for a table are left out."""
        return target in self._paused

    def can_pause(self, target: Target) -> bool:
        """Tells whether it is a table of the partner's own."""
        return target.table in self._told_of

    async def take_up(self, targets: tuple[Target, ...], delivered: int) -> None:
        """Pauses the tables that still missed rows when the partner was left; ``resume`` looks at them."""
        kept = await pickups.positions_like(self._driver, self._peer_id, PREFIX)
        for target in targets:
            since = kept.get(f"{PREFIX}{target.table}")
            if since is not None and self.can_pause(target):
                self._paused[target] = _told(self._told_of[target.table], "补写中 / being brought up to date")
                await self._keep(target, min(int(since), delivered))

    async def pause(self, target: Target, refusal: str, delivered: int) -> None:
        """Leaves a table out from the number behind ``delivered`` on; names the columns and the lines of its link."""
        told = _told(self._told_of[target.table], refusal)
        if self._paused.get(target) == told:
            return
        logger.warning("write-back %s: %s is not written for now: %s", self._peer_id, target.table, told)
        if target not in self._paused:
            await self._keep(target, delivered)
        self._paused[target] = told

    async def _keep(self, target: Target, since: int) -> None:
        await pickups.save_position(self._driver, self._peer_id, f"{PREFIX}{target.table}", str(since))

    async def resume(self, standing: Standing, source: ParcelSource, destination_id: int) -> list[Bad]:
        """Looks whether paused tables take rows, and writes what they missed.

        Returns:
            The rows among them that were refused.
        """
        bad: list[Bad] = []
        for target in list(self._paused):
            try:
                await standing.session.prepare(target)
                while self.is_paused(target):
                    bad += await self._catch_up(target, standing, source, destination_id)
            except PartnerRefused as refusal:
                await self.pause(target, str(refusal), standing.marks.delivered_sequence)
        return bad

    async def _catch_up(
        self, target: Target, standing: Standing, source: ParcelSource, destination_id: int
    ) -> list[Bad]:
        """Writes the next rows a table missed; at their end lets it be written with the others."""
        name = f"{PREFIX}{target.table}"
        since = int(await pickups.position_of(self._driver, self._peer_id, name) or 0)
        parcels = await outbox.fetch(self._driver, destination_id, since, _PARCELS)
        batch: Batch | None = await source.batch(parcels) if parcels else None
        told = self._paused[target]
        try:
            async with standing.session.transaction():
                # Nobody moves the mark, or leaves rows out, meanwhile.
                reached = standing.marks.delivered_sequence
                items = [one for one in batch.items[target] if one.sequence <= reached] if batch else []
                bad = await standing.session.put(target, items) if items else []
                since = min(batch.last_sequence, reached) if batch else reached
                if since == reached:
                    del self._paused[target]
        except BaseException:
            self._paused[target] = told
            raise
        if self.is_paused(target):
            await self._keep(target, since)
        else:
            await pickups.forget_position(self._driver, self._peer_id, name)
            logger.info("write-back %s: %s is written again", self._peer_id, target.table)
        return bad


def _told(told: TargetTable, refusal: str) -> str:
    """Returns a refusal with the lines of the link file that name its columns."""
    lines = [f"{theirs} = {ours!r}" for theirs, ours in {**told.columns, **told.constants}.items()
             if re.search(rf"(?<!\w){re.escape(theirs)}(?!\w)", refusal)]  # fmt: skip
    named = f"（target.columns {'; '.join(lines)}）" if lines else ""
    return f"{told.name} 暂停写入 / is not written for now: {refusal}{named}"
