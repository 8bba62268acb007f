"""Leases: one holder at a time, taken over when they run out, taken back under the same name."""

import asyncio

from exchange_db import leases
from exchange_db.session import Ledger

LONG, OVER = 600.0, -1.0


async def test_a_free_lease_is_taken_and_a_held_one_is_not(ledger: Ledger) -> None:
    async with ledger.dedicated() as one, ledger.dedicated() as two:
        assert await leases.claim(one.driver, ["apply/1", "apply/2"], "first", LONG) == {"apply/1", "apply/2"}
        assert await leases.claim(two.driver, ["apply/2", "apply/3"], "second", LONG) == {"apply/3"}


async def test_the_holder_prolongs_and_a_restart_under_the_same_name_takes_its_own_back(ledger: Ledger) -> None:
    async with ledger.dedicated() as connection:
        await leases.claim(connection.driver, ["apply/1"], "worker", LONG)
    async with ledger.dedicated() as restarted:
        assert await leases.claim(restarted.driver, ["apply/1"], "worker", LONG) == {"apply/1"}


async def test_a_lease_that_has_run_out_is_taken_over(ledger: Ledger) -> None:
    async with ledger.dedicated() as connection:
        await leases.claim(connection.driver, ["apply/1"], "first", OVER)
        assert await leases.holders(connection.driver, "apply/") == {}
        assert await leases.claim(connection.driver, ["apply/1"], "second", LONG) == {"apply/1"}
        assert await leases.claim(connection.driver, ["apply/1"], "first", LONG) == set()


async def test_a_lease_given_back_is_free_at_once(ledger: Ledger) -> None:
    async with ledger.dedicated() as connection:
        await leases.claim(connection.driver, ["apply/1", "apply/2"], "first", LONG)
        await leases.release(connection.driver, ["apply/1"], "first")
        assert await leases.claim(connection.driver, ["apply/1", "apply/2"], "second", LONG) == {"apply/1"}


async def test_only_the_holder_gives_a_lease_back(ledger: Ledger) -> None:
    async with ledger.dedicated() as connection:
        await leases.claim(connection.driver, ["apply/1"], "first", LONG)
        await leases.release(connection.driver, ["apply/1"], "second")
        assert await leases.holders(connection.driver, "apply/") == {"apply/1": "first"}


async def test_holders_are_listed_by_the_beginning_of_the_name(ledger: Ledger) -> None:
    async with ledger.dedicated() as connection:
        await leases.claim(connection.driver, ["lane/a", "lane_b"], "a", LONG)
        await leases.claim(connection.driver, ["lane/c"], "c", LONG)
        assert await leases.holders(connection.driver, "lane/") == {"lane/a": "a", "lane/c": "c"}


async def test_of_many_that_want_the_same_leases_each_goes_to_one(ledger: Ledger) -> None:
    names = [f"apply/{number}" for number in range(16)]

    async def want(holder: str, wanted: list[str]) -> set[str]:
        async with ledger.dedicated() as connection:
            return await leases.claim(connection.driver, wanted, holder, LONG)

    held = await asyncio.gather(*(want(f"w{number}", names[:: 1 if number % 2 else -1]) for number in range(6)))
    assert sorted(name for share in held for name in share) == sorted(names)
