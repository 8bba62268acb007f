"""All that is known of one link, for its page, its command and its bundle."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from exchange_db import link_days, link_lags, link_states, outages, peers
from exchange_db.link_days import LinkDay
from exchange_db.link_states import LinkState
from exchange_db.marks import day_before, day_of
from exchange_db.outages import WHOLE_HUB, YEARLY_BUDGET_SECONDS, Account, Outage, Window
from exchange_db.peers import Pause, Peer
from exchange_db.session import Ledger
from hub.clock import Clock

_RATE_TIME = timedelta(minutes=15)
_DAYS = 14


class Availability(NamedTuple):
    """The accounts of this month and year, and what of the year's budget of 48 hours is left, in seconds."""

    month: Account
    year: Account

    @property
    def budget_left(self) -> float:
        """Seconds the link may still be away this year (N02); negative when it was away for longer."""
        return YEARLY_BUDGET_SECONDS - self.year.down_seconds


class Dossier(NamedTuple):
    """One link. ``rate`` is in records a minute, ``resync_from`` a day or number that waits to be caught up from."""

    peer: Peer
    now: datetime
    outgoing: LinkState
    incoming: LinkState
    rate: float
    pause: Pause | None
    availability: Availability
    outages: list[Outage]
    windows: list[Window]
    days: list[LinkDay]
    open_difference_count: int
    resync_from: int | None


class LinkArchive:
    """Reads dossiers.

    Args:
        ledger: the hub's database.
        clock: the hub's clock.
        zone: zone in which months and years begin.
    """

    def __init__(self, ledger: Ledger, clock: Clock, zone: str) -> None:
        self._ledger = ledger
        self._clock = clock
        self._zone = ZoneInfo(zone)

    @property
    def now(self) -> datetime:
        """The hub's clock."""
        return datetime.fromtimestamp(self._clock() / 1_000_000, UTC)

    def month_start(self, now: datetime) -> datetime:
        """Returns when the month began that a moment lies in."""
        return now.astimezone(self._zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)

    async def dossier(self, peer: Peer) -> Dossier:
        """Returns all that is known of the link to a neighbour; what waits is counted now."""
        now = self.now
        month = self.month_start(now)
        async with self._ledger.read() as session:
            outgoing, incoming = await link_states.states_of_link(session, peer.peer_id, now)
            lag = await link_lags.lag_of(session, peer.destination_id)
            rate = await link_lags.rate_of(session, peer.destination_id, now - _RATE_TIME)
            ids = [peer.destination_id]
            availability = Availability(
                (await outages.accounts(session, ids, month, now))[peer.destination_id],
                (await outages.accounts(session, ids, month.replace(month=1), now))[peer.destination_id],
            )
            first_day = day_before(day_of(self._clock()), _DAYS)
            cursor = await session.driver.execute(
                "SELECT resync_from FROM links WHERE destination_id = %s", (peer.destination_id,)
            )
            row = await cursor.fetchone()
            return Dossier(
                peer,
                now,
                _counted(outgoing, lag, now),
                incoming,
                rate,
                await peers.pause_of(session, peer.peer_id),
                availability,
                await outages.listing(session, peer.destination_id, month),
                await outages.windows(session, peer.destination_id, month),
                await link_days.listing(session, peer.peer_id, first_day),
                len(await link_days.differences(session, peer.peer_id, is_open=True)),
                row[0] if row else None,
            )

    async def month_accounts(self, destination_ids: list[int]) -> dict[int, Account]:
        """Returns this month's accounts of some links."""
        now = self.now
        async with self._ledger.read() as session:
            return await outages.accounts(session, destination_ids, self.month_start(now), now)

    async def own_availability(self) -> Availability:
        """Returns the accounts of this hub itself."""
        now = self.now
        month = self.month_start(now)
        async with self._ledger.read() as session:
            return Availability(
                (await outages.accounts(session, [WHOLE_HUB], month, now))[WHOLE_HUB],
                (await outages.accounts(session, [WHOLE_HUB], month.replace(month=1), now))[WHOLE_HUB],
            )


def _counted(state: LinkState, lag: link_lags.Lag, now: datetime) -> LinkState:
    """Returns what goes out with what has no number counted now in place of the kept figure."""
    oldest = min(filter(None, (state.oldest_unsent_time, lag.oldest_time)), default=None)
    numbered = state.sent_sequence - state.acked_sequence
    return state._replace(
        lag_records=numbered + lag.due_count,
        oldest_unsent_time=oldest if numbered or lag.due_count else None,
        lag_seconds=max(0, int((now - oldest).total_seconds())) if oldest and (numbered or lag.due_count) else 0,
    )
