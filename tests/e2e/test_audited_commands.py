"""Commands and the entries they leave, compared: who changes something is in the log, and without it changes nothing.

The commands run in this process against a ledger of their own, as the user of this machine.
"""

import asyncio
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from auth.certificates import write
from auth.joint_acts import JointActs
from exchange_db import audit
from exchange_db.records import Violated
from exchange_db.session import Ledger, driver_url
from hub.cli import app as command_line
from hub.cli.host import local_user
from hub.recording import acting_as, recorded, told
from tests.rules.test_audited_acts import _every_command
from tests.support.audit_logs import AUTHORITY, CITY, an_entry, certified
from tests.support.neighbours import enrolled
from tests.support.signed_releases import CODES

_PLATFORM, _STANDARD = "431221.platform", "GB/T-30428.2-2013"
#: Tables in which something stands that an act may change, but not the log itself.
_TABLES = (
    "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'public'"
    " AND relkind = 'r' AND relname NOT LIKE 'audit%' AND relname <> 'alembic_version'"
)


class Site(NamedTuple):
    """A hub that does not run: its settings and its ledger."""

    folder: Path
    config: Path
    url: str

    def run(self, *words: object) -> int:
        """Runs a command and returns its exit code; it may not end in a traceback."""
        done = CliRunner().invoke(command_line.app, [*map(str, words), "--config", str(self.config)])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code

    def entries(self) -> list[tuple[str, str, str, str]]:
        """Returns every entry: action, object, outcome, actor."""
        with psycopg.connect(driver_url(self.url)) as connection:
            query = "SELECT action, object, outcome, actor FROM audit_entries ORDER BY number"
            return connection.execute(query).fetchall()

    def content(self) -> dict[str, str]:
        """Returns a digest of every table but the log's."""
        with psycopg.connect(driver_url(self.url)) as connection:
            names = [row[0] for row in connection.execute(_TABLES)]
            return {
                name: connection.execute(
                    f"SELECT coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {name} t"
                ).fetchall()[0][0]
                for name in names
            }


@pytest.fixture
async def site(database_url: str, tmp_path: Path) -> Site:
    """A hub of a city with one platform."""
    _every_command()
    write(certified(CITY), tmp_path / "hub.pem", tmp_path / "hub.key")
    (tmp_path / "authority.pem").write_bytes(AUTHORITY.certificate)
    config = tmp_path / "sanji.toml"
    config.write_text(
        f'[hub]\nid = "{CITY}"\nname = "怀化市"\n[database]\nurl = "{database_url}"\n'
        '[tls]\nauthority = "authority.pem"\ncertificate = "hub.pem"\nkey = "hub.key"\n[approvals]\nrequired = []\n',
        encoding="utf-8",
    )
    async with Ledger(database_url, pool_size=0) as ledger:
        await enrolled(ledger, _PLATFORM)
    return Site(tmp_path, config, database_url)


def _codes(site: Site) -> Path:
    file = site.folder / "codes.csv"
    file.write_bytes(CODES)
    return file


def _standard(site: Site, verb: str) -> tuple[object, ...]:
    return ("standards", verb, _codes(site), "--name", _STANDARD, "--version", "2", "--effective", "2026-01-01")


