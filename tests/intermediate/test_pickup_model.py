"""Writers that commit and roll back as they please, and a pick-up that breaks at any moment: the hub ends up equal."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import strategies as st

from exchange_db.intermediate.partner import Partner, open_partner
from exchange_db.records import Component
from exchange_db.session import Ledger
from hub.intermediate.intaking import Take
from tests.support.builders import a_component
from tests.support.clock import FakeClock
from tests.support.pickups import make_tables, pickup_of, write
from tests.support.postgres import Cluster

_NUMBERS = range(1, 4)
#: A step of one of three writers, each on rows of its own so that none waits for another; or a failure of the
#: hub, or time for it to read what is committed.
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.integers(0, 2), st.sampled_from(["put", "delete"]), st.sampled_from(_NUMBERS)),
        st.tuples(st.integers(0, 2), st.sampled_from(["commit", "rollback"]), st.just(0)),
        st.just((0, "break", 0)),
        st.just((0, "look", 0)),
    ),
    min_size=10,
    max_size=24,
)


@hypothesis.settings(max_examples=6, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(steps=_STEPS)
def test_the_hub_ends_up_with_what_was_committed_last(cluster: Cluster, steps: list[tuple[int, str, int]]) -> None:
    with cluster.migrated() as ledger_url, cluster.empty() as url, tempfile.TemporaryDirectory() as folder:
        asyncio.run(_play(ledger_url, url, Path(folder), steps))


async def _play(ledger_url: str, url: str, folder: Path, steps: list[tuple[int, str, int]]) -> None:
    clock = FakeClock()
    clock.advance(days=2)
    failing: list[bool] = []

    def sometimes(take: Take) -> Take:
        async def taking(*arrival: Any) -> Any:
            if failing:
                failing.clear()
                raise OSError("the hub broke off")
            return await take(*arrival)

        return taking

    async with AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(Ledger(ledger_url, pool_size=2))
        writers = [await stack.enter_async_context(open_partner(url)) for _ in range(3)]
        await make_tables(writers[0])
        hub = await stack.enter_async_context(pickup_of(ledger, clock, folder, url, change_take=sometimes))
        await stack.enter_async_context(hub.running())
        other = await stack.enter_async_context(open_partner(url))

        async def look(number: int) -> None:
            marker = a_component(100 + number)
            await write(other, marker)

            async def is_there() -> bool:
                return marker in await hub.records()

            await hub.until(is_there)

        await _write_all(writers, steps, failing, look)
        await write(writers[0], a_component(99))
        there: dict[str, str] = dict(await writers[0].fetch("SELECT component_id, name FROM x_component"))

        async def is_equal() -> bool:
            latest: dict[str, str] = {}
            revisions: dict[str, int] = {}
            for record in await hub.records():
                assert isinstance(record, Component)
                # No row goes back in its revision, and none is told twice.
                assert record.revision > revisions.get(record.component_id, 0)
                revisions[record.component_id] = record.revision
                latest[record.component_id] = record.name
            return all(latest.get(key) == name for key, name in there.items())

        await hub.until(is_equal)


async def _write_all(
    writers: list[Partner],
    steps: list[tuple[int, str, int]],
    failing: list[bool],
    look: Callable[[int], Awaitable[None]],
) -> None:
    is_open = [False] * len(writers)
    for count, (number, act, row) in enumerate(steps):
        writer = writers[number]
        if act == "break":
            failing.append(True)
        elif act == "look":
            await look(count)
        elif act in ("commit", "rollback"):
            if is_open[number]:
                await writer.execute(act)
            is_open[number] = False
        else:
            if not is_open[number]:
                await writer.execute("BEGIN")
                is_open[number] = True
            component = a_component(10 * number + row, name=f"第{count}版")
            if act == "put":
                await write(writer, component, revision=None)
            else:
                await writer.execute("DELETE FROM x_component WHERE component_id = %s", (component.component_id,))
    for number, writer in enumerate(writers):
        if is_open[number]:
            await writer.execute("COMMIT")
