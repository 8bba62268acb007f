"""Staged federations for tests: real processes over an embedded server, waited for by conditions, not by the clock."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from connectors.county import pusher
from connectors.county.profile import Profile
from connectors.transports.grpc_peer import Target
from exchange_db.counting import CountingRules
from exchange_db.embedded import EmbeddedServer
from exchange_db.recount import Difference
from exchange_db.session import Ledger
from hub.demo.proof import Proof, prove
from hub.demo.staging import Stage, StagedHub
from hub.statistics.rebuild import FigureRebuild

#: Settings that make jobs, pauses and time-outs short enough for tests.
QUICK = (
    "[figures]\nfold_seconds = 0.5\nsheet_seconds = 1\n\n"
    "[deliver]\nbackoff_first_seconds = 0.2\nbackoff_cap_seconds = 1\nanswer_timeout_seconds = {answer_timeout}\n"
    "heartbeat_seconds = 1\n"
)


def quick(answer_timeout: float = 10.0) -> str:
    """Returns settings that make a hub quick to notice and to try again."""
    return QUICK.format(answer_timeout=answer_timeout)


@contextmanager
def staged(server: EmbeddedServer | None = None) -> Iterator[Stage]:
    """Yields an open stage in a folder of its own; everything it started is stopped afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="sanji-stage-"))
    stage = Stage(folder, server)
    try:
        asyncio.run(stage.open())
        yield stage
    finally:
        stage.close()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def stage_server() -> Iterator[EmbeddedServer]:
    """Yields a running embedded server that several stages share."""
    folder = Path(tempfile.mkdtemp(prefix="sanji-stage-pg-"))
    try:
        with EmbeddedServer(folder / "data") as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def target_of(profile: Profile) -> Target:
    """Returns the hub as a platform dials it."""
    return pusher.target_of(profile)


def target_between(here: StagedHub, there: StagedHub) -> Target:
    """Returns a hub as its neighbour dials it."""
    tls = here.settings.tls
    return Target(there.folder.name, there.address, "", tls.authority, tls.certificate, tls.key)


def rows(hub: StagedHub, query: str, *values: object) -> list[tuple[Any, ...]]:
    """Returns what a query on a hub's ledger gives."""
    with psycopg.connect(hub.url, autocommit=True) as connection:
        return connection.execute(query.encode(), values).fetchall()


def value(hub: StagedHub, query: str, *values: object) -> Any:
    """Returns the one value a query on a hub's ledger gives; ``None`` for no row."""
    found = rows(hub, query, *values)
    return found[0][0] if found else None


def change(hub: StagedHub, statement: str, *values: object) -> None:
    """Changes a hub's ledger as an operator with psql would, and announces it to the registry's readers."""
    with psycopg.connect(hub.url, autocommit=True) as connection:
        connection.execute(statement.encode(), values)
        connection.execute("SELECT pg_notify('peers', '')")


async def until(
    condition: Callable[[], Awaitable[Any]], what: str, *, seconds: float = 180.0, step_seconds: float = 0.05
) -> Any:
    """Returns the first true answer of a condition.

    Raises:
        AssertionError: it stayed false until the deadline; the message says what was waited for.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = await condition()
        except psycopg.OperationalError as error:
            found, last = None, error
        else:
            last = found
        if found:
            return found
        assert time.monotonic() < deadline, f"{what} did not come true in {seconds:.0f} s: {last!r}"
        await asyncio.sleep(step_seconds)


async def until_value(hub: StagedHub, wanted: Any, query: str, *values: object, seconds: float = 180.0) -> None:
    """Returns when a query on a hub's ledger gives the wanted value."""

    async def is_so() -> bool:
        return bool(value(hub, query, *values) == wanted)

    await until(is_so, f"{hub.folder.name}: {query} = {wanted!r}", seconds=seconds)


#: Rows of the log that apply has not come to, and outgoing parcels that have no number yet.
_OPEN = (
    "SELECT (SELECT count(*) FROM inbox i JOIN partitions c USING (partition) WHERE i.inbox_id > c.cursor_id)"
    " + (SELECT count(*) FROM outbox o JOIN links l USING (destination_id) JOIN peers p USING (destination_id)"
    " WHERE p.address <> '' AND o.position > l.cursors[o.partition + 1])"
    " + (SELECT count(*) FROM links l JOIN peers p USING (destination_id) WHERE p.address <> ''"
    " AND (l.last_sequence <> l.acked_sequence OR l.last_sequence <> l.receipted_sequence))"
)


async def until_settled(*hubs: StagedHub, seconds: float = 240.0) -> None:
    """Returns when everything taken in is applied, delivered and settled at all hubs, twice in a row."""

    async def is_settled() -> bool:
        for _ in range(2):
            if any(value(hub, _OPEN) for hub in hubs):
                return False
            await asyncio.sleep(0.2)
        return True

    try:
        await until(is_settled, "settled links", seconds=seconds)
    except AssertionError as error:
        states = {
            hub.folder.name: rows(
                hub,
                "SELECT peer_id, last_sequence, acked_sequence, receipted_sequence, failure_count, trouble"
                " FROM links JOIN peers USING (destination_id)",
            )
            for hub in hubs
        }
        raise AssertionError(f"{error}; links {states}; {logs_of(*hubs)}") from None


def logs_of(*hubs: StagedHub) -> str:
    """Returns the last lines of the hubs' logs, for a failure's message."""
    return "\n".join(
        f"--- {log}\n{log.read_text(errors='replace')[-1_500:]}" for hub in hubs for log in hub.folder.glob("*.log")
    )


async def proof_of(ways: list[tuple[StagedHub, StagedHub]], *hubs: StagedHub) -> Proof:
    """Asks the ledgers of some hubs for the proof that nothing was lost and nothing happened twice."""
    return await asyncio.to_thread(prove, ways, list(hubs))


async def figures_that_differ(hub: StagedHub) -> list[Difference]:
    """Counts all cases of a hub anew and returns the cells whose figures say something else."""
    rules: CountingRules = hub.settings.figures.counting
    async with Ledger(hub.url, pool_size=0) as ledger:
        return (await FigureRebuild(ledger, rules).check()).differences