def test_what_changes_something_leaves_its_entry(site: Site) -> None:
    """Each command with what it must leave; several fail, and leave that."""
    cases: list[tuple[tuple[object, ...], str, str, str]] = [
        (("peers", "invite", "431222.platform"), "peer.invite", "431222.platform", "done"),
        (("peers", "invite", "110000.platform"), "peer.invite", "110000.platform", "refused"),
        (("peers", "block", _PLATFORM), "peer.block", _PLATFORM, "done"),
        (("peers", "block", "431299.platform"), "peer.block", "431299.platform", "refused"),
        (("peers", "unblock", _PLATFORM), "peer.unblock", _PLATFORM, "done"),
        (("peers", "secret", "431223.platform"), "peer.secret", "431223.platform", "done"),
        (("peers", "signing", _PLATFORM, "--none"), "peer.signing.require", _PLATFORM, "done"),
        (("peers", "joining", "live", "431222.platform"), "joining.live", "431222.platform", "refused"),
        (("peers", "joining", "kit", "431222.platform"), "joining.kit.begin", "431222.platform", "refused"),
        (("peers", "confirm", _PLATFORM, "--thumbprint", "00"), "peer.confirm", _PLATFORM, "refused"),
        (("peers", "certificate", "withdraw", _PLATFORM, "00"), "peer.certificate.withdraw", _PLATFORM, "refused"),
        (("quarantine", "discard", 7), "quarantine.discard", "7", "refused"),
        (("quarantine", "replay", 7), "quarantine.replay", "7", "refused"),
        (_standard(site, "draft"), "standard.draft", f"code_list {_STANDARD}", "done"),
        (_standard(site, "publish"), "standard.publish", f"code_list {_STANDARD}", "done"),
        (
            ("standards", "withdraw", "--name", _STANDARD, "--version", "9"),
            "standard.withdraw", f"code_list {_STANDARD}", "refused",
        ),
        (
            ("standards", "withdraw", "--name", _STANDARD, "--version", "2"),
            "standard.withdraw", f"code_list {_STANDARD}", "done",
        ),
        (("figures", "rebuild", "--write"), "figures.rebuild", "figures", "done"),
        (("reconcile", "--repair"), "link.repair", "*", "done"),
        (("attachments", "fetch"), "evidence.fetch", "*", "done"),
        (("attachments", "scrub"), "evidence.scrub", "store", "done"),
        (("components", "round", "open", "2026-1", "--title", "x"), "ownership.open", "2026-1", "done"),
        (("components", "round", "close", "2026-1"), "ownership.close", "2026-1", "done"),
        (("components", "round", "close", "2026-1"), "ownership.close", "2026-1", "refused"),
        (("audit", "export", site.folder / "log.jsonl"), "audit.export", str(site.folder / "log.jsonl"), "done"),
        (
            ("proposals", "make", "peer.block", _PLATFORM, "--purpose", "x"),
            "proposal.make", "", "done",
        ),
    ]  # fmt: skip
    actor = f"host:{local_user().name}"
    for words, action, name, outcome in cases:
        before, content = site.entries(), site.content() if outcome == "refused" else {}
        code = site.run(*words)
        fresh = site.entries()[len(before) :]
        assert fresh, f"sanji {words}: exit code {code}, no entry"
        assert fresh[-1][0] == action, words
        assert fresh[-1][2] == outcome, words
        assert fresh[-1][3] == actor
        assert name in ("", fresh[-1][1])
        assert outcome == "done" or (code in {1, 2} and site.content() == content), words


def test_what_reads_changes_nothing_and_leaves_nothing(site: Site) -> None:
    before, content = site.entries(), site.content()
    for words in (
        ("audit", "list"), ("audit", "search", "--action", "peer.block"), ("audit", "verify"), ("peers", "list"),
        ("quarantine", "list"), ("figures", "rebuild", "--check"), ("standards", "releases"), ("proposals", "list"),
        ("people", "list"), ("components", "round", "list", "x"), ("attachments", "missing"), ("reconcile", "show"),
    ):  # fmt: skip
        site.run(*words)
        assert site.entries() == before, words
        assert site.content() == content, words


def _refusing_entries(url: str) -> None:
    """Makes the database refuse every entry, as a full disk or a broken table would."""
    with psycopg.connect(driver_url(url), autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END $$"
        )
        connection.execute("CREATE TRIGGER full_disk BEFORE INSERT ON audit_entries EXECUTE FUNCTION no_room()")


def test_an_act_whose_entry_cannot_be_written_does_not_happen(site: Site) -> None:
    assert site.run("peers", "block", _PLATFORM) == 0
    content = site.content()
    _refusing_entries(site.url)
    for words in (
        ("peers", "unblock", _PLATFORM), ("peers", "invite", "431222.platform"), _standard(site, "publish"),
        ("figures", "rebuild", "--write"), ("components", "round", "open", "2026-1", "--title", "x"),
        ("peers", "secret", "431223.platform"), ("proposals", "make", "peer.block", _PLATFORM, "--purpose", "x"),
    ):  # fmt: skip
        assert site.run(*words) != 0, words
        assert site.content() == content, words


