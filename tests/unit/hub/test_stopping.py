"""Work that fails just when it is being ended ends, and does not take its work up again."""

import asyncio
from collections.abc import Callable

import pytest

from hub.delivery import dispatcher
from hub.intermediate import writeback
from hub.intermediate.first_errors import first_error


@pytest.mark.parametrize("told", [first_error, dispatcher._told, writeback._told])
async def test_a_failure_in_the_moment_of_the_end_does_not_hide_the_end(
    told: Callable[[BaseExceptionGroup[BaseException]], BaseException],
) -> None:
    async def part() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ConnectionError

    async def work() -> None:
        while True:
            try:
                try:
                    async with asyncio.TaskGroup() as tasks:
                        tasks.create_task(part())
                except BaseExceptionGroup as group:
                    raise told(group) from None
            except ConnectionError:
                await asyncio.sleep(0)

    task = asyncio.create_task(work())
    for step in range(20):
        await asyncio.sleep(0)
        if step == 5:
            task.cancel()
    assert task.cancelled()
