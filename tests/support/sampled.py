"""A past for the links of a filled ledger: a week in which one was down for a while."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from exchange_db import link_samples, peers
from exchange_db.link_samples import Sampled
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.jobs.link_samples import begins_of

_ZONE = ZoneInfo("Asia/Shanghai")
_HOURS = 30


async def fill_past(ledger: Ledger, clock: Clock) -> None:
    """Keeps a sample of every link for each half hour until now; those of a parent were down for some hours."""
    now = datetime.fromtimestamp(clock() / 1_000_000, UTC)
    async with ledger.read() as session:
        known = await peers.all_peers(session)
    for number in range(2 * _HOURS):
        moment = now - timedelta(minutes=30 * (2 * _HOURS - number))
        samples = []
        for peer in known:
            is_down = peer.relation == "parent" and 24 <= number < 40
            waiting = 60 * (number - 23) if is_down else number % 5
            sent = 900 * min(number, 24) + 900 * max(0, number - 40) + (number % 7) * 40
            samples.append(
                Sampled(
                    peer.destination_id, is_down, waiting, waiting * 30, None if is_down else 700, sent, 400 * number
                )
            )
        async with ledger.write() as session:
            await link_samples.keep(session, samples, begins_of(moment, _ZONE))
