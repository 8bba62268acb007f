"""A ledger of a nation's hub with thousands of links and millions of cases, for looking at the console.

Made by the database itself, one statement a table: 3,000 cases a second from Python would take an hour. The ledger is
one that could have come about: every neighbour has its link, stream, canary and past, cases lie over the year up to
now, most of them closed, and the figures are what the hub counts of these cases itself. Two things are less than in
life. Cases come in turns of at most half a million that differ in their numbers alone, so the figures are counted once
and taken as often: their cells are those of half a million cases. And bytes of records are missing, so only cases that
were applied for real can be opened.
"""

import time
from typing import Any, NamedTuple

import psycopg
from psycopg import Connection

from exchange_db.case_texts import grams_of
from exchange_db.cases import CaseState
from exchange_db.counting import CountingRules
from exchange_db.counting_sql import counted_cells
from exchange_db.figure_totals import totals_of
from exchange_db.records import COUNTERS, AssignmentState, HandlingState, ReportState

_PHRASES = (
    "人行道上堆放杂物影响通行请及时清理", "路灯不亮夜间通行不便", "井盖破损有安全隐患", "占道经营影响市容",
    "垃圾满溢有异味", "共享单车乱停放", "墙面小广告未清除", "绿化带内有暴露垃圾", "道路积水车辆无法通行",
    "施工噪声扰民", "护栏损坏", "店外经营堵塞盲道", "渣土车遗撒污染路面", "树木倒伏压到电线", "化粪池外溢",
)  # fmt: skip
#: Cases with words: the newest, one index entry each pair of letters.
_MOST_TEXTS = 1_000_000
_S = CaseState
_HOUR = "interval '1 hour'"


class Size(NamedTuple):
    """How much there is; links are counties of thirty provinces, and what a county's cases are counted by."""

    links: int
    cases: int


