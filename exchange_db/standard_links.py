"""How far the hub above and the hubs below have come with releases of standards, and what was not taken and why.

Called by ``hub.standards`` (pulling, announcing) and ``hub.rpc`` (listing, announcements).
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from exchange_db.records import Violation
from exchange_db.session import ReadSession, WriteSession
from exchange_db.standards import moment
from exchange_db.tables.standards import standard_pulls, standard_readers, standard_refusals, standard_releases


class PullState(NamedTuple):
    """How far this hub has come with the list of a hub above.

    Everything up to ``held_number`` there, which has ``held_digest``, is held here; ``missing_count`` counts the others
    it is known to have. ``begun_time`` and ``pulled_time`` are of the last time the list was read to its end.
    """

    peer_id: str
    held_number: int = 0
    held_digest: str = ""
    newest_number: int = 0
    missing_count: int = 0
    begun_time: datetime | None = None
    pulled_time: datetime | None = None
    trouble: str = ""
    trouble_time: datetime | None = None


class ReaderState(NamedTuple):
    """How far a neighbour below has come with this hub's list."""

    peer_id: str
    confirmed_number: int = 0
    asked_time: datetime | None = None
    announced_number: int = 0
    announced_time: datetime | None = None
    trouble: str = ""
    trouble_time: datetime | None = None


class Offer(NamedTuple):
    """A release as it was shown; ``label`` names it for people, from the list it stood in."""

    digest: str
    label: str
    manifest: bytes
    signature: bytes
    certificates: bytes


class Refusal(NamedTuple):
    """A release that was offered and not taken."""

    peer_id: str
    digest: str
    label: str
    reason: str
    field_path: str
    message: str
    message_zh: str
    first_time: datetime
    last_time: datetime


async def pull_state(session: ReadSession, peer_id: str) -> PullState:
    """Returns how far this hub has come with one list."""
    columns = [standard_pulls.c[name] for name in PullState._fields]
    row = (await session.execute(select(*columns).where(standard_pulls.c.peer_id == peer_id))).first()
    return PullState(*row) if row else PullState(peer_id)


async def pull_states(session: ReadSession) -> list[PullState]:
    """Returns the same for every list, by neighbour."""
    columns = [standard_pulls.c[name] for name in PullState._fields]
    result = await session.execute(select(*columns).order_by(standard_pulls.c.peer_id))
    return [PullState(*row) for row in result]


async def note_pull(session: WriteSession, state: PullState) -> None:
    """Records how far a pull came."""
    statement = upsert(standard_pulls).values(state._asdict())
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["peer_id"], set_={name: statement.excluded[name] for name in PullState._fields}
        )
    )


async def note_pull_trouble(session: WriteSession, peer_id: str, trouble: str, now: int) -> None:
    """Records why a list could not be read to its end."""
    values = {"trouble": trouble[:400], "trouble_time": moment(now)}
    statement = upsert(standard_pulls).values(peer_id=peer_id, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["peer_id"], set_=values))


async def note_newest(session: WriteSession, peer_id: str, newest_number: int) -> None:
    """Records that the hub above has announced something."""
    statement = upsert(standard_pulls).values(peer_id=peer_id, newest_number=newest_number)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["peer_id"],
            set_={"newest_number": func.greatest(standard_pulls.c.newest_number, newest_number)},
        )
    )


async def reader_states(session: ReadSession) -> dict[str, ReaderState]:
    """Returns how far the neighbours below have come, by name."""
    result = await session.execute(select(*[standard_readers.c[name] for name in ReaderState._fields]))
    return {row[0]: ReaderState(*row) for row in result}


async def note_asked(session: WriteSession, peer_id: str, confirmed_number: int, now: int) -> None:
    """Records what a neighbour below confirmed; a lower number than before means that it has lost some.

    Whoever asks can be reached again, as far as anybody needs to reach it.
    """
    values = {"confirmed_number": confirmed_number, "asked_time": moment(now), "trouble": "", "trouble_time": None}
    statement = upsert(standard_readers).values(peer_id=peer_id, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["peer_id"], set_=values))


async def note_announced(session: WriteSession, peer_id: str, newest_number: int, now: int) -> None:
    """Records that a neighbour below was told of everything up to a number."""
    values = {"announced_number": newest_number, "announced_time": moment(now), "trouble": "", "trouble_time": None}
    statement = upsert(standard_readers).values(peer_id=peer_id, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["peer_id"], set_=values))


async def note_announce_trouble(session: WriteSession, peer_id: str, trouble: str, now: int) -> None:
    """Records why a neighbour below could not be told."""
    values = {"trouble": trouble[:400], "trouble_time": moment(now)}
    statement = upsert(standard_readers).values(peer_id=peer_id, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["peer_id"], set_=values))


async def refuse(session: WriteSession, peer_id: str, offer: Offer, violation: Violation, now: int) -> None:
    """Keeps what was offered and why it was not taken; a repeat only moves its last time."""
    told = {
        "reason": violation.reason,
        "field_path": violation.field_path,
        "message": violation.message,
        "message_zh": violation.message_zh,
        "last_time": moment(now),
    }
    shown = offer._asdict()
    statement = upsert(standard_refusals).values(peer_id=peer_id, first_time=moment(now), **shown, **told)
    await session.execute(
        statement.on_conflict_do_update(index_elements=["peer_id", "digest"], set_=told | _without_digest(shown))
    )


async def open_refusals(session: ReadSession) -> list[Refusal]:
    """Returns what was not taken, is not held since and was still offered in the last pull, newest first."""
    pulls = standard_pulls.c
    later = select(pulls.peer_id).where(
        pulls.peer_id == standard_refusals.c.peer_id, pulls.begun_time > standard_refusals.c.last_time
    )
    held = select(standard_releases.c.number).where(standard_releases.c.digest == standard_refusals.c.digest)
    result = await session.execute(
        select(*[standard_refusals.c[name] for name in Refusal._fields])
        .where(~held.exists(), ~later.exists())
        .order_by(standard_refusals.c.last_time.desc(), standard_refusals.c.digest)
    )
    return [Refusal(*row) for row in result]


def _without_digest(shown: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in shown.items() if name != "digest"}
