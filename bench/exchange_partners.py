"""The partners of the exchange's measurements: one that reports and one that is told, on either engine, and the hub."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from bench.partner_databases import TRANSACTION, partner_server, write_cases
from exchange_db.intermediate import capture, schema
from exchange_db.intermediate.dialect import create_table
from exchange_db.intermediate.partner import Partner, open_partner
from exchange_db.intermediate.scripts import WATCHED
from exchange_db.session import Ledger
from hub.demo.mariadb import mariadb_server
from hub.demo.staging import Stage, StagedHub
from hub.federation.enrolment import enter_database

REPORTER, AUTHORITY = "431221.platform", "431200.platform"
_ZONE = "UTC"
_LIMIT_SECONDS = 900.0
#: The rows of ``bench.partner_databases``, in MariaDB's words.
_MARIADB_CASES = (
    "INSERT INTO x_case (issuer_id, case_no, revision, state, region_code, standard_ref, class_kind, class_code,"
    " source_code, authority_id, reported_time, area_code, filing_condition_no, source_original, channel_ticket_no,"
    " description, crs, x, y, address, grid_code, is_self_handled, found_time, accepted_time, filed_time, written_time)"
    " SELECT '431221.platform', concat('C2020-', lpad(n, 8, '0')), 1, 'filed', '431221', 'GB/T-30428.2-2013', 'event',"
    " concat('01-', lpad(1 + mod(n, 38), 2, '0')), elt(1 + mod(n, 4), 'collector', 'hotline_12345', 'wechat', 'video'),"
    " '431200.platform', t, '431221100', 1 + mod(n, 9), '采集员上报', concat('T', n),"
    " repeat('人行道上堆放杂物，影响通行，请及时清理。', 2), 'cgcs2000', 109.9 + mod(n, 1000) / 10000.0,"
    " 27.4 + mod(n, 997) / 10000.0, concat('中方县中方镇', mod(n, 97), '号路口东侧'),"
    " concat('431221100001', lpad(mod(n, 900), 3, '0')), false, t - interval 1 hour, t + interval 5 minute,"
    " t + interval 10 minute, now(6)"
    " FROM (SELECT seq AS n, timestamp '2020-01-01 00:00:00' + interval mod(seq, 500000) minute AS t"
    " FROM seq_{first}_to_{last}) numbered"
)


class Pair:
    """A reporting and a told partner, each with a connection for the measurement itself.

    Args:
        engine: ``postgresql`` or ``mariadb``.
        urls: of the two databases.
        sessions: connections to them.
    """

    def __init__(self, engine: str, urls: tuple[str, str], sessions: tuple[Partner, Partner]) -> None:
        self.engine = engine
        self.urls = urls
        self.reporter, self.told = sessions
        #: Cases written so far; numbers begin behind them.
        self.written = 0

    async def make_tables(self) -> None:
        """Makes our tables and capture on both sides."""
        for partner in (self.reporter, self.told):
            await partner.run_script([create_table(partner.dialect, table) for table in schema.TABLES.values()])
            await capture.install(partner, WATCHED)

    async def write(self, count: int) -> None:
        """Lets the reporting partner write cases, some thousands in a transaction; whole transactions."""
        count = -(-count // TRANSACTION) * TRANSACTION
        if self.engine == "postgresql":
            await asyncio.to_thread(write_cases, self.urls[0], self.written + 1, count)
        else:
            for first in range(self.written + 1, self.written + count, TRANSACTION):
                await self.reporter.execute(_MARIADB_CASES.format(first=first, last=first + TRANSACTION - 1))
        self.written += count

    async def write_one(self) -> float:
        """Lets the reporting partner commit one case and returns how long the told one waits for it, in seconds."""
        self.written += 1
        new = f"E2020-{self.written:08d}"
        await self.reporter.execute(_ONE.format(names=", ".join(_COPIED)), (new, _LIKE))
        begun = time.perf_counter()
        while not await self.told.fetch("SELECT 1 FROM x_case WHERE issuer_id = %s AND case_no = %s", (REPORTER, new)):
            if time.perf_counter() > begun + 60:
                raise TimeoutError(new)
            await asyncio.sleep(0.001)
        return time.perf_counter() - begun

    async def until_delivered(self, number: int) -> None:
        """Returns when the told partner has rows up to a number."""
        await rate_until(self.delivered, number)

    async def delivered(self) -> int:
        """Returns the number up to which the told partner has rows."""
        rows = await self.told.fetch("SELECT delivered_sequence FROM x_link WHERE link_id = %s", (AUTHORITY,))
        return int(rows[0][0]) if rows else 0


#: The server of the demonstration is not.
_DURABLE = "SET GLOBAL innodb_flush_log_at_trx_commit = 1; SET GLOBAL innodb_buffer_pool_size = 268435456"
#: A case that is reported alone has what this one has.
_LIKE = "C2020-00000001"
_COPIED = [name for name in schema.CASE.names if name != "case_no"]
_ONE = "INSERT INTO x_case ({names}, case_no) SELECT {names}, %s FROM x_case WHERE case_no = %s"


@asynccontextmanager
async def pair_of(engine: str) -> AsyncIterator[Pair]:
    """Yields two partners with empty databases, durable as in service."""
    async with AsyncExitStack() as stack:
        if engine == "postgresql":
            urls = tuple(stack.enter_context(partner_server(name)) for name in ("reporter", "told"))
        else:
            server = stack.enter_context(mariadb_server())
            server.run(
                "", "SET GLOBAL innodb_flush_log_at_trx_commit = 1; SET GLOBAL innodb_buffer_pool_size = 1 << 28"
            )
            urls = tuple(server.url_of(stack.enter_context(server.database())) for _ in range(2))
        sessions = [await stack.enter_async_context(open_partner(url, _ZONE)) for url in urls]
        yield Pair(engine, (urls[0], urls[1]), (sessions[0], sessions[1]))


async def link(staged: Stage, pair: Pair) -> StagedHub:
    """Makes a hub whose two neighbours are the partners; does not start it."""
    hub = await staged.add_hub("431200.hub", "怀化市", '[intermediate]\nfolder = "links"\n')
    folder = hub.folder / "links"
    folder.mkdir()
    async with Ledger(hub.url, pool_size=0) as ledger:
        for peer_id, url in zip((REPORTER, AUTHORITY), pair.urls, strict=True):
            (folder / f"{peer_id}.toml").write_text(
                f'peer = "{peer_id}"\nname = "{peer_id}"\nurl = "{url}"\nzone = "{_ZONE}"\n', encoding="utf-8"
            )
            await enter_database(
                ledger, hub.settings, peer_id=peer_id, name=peer_id, kind="platform", relation="child",
                is_replacing=False,
            )  # fmt: skip
    return hub


async def rate_until(count: Callable[[], Awaitable[int]], wanted: int) -> float:
    """Returns how many a second are added to a count until it is so much; begins with the first.

    Raises:
        TimeoutError: it is not in time.
    """
    until = time.monotonic() + _LIMIT_SECONDS
    before = first = now = await count()
    begun = time.perf_counter()
    while now < wanted:
        await asyncio.sleep(0.05)
        now = await count()
        if first == before and now > before:
            first, begun = now, time.perf_counter()
        if time.monotonic() > until:
            raise TimeoutError(f"{now} of {wanted}")
    return (wanted - first) / max(time.perf_counter() - begun, 1e-9)
