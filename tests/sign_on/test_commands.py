"""The commands of sign-on as an operator runs them: administrators, people, platforms."""

import asyncio
import importlib
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from auth.oidc_provider.clients import secret_digest
from exchange_db import audit, people, people_lists, person_links, upstreams
from exchange_db.audit import Search
from exchange_db.session import Ledger
from exchange_db.sign_on_records import CasUpstream
from hub.cli.app import app
from tests.support.commands import Ran
from tests.support.signed_on import register

COUNTY = "431221.platform"


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Path:
    file = tmp_path / "sanji.toml"
    file.write_text(
        f'[hub]\nid = "431200.hub"\nname = "怀化市枢纽"\n[database]\nurl = "{database_url}"\n'
        '[console]\norigin = "https://cg.example"\nwrapping_key = "wrapping.key"\n',
        encoding="utf-8",
    )
    return file


async def sanji(*words: object, text: str = "") -> Ran:
    """Runs a command in this process: what is tried here are its words, not its start."""
    for name in ("admin", "people", "sign_on"):
        importlib.import_module(f"hub.cli.{name}")
    done = await asyncio.to_thread(
        CliRunner().invoke, app, list(map(str, words)), text, {"COLUMNS": "200", "NO_COLOR": "1"}
    )
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return Ran(done.exit_code, done.output)


async def test_an_administrator_is_made_shown_once_blocked_and_brought_back(config: Path, ledger: Ledger) -> None:
    code, told = await sanji("admin", "create", "anquan1", "--config", config, text="correct horse battery\n")
    assert code == 0, told
    secret = re.search(r"secret: (\S+)", told)
    assert secret is not None
    assert "otpauth://totp/431200.hub:anquan1" in told
    assert len(re.findall(r"^  [a-z2-7]{16}$", told, re.MULTILINE)) == 8
    assert (config.parent / "wrapping.key").stat().st_mode & 0o777 == 0o600
    assert (await sanji("admin", "create", "anquan1", "--config", config, text="correct horse battery\n"))[0] == 2
    assert (await sanji("admin", "create", "other", "--config", config, text="short\n"))[0] == 2
    listed = await sanji("admin", "list", "--config", config)
    assert "anquan1" in listed.told
    assert secret[1] not in listed.told
    assert (await sanji("admin", "block", "anquan1", "--config", config)).code == 0
    assert "blocked" in (await sanji("admin", "list", "--config", config)).told
    code, told = await sanji("admin", "reset", "anquan1", "--config", config, text="another long password\n")
    assert (code, secret[1] in told) == (0, False)
    assert (await sanji("admin", "block", "nobody", "--config", config)).code == 1
    told = (await sanji("people", "list", "--config", config)).told
    assert "security_officer@431200" in told
    async with ledger.read() as session:
        cursor = await session.driver.execute("SELECT action FROM audit_entries ORDER BY number")
        acts = [row[0] for row in await cursor.fetchall()]
    assert acts == ["administrator.create", "administrator.block", "administrator.reset"]


async def test_a_platform_is_registered_by_file_and_a_wrong_file_is_told(config: Path, ledger: Ledger) -> None:
    file = config.parent / "county.toml"
    good = (
        f'leaf = "county/egova"\nupstream_id = "{COUNTY}"\nname = "中方县"\nbase = "https://10.1.1.1/cas"\n'
        'addresses = ["10.1.1.1:443"]\n'
    )
    file.write_text(good, encoding="utf-8")
    added = await sanji("sign-on", "add", file, "--config", config)
    assert added.code == 0, added.told
    assert f"https://cg.example/sso/back/{COUNTY}" in added.told
    async with ledger.read() as session:
        upstream = await upstreams.find(session, COUNTY)
    assert upstream is not None
    assert (upstream.name, upstream.roles) == ("中方县", ("viewer", "operator", "evaluator"))
    assert "10.1.1.1:443" in (await sanji("sign-on", "list", "--config", config)).told
    for old, new, told in [
        ("county/egova", "county/none", "leaf"),
        (COUNTY, "zhongfang", "upstream_id"),
        ("https://10.1.1.1/cas", "http://10.1.1.1/cas", "https"),
        ("10.1.1.1:443", "10.1.1.1", "addresses"),
        ('"10.1.1.1:443"', "", "addresses"),
        ("base =", "bse =", "bse"),
        ("addresses =", 'roles = ["king"]\naddresses =', "roles"),
        ("leaf =", "leaf", "TOML"),
    ]:
        file.write_text(good.replace(old, new, 1), encoding="utf-8")
        refused = await sanji("sign-on", "add", file, "--config", config)
        assert (refused.code, told in refused.told) == (2, True), (old, refused.told)
    assert (await sanji("sign-on", "add", config.parent / "none.toml", "--config", config)).code == 2
    assert (await sanji("sign-on", "remove", COUNTY, "--config", config)).code == 0
    assert (await sanji("sign-on", "remove", COUNTY, "--config", config)).code == 1


