"""``sanji audit``: reading the log of administrative acts, exporting it, and verifying it, here or anywhere.

``verify --file`` needs no ledger and no settings: an export, the federation's authority and, to notice a tail that was
cut, a checkpoint a neighbour gives with ``sanji audit witnessed``.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from auth.approvals import Operation
from auth.audit_chain import Checkpoint, read_checkpoint
from auth.signatures import Signed
from exchange_db import audit, audit_checkpoints
from exchange_db.audit_records import AuditLine
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.approvals.operations import rewitness as begin_anew
from hub.audit.exports import ExportInvalid, Verified, read_shown, shown, verify_export, write_export
from hub.audit.verifying import verify_ledger
from hub.bootstrap import make_checkpoints
from hub.cli.app import app
from hub.cli.configuration import load
from hub.cli.gate import require_single
from hub.cli.ledger import with_ledger
from hub.cli.terminal import as_json, fail, plain
from hub.clock import system_clock
from hub.recording import told

commands = typer.Typer(no_args_is_help=True, help="审计日志：查看、导出、校验。 / The audit log.")
app.add_typer(commands, name="audit")

Config = Annotated[Path, typer.Option(help="设置文件 / settings file")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="最多条数 / most entries")]
Json = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]


@commands.command(name="list")
def list_entries(limit: Limit = 50, is_json: Json = False, config: Config = Path("sanji.toml")) -> None:
    """列出最近的操作。 / List the newest acts."""
    _print(_found(config, audit.Search(), limit), is_json=is_json)


@commands.command()
def search(
    actor: Annotated[str, typer.Option(help="操作人，如 host:zhang / who")] = "",
    action: Annotated[str, typer.Option(help="操作，如 peer.block / what")] = "",
    object_: Annotated[str, typer.Option("--object", help="对象 / on what")] = "",
    outcome: Annotated[str, typer.Option(help="begun、done、refused、failed")] = "",
    since: Annotated[datetime | None, typer.Option("--from", help="起始时间（本地）/ from, local time")] = None,
    until: Annotated[datetime | None, typer.Option("--to", help="截止时间（本地，不含）/ to, local time")] = None,
    limit: Limit = 50,
    is_json: Json = False,
    config: Config = Path("sanji.toml"),
) -> None:
    """查找操作记录。 / Find acts."""
    wanted = audit.Search(actor, action, object_, outcome, _moment(since), _moment(until))
    _print(_found(config, wanted, limit), is_json=is_json)


@commands.command()
def export(
    file: Annotated[Path, typer.Argument(help="导出文件 / file to write")], config: Config = Path("sanji.toml")
) -> None:
    """导出整个日志及其检查点，可在其他机器上校验。 / Export the log so that another machine can verify it."""
    settings = load(config)

    async def act(ledger: Ledger) -> int:
        async with told(ledger, "audit.export", str(file)) as detail:
            await make_checkpoints(ledger, settings, system_clock).make()
            count = 0
            async with ledger.read() as session:
                with file.open("xb") as target:
                    async for line in write_export(session, settings.hub.id):
                        target.write(line)
                        count += 1
            detail["lines"] = count
        return count

    try:
        count = with_ledger(settings, act)
    except (OSError, ValueError) as error:
        fail(f"无法导出到 {file}：{error} / Cannot export there.", 1)
    typer.echo(f"已写入 {file}，{count} 行。 / Written.")


@commands.command()
def witnessed(
    peer_id: Annotated[str, typer.Argument(help="邻居枢纽 / neighbouring hub")],
    out: Annotated[Path | None, typer.Option(help="写入文件 / file to write")] = None,
    config: Config = Path("sanji.toml"),
) -> None:
    """给出本枢纽为邻居保存的最新检查点，供其校验。 / Give the newest checkpoint kept of a neighbour's log."""

    async def act(ledger: Ledger) -> Signed | None:
        async with ledger.read() as session:
            found = await audit_checkpoints.last_witnessed(session, peer_id)
        return Signed(*found.signed) if found else None

    signed = with_ledger(load(config), act)
    if signed is None:
        fail(f"没有 {peer_id} 的检查点。 / No checkpoint of it is kept here.", 1)
    text = msgspec.json.encode(shown(signed)).decode() + "\n"
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text)
        typer.echo(f"已写入 {out}。 / Written.")


@commands.command()
def witnesses(config: Config = Path("sanji.toml")) -> None:
    """列出邻居枢纽的日志：已副签到何处、最近何时报送。 / List neighbours' logs: signed how far, last shown when."""
    settings = load(config)
    most = timedelta(minutes=settings.audit.silent_minutes)

    async def act(ledger: Ledger) -> tuple[list[tuple[str, int, datetime, int]], dict[str, datetime]]:
        async with ledger.read() as session:
            return await audit_checkpoints.witness_states(session), await audit_checkpoints.shown_times(session)

    states, times = with_ledger(settings, act)
    table = Table()
    for title in (
        "邻居 / neighbour",
        "副签到 / signed up to",
        "最近报送 / last shown",
        "拒绝 / refused",
        "状态 / state",
    ):
        table.add_column(title, overflow="fold")
    for peer_id, size, moment, refused in states:
        last = times.get(peer_id, moment)
        state = "久未报送 / silent" if datetime.now(UTC) - last > most else "正常 / in order"
        table.add_row(peer_id, str(size), f"{last.astimezone():%Y-%m-%d %H:%M:%S}", str(refused), state)
    Console().print(table)


