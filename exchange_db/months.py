"""Months of the log: an inbox id begins with its month, and each month has a table of its own.

An id is ``months since 2000 << 40 | number``. Called by ``exchange_db.inbox`` and by the job that makes tables ahead.
"""

from datetime import UTC, datetime

from exchange_db.session import WriteSession

_SHIFT = 40


def first_id(now: int) -> int:
    """Returns the id before the first one of the month of ``now``, microseconds since 1970."""
    return _index(now) << _SHIFT


async def ensure(session: WriteSession, now: int, count: int = 3) -> None:
    """Makes the tables of this month and the next ones, so that no append ever waits for one.

    A month whose first rows went into the default table, because nobody made its own in time, stays there.
    """
    first = _index(now)
    for index in range(first, first + count):
        month = f"{2000 + index // 12}_{index % 12 + 1:02d}"
        bounds = (index << _SHIFT, (index + 1) << _SHIFT)
        strays = await session.driver.execute(
            "SELECT 1 FROM inbox_default WHERE inbox_id >= %s AND inbox_id < %s LIMIT 1", bounds
        )
        if await strays.fetchone():
            continue
        # Its owner's function, so that a role without ownership can serve.
        await session.driver.execute("SELECT make_inbox_month(%s, %s, %s)", (*bounds, month))


def _index(now: int) -> int:
    """Returns the number of months from January 2000 to ``now`` (microseconds since 1970), in UTC."""
    moment = datetime.fromtimestamp(now / 1_000_000, UTC)
    return (moment.year - 2000) * 12 + moment.month - 1
