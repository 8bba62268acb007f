"""Questions people have kept. Called by ``hub.questions.saved``.

A question is kept under its owner and a name. Others see it when it is shared and about a region they may see; what
it answers is cut to the rights of whoever runs it.
"""

from datetime import datetime
from typing import NamedTuple

from exchange_db.ranges import within
from exchange_db.regions import Regions
from exchange_db.session import ReadSession, WriteSession

_COLUMNS = "owner, name, region, question, is_shared, changed_time"


class SavedQuestion(NamedTuple):
    """A question as it is kept; ``question`` is JSON."""

    owner: str
    name: str
    region: int
    question: str
    is_shared: bool
    changed_time: datetime


async def save(session: WriteSession, saved: SavedQuestion) -> None:
    """Keeps a question, in place of the one its owner kept under the same name."""
    await session.driver.execute(
        f"INSERT INTO saved_questions ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s)"  # noqa: S608 — constants
        " ON CONFLICT (owner, name) DO UPDATE SET region = excluded.region, question = excluded.question,"
        " is_shared = excluded.is_shared, changed_time = excluded.changed_time",
        saved,
    )


async def count(session: WriteSession, owner: str) -> int:
    """Returns how many questions somebody keeps."""
    cursor = await session.driver.execute("SELECT count(*) FROM saved_questions WHERE owner = %s", (owner,))
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def find(session: ReadSession, owner: str, name: str, visible: Regions) -> SavedQuestion | None:
    """Returns the question of a name: one's own, else one that is shared and about a visible region."""
    cursor = await session.driver.execute(
        f"SELECT {_COLUMNS} FROM saved_questions WHERE name = %(name)s AND {_seen(visible)}"  # noqa: S608 — the same
        " ORDER BY (owner = %(owner)s) DESC, owner LIMIT 1",
        {"owner": owner, "name": name},
    )
    row = await cursor.fetchone()
    return SavedQuestion(*row) if row else None


async def listing(session: ReadSession, owner: str, visible: Regions) -> list[SavedQuestion]:
    """Returns one's own questions, then the shared ones of others, by name."""
    cursor = await session.driver.execute(
        f"SELECT {_COLUMNS} FROM saved_questions WHERE {_seen(visible)}"  # noqa: S608 — the same
        " ORDER BY (owner = %(owner)s) DESC, name, owner",
        {"owner": owner},
    )
    return [SavedQuestion(*row) for row in await cursor.fetchall()]


async def delete(session: WriteSession, owner: str, name: str) -> bool:
    """Forgets a question of one's own; tells whether there was one."""
    cursor = await session.driver.execute("DELETE FROM saved_questions WHERE owner = %s AND name = %s", (owner, name))
    return cursor.rowcount == 1


def _seen(visible: Regions) -> str:
    return f"(owner = %(owner)s OR (is_shared AND {within('region', visible)}))"
