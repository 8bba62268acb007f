"""How each neighbour stands, both directions taken together: for the map and the list of what needs a person.

Owns no judgement of its own: the health is that of ``exchange_db.link_states``.
"""

from datetime import datetime
from typing import NamedTuple

from exchange_db.link_states import ORDER, LinkHealth, Neighbour, neighbours
from exchange_db.regions import Regions
from exchange_db.session import ReadSession


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
    return [_standing(one) for one in await neighbours(session, regions, now)]


def worst_of(moods: list[LinkHealth]) -> LinkHealth:
    """Returns what needs a person most."""
    return min(moods, key=ORDER.index)


def _standing(one: Neighbour) -> Standing:
    out, worse = one.outgoing, one.worse
    return Standing(
        peer_id=out.peer_id,
        name=out.name,
        region=out.region,
        relation=out.relation,
        mood=worse.health,
        trouble=worse.last_error,
        since=worse.down_since,
        lag_records=out.lag_records,
        lag_seconds=out.lag_seconds,
        certificate_days=out.certificate_days,
        canary_seconds=out.canary_seconds,
    )
