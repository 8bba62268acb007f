"""``sanji proposals``: sensitive operations by two people, from the hub's machine.

Who acts is the user of this machine, as the system knows who logged in; with ``--as`` it is a local administrator,
who gives password and one-time code. The names of two people and one keyboard are told apart by ``auth.approvals``.
"""

import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from getpass import getpass
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from auth.approvals import Operation, Party, State
from auth.assertion import SignOnRefused
from exchange_db import people
from exchange_db.audit_records import Value
from exchange_db.people import LOCAL
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.approvals.desk import ProposalDesk, Shown
from hub.approvals.rights import host_party, person_party
from hub.cli.app import app
from hub.cli.configuration import load
from hub.cli.host import local_user
from hub.cli.ledger import with_ledger
from hub.cli.proposing import make_proposals
from hub.cli.terminal import as_json, fail, plain, visible
from hub.settings import Settings
from hub.signon import links
from hub.signon.making import make_administrators

commands = typer.Typer(no_args_is_help=True, help="敏感操作：提案、批准、执行。 / Sensitive operations by two people.")
app.add_typer(commands, name="proposals")

T = TypeVar("T")
Config = Annotated[Path, typer.Option(help="设置文件 / settings file")]
Number = Annotated[UUID, typer.Argument(help="提案编号 / number of the proposal")]
As = Annotated[str, typer.Option("--as", help="以本机管理员身份（口令与动态口令） / as a local administrator")]
Comment = Annotated[str, typer.Option(help="说明 / comment")]

_STATES = {
    State.OPEN: "待批准",
    State.APPROVED: "已批准",
    State.REFUSED: "已拒绝",
    State.EXPIRED: "已过期",
    State.RUNNING: "执行中",
    State.DONE: "已完成",
    State.FAILED: "失败",
    State.ABORTED: "已中止",
}


@commands.command()
def make(
    operation: Annotated[Operation, typer.Argument(help="操作 / operation")],
    name: Annotated[str, typer.Argument(metavar="OBJECT", help="对象，如 431221.platform / on what")],
    purpose: Annotated[str, typer.Option(help="事由 / why")],
    argument: Annotated[
        list[str] | None, typer.Option(help="名称=值，可重复；@文件 取其内容 / name=value, or name=@file")
    ] = None,
    as_: As = "",
    config: Config = Path("sanji.toml"),
) -> None:
    """提出一项操作，并给出试运行结果。 / Propose an operation, with its dry run."""
    arguments: dict[str, Value] = {}
    for pair in argument or ():
        key, sign, value = pair.partition("=")
        if not sign:
            fail(f"{pair} 应写作 名称=值。 / Write name=value.")
        arguments[key] = _content(value)
    _print(_do(config, as_, lambda desk, party: desk.propose(party, operation, name, arguments, purpose)))


def _content(value: str) -> str:
    """Returns an argument's value; ``@file`` stands for what is in the file."""
    if not value.startswith("@"):
        return value
    try:
        return Path(value.removeprefix("@")).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        fail(f"无法读取 {value.removeprefix('@')}：{error} / Cannot be read.")


@commands.command(name="list")
def list_proposals(config: Config = Path("sanji.toml")) -> None:
    """列出提案。 / List proposals."""
    settings = load(config)

    async def act(ledger: Ledger) -> list[Any]:
        return list(await make_proposals(ledger, settings).listing())

    table = Table()
    for title in ("编号", "操作", "对象", "提出人", "状态", "进度", "提出时间"):
        table.add_column(title, overflow="fold")
    for row in with_ledger(settings, act):
        table.add_row(
            str(row.proposal_id), row.operation, plain(row.object), plain(row.proposer), _STATES[State(row.state)],
            f"{row.done_count}/{row.total_count}", f"{row.made_time.astimezone():%Y-%m-%d %H:%M}",
        )  # fmt: skip
    Console().print(table)


@commands.command()
def show(
    number: Number,
    is_json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
    config: Config = Path("sanji.toml"),
) -> None:
    """显示提案、试运行结果、批准情况与进度。 / Show a proposal, what it would do, and how far it is."""
    settings = load(config)

    async def act(ledger: Ledger) -> Shown:
        return await make_proposals(ledger, settings).show(number)

    shown = _told(lambda: with_ledger(settings, act))
    if is_json:
        typer.echo(as_json(_as_json(shown)))
    else:
        _print(shown)


@commands.command()
def approve(
    number: Number,
    digest: Annotated[str, typer.Option(help="show 显示的摘要，确认所批内容 / digest that show has printed")],
    comment: Comment = "",
    as_: As = "",
    config: Config = Path("sanji.toml"),
) -> None:
    """批准（须为提出人以外、有批准权的人）。 / Approve, as somebody else with the right."""
    _print(_do(config, as_, lambda desk, party: desk.decide(party, number, digest, is_approved=True, comment=comment)))


