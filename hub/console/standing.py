"""How each neighbour stands, both directions taken together: for the map and the list of what needs a person.

Owns no judgement of its own: the health is that of ``exchange_db.link_states``, the canary that of
``exchange_db.canaries``.
"""

from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from exchange_db import canaries
from exchange_db.link_states import ORDER, LinkHealth, LinkState, states_of_links
from exchange_db.regions import Regions
from exchange_db.session import ReadSession

#: A link whose newest canary is under way for longer than it may is slow, whatever else is heard of it.
_LATE = canaries.CanaryState.LATE


class Standing(NamedTuple):
    """One neighbour.

    ``lag_records`` and ``lag_seconds`` are what waits for it and for how long the oldest has. ``certificate_days`` is
    ``None`` where there is no certificate, ``canary_seconds`` where no canary came back, ``since`` where nothing is
    wrong or nobody knows since when.
    """

    peer_id: str
    name: str
    region: int
    relation: str
    mood: LinkHealth
    trouble: str
    since: datetime | None
    lag_records: int
    lag_seconds: int
    certificate_days: int | None
    canary_seconds: float | None = None


async def standings(session: ReadSession, regions: Regions | None, now: datetime) -> list[Standing]:
    """Returns the neighbours in the regions a reader may see, by name.

    Args:
        session: a read session.
        regions: what the reader may see; ``None`` for all.
        now: the moment ages are counted to.
    """
    flown = await canaries.latest(session)
    late = {peer_id for peer_id, one in flown.items() if one.state is _LATE}
    states = await states_of_links(session, regions, now)
    return [_standing(list(both), late) for _, both in groupby(states, attrgetter("peer_id"))]


def worst_of(moods: list[LinkHealth]) -> LinkHealth:
    """Returns what needs a person most."""
    return min(moods, key=ORDER.index)


def _standing(both: list[LinkState], late: set[str]) -> Standing:
    out, worst = both[0], min(both, key=lambda state: ORDER.index(state.health))
    mood = worst.health
    if out.peer_id in late and mood in (LinkHealth.GOOD, LinkHealth.UNKNOWN):
        mood = LinkHealth.SLOW
    return Standing(
        peer_id=out.peer_id,
        name=out.name,
        region=out.region,
        relation=out.relation,
        mood=mood,
        trouble=worst.last_error,
        since=worst.down_since,
        lag_records=out.lag_records,
        lag_seconds=out.lag_seconds,
        certificate_days=out.certificate_days,
        canary_seconds=out.canary_seconds,
    )
