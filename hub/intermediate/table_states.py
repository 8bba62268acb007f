"""What is to be known of a partner's tables: paused, not written, or changed in a way that does no harm."""

from typing import Any, NamedTuple

from psycopg import AsyncConnection

from exchange_db import pickups
from hub.intermediate import target_pauses

#: Name under which it is kept what changed about a table and lets every row through as before.
NOTED = "noted/"
#: Longest text of what changed; what was noted first is cut.
_LONGEST = 2_000


class TableState(NamedTuple):
    """One thing about a table; ``word`` says in both languages which kind it is."""

    table: str
    word: str
    told: str


async def note(driver: AsyncConnection[Any], peer_id: str, table: str, told: str) -> None:
    """Keeps what changed about a table until somebody accepts its columns."""
    name = f"{NOTED}{table}"
    known = await pickups.position_of(driver, peer_id, name)
    lines = [line for line in (known or "").splitlines() if line != told]
    await pickups.save_position(driver, peer_id, name, "\n".join([*lines, told])[-_LONGEST:])


async def forget(driver: AsyncConnection[Any], peer_id: str, table: str) -> None:
    """Forgets what was noted of a table."""
    await pickups.forget_position(driver, peer_id, f"{NOTED}{table}")


async def states_of(driver: AsyncConnection[Any], peer_id: str) -> list[TableState]:
    """Returns everything there is to know of a partner's tables."""
    states = [
        TableState(one.table_name, "暂停接收 / not read", one.trouble)
        for one in (await pickups.pauses_of(driver, peer_id)).values()
    ]
    for name, since in (await pickups.positions_like(driver, peer_id, target_pauses.PREFIX)).items():
        table = name.removeprefix(target_pauses.PREFIX)
        states.append(TableState(table, "暂停写入 / not written", f"自第 {since} 号之后 / since number {since}"))
    for name, told in (await pickups.positions_like(driver, peer_id, NOTED)).items():
        table = name.removeprefix(NOTED)
        states += [TableState(table, "结构有变 / changed", line) for line in told.splitlines()]
    return sorted(states)
