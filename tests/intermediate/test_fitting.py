"""What does not fit into a partner's column is refused for its row and names the column; nothing is ever cut."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange_db.intermediate.columns import ColumnFacts, read_columns
from exchange_db.intermediate.drift import compare
from exchange_db.intermediate.fitting import require_fit, trouble_of
from exchange_db.intermediate.partner import Partner, PartnerRefused, open_partner
from exchange_db.records import Violated
from hub.demo.mariadb import MariadbServer
from tests.support.postgres import Cluster

TABLE = "CREATE TABLE t_case (id integer PRIMARY KEY, address varchar(6), note varchar(30) NOT NULL, size smallint)"
INSERT = "INSERT INTO t_case (id, address, note) VALUES (1, %s, %s)"


def _refused(columns: dict[str, ColumnFacts], values: dict[str, object]) -> str:
    with pytest.raises(Violated) as refused:
        require_fit("t_case", columns, {"id": 1, "note": "n", **values})
    assert refused.value.violation.reason == "COLUMN_UNFIT"
    return refused.value.violation.field_path


async def test_a_row_that_does_not_fit_names_its_column(partner: Partner) -> None:
    await partner.execute(TABLE)
    columns = await read_columns(partner, "t_case")
    require_fit("t_case", columns, {"id": 1, "note": "n", "address": "六个字的地址"})
    assert _refused(columns, {"address": "七个字的地址呢"}) == "t_case.address"
    assert _refused(columns, {"colour": "red"}) == "t_case.colour"
    assert _refused(columns, {"note": ""}) == "t_case.note"
    with pytest.raises(Violated, match=r"t_case\.note"):
        require_fit("t_case", columns, {"id": 1})


async def test_what_fits_is_kept_whole(partner: Partner) -> None:
    await partner.execute(TABLE)
    await partner.execute(INSERT, ("六个字的地址", "𠮷野家"))
    assert await partner.fetch("SELECT address, note FROM t_case") == [("六个字的地址", "𠮷野家")]


@pytest.mark.parametrize("engine", ["postgresql", "mariadb"])
async def test_a_server_refuses_what_was_not_asked_about(engine: str, request: pytest.FixtureRequest) -> None:
    async with open_partner(request.getfixturevalue(f"{engine}_url")) as partner:
        await partner.execute(TABLE)
        with pytest.raises(PartnerRefused):
            await partner.execute(INSERT, ("七个字的地址呢", "n"))
        columns = await read_columns(partner, "t_case")
        assert trouble_of(columns["size"], 32_768)
        with pytest.raises(PartnerRefused):
            await partner.execute("INSERT INTO t_case (id, note, size) VALUES (1, 'n', %s)", (32_768,))
        assert await partner.fetch("SELECT * FROM t_case") == []


@pytest.fixture(params=["mariadb gbk", "mariadb utf8mb3", "postgresql EUC_CN"])
async def narrow(request: pytest.FixtureRequest, mariadb: MariadbServer, cluster: Cluster) -> AsyncIterator[Partner]:
    """A database whose characters are fewer than Unicode's."""
    engine, encoding = request.param.split()
    if engine == "mariadb":
        with mariadb.database(f"CHARACTER SET {encoding}") as name:
            async with open_partner(mariadb.url_of(name)) as partner:
                yield partner
    else:
        with cluster._database(f"TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'") as url:
            async with open_partner(url) as partner:
                yield partner


async def test_a_letter_the_column_lacks_is_refused_not_replaced(narrow: Partner) -> None:
    await narrow.execute(TABLE)
    columns = await read_columns(narrow, "t_case")
    await narrow.execute(INSERT, ("中方县", "芙蓉路"))
    assert await narrow.fetch("SELECT address, note FROM t_case") == [("中方县", "芙蓉路")]
    await narrow.execute("DELETE FROM t_case")
    assert _refused(columns, {"address": "𠮷"}) == "t_case.address"
    with pytest.raises(PartnerRefused):
        await narrow.execute(INSERT, ("𠮷", "n"))
    assert await narrow.fetch("SELECT * FROM t_case") == []


async def test_a_column_may_count_bytes(mariadb_url: str) -> None:
    async with open_partner(mariadb_url) as partner:
        await partner.execute("CREATE TABLE t_case (id int PRIMARY KEY, note tinytext)")
        columns = await read_columns(partner, "t_case")
        assert trouble_of(columns["note"], "字" * 85) == ""
        assert "256 > 255" in trouble_of(columns["note"], "字" * 85 + "a")
        await partner.execute("INSERT INTO t_case VALUES (1, %s)", ("字" * 85,))
        with pytest.raises(PartnerRefused, match="note"):
            await partner.execute("INSERT INTO t_case VALUES (2, %s)", ("字" * 85 + "a",))


async def test_a_table_that_was_changed_is_seen_to_be(partner: Partner) -> None:
    await partner.execute(TABLE)
    before = await read_columns(partner, "t_case")
    await partner.run_script(
        ["ALTER TABLE t_case RENAME COLUMN address TO place", "ALTER TABLE t_case ADD COLUMN colour varchar(9)"]
    )
    changes = compare("t_case", before, await read_columns(partner, "t_case"), {"address": "report.address"})
    assert (changes[0].column, changes[0].is_breaking) == ("address", True)
    assert {change.column for change in changes} == {"address", "place", "colour"}
    assert await read_columns(partner, "no_such_table") == {}


@given(st.text(), st.sampled_from(["", "gbk", "gb2312", "utf8mb3"]), st.integers(1, 20), st.booleans())
def test_what_is_said_to_fit_does(text: str, encoding: str, length: int, is_in_bytes: bool) -> None:
    facts = ColumnFacts("c", "varchar", length, is_in_bytes, encoding)
    codec = "utf-8" if encoding in ("", "utf8mb3") else encoding
    if trouble_of(facts, text) == "":
        stored = text.encode(codec)
        assert (len(stored) if is_in_bytes else len(text)) <= length
        assert stored.decode(codec) == text
        assert encoding != "utf8mb3" or max(map(len, map(str.encode, text)), default=0) <= 3