async def test_an_act_of_several_transactions_does_not_begin_without_its_entry(site: Site) -> None:
    _refusing_entries(site.url)
    begun: list[str] = []
    async with Ledger(site.url, pool_size=0) as ledger:
        with pytest.raises(psycopg.errors.DiskFull):
            async with told(ledger, "link.repair", "*"):
                begun.append("begun")
        with pytest.raises(psycopg.errors.DiskFull):
            async with recorded(ledger, "peer.block", _PLATFORM) as act:
                await act.session.driver.execute("UPDATE peers SET state = 'blocked'")
    assert begun == []
    assert site.entries() == []


async def test_entries_of_several_at_once_share_a_commit_and_a_failure(site: Site) -> None:
    async with Ledger(site.url, pool_size=2) as ledger:
        acts = JointActs(ledger, audit.append_all)
        await asyncio.gather(*[acts.do(an_entry(number)) for number in range(700)])
        assert len(site.entries()) == 700
        _refusing_entries(site.url)
        refused = await asyncio.gather(*[acts.do(an_entry(1)) for _ in range(3)], return_exceptions=True)
        assert all(isinstance(one, psycopg.errors.DiskFull) for one in refused)
    assert len(site.entries()) == 700


async def test_an_act_that_cannot_be_written_fails_alone(site: Site) -> None:
    async with Ledger(site.url, pool_size=2) as ledger:
        acts = JointActs(ledger, audit.append_all)
        entries = [an_entry(number) for number in range(5)]
        entries[2] = replace(entries[2], detail={"text": ["x" * 3_000] * 20})
        done = await asyncio.gather(*[acts.do(entry) for entry in entries], return_exceptions=True)
    assert [type(one) for one in done] == [type(None)] * 2 + [ValueError] + [type(None)] * 2
    assert len(site.entries()) == 4


async def test_whoever_gives_up_waiting_fails_nobody_else(site: Site) -> None:
    async with Ledger(site.url, pool_size=2) as ledger:
        acts = JointActs(ledger, audit.append_all)
        tasks = [asyncio.create_task(acts.do(an_entry(number))) for number in range(4)]
        await asyncio.sleep(0)
        tasks[3].cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
    assert done[:3] == [None] * 3
    assert isinstance(done[3], asyncio.CancelledError)
    assert len(site.entries()) == 3


async def test_how_an_act_ended_is_recorded_by_whoever_acted(site: Site) -> None:
    async with Ledger(site.url, pool_size=0) as ledger:
        with acting_as("person:local/li"):
            with pytest.raises(Violated):
                async with recorded(ledger, "a.b", "refused"):
                    raise Violated("ORIGIN_FORBIDDEN")
            with pytest.raises(KeyError):
                async with told(ledger, "a.b", "failed"):
                    raise KeyError
        async with told(ledger, "a.b", "ended") as detail:
            detail["count"] = 3
    assert site.entries() == [
        ("a.b", "refused", "refused", "person:local/li"),
        ("a.b", "failed", "begun", "person:local/li"),
        ("a.b", "failed", "failed", "person:local/li"),
        ("a.b", "ended", "begun", "hub"),
        ("a.b", "ended", "done", "hub"),
    ]


def test_listed_operations_want_a_second_person(site: Site) -> None:
    text = site.config.read_text(encoding="utf-8").replace("[approvals]\nrequired = []\n", "")
    site.config.write_text(text, encoding="utf-8")
    content = site.content()
    for words in (
        ("peers", "block", _PLATFORM), _standard(site, "publish"), ("reconcile", "--repair"),
        ("standards", "withdraw", "--name", _STANDARD, "--version", "2"),
    ):  # fmt: skip
        done = CliRunner().invoke(command_line.app, [*map(str, words), "--config", str(site.config)])
        assert done.exit_code == 1
        assert "sanji proposals make" in done.output
    assert site.content() == content
    assert site.run("peers", "unblock", _PLATFORM) == 0
