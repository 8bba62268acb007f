"""Two platforms of the demonstration that are linked by their databases, and know nothing but plain SQL.

芷江县 (431228) has a system of the eGova kind with tables of its own on MariaDB; 广东省 (440000) writes our tables on a
PostgreSQL of its front-end host. Both insert, and what becomes of it is read there again: receipts, and the cases that
were dispatched down. MariaDB is started if this machine has one; without it the county is left out, and said so.
"""

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

import psycopg

from connectors.county.simulator.platform import SimulatedPlatform
from connectors.county.simulator.stories import CITY, STANDARD
from connectors.leaves import copy_leaf, leaves
from exchange_db.intermediate.partner import open_partner
from exchange_db.records import Assignment, AssignmentState, Case, CodeKind, Report, ReportState
from exchange_db.regions import subtree
from exchange_db.session import Ledger
from hub.demo.asking import FIRST_MONTH, LAST_MONTH
from hub.demo.mariadb import MARIADBD, MariadbServer, mariadb_server
from hub.demo.staging import Stage, StagedHub
from hub.federation.enrolment import enter_database
from hub.intermediate.installing import install
from hub.intermediate.link_files import find_link
from hub.statistics.reading import FigureQuery, FigureReader

COUNTY, PROVINCE = "431228.platform", "440000.platform"
#: Cases the county reports, cases the city dispatches to it, and cases the province reports.
COUNTY_CASES, TASKS, PROVINCE_CASES = 200, 60, 300
_HOUR = 3_600_000_000
_START = 1_590_998_400_000_000
_WAIT_SECONDS = 60.0
_DATABASE = "egova"

_COUNTY_CASES = (
    "INSERT INTO tb_case SELECT concat('ZJ2020-', lpad(seq, 6, '0')), 2, 1, '信息采集', '事件', '市容环境', '暴露垃圾',"
    " '路边有暴露垃圾，请清理。', 109.68 + seq / 10000, 27.44, concat('芷江镇', seq, '号'), '',"
    " '2020-06-01 08:00:00' + INTERVAL seq HOUR, '2020-06-01 08:10:00' + INTERVAL seq HOUR,"
    f" '2020-06-01 08:10:00' + INTERVAL seq HOUR FROM seq_1_to_{COUNTY_CASES}"
)
_COUNTY_REPLIES = (
    "INSERT INTO tb_task_reply (task_num, reply_no, reply_state, round_no, local_num, unit_name, receive_time,"
    " finish_time, result) SELECT task_num, 1, '办结', 1, concat('BD', task_num), '县环卫中心', dispatch_time,"
    " dispatch_time + INTERVAL 2 HOUR, '已清理。' FROM tb_task_in"
    " WHERE task_num NOT IN (SELECT task_num FROM tb_task_reply)"
)
_PROVINCE_CASES = (
    "INSERT INTO x_case (issuer_id, case_no, revision, state, region_code, standard_ref, class_kind, class_code,"
    f" source_code, authority_id, address, reported_time) SELECT '{PROVINCE}', 'GD2020-' || lpad(n::text, 6, '0'), 1,"
    f" 'filed', '440100', '{STANDARD}', 'event', '0110', 'collector', '{PROVINCE}', '广州市天河路' || n || '号',"
    " '2020-06-01 08:00+08'::timestamptz"
    f" + n * interval '1 hour' FROM generate_series(1, {PROVINCE_CASES}) n"
)
#: A row as a hasty hand writes it: there is no such state.
_WRONG_CASE = (
    "INSERT INTO x_case (issuer_id, case_no, revision, state, region_code, standard_ref, class_kind, class_code,"
    f" source_code, authority_id, address, reported_time) VALUES ('{PROVINCE}', 'GD2020-X', 1, 'finished', '440100',"
    f" '{STANDARD}', 'event', '0110', 'collector', '{PROVINCE}', '广州市', '2020-06-01 08:00+08')"
)
_RECEIPTS = "SELECT state, coalesce(reason, ''), count(*) FROM x_receipt GROUP BY 1, 2 ORDER BY 1, 2"


class PartnerOutcome(NamedTuple):
    """What the partners see in their own databases, and what the nation counts of them.

    ``receipts`` are (state, reason, rows) of the province's; ``tasks`` the rows dispatched to the county, ``replies``
    those it has answered and the city knows; ``has_mariadb`` is false where the county was left out.
    """

    has_mariadb: bool
    county_reported: int
    tasks: int
    replies: int
    province_reported: int
    receipts: list[tuple[str, str, int]]

    @property
    def is_right(self) -> bool:
        """Whether every row arrived, and only the wrong one was refused."""
        county = (self.county_reported, self.tasks, self.replies)
        return (
            self.province_reported == PROVINCE_CASES
            and [row[0] for row in self.receipts] == ["applied", "refused"]
            and (not self.has_mariadb or county == (COUNTY_CASES + TASKS, TASKS, TASKS))
        )


