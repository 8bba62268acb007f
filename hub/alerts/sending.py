"""Sending what is kept for sending: durable, tried again with growing pauses, and nothing twice.

What a notice is claimed by is committed before anything leaves, and how it ended afterwards. Between the two lies the
only moment in which a crash leaves open whether somebody was told; such a notice ends as ``unsure`` and the page shows
it. Called by ``hub.alerts.office``.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from exchange_db import alert_notices
from exchange_db.alert_notices import Notice, NoticeState
from exchange_db.session import Ledger
from hub.alerts.channels import NotTaken, Unsure, Way
from hub.clock import Clock
from hub.sections.alerts import AlertsPart

logger = logging.getLogger(__name__)

#: Notices one look sends, and for how long nobody else may think their sender dead.
_AT_ONCE = 40
_HOLD = timedelta(minutes=5)
_LONGEST_PAUSE = timedelta(hours=1)


class NoticeSender:
    """Sends.

    Args:
        ledger: the hub's database.
        region: region of the hub.
        part: how often and with what pauses.
        ways: ways out, by name of the channel.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, region: int, part: AlertsPart, ways: Mapping[str, Way], clock: Clock) -> None:
        self._ledger = ledger
        self._region = region
        self._part = part
        self._ways = ways
        self._clock = clock

    async def run(self) -> int:
        """Sends what is due; returns how many notices were sent. One channel that hangs holds no other up."""
        async with self._ledger.write() as session:
            due = await alert_notices.claim(session, self._region, self._now(), _HOLD, _AT_ONCE)
        return sum(await asyncio.gather(*(self._send(notice) for notice in due)))

    async def _send(self, notice: Notice) -> bool:
        way = self._ways.get(notice.channel)
        if way is None:
            await self._end(notice, NoticeState.FAILED, "通道已不在设置中 / the channel is in the settings no more")
            return False
        try:
            # A connection that breaks at once gets a second chance at once; longer troubles wait in the ledger.
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(NotTaken),
                stop=stop_after_attempt(2),
                wait=wait_exponential(multiplier=0.2, max=1),
                reraise=True,
            ):
                with attempt:
                    await way.send(notice)
        except NotTaken as error:
            await self._put_off(notice, str(error))
            return False
        except Unsure as error:
            await self._end(notice, NoticeState.UNSURE, str(error))
            return False
        await self._end(notice, NoticeState.SENT, "")
        return True

    async def _put_off(self, notice: Notice, trouble: str) -> None:
        if notice.try_count >= self._part.tries:
            await self._end(notice, NoticeState.FAILED, trouble)
            return
        pause = min(timedelta(seconds=self._part.retry_seconds) * 2 ** (notice.try_count - 1), _LONGEST_PAUSE)
        async with self._ledger.write() as session:
            await alert_notices.put_off(session, notice, self._now() + pause, trouble)

    async def _end(self, notice: Notice, state: NoticeState, trouble: str) -> None:
        if trouble:
            # The address of an e-mail is a person's; the page has it for those who may see it.
            logger.warning("notice %s by %s: %s, %s", notice.event_id, notice.channel, state, trouble)
        async with self._ledger.write() as session:
            await alert_notices.end(session, notice, state, self._now(), trouble)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock() / 1_000_000, UTC)