#: A county's region by its number, from 0: thirty provinces of ten cities of ten counties.
_PLACE = "(11 + {0} / 100 % 30) * 10000 + (1 + {0} / 10 % 10) * 100 + 1 + {0} % 10"
_PEERS = """
INSERT INTO peers (peer_id, name, region, kind, relation, address, state, thumbprint, certificate_end_time, joined_time,
  is_paused)
SELECT region || '.platform' || CASE WHEN n >= 3000 THEN n::text ELSE '' END, '县平台' || n, region, 'platform',
  'child', CASE WHEN n % 3 = 0 THEN '10.1.' || n / 250 || '.' || n % 250 || ':7443' ELSE '' END,
  CASE WHEN n % 211 = 0 THEN 'blocked' ELSE 'active' END, md5('peer' || n),
  now() + (n % 300 - 2) * interval '1 day', now() - interval '400 days', n % 173 = 0
FROM (SELECT n, {place} AS region FROM generate_series(0, {links} - 1) n) made
"""
_LINKS = """
INSERT INTO links (destination_id, cursors, last_sequence, acked_sequence, receipted_sequence, failure_count,
  retry_time, trouble, trouble_time, contact_time, clock_skew_ms, heard_time, contracts, software)
SELECT destination_id, array_fill(0::bigint, ARRAY[64]), 100000 + destination_id, 100000 + destination_id,
  100000 + destination_id, CASE WHEN is_down THEN 9 ELSE 0 END, CASE WHEN is_down THEN now() + interval '1 minute' END,
  CASE WHEN is_down THEN 'connection refused 对方拒绝连接' ELSE '' END, CASE WHEN is_down THEN now() END,
  now() - destination_id % 50 * interval '1 second', destination_id % 90 - 45,
  now() - destination_id % 40 * interval '1 second', '{case.v1,figure.v1,standards.v1}',
  'vendor 3.' || destination_id % 7
FROM (SELECT destination_id, destination_id % 41 = 0 AS is_down FROM peers) made
"""
_OF_LINKS = (
    (
        "INSERT INTO link_lags SELECT destination_id, now(), CASE WHEN destination_id % 41 = 0 THEN 250 ELSE 0 END,"
        " CASE WHEN destination_id % 41 = 0 THEN now() - interval '2 hours' END FROM peers"
    ),
    (
        "INSERT INTO streams (sender_id, name, last_sequence, accepted_count, refused_count,"
        " duplicate_count, last_time)"
        " SELECT peer_id, 'main', 90000, 89990, 4, 6, now() - destination_id % 40 * interval '1 second' FROM peers"
    ),
    (
        "INSERT INTO canaries (peer_id, is_able, told_time, question_time, sent_time, returned_time,"
        " last_returned_time,"
        " seconds) SELECT peer_id, true, now(), 1, now() - interval '40 seconds', now(), now(), 0.4 FROM peers"
        " WHERE destination_id % 41 <> 0"
    ),
    (
        "INSERT INTO outages (destination_id, direction, start_time, end_time, cause, trouble)"
        " SELECT destination_id, 'out', now() - day * interval '1 day',"
        " now() - day * interval '1 day' + interval '1 hour', 'LINK_DOWN', 'timeout' FROM peers CROSS JOIN"
        " generate_series(1, 200, 9) day"
    ),
    (
        "INSERT INTO outages (destination_id, direction, start_time, cause, trouble) SELECT destination_id, 'out',"
        " now() - interval '2 hours', 'LINK_DOWN', 'connection refused' FROM peers WHERE destination_id % 41 = 0"
    ),
    (
        "INSERT INTO link_samples SELECT destination_id, grain, date_trunc('hour', now()) - number * step, 5, 0,"
        " destination_id % 90, number % 40, 400, 200000 - number, 200000 - number"
        " FROM (SELECT destination_id FROM peers UNION ALL SELECT 0) p CROSS JOIN (VALUES (0, interval '5"
        " minutes', 312),"
        " (1, interval '1 hour', 360), (2, interval '1 day', 750)) g(grain, step, most)"
        " CROSS JOIN LATERAL generate_series(0, most) number"
    ),
    (
        "INSERT INTO link_days (destination_id, is_sent, day, own_count, receipted_count, refused_count, gap_count,"
        " age_p95_ms, transit_p95_ms, counted_time) SELECT destination_id, is_sent,"
        " to_char(now() - day * interval '1 day', 'YYYYMMDD')::int, 500, 500, 1, 0, 800, 700, now() FROM peers"
        " CROSS JOIN (VALUES (true), (false)) w(is_sent) CROSS JOIN generate_series(1, 30) day"
    ),
)
_OTHERS = (
    (
        "INSERT INTO quarantine (stage, stream_id, sequence, peer_id, origin_id, record_key, region, reason,"
        " field_path,"
        " message, message_zh, payload, created_time, resolution) SELECT 'intake', 1, n, peer_id, peer_id,"
        " md5(n::text)::uuid, region, (ARRAY['REGION_FORBIDDEN', 'CODE_UNKNOWN', 'TIME_IN_FUTURE'])[1 + n % 3],"
        " 'report.class_code', 'not known', '未知', '\\x00', now() - n * interval '1 minute',"
        " CASE WHEN n % 4 = 0 THEN 'open' ELSE 'discarded' END FROM generate_series(1, 20000) n"
        " JOIN peers ON destination_id = 1 + n % 3000"
    ),
    (
        "INSERT INTO alerts (region, alert_id, rule, subject, severity, text, text_en, opened_time, closed_time)"
        " SELECT region, md5('alert' || n)::uuid, 'link_down', peer_id || CASE WHEN n > 300 THEN n::text ELSE '' END,"
        " 'warning', '链路中断', 'A link is down', now() - n * interval '1 hour',"
        " CASE WHEN n > 300 THEN now() - n * interval '1 hour' + interval '20 minutes' END"
        " FROM generate_series(1, 6000) n JOIN peers ON destination_id = 1 + n % 3000"
    ),
    (
        "INSERT INTO job_runs (job, started_time, ended_time, result) SELECT 'job-' || n % 40,"
        " now() - n * interval '1 minute', now() - n * interval '1 minute' + interval '2 seconds', 'done'"
        " FROM generate_series(1, 20000) n"
    ),
    (
        "INSERT INTO storage_samples SELECT 'table' || kind, 0, current_date - day, 1000000 * (800 - day) + kind"
        " FROM generate_series(1, 150) kind CROSS JOIN generate_series(1, 800) day"
    ),
    (
        "INSERT INTO components SELECT region, md5('component' || n)::uuid, peer_id, 'K' || n, 'local', 1, region,"
        " region || '001', region || '001001', 'GB/T-30428.2-2013', '0101', '井盖', 1, 1, 110 + n % 1000 / 1000.0,"
        " 28 + n % 997 / 1000.0, 'A', 's', '主管', 'p', '权属', 'm', '养护', now(), now(), 'survey', '', n"
        " FROM generate_series(1, 200000) n JOIN peers ON destination_id = 1 + n % 3000"
    ),
    (
        "INSERT INTO people SELECT md5('person' || n)::uuid, 'idp', 'p' || n, '张' || n, '城管局', region, 'admitted',"
        " now(), now() FROM generate_series(1, 2000) n JOIN peers ON destination_id = 1 + n % 3000"
    ),
)
#: What a case says, over ``made``: its number, region, time of report, what came of it, and numbers that scatter.
_SAYS = {
    "home_region": "region",
    "region": "region",
    "case_id": "md5('case' || n)::uuid",
    "issuer_id": "region || '.platform'",
    "case_no": "'C' || lpad(n::text, 9, '0')",
    "state": f"CASE fate WHEN 0 THEN {_S.CLOSED:d} WHEN 1 THEN {_S.DISPOSING:d} ELSE {_S.VOID:d} END",
    "class_key": "'GB/T-30428.2-2013|E|' || lpad(class::text, 4, '0')",
    "source_code": "(ARRAY['collector', 'collector_self', 'hotline_12319', 'other'])[1 + (seed % 8 = 0)::int"
    " + (seed % 60 = 0)::int + (seed % 120 = 0)::int]",
    "authority_id": "region / 100 * 100 || '.hub'",
    "handler_id": "region || '.platform'",
    "unit_code": "'unit' || lpad((class % 100 * 2 + (seed % 7 = 0)::int)::text, 3, '0')",
    "grid_code": "region || lpad((seed % 900)::text, 9, '0')",
    "reported_time": "reported",
    "accepted_time": "reported + interval '5 minutes'",
    "filed_time": "reported + interval '12 minutes'",
    "dispatched_time": "reported + interval '20 minutes'",
    "dispatched_on_time": f"reported + {_HOUR}",
    "deadline_time": f"reported + (ARRAY[4, 24, 48, 168])[1 + seed % 4] * {_HOUR}",
    "close_requested_time": f"CASE fate WHEN 0 THEN reported + took * {_HOUR} END",
    "check_sent_time": f"CASE fate WHEN 0 THEN reported + took * {_HOUR} + interval '10 minutes' END",
    "check_answered_time": f"CASE fate WHEN 0 THEN reported + (took + 1) * {_HOUR} END",
    "closed_time": f"CASE fate WHEN 0 THEN reported + (took + 1) * {_HOUR} END",
    "report_state": f"{ReportState.FILED:d}",
    "assignment_state": f"CASE fate WHEN 2 THEN {AssignmentState.VOID:d} ELSE {AssignmentState.DISPATCHED:d} END",
    "handling_state": f"CASE fate WHEN 0 THEN {HandlingState.CLOSE_REQUESTED:d} ELSE"
    f" {HandlingState.DISPATCHED_ON:d} END",
    "report_revision": "1",
    "assignment_revision": "1",
    "handling_revision": "2",
    "crs": "1",
    "x": "100 + seed % 20000 / 1000.0",
    "y": "25 + seed % 15000 / 1000.0",
}
_MADE = f"""
FROM (SELECT n, seed, {_PLACE.format("place")} AS region, class, took, reported,
    CASE WHEN seed % 50 = 0 THEN 2 WHEN seed % 40 = 1 THEN 1
      WHEN reported + (took + 1) * {_HOUR} > now() THEN 1 ELSE 0 END AS fate
  FROM (SELECT {{first}} + shape AS n, seed, (seed % 3000 * (seed % 89) / 88)::int % 3000 AS place,
      (400 * (seed % 1000) * (seed % 997) / 996004)::int AS class, (ARRAY[3, 20, 40, 90])[1 + seed / 7 % 4] AS took,
      now() - ({{turn}} - shape) * interval '366 days' / {{turn}} AS reported
    FROM (SELECT shape, (shape * 2654435761 % 4294967296 * 48271 % 2147483647) AS seed
      FROM generate_series(1::bigint, {{turn}}) shape) numbered) scattered) made
"""
_TEXTS = """
INSERT INTO case_texts SELECT home_region, case_id, region, reported_time, lower(case_no) || E'\\n' || p.phrase, p.grams
FROM cases JOIN unnest(%(places)s::int[], %(months)s::int[], %(phrases)s::text[], %(grams)s::text[])
  t(place, month, phrase, written) ON t.place = ('x' || left(case_id::text, 4))::bit(16)::int %% %(count)s
  AND t.month = to_char(reported_time AT TIME ZONE 'UTC', 'YYYYMM')::int
CROSS JOIN LATERAL (SELECT t.phrase, t.written::int[] AS grams) p
WHERE reported_time > now() - interval '366 days' * %(share)s
"""
_NOTHING = {"text": "''", "boolean": "false"}
_TURN = 500_000
_KEYS = "region, unit_code, class_key, source_code"
_NAMES, _SUMS = ", ".join(COUNTERS), ", ".join(f"sum({name})::int" for name in COUNTERS)


