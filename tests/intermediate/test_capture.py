"""Capture notes the key of every changed row, installs itself again without harm, and goes without a trace."""

import json
from typing import Any

import pytest

from exchange_db.intermediate import capture, schema
from exchange_db.intermediate.capture import CHANGE_LOG, CaptureRefused, Standing, Watched
from exchange_db.intermediate.capture.postgresql import sleep_lock
from exchange_db.intermediate.dialect import create_table
from exchange_db.intermediate.partner import Partner, open_partner

CASE = Watched("x_case", schema.CASE.key)
THEIRS = Watched("T_案件", ("区划", "编号"))
INSERT = "INSERT INTO x_case (issuer_id, case_no) VALUES (%s, %s)"


async def _made(partner: Partner) -> None:
    quoted = partner.dialect.quoted
    await partner.run_script(
        [
            create_table(partner.dialect, schema.CASE),
            f"CREATE TABLE {quoted(THEIRS.table)} ({quoted('区划')} int, {quoted('编号')} varchar(40), note int)",
        ]
    )
    await capture.install(partner, (CASE, THEIRS))


async def _noted(partner: Partner) -> list[tuple[str, list[str], str]]:
    """What was noted since the last call."""
    rows = await partner.fetch(f"SELECT table_name, row_key, op FROM {CHANGE_LOG} ORDER BY log_id")
    await partner.execute(f"DELETE FROM {CHANGE_LOG}")
    return [(table, key if isinstance(key, list) else json.loads(key), op) for table, key, op in rows]


async def _call_itself_the_hub(partner: Partner) -> None:
    marks: dict[str, tuple[str, tuple[Any, ...]]] = {
        "postgresql": ("SELECT set_config('sanji.exchange', 'on', false)", ()),
        "mariadb": ("SET @sanji_exchange = 1", ()),
        "sqlite": ("UPDATE x_session SET is_exchange = 1", ()),
    }
    await partner.execute(*marks[partner.dialect.name])


async def test_every_change_leaves_its_key(partner: Partner) -> None:
    await _made(partner)
    for number in ("a", "b", "中方'1\""):
        await partner.execute(INSERT, ("431221.platform", number))
    assert await _noted(partner) == [("x_case", ["431221.platform", number], "I") for number in ("a", "b", "中方'1\"")]
    await partner.execute("UPDATE x_case SET address = 'x' WHERE case_no < 'c'")
    assert await _noted(partner) == [("x_case", ["431221.platform", number], "U") for number in ("a", "b")]
    await partner.execute("DELETE FROM x_case WHERE case_no = 'a'")
    assert await _noted(partner) == [("x_case", ["431221.platform", "a"], "D")]
    await partner.execute("UPDATE x_case SET address = 'x' WHERE case_no = 'nothing'")
    assert await _noted(partner) == []


async def test_a_row_that_gets_another_key_ends_under_the_old_one(partner: Partner) -> None:
    await _made(partner)
    await partner.execute(INSERT, ("431221.platform", "a"))
    await _noted(partner)
    # Letters of another size are another key to us, whatever the engine's order of letters says.
    for old, new in (("a", "A"), ("A", "b")):
        await partner.execute("UPDATE x_case SET case_no = %s", (new,))
        assert await _noted(partner) == [
            ("x_case", ["431221.platform", old], "D"),
            ("x_case", ["431221.platform", new], "U"),
        ]


async def test_tables_of_the_partner_are_watched_by_their_own_names(partner: Partner) -> None:
    await _made(partner)
    quoted = partner.dialect.quoted
    await partner.execute(f"INSERT INTO {quoted(THEIRS.table)} VALUES (431221, '2020-1', 0), (431222, NULL, 0)")
    assert await _noted(partner) == [(THEIRS.table, ["431221", "2020-1"], "I"), (THEIRS.table, ["431222", None], "I")]


async def test_what_the_hub_writes_is_not_noted(partner: Partner) -> None:
    await _made(partner)
    await _call_itself_the_hub(partner)
    await partner.execute(INSERT, ("431221.platform", "a"))
    await partner.execute("UPDATE x_case SET address = 'x'")
    await partner.execute("DELETE FROM x_case")
    assert await _noted(partner) == []