@commands.command()
def refuse(
    number: Number,
    digest: Annotated[str, typer.Option(help="show 显示的摘要 / digest that show has printed")],
    comment: Comment = "",
    as_: As = "",
    config: Config = Path("sanji.toml"),
) -> None:
    """拒绝。 / Refuse."""
    _print(_do(config, as_, lambda desk, party: desk.decide(party, number, digest, is_approved=False, comment=comment)))


@commands.command()
def run(number: Number, as_: As = "", config: Config = Path("sanji.toml")) -> None:
    """执行已批准的提案（只能执行一次）。 / Execute an approved proposal, once."""
    shown = _do(config, as_, lambda desk, party: desk.run(party, number))
    _print(shown)
    raise typer.Exit(0 if shown.state is State.DONE else 1)


@commands.command()
def abort(number: Number, as_: As = "", config: Config = Path("sanji.toml")) -> None:
    """撤销提案，或让执行在下一步停止。 / Give a proposal up, or stop its execution at the next step."""
    _print(_do(config, as_, lambda desk, party: desk.abort(party, number)))


def _do(config: Path, administrator: str, act: Callable[[ProposalDesk, Party], Awaitable[T]]) -> T:
    settings = load(config)
    secrets = _secrets() if administrator else ("", "")

    async def acting(ledger: Ledger) -> T:
        party = await _party(ledger, settings, administrator, *secrets)
        return await act(make_proposals(ledger, settings), party)

    return _told(lambda: with_ledger(settings, acting))


def _told(act: Callable[[], T]) -> T:
    try:
        return act()
    except Violated as refused:
        violation = refused.violation
        fail(f"{violation.message_zh} / {violation.message}", 1)
    except SignOnRefused:
        fail("用户名、口令或动态口令不正确。 / Name, password or code is wrong.", 1)
    except (ValueError, OSError) as error:
        fail(f"证书或私钥不可用：{error} / Certificate or key cannot be used.", 1)


def _secrets() -> tuple[str, str]:
    """Asks for password and one-time code; both are read from standard input where there is no terminal."""
    if sys.stdin.isatty():
        return getpass("口令 / password: "), getpass("动态口令 / one-time code: ")
    return sys.stdin.readline().rstrip("\r\n"), sys.stdin.readline().rstrip("\r\n")


async def _party(ledger: Ledger, settings: Settings, administrator: str, password: str, code: str) -> Party:
    user = local_user()
    if not administrator:
        return host_party(user.name, user.names, settings.approvals)
    await make_administrators(settings).sign_on(ledger, administrator, password, code, datetime.now(UTC))
    async with ledger.read() as session:
        person = await people.of_identity(session, LOCAL, administrator)
        linked = () if person is None else await links.linked(session, person.person_id)
    if person is None:
        raise SignOnRefused("sign_on_wrong", "unknown")
    return person_party(person, settings.approvals, user.names, linked)


def _print(shown: Shown) -> None:
    proposal, row = shown.proposal, shown.row
    lines = [
        f"{proposal.proposal_id}  {proposal.operation}  {proposal.object}",
        *(f"  {name} = {value}" for name, value in proposal.arguments.items()),
        f"事由 / why: {proposal.purpose}",
        f"提出 / proposed: {proposal.proposer.actor} {row.made_time.astimezone():%Y-%m-%d %H:%M}",
        f"有效至 / until: {row.expires_time.astimezone():%Y-%m-%d %H:%M}",
        f"摘要 / digest: {shown.digest}",
        "试运行 / dry run:",
        *(f"  {line}" for line in proposal.dry_run),
    ]
    if shown.decision is not None:
        said = "批准 / approved" if shown.decision.is_approved else "拒绝 / refused"
        lines.append(f"{said}: {shown.decision.decider.actor} {shown.decision.comment}")
    progress = f" {row.done_count}/{row.total_count}" if row.total_count else ""
    interrupted = "，执行已中断 / its process has ended" if shown.is_interrupted else ""
    lines.append(f"状态 / state: {_STATES[shown.state]}{progress}{interrupted} {row.result}".rstrip())
    typer.echo(visible("\n".join(lines)))


def _as_json(shown: Shown) -> dict[str, Any]:
    proposal, decision = shown.proposal, shown.decision
    return {
        "proposal_id": str(proposal.proposal_id),
        "operation": proposal.operation,
        "object": proposal.object,
        "arguments": dict(proposal.arguments),
        "purpose": proposal.purpose,
        "proposer": proposal.proposer.actor,
        "dry_run": list(proposal.dry_run),
        "digest": shown.digest,
        "state": shown.state,
        "decider": decision.decider.actor if decision else None,
        "done_count": shown.row.done_count,
        "total_count": shown.row.total_count,
        "result": shown.row.result,
    }