async def test_people_are_let_in_by_name_and_platform(config: Path, ledger: Ledger) -> None:
    await register(
        ledger, CasUpstream(upstream_id=COUNTY, name="县", addresses=("10.0.0.1:443",), base="https://cas.example")
    )
    async with ledger.write() as session:
        await people.arrive(session, COUNTY, "zhang", name="张三", unit="", region=431221, now=datetime.now(UTC))
    end = ("--config", config)
    assert "张三" in (await sanji("people", "list", "--state", "waiting", *end)).told
    assert (await sanji("people", "admit", COUNTY, "zhang", *end)).code == 0
    given = ("people", "grant", COUNTY, "zhang", "--role", "viewer")
    assert (await sanji(*given, "--region", "431221", *end)).code == 0
    beyond = await sanji(*given, "--region", "431222", *end)
    assert (beyond.code, "431222" in beyond.told) == (2, True)
    assert (await sanji(*given, "--region", "四三", *end)).code == 2
    assert '"role": "viewer"' in (await sanji("people", "list", "--json", *end)).told
    taken = ("people", "revoke", COUNTY, "zhang", "--role", "viewer", "--region", "431221")
    assert [(await sanji(*taken, *end)).code for _ in range(2)] == [0, 2]
    assert (await sanji("people", "block", COUNTY, "nobody", *end)).code == 2
    assert (await sanji("people", "block", COUNTY, "zhang", *end)).code == 0
    assert "blocked" in (await sanji("people", "list", *end)).told


async def test_a_platform_is_given_a_secret_for_its_list_once_and_it_can_be_taken_away(
    config: Path, ledger: Ledger
) -> None:
    ask = ("sign-on", "list-secret", COUNTY, "--config", config)
    assert (await sanji(*ask)).code == 1, "no such platform"
    await register(
        ledger,
        CasUpstream(
            upstream_id=COUNTY, name="县", roles=("viewer",), addresses=("10.0.0.1:443",), base="https://cas.example"
        ),
    )
    code, told = await sanji(*ask)
    secret = re.search(r"now: (\S{43})", told)
    assert (code, "https://cg.example/scim/v2" in told) == (0, True)
    assert secret is not None
    async with ledger.read() as session:
        assert await people_lists.of_secret(session, secret_digest(secret[1])) == COUNTY
        cursor = await session.driver.execute("SELECT s::text FROM list_secrets s")
        assert secret[1] not in str(await cursor.fetchall())
    assert (await sanji(*ask, "--withdraw")).code == 0
    assert (await sanji(*ask, "--withdraw")).code == 1
    async with ledger.read() as session:
        assert await people_lists.of_secret(session, secret_digest(secret[1])) is None
        acts = await audit.search(session, Search(action="upstream.list_secret"), limit=9)
    assert sorted(act.outcome for act in acts) == ["done", "done", "refused", "refused"]


async def test_officers_see_linked_accounts_and_can_part_them(config: Path, ledger: Ledger) -> None:
    now = datetime.now(UTC)
    async with ledger.write() as session:
        one, other = [
            (await people.arrive(session, COUNTY, name, name=name, unit="", region=431221, now=now))[0]
            for name in ("zhang", "zhang2")
        ]
        await person_links.join(session, one.person_id, other.person_id, now)
    assert f"{COUNTY}/zhang2" in (await sanji("people", "list", "--config", config)).told
    assert '"linked"' in (await sanji("people", "list", "--json", "--config", config)).told
    assert (await sanji("people", "unlink", COUNTY, "zhang", "--config", config)).code == 0
    assert f"{COUNTY}/zhang2" not in (await sanji("people", "list", "--config", config)).told
    assert (await sanji("people", "unlink", COUNTY, "zhang", "--config", config)).code != 0