async def test_what_was_rolled_back_is_not_noted(partner: Partner) -> None:
    await _made(partner)
    with pytest.raises(RuntimeError):
        async with partner.transaction():
            await partner.execute(INSERT, ("431221.platform", "a"))
            raise RuntimeError
    assert await _noted(partner) == []


async def test_installing_again_changes_nothing(partner: Partner) -> None:
    await _made(partner)
    await partner.execute(INSERT, ("431221.platform", "a"))
    assert await capture.install(partner, (CASE, THEIRS)) == []
    assert {one.standing for one in await capture.show(partner, (CASE, THEIRS))} == {Standing.INSTALLED}
    assert len(await _noted(partner)) == 1


async def test_a_broken_installation_is_told_and_mended(partner: Partner) -> None:
    await _made(partner)
    on = "" if partner.dialect.name != "postgresql" else " ON x_case"
    name = "x_log_delete" if on else "x_log_x_case_delete"
    await partner.execute(f"DROP TRIGGER {name}{on}")
    wrong = CASE._replace(key=("case_no",))
    standings = {(one.name, one.standing) for one in await capture.show(partner, (CASE,)) if one.table == "x_case"}
    assert (name, Standing.MISSING) in standings
    assert len({name for name, standing in standings if standing is Standing.MISSING}) == 1
    # Key columns that are no longer the same make the triggers out of date.
    assert Standing.DIFFERS in {one.standing for one in await capture.show(partner, (wrong,))}
    assert [one.name for one in await capture.install(partner, (CASE, THEIRS))] == [name]
    await partner.execute(INSERT, ("431221.platform", "a"))
    await partner.execute("DELETE FROM x_case")
    assert [op for _, _, op in await _noted(partner)] == ["I", "D"]


async def test_removing_takes_capture_away_and_nothing_else(partner: Partner) -> None:
    await _made(partner)
    await partner.execute(INSERT, ("431221.platform", "a"))
    assert await capture.remove(partner)
    assert await capture.remove(partner) == []
    assert {one.standing for one in await capture.show(partner, (CASE,))} == {Standing.MISSING}
    await partner.execute("UPDATE x_case SET address = 'x'")
    assert await partner.fetch("SELECT case_no, address FROM x_case") == [("a", "x")]


async def test_a_table_that_is_no_longer_asked_for_is_shown(partner: Partner) -> None:
    await _made(partner)
    left = [one for one in await capture.show(partner, (CASE,)) if one.standing is Standing.UNKNOWN]
    assert {one.table.strip('"') for one in left if one.table} == {THEIRS.table}


async def test_a_view_cannot_be_watched(partner: Partner) -> None:
    await partner.run_script(["CREATE VIEW v_case AS SELECT 1 AS id"])
    with pytest.raises(CaptureRefused, match="v_case"):
        await capture.install(partner, (Watched("v_case", ("id",)),))
    assert Standing.INSTALLED not in {one.standing for one in await capture.show(partner, ())}


async def test_a_key_the_table_has_not_is_refused_before_it_hinders_a_writer(partner: Partner) -> None:
    await partner.execute("CREATE TABLE t_case (id int PRIMARY KEY)")
    with pytest.raises(CaptureRefused, match="number"):
        await capture.install(partner, (Watched("t_case", ("id", "number")),))
    await partner.execute("INSERT INTO t_case VALUES (1)")


async def test_emptying_a_table_is_seen(postgresql_url: str) -> None:
    async with open_partner(postgresql_url) as partner:
        await _made(partner)
        await partner.execute("TRUNCATE x_case")
        assert await _noted(partner) == [("x_case", [], "T")]


async def test_a_switched_off_trigger_is_told_and_switched_on(postgresql_url: str) -> None:
    async with open_partner(postgresql_url) as partner:
        await _made(partner)
        await partner.execute("ALTER TABLE x_case DISABLE TRIGGER ALL")
        amiss = await capture.install(partner, (CASE, THEIRS))
        assert {(one.table, one.standing) for one in amiss} == {("x_case", Standing.DISABLED)}
        await partner.execute(INSERT, ("431221.platform", "a"))
        assert len(await _noted(partner)) == 1