class DatabasePartners:
    """The two partners.

    Args:
        stage: where databases and folders are.
        nation: hub of the province's link.
        city: hub of the county's link.
    """

    def __init__(self, stage: Stage, nation: StagedHub, city: StagedHub) -> None:
        self._stage = stage
        self._nation = nation
        self._city = city
        self._servers = AsyncExitStack()
        self._mariadb: MariadbServer | None = None
        self._front_end = ""

    async def open(self) -> None:
        """Makes both databases, installs capture and registers the partners, as a technician does by commands."""
        self._front_end = await asyncio.to_thread(self._stage.server.ensure_database, "front_end_440000")
        await self._link(self._nation, "province/front_end", PROVINCE, "广东省", self._front_end)
        if MARIADBD.exists():
            self._mariadb = await asyncio.to_thread(self._servers.enter_context, mariadb_server())
            self._mariadb.run("", f"CREATE DATABASE {_DATABASE} CHARACTER SET gbk")
            tables = leaves()["county/egova"].folder / "tables.sql"
            self._mariadb.run(_DATABASE, tables.read_text(encoding="utf-8"))
            await self._link(self._city, "county/egova", COUNTY, "芷江县", self._mariadb.url_of(_DATABASE))

    async def _link(self, hub: StagedHub, leaf: str, peer_id: str, name: str, url: str) -> None:
        settings = hub.settings
        path = copy_leaf(leaves()[leaf], settings.intermediate.folder, peer_id, name, CITY)[0]
        _set_url(path, url)
        link = find_link(settings.intermediate.folder, peer_id)
        async with open_partner(link.url, link.zone) as partner:
            await install(partner, link, settings.hub.id)
        async with Ledger(hub.url, pool_size=0) as ledger:
            await enter_database(
                ledger, settings, peer_id=peer_id, name=name, kind="platform", relation="child", is_replacing=False
            )

    async def close(self) -> None:
        """Stops the county's server."""
        await self._servers.aclose()

    async def live(self, city: SimulatedPlatform) -> PartnerOutcome:
        """Writes plain SQL at both partners, lets the city's platform dispatch, and reads what came back."""
        await asyncio.to_thread(self._write)
        if self._mariadb is not None:
            city.write(_task(number) for number in range(1, TASKS + 1))
        until = time.monotonic() + _WAIT_SECONDS
        while True:
            outcome = await self._look()
            if outcome.is_right or time.monotonic() > until:
                return outcome
            if self._mariadb is not None:
                await asyncio.to_thread(self._mariadb.run, _DATABASE, _COUNTY_REPLIES)
            await asyncio.sleep(0.5)

    def _write(self) -> None:
        with psycopg.connect(self._front_end, autocommit=True) as province:
            province.execute(_PROVINCE_CASES.encode())
            province.execute(_WRONG_CASE.encode())
        if self._mariadb is not None:
            self._mariadb.run(_DATABASE, _COUNTY_CASES)

    async def _look(self) -> PartnerOutcome:
        """Asks the nation's hub, as its own operator does, and both partners' databases."""
        async with Ledger(self._nation.url, pool_size=0) as ledger:
            reader = FigureReader(ledger, self._nation.settings)
            county, province = [await _reported(reader, region) for region in ("431228", "440100")]
        receipts, tasks, replies = await asyncio.to_thread(self._read)
        return PartnerOutcome(self._mariadb is not None, county, tasks, replies, province, receipts)

    def _read(self) -> tuple[list[tuple[str, str, int]], int, int]:
        with psycopg.connect(self._front_end) as province:
            receipts = province.execute(_RECEIPTS.encode()).fetchall()
        tasks = 0
        if self._mariadb is not None:
            tasks = int(self._mariadb.run(_DATABASE, "SELECT count(*) FROM tb_task_in").split()[-1])
        with psycopg.connect(self._city.url) as city:
            answered = city.execute(
                "SELECT count(*) FROM cases WHERE handler_id = %s AND close_requested_time IS NOT NULL", (COUNTY,)
            ).fetchone()
        return receipts, tasks, int(answered[0]) if answered else 0


async def _reported(reader: FigureReader, region_code: str) -> int:
    answer = await reader.figures(subtree(0), FigureQuery(region_code, FIRST_MONTH, LAST_MONTH))
    return answer.lines[0].counts.reported


def _set_url(path: Path, url: str) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    told = [f'url = "{url}"' if line.startswith("url = ") else line for line in lines]
    path.write_text("\n".join(told) + "\n", encoding="utf-8")


def _task(number: int) -> Case:
    """Returns a case the city found in the county and dispatches to it."""
    reported = _START + number * _HOUR
    report = Report(
        1, ReportState.FILED, "431228", STANDARD, CodeKind.EVENT, "0110", "collector", CITY, reported,
        description="市采集员在芷江县发现暴露垃圾。", address="芷江县芷江镇",
    )  # fmt: skip
    assignment = Assignment(
        1, AssignmentState.DISPATCHED, STANDARD, CodeKind.EVENT, "0110", COUNTY, "431228hw", "县环卫中心",
        4, 2, reported + 8 * _HOUR, reported + 8 * _HOUR, reported + _HOUR,
    )  # fmt: skip
    return Case(CITY, f"HH-ZJ-{number:05d}", report, assignment)
