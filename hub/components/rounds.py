"""Rounds of ownership confirmation: opening one, taking answers, telling how far it is, and what was agreed.

Called by ``hub.rpc`` for neighbours and by the command line. Rules stand in ``hub.components.ownership``.
"""

from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy.exc import IntegrityError

from exchange_db import components, ownership
from exchange_db.keys import component_key
from exchange_db.ownership import ROLES, Item, ItemFilter, ItemState, Round, UnitProgress
from exchange_db.records import Component, Violated, Violation
from exchange_db.regions import Subtree, region_of, subtree
from exchange_db.session import Ledger, WriteSession
from hub.clock import Clock
from hub.components.ownership import Answer, AnswerKind, answered, changed_component
from hub.recording import recorded

#: Answers taken in one transaction, and agreed changes given out at once.
MOST_ANSWERS, MOST_CHANGES = 1_000, 1_000


class GivenAnswer(NamedTuple):
    """An answer and the component it is about, named by its keeper and code."""

    owner_id: str
    component_id: str
    answer: Answer


class RoundDesk:
    """Keeps the rounds of this hub.

    Args:
        ledger: the hub's database.
        hub_region: region of this hub.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, hub_region: int, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self.hub_region = hub_region

    async def open(self, round_id: str, title: str, region: int, role: str, opened_by: str) -> int:
        """Opens a round and makes the list of every unit; returns how many components are asked about.

        Raises:
            Violated: ARGUMENT_INVALID, the name is taken or not fit, or there is no such role; REGION_FORBIDDEN.
        """
        if not 1 <= len(round_id) <= 40 or not round_id.isprintable():
            raise Violated("ARGUMENT_INVALID", "round_id", round_id)
        if role not in ROLES:
            raise Violated("ARGUMENT_INVALID", "role", role)
        if region not in subtree(self.hub_region):
            raise Violated("REGION_FORBIDDEN", "region_code", f"{region:06d}")
        asked = Round(round_id, title, region, role, opened_by, self._now(), None)
        try:
            async with recorded(self._ledger, "ownership.open", round_id, region=region) as act:
                return await ownership.open_round(act.session, asked, subtree(region))
        except IntegrityError:
            raise Violated("ARGUMENT_INVALID", "round_id", f"{round_id}: is there already 已存在") from None

    async def close(self, round_id: str) -> None:
        """Ends a round: nobody can answer any more, agreed changes can still be carried out.

        Raises:
            Violated: ROUND_NOT_FOUND or ROUND_CLOSED.
        """
        async with recorded(self._ledger, "ownership.close", round_id) as act:
            await _open_round(act.session, round_id)
            await ownership.close_round(act.session, round_id)

    async def rounds(self) -> list[Round]:
        """Returns every round, newest first."""
        async with self._ledger.read() as session:
            return await ownership.all_rounds(session)

    async def find(self, round_id: str) -> Round:
        """Returns one round.

        Raises:
            Violated: ROUND_NOT_FOUND.
        """
        async with self._ledger.read() as session:
            found = await ownership.find_round(session, round_id)
        if found is None:
            raise Violated("ROUND_NOT_FOUND", "round_id", round_id)
        return found

    async def answer(self, round_id: str, visible: Subtree, given: list[GivenAnswer]) -> list[Violation | None]:
        """Takes answers, each on its own: a wrong one does not sink the others.

        Args:
            round_id: the round.
            visible: regions the caller may write about.
            given: at most ``MOST_ANSWERS``.

        Returns:
            For each answer why it was not taken, ``None`` if it was.

        Raises:
            Violated: ROUND_NOT_FOUND, ROUND_CLOSED, or ARGUMENT_INVALID for too many.
        """
        if len(given) > MOST_ANSWERS:
            raise Violated("ARGUMENT_INVALID", "answers", f"{len(given)} > {MOST_ANSWERS}")
        found: list[Violation | None] = []
        async with recorded(self._ledger, "ownership.answer", round_id, detail={"answers": len(given)}) as act:
            await _open_round(act.session, round_id)
            for one in given:
                try:
                    await self._take(act.session, round_id, visible, one)
                except Violated as refused:
                    found.append(refused.violation)
                else:
                    found.append(None)
        return found

    async def _take(self, session: WriteSession, round_id: str, visible: Subtree, given: GivenAnswer) -> None:
        try:
            home_region = region_of(given.owner_id)
        except ValueError:
            raise Violated("PLATFORM_ID_INVALID", "owner_id", given.owner_id) from None
        key = component_key(given.owner_id, given.component_id)
        item = await ownership.locked(session, round_id, home_region, key)
        if item is None or item.region not in visible:
            raise Violated("ITEM_NOT_FOUND", "component_id", given.component_id)
        await ownership.put(session, answered(item, given.answer, self._now()))

    async def confirm_rest(self, round_id: str, visible: Subtree, unit_code: str, answered_by: str) -> int:
        """Confirms whatever a unit has not answered; returns how many.

        Raises:
            Violated: ROUND_NOT_FOUND or ROUND_CLOSED.
        """
        async with recorded(self._ledger, "ownership.confirm_rest", round_id, detail={"unit": unit_code}) as act:
            await _open_round(act.session, round_id)
            return await ownership.confirm_rest(act.session, round_id, unit_code, visible, answered_by)

    async def items(
        self,
        round_id: str,
        visible: Subtree,
        party: str = "",
        state: ItemState | None = None,
        *,
        after: tuple[str, bytes] | None = None,
        size: int = 1_000,
    ) -> list[Item]:
        """Returns a page of items: those a unit was asked about or is to take over, or those a platform keeps."""
        async with self._ledger.read() as session:
            return await ownership.listing(session, ItemFilter(round_id, visible, party, state, after), size)

    async def progress(self, round_id: str, visible: Subtree) -> list[UnitProgress]:
        """Returns how far each unit has come.

        Raises:
            Violated: ROUND_NOT_FOUND.
        """
        asked = await self.find(round_id)
        async with self._ledger.write() as session:
            await ownership.note_carried_out(session, asked)
            return await ownership.progress(session, asked, visible)

    async def agreed_changes(self, round_id: str, owner_id: str) -> list[Component]:
        """Returns the records a keeper has to send, with what both sides agreed on; at most ``MOST_CHANGES``.

        What has been sent and has taken effect here is not among them any more, so asking again gives the rest.

        Raises:
            Violated: ROUND_NOT_FOUND.
        """
        asked = await self.find(round_id)
        async with self._ledger.write() as session:
            await ownership.note_carried_out(session, asked)
            agreed = await ownership.agreed_items(session, asked, owner_id, MOST_CHANGES)
            rows = [
                await components.find(session, item.home_region, item.component_key, subtree(self.hub_region))
                for item in agreed
            ]
        return [
            changed_component(item, row, asked.role, item.settled_time or self._now())
            for item, row in zip(agreed, rows, strict=True)
            if row is not None
        ]

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock() / 1_000_000, UTC)


async def _open_round(session: WriteSession, round_id: str) -> Round:
    found = await ownership.find_round(session, round_id)
    if found is None:
        raise Violated("ROUND_NOT_FOUND", "round_id", round_id)
    if found.closed_time is not None:
        raise Violated("ROUND_CLOSED", "round_id", round_id)
    return found


def kind_of(text: str) -> AnswerKind:
    """Reads what somebody said, in the words of the contract or in Chinese.

    Raises:
        Violated: ARGUMENT_INVALID.
    """
    try:
        return _CHINESE.get(text) or AnswerKind(text.lower())
    except ValueError:
        raise Violated("ARGUMENT_INVALID", "answer", text) from None


_CHINESE = {
    "确认": AnswerKind.CONFIRM,
    "有异议": AnswerKind.DISPUTE,
    "移位": AnswerKind.MOVE,
    "移交": AnswerKind.HAND_OVER,
    "同意": AnswerKind.ACCEPT,
    "不同意": AnswerKind.DECLINE,
}
