"""``sanji people``: who signed on here, who waits, and what they may do.

The first security officer is made with ``sanji admin create``; afterwards the console's page does the same.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from auth.person import Role
from exchange_db import people
from exchange_db.people import PersonRow
from exchange_db.records import Violated
from exchange_db.regions import format_region, parse_region
from exchange_db.session import Ledger, WriteSession
from hub.cli.app import app
from hub.cli.configuration import load
from hub.cli.ledger import ask, with_ledger
from hub.cli.terminal import as_json, fail, plain
from hub.recording import actor
from hub.signon.people import Listed, PeopleDesk, listed

commands = typer.Typer(no_args_is_help=True, help="用户：查看、准入、授权、停用。 / People.")
app.add_typer(commands, name="people")

Config = Annotated[Path, typer.Option(help="设置文件 / settings file")]
Issuer = Annotated[str, typer.Argument(help="登录平台，如 431221.platform；本机为 local / platform they sign on at")]
Subject = Annotated[str, typer.Argument(help="在该平台的标识 / what that platform calls them")]
GivenRole = Annotated[Role, typer.Option(help="角色 / role")]
Region = Annotated[str, typer.Option(help="行政区划代码 / region code")]


@commands.command(name="list")
def list_people(
    state: Annotated[
        Literal["waiting", "admitted", "blocked"] | None, typer.Option(help="仅列出该状态 / only these")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
    config: Config = Path("sanji.toml"),
) -> None:
    """列出用户，待批准的在前。 / List people, those who wait first."""

    async def act(ledger: Ledger) -> list[Listed]:
        async with ledger.read() as session:
            return await listed(session, state)

    found = with_ledger(load(config), act)
    if json:
        typer.echo(as_json([_as_record(entry) for entry in found]))
        return
    table = Table()
    for title in ("登录平台", "标识", "姓名", "单位", "区划", "状态", "最近登录", "权限", "关联账号"):
        table.add_column(title, overflow="fold")
    for person, grants, linked in found:
        table.add_row(
            person.issuer_id, plain(person.subject), plain(person.name), plain(person.unit),
            format_region(person.region), person.state, f"{person.last_time.astimezone():%Y-%m-%d %H:%M}",
            " ".join(f"{grant.role}@{format_region(grant.region)}" for grant in grants) or "—",
            " ".join(plain(f"{other.issuer_id}/{other.subject}") for other in linked) or "—",
        )  # fmt: skip
    Console().print(table)


@commands.command()
def admit(issuer: Issuer, subject: Subject, config: Config = Path("sanji.toml")) -> None:
    """准入用户；准入后仍无权限，须另行授予。 / Let somebody in; rights are granted separately."""
    _do(config, issuer, subject, lambda desk, session, person: desk.admit(session, person.person_id))


@commands.command()
def block(issuer: Issuer, subject: Subject, config: Config = Path("sanji.toml")) -> None:
    """停用用户并结束其会话。 / Keep somebody out and end their sessions."""
    _do(config, issuer, subject, lambda desk, session, person: desk.block(session, person.person_id))


@commands.command()
def grant(
    issuer: Issuer, subject: Subject, role: GivenRole, region: Region, config: Config = Path("sanji.toml")
) -> None:
    """授予角色，在该区划及以下有效。 / Give a role in a region and below."""
    code, now = _region(region), datetime.now(UTC)
    _do(config, issuer, subject, lambda desk, session, person: desk.grant(session, person.person_id, role, code, now))


@commands.command()
def revoke(
    issuer: Issuer, subject: Subject, role: GivenRole, region: Region, config: Config = Path("sanji.toml")
) -> None:
    """收回角色。 / Take a role away."""
    code = _region(region)
    _do(config, issuer, subject, lambda desk, session, person: desk.revoke(session, person.person_id, role, code))


@commands.command()
def unlink(issuer: Issuer, subject: Subject, config: Config = Path("sanji.toml")) -> None:
    """解除该账号与同一人其他账号的关联。 / Part an account from the others of its person."""
    _do(config, issuer, subject, lambda desk, session, person: desk.unlink(session, person.person_id))


def _do(
    config: Path,
    issuer: str,
    subject: str,
    act: Callable[[PeopleDesk, WriteSession, PersonRow], Awaitable[None]],
) -> None:
    settings = load(config)

    async def run(ledger: Ledger) -> None:
        async with ledger.write() as session:
            person = await people.of_identity(session, issuer, subject)
            if person is None:
                raise Violated("PERSON_UNKNOWN", "subject", f"{issuer}/{subject}")
            await act(PeopleDesk(settings.hub.region, actor()), session, person)

    ask(settings, run)
    typer.echo(f"{issuer}/{subject}：已办理。 / done.")


def _region(text: str) -> int:
    try:
        return parse_region(text)
    except ValueError:
        fail(f"{text} 不是六位行政区划代码。 / is not a region code.", 2)


def _as_record(entry: Listed) -> dict[str, object]:
    person, grants, linked = entry
    return {
        "issuer": person.issuer_id,
        "subject": person.subject,
        "name": person.name,
        "unit": person.unit,
        "region": format_region(person.region),
        "state": person.state,
        "last_time": person.last_time.isoformat(),
        "grants": [{"role": grant.role, "region": format_region(grant.region)} for grant in grants],
        "linked": [{"issuer": other.issuer_id, "subject": other.subject} for other in linked],
    }