async def test_a_writer_needs_no_right_to_the_log(postgresql_url: str) -> None:
    async with open_partner(postgresql_url) as partner:
        await _made(partner)
        await partner.run_script(["CREATE ROLE x_writer", "GRANT INSERT ON x_case TO x_writer"])
        async with partner.transaction():
            await partner.execute("SET LOCAL ROLE x_writer")
            # Nor can it put a table of its own in the way.
            await partner.execute(f"CREATE TEMP TABLE {CHANGE_LOG} (table_name text, row_key text[], op text)")
            await partner.execute(INSERT, ("431221.platform", "a"))
            await partner.execute(f"DROP TABLE pg_temp.{CHANGE_LOG}")
        assert len(await _noted(partner)) == 1
        await partner.run_script(["DROP OWNED BY x_writer", "DROP ROLE x_writer"])


async def test_a_writers_own_operators_and_types_are_not_taken(postgresql_url: str) -> None:
    async with open_partner(postgresql_url) as partner:
        await _made(partner)
        await partner.run_script([
            "CREATE SCHEMA mine",
            "CREATE FUNCTION mine.never(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT 1 / 0 = 1 $$",
            "CREATE OPERATOR mine.= (LEFTARG = text, RIGHTARG = text, FUNCTION = mine.never)",
            "CREATE DOMAIN mine.text AS pg_catalog.text CHECK (VALUE IS NULL)",
        ])  # fmt: skip
        async with partner.transaction():
            await partner.execute("SET LOCAL search_path = mine, pg_catalog, public")
            await partner.execute(INSERT, ("431221.platform", "a"))
            await partner.execute("UPDATE x_case SET case_no = 'b'")
            await partner.execute("DELETE FROM x_case")
        assert [op for _, _, op in await _noted(partner)] == ["I", "D", "U", "D"]


async def test_a_schema_may_have_any_name(postgresql_url: str) -> None:
    async with open_partner(postgresql_url) as partner:
        name = """ "o'B ""x" """
        await partner.run_script([f"CREATE SCHEMA {name}", f"SET search_path = {name}"])
        await _made(partner)
        await partner.execute(INSERT, ("431221.platform", "a"))
        assert len(await _noted(partner)) == 1
        found = await capture.show(partner, (CASE, THEIRS))
        assert {one.standing for one in found} == {Standing.INSTALLED}


async def test_a_table_of_another_schema_is_watched_and_left_again(postgresql_url: str) -> None:
    async with open_partner(postgresql_url) as partner:
        watched = Watched("gov.T Case", ("id",))
        await partner.run_script(["CREATE SCHEMA gov", 'CREATE TABLE gov."T Case" (id int PRIMARY KEY)'])
        await capture.install(partner, (watched,))
        async with partner.transaction():
            # Whatever path the writer's own session has.
            await partner.execute("SET LOCAL search_path = gov")
            await partner.execute('INSERT INTO "T Case" SELECT generate_series(1, 2)')
        assert await _noted(partner) == [("gov.T Case", ["1"], "I"), ("gov.T Case", ["2"], "I")]
        await capture.remove(partner)
        assert await capture.remove(partner) == []


async def test_a_sleeping_reader_is_woken_and_one_awake_is_left_alone(postgresql_url: str) -> None:
    async with open_partner(postgresql_url) as partner, open_partner(postgresql_url) as listener:
        await _made(partner)
        driver: Any = listener.driver  # type: ignore[attr-defined]
        await driver.execute("LISTEN x_change")
        await partner.execute(INSERT, ("431221.platform", "a"))
        await listener.fetch(f"SELECT pg_advisory_lock({sleep_lock('x_change_log')})")
        await partner.execute("DELETE FROM x_case WHERE case_no = 'nothing'")
        await partner.execute(INSERT, ("431221.platform", "b"))
        await listener.fetch("SELECT pg_advisory_unlock_all()")
        await partner.execute(INSERT, ("431221.platform", "c"))
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
        assert await partner.fetch(held) == [(0,)]
        notices = [notice.channel async for notice in driver.notifies(timeout=5, stop_after=1)]
        notices += [notice.channel async for notice in driver.notifies(timeout=0)]
        assert notices == ["x_change"]
