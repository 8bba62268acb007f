"""Telling browsers that something on their page has changed, by server-sent events.

One task a process asks the ledger, at most once a second and only while somebody listens, and tells all listeners
alike. An event names topics and nothing else: the browser then reads its own page again, with its own rights.
"""

import asyncio
import logging
import time
from typing import Final

import psycopg
from aiohttp import web

from exchange_db.records import Violated
from exchange_db.session import Ledger
from exchange_db.topics import TOPICS, answers
from hub.console.guard import HEADERS

logger = logging.getLogger(__name__)

#: Listeners of one process. Whoever is one too many is refused and reads at times.
MOST_LISTENERS: Final = 300
_BEAT_SECONDS = 1.0
#: A comment is sent into the silence, so that a browser that went away is noticed.
_SILENCE_SECONDS = 20.0
#: How long one stream lasts; the browser asks again and is let in, or not, as its session then stands.
_LONGEST_SECONDS = 600.0


class Listening:
    """One browser's stream: what it wants to hear of, and what it has not been told yet."""

    def __init__(self, topics: frozenset[str]) -> None:
        self.topics = topics
        self.untold: set[str] = set()
        self.is_over = False
        self._woken = asyncio.Event()

    def tell(self, topics: set[str]) -> None:
        """Notes what has changed."""
        if wanted := topics & self.topics:
            self.untold |= wanted
            self._woken.set()

    def end(self) -> None:
        """Ends the stream."""
        self.is_over = True
        self._woken.set()

    async def next(self, seconds: float) -> set[str]:
        """Returns what has changed since the last time; nothing after so many seconds of silence."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return set()
        self._woken.clear()
        told, self.untold = self.untold, set()
        return told


class LiveDesk:
    """Everybody who listens.

    Args:
        ledger: the hub's database.
        most_listeners: streams of this process.
    """

    def __init__(self, ledger: Ledger, most_listeners: int = MOST_LISTENERS) -> None:
        self._ledger = ledger
        self._most = most_listeners
        self._listening: set[Listening] = set()
        self._has_listeners = asyncio.Event()
        self._answers: dict[str, tuple[object, ...]] = {}
        self._asked: dict[str, float] = {}

    def routes(self) -> list[web.RouteDef]:
        """Returns what is served here."""
        return [web.get("/live", self.live)]

    async def run(self) -> None:
        """Asks and tells until cancelled; while the database is away nothing changes."""
        while True:
            await self._has_listeners.wait()
            try:
                changed = await self.changes(time.monotonic())
            except (psycopg.OperationalError, OSError) as error:
                logger.warning("live pages: database does not answer: %s", error)
                changed = set()
            for one in self._listening:
                one.tell(changed)
            await asyncio.sleep(_BEAT_SECONDS)

    async def changes(self, now: float) -> set[str]:
        """Returns the topics that are due to be asked for and whose answer is another than before.

        Args:
            now: seconds of a clock that only goes forward.
        """
        wanted = {topic for one in self._listening for topic in one.topics}
        due = [topic for topic in sorted(wanted) if now - self._asked.get(topic, -1e9) >= TOPICS[topic].seconds]
        async with self._ledger.watching() as connection:
            answered = await answers(connection.driver, due)
        changed = {topic for topic, answer in answered.items() if self._answers.get(topic, answer) != answer}
        self._answers |= answered
        self._asked |= dict.fromkeys(due, now)
        return changed

    async def close(self, _application: web.Application) -> None:
        """Ends all streams, so that the process may stop at once."""
        for one in self._listening:
            one.end()

    async def live(self, request: web.Request) -> web.StreamResponse:
        """Tells one browser of its topics until it goes, or for ten minutes.

        Raises:
            Violated: RATE_LIMITED, too many listen already; ARGUMENT_INVALID, no topic is known.
        """
        topics = frozenset(request.query.get("topics", "").split()) & TOPICS.keys()
        if not topics:
            raise Violated("ARGUMENT_INVALID", "topics", request.query.get("topics", ""))
        if len(self._listening) >= self._most:
            raise Violated("RATE_LIMITED", value=int(_LONGEST_SECONDS))
        response = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream"})
        # A proxy that gathers an answer before it passes it on would keep the events to itself.
        response.headers["X-Accel-Buffering"] = "no"
        await response.prepare(request)
        listening = Listening(topics)
        self._listening.add(listening)
        self._has_listeners.set()
        until = time.monotonic() + _LONGEST_SECONDS
        try:
            await response.write(b"retry: 5000\n\n")
            while not listening.is_over and time.monotonic() < until:
                told = await listening.next(_SILENCE_SECONDS)
                await response.write(f"data: {' '.join(sorted(told))}\n\n".encode() if told else b":\n\n")
        except ConnectionResetError:
            logger.debug("live pages: a browser went away")
        finally:
            self._listening.discard(listening)
            if not self._listening:
                self._has_listeners.clear()
        return response
