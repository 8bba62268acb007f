"""Tells platforms that somebody signed off here: looks for sessions that are gone, and posts until it is taken.

What is posted is made by ``auth.oidc_provider.logout``. Any number of processes may do this at once.
"""

import asyncio
import logging
import ssl

import aiohttp

from auth.oidc_provider.logout import LogoutDesk, Message
from exchange_db.errors import ExchangeDbError
from hub.clock import Clock

logger = logging.getLogger(__name__)

_TIMEOUT = aiohttp.ClientTimeout(total=5, sock_connect=3)
_AT_ONCE = 8


class SignOffTeller:
    """Posts notices.

    Args:
        desk: knows whom to tell what.
        clock: the hub's clock.
        trust: whose certificates platforms may show.
        look_seconds: time between looks for sessions that are gone.
    """

    def __init__(self, desk: LogoutDesk, clock: Clock, trust: ssl.SSLContext, look_seconds: float = 1.0) -> None:
        self._desk = desk
        self._clock = clock
        self._trust = trust
        self._look_seconds = look_seconds

    async def run(self) -> None:
        """Tells until cancelled."""
        connector = aiohttp.TCPConnector(ssl=self._trust, limit=_AT_ONCE)
        async with aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT) as http:
            while True:
                try:
                    await self.tell(http)
                except (ExchangeDbError, OSError) as error:
                    logger.warning("sign-off notices: %s", error)
                await asyncio.sleep(self._look_seconds)

    async def tell(self, http: aiohttp.ClientSession) -> int:
        """Tells whoever is to be told now; returns how many took it."""
        await self._desk.note_ended(self._clock())
        messages = await self._desk.messages(self._clock())
        taken = await asyncio.gather(*(self._post(http, message) for message in messages))
        return sum(taken)

    async def _post(self, http: aiohttp.ClientSession, message: Message) -> bool:
        notice = message.notice
        try:
            async with http.post(notice.address, data=message.form, allow_redirects=False) as response:
                is_taken = response.status in {200, 204}
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            logger.info("%s does not take a sign-off: %s", notice.client_id, type(error).__name__)
            is_taken = False
        if is_taken:
            await self._desk.taken(notice)
        else:
            await self._desk.not_taken(notice, self._clock())
        return is_taken