@commands.command()
def rewitness(
    peer_id: Annotated[str, typer.Argument(help="邻居枢纽 / neighbouring hub")],
    reason: Annotated[str, typer.Option(help="事由，如经核实的恢复 / why, as a restore that was verified")],
    config: Config = Path("sanji.toml"),
) -> None:
    """邻居经核实恢复数据库后，重新见证其日志。 / Witness a neighbour's log anew after a rightful restore."""
    settings = load(config)
    if not reason.strip():
        fail("请写明事由。 / Say why.", 2)
    require_single(settings, Operation.REWITNESS, peer_id)

    async def act(ledger: Ledger) -> bool:
        async with ledger.read() as session:
            is_known = await audit_checkpoints.last_witnessed(session, peer_id) is not None
        if is_known:
            await begin_anew(ledger, system_clock, peer_id, reason.strip())
        return is_known

    if not with_ledger(settings, act):
        fail(f"没有 {peer_id} 的检查点。 / No checkpoint of it is kept here.", 1)
    typer.echo(f"{peer_id} 的下一个检查点将被视为首个。 / Its next checkpoint is believed.")


@commands.command()
def verify(
    file: Annotated[Path | None, typer.Option(help="导出文件；不给则校验数据库 / an export; else the ledger")] = None,
    checkpoint: Annotated[
        list[Path] | None, typer.Option(help="邻居给出的检查点，可重复 / checkpoints neighbours gave")
    ] = None,
    authority: Annotated[Path | None, typer.Option(help="联邦签发机构证书 / the federation's authority")] = None,
    config: Config = Path("sanji.toml"),
) -> None:
    """校验日志，指出第一条有问题的记录。 / Verify the log and name the first entry that is wrong."""
    settings = load(config) if file is None or authority is None else None
    trusted = authority or (settings.tls.authority if settings else Path())
    try:
        authorities = trusted.read_bytes()
        others = [_kept(path, authorities) for path in checkpoint or ()]
        if file is not None:
            with file.open("rb") as lines:
                _tell(verify_export(lines, authorities, others))
            return
    except (OSError, ExportInvalid, Violated) as error:
        fail(f"无法校验：{error} / Cannot be verified.", 2)
    assert settings is not None  # noqa: S101 — without a file they were read
    hub_id = settings.hub.id

    async def act(ledger: Ledger) -> Verified:
        async with ledger.read() as session:
            return await verify_ledger(session, hub_id, authorities, others)

    _tell(with_ledger(settings, act))


def _kept(path: Path, authorities: bytes) -> Checkpoint:
    return read_checkpoint(read_shown(path.read_bytes()), authorities)


def _tell(verified: Verified) -> None:
    if verified.broken is not None:
        number, chinese, english = verified.broken
        fail(f"{verified.hub_id} 第 {number} 条：{chinese} / entry {number}: {english}", 1)
    witnesses = "、".join(verified.witness_ids) or "—"
    typer.echo(
        f"{verified.hub_id}：{verified.entry_count} 条完好，{verified.checkpoint_count} 个检查点相符，"
        f"最后一个在第 {verified.last_fitting} 条，副签：{witnesses}。 / {verified.entry_count} entries in order."
    )
    if verified.entry_count > verified.last_fitting:
        typer.echo(
            f"第 {verified.last_fitting} 条之后尚无检查点，截断无法发现。 / A cut behind that would not be noticed.",
            err=True,
        )


def _found(config: Path, wanted: audit.Search, limit: int) -> list[AuditLine]:
    async def act(ledger: Ledger) -> list[AuditLine]:
        async with ledger.read() as session:
            return await audit.search(session, wanted, limit=limit)

    return with_ledger(load(config), act)


def _print(lines: list[AuditLine], *, is_json: bool) -> None:
    if is_json:
        typer.echo(as_json([_as_json(line) for line in lines]))
        return
    table = Table()
    for title in ("编号", "时间", "操作人", "操作", "对象", "结果", "原因"):
        table.add_column(title, overflow="fold")
    for line in lines:
        moment = datetime.fromtimestamp(line.recorded_time / 1_000_000).astimezone()
        cells = (line.actor, line.action, line.object, line.outcome, line.reason)
        table.add_row(str(line.number), f"{moment:%Y-%m-%d %H:%M:%S}", *map(plain, cells))
    Console().print(table)


def _as_json(line: AuditLine) -> dict[str, Any]:
    told_by_it: dict[str, Any] = msgspec.json.decode(line.content)
    return told_by_it | {"chain_hash": line.chain_hash.hex()}


def _moment(time: datetime | None) -> int:
    return int(time.astimezone().timestamp()) * 1_000_000 if time else 0
