"""What noting the keys of changed rows costs the partner: bulk inserts and single commits, with and without capture.

Single commits are told apart by tens of microseconds, less than a shared machine sways by from one second to the next:
so a watched table and one like it without capture take turns, commit by commit, and medians are compared.
"""

import time
from statistics import median
from typing import Any

import psycopg

from bench.partner_databases import make_case_table, partner_server, prepare_case, write_cases
from exchange_db.intermediate.capture import Watched
from exchange_db.intermediate.capture.postgresql import PostgresqlCapture
from exchange_db.intermediate.dialects.postgresql import PostgresqlDialect
from exchange_db.intermediate.schema import CASE

_ROUNDS = 5
_COMMITS, _WARM = 3_000, 100
_BULK, _SINGLE = 0.20, 0.05


def measure(rows: int) -> dict[str, Any]:
    """Returns both costs as parts of the time without capture."""
    bulk: dict[bool, list[float]] = {False: [], True: []}
    with partner_server("capture") as url:
        make_case_table(url)
        with psycopg.connect(url, autocommit=True) as connection:
            _install(connection)
            for turn in range(_ROUNDS):
                for is_captured in (False, True) if turn % 2 else (True, False):
                    connection.execute(
                        f"ALTER TABLE x_case {'ENABLE' if is_captured else 'DISABLE'} TRIGGER USER".encode()
                    )
                    connection.execute("TRUNCATE x_case, x_change_log")
                    connection.execute("CHECKPOINT")
                    bulk[is_captured].append(_seconds(lambda: write_cases(url, 1, rows)))
            single = _alternating(connection, url)
    costs = {name: 1 - median(taken[False]) / median(taken[True]) for name, taken in (("bulk", bulk), ("one", single))}
    return {
        "what": "capture at the partner, share of the rate that is lost",
        "bulk_rows_per_second": round(rows / median(bulk[True])),
        "bulk_lost": round(costs["bulk"], 3),
        "single_commits_per_second": round(1 / median(single[True])),
        "single_lost": round(costs["one"], 3),
        "must_reach": f"bulk <= {_BULK}, single commits <= {_SINGLE}",
        "is_reached": costs["bulk"] <= _BULK and costs["one"] <= _SINGLE,
    }


def _install(connection: psycopg.Connection[Any]) -> None:
    made = PostgresqlCapture(PostgresqlDialect())
    with connection.transaction():
        for statement in made.script(made.parts([Watched(CASE.name, CASE.key)])):
            connection.execute(statement.encode())


def _alternating(connection: psycopg.Connection[Any], url: str) -> dict[bool, list[float]]:
    """Returns seconds of single commits into a table without capture and into one with it, in turn."""
    connection.execute("ALTER TABLE x_case ENABLE TRIGGER USER")
    connection.execute("TRUNCATE x_case, x_change_log")
    connection.execute("CREATE TABLE x_case_bare (LIKE x_case INCLUDING ALL)")
    taken: dict[bool, list[float]] = {False: [], True: []}
    with psycopg.connect(url, autocommit=True) as bare, psycopg.connect(url, autocommit=True) as watched:
        writers = {False: bare, True: watched}
        prepare_case(bare, "x_case_bare")
        prepare_case(watched, "x_case")
        for number in range(_COMMITS):
            for is_captured in (False, True) if number % 2 else (True, False):
                write = writers[is_captured].execute
                taken[is_captured].append(_seconds(lambda: write(f"EXECUTE one_case({number})".encode())))  # noqa: B023
    return {is_captured: times[_WARM:] for is_captured, times in taken.items()}


def _seconds(act: Any) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun
