"""PostgreSQL's own logical replication of the same rows: the limit the exchange is compared with."""

import time

import psycopg
from sqlalchemy import make_url

from bench.partner_databases import make_case_table, partner_server, write_cases

_PUBLICATION = "bench"


def rows_per_second(count: int) -> float:
    """Returns how fast a subscriber drains ``count`` rows that wait in the publisher's log."""
    with partner_server("publisher", wal_level="logical") as url, partner_server("subscriber") as to:
        make_case_table(url)
        make_case_table(to)
        with psycopg.connect(url, autocommit=True) as publisher, psycopg.connect(to, autocommit=True) as subscriber:
            publisher.execute(f"CREATE PUBLICATION {_PUBLICATION} FOR TABLE x_case")
            subscriber.execute(
                f"CREATE SUBSCRIPTION {_PUBLICATION} CONNECTION '{_conninfo(url)}' PUBLICATION {_PUBLICATION}"
                " WITH (copy_data = false, enabled = false)"
            )
            write_cases(url, 1, count)
            begun = time.perf_counter()
            subscriber.execute(f"ALTER SUBSCRIPTION {_PUBLICATION} ENABLE")
            # One row is looked up, so that waiting costs the server nothing.
            last = f"SELECT FROM x_case WHERE issuer_id = '431221.platform' AND case_no = 'C2020-{count:08d}'"
            while not subscriber.execute(last).rowcount:
                time.sleep(0.02)
            seconds = time.perf_counter() - begun
            subscriber.execute(f"DROP SUBSCRIPTION {_PUBLICATION}")
    return count / seconds


def _conninfo(url: str) -> str:
    parts = make_url(url)
    return f"host={parts.host} port={parts.port} user={parts.username} dbname={parts.database}"