def fill(url: str, size: Size) -> dict[str, float]:
    """Fills a fresh ledger; returns the seconds each part took."""
    took: dict[str, float] = {}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET maintenance_work_mem = '1GB'")
        connection.execute("SET work_mem = '256MB'")
        links = (_PEERS.format(place=_PLACE.format("n"), links=size.links), _LINKS, *_OF_LINKS, *_OTHERS)
        for name, act in (
            ("links", lambda: [connection.execute(statement.encode()) for statement in links]),
            ("cases", lambda: _add_cases(connection, size.cases)),
            ("texts", lambda: _add_texts(connection, size.cases)),
            ("vacuum", lambda: [connection.execute(statement) for statement in (b"VACUUM ANALYZE", b"CHECKPOINT")]),
        ):
            begun = time.perf_counter()
            act()
            took[name] = round(time.perf_counter() - begun, 1)
    return took


def _add_cases(connection: Connection[Any], count: int) -> None:
    columns = connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'cases'"
        " AND (is_nullable = 'NO' OR column_name = ANY(%s))",
        (list(_SAYS),),
    ).fetchall()
    names = ", ".join(name for name, _ in columns)
    values = ", ".join(_SAYS.get(name, _NOTHING.get(kind, "0")) for name, kind in columns)
    statement = f"INSERT INTO cases ({names}) SELECT {values}"
    times = -(-count // _TURN)
    turn = count // times
    indexes = _without_indexes(connection, "cases")
    # All turns at one moment: their cases then lie on the same days.
    with connection.transaction():
        for number in range(times):
            made = _MADE.format(turn=turn, first=number * turn)
            connection.execute(f"{statement} {made}".encode())
            if not number:
                _add_figures(connection, times)
    for index in indexes:
        connection.execute(index)


def _add_figures(connection: Connection[Any], times: int) -> None:
    """Makes the cells of as many turns as there will be from the cases of the first."""
    counted = ", ".join(f"{name} * {times}" for name in COUNTERS)
    number = "to_char(day, 'YYYYMMDD')::int"
    cells = f"SELECT {number}, {_KEYS}, {counted} FROM ({counted_cells(CountingRules())}) cells"
    months = f"SELECT day / 100, {_KEYS}, {_SUMS} FROM figure_days GROUP BY day / 100, {_KEYS}"
    for statement in (
        f"INSERT INTO figure_days (day, {_KEYS}, {_NAMES}) {cells}",
        f"INSERT INTO figures (month, {_KEYS}, {_NAMES}) {months}",
        "INSERT INTO figure_changes SELECT DISTINCT region, month, now() FROM figures",
        f"INSERT INTO figure_totals (kind, month, region, key, {_NAMES}) {totals_of('figures')}",
    ):
        connection.execute(statement.encode())


def _without_indexes(connection: Connection[Any], table: str) -> list[bytes]:
    """Takes a table's indexes away, as when a ledger is restored; returns the statements that make them again."""
    found = connection.execute(
        "SELECT indexname, indexdef, conname IS NOT NULL FROM pg_indexes LEFT JOIN pg_constraint"
        " ON conname = indexname AND contype = 'p' WHERE tablename = %s",
        (table,),
    ).fetchall()
    again = []
    for name, text, is_key in found:
        if is_key:
            connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}".encode())
            again += [text, f"ALTER TABLE {table} ADD CONSTRAINT {name} PRIMARY KEY USING INDEX {name}"]
        else:
            connection.execute(f"DROP INDEX {name}".encode())
            again.append(text)
    return [statement.encode() for statement in again]


def _add_texts(connection: Connection[Any], count: int) -> None:
    """Gives the newest cases words."""
    found = connection.execute(
        "SELECT DISTINCT to_char(m AT TIME ZONE 'UTC', 'YYYYMM')::int"
        " FROM generate_series(now() - interval '367 days', now(), interval '1 day') m"
    ).fetchall()
    rows = [(place, month, phrase) for place, phrase in enumerate(_PHRASES) for (month,) in found]
    indexes = _without_indexes(connection, "case_texts")
    connection.execute(
        _TEXTS.encode(),
        {
            "places": [place for place, _, _ in rows],
            "months": [month for _, month, _ in rows],
            "phrases": [phrase for _, _, phrase in rows],
            "grams": [f"{{{','.join(map(str, grams_of([phrase], month)))}}}" for _, month, phrase in rows],
            "count": len(_PHRASES),
            "share": min(1.0, _MOST_TEXTS / count),
        },
    )
    for index in indexes:
        connection.execute(index)
