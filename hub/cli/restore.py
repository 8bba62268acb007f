"""``sanji restore``: bringing a backup back, catching up with the neighbours, following another server."""

import asyncio
import time
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from exchange_db.audit_records import host_actor
from exchange_db.embedded import EmbeddedServer
from exchange_db.session import Ledger
from hub.backup import recovery, restoring, wal
from hub.backup.catching_up import CatchUp, Caught
from hub.backup.cipher import read_private_key
from hub.backup.desk import mark_restored
from hub.backup.restoring import Kept
from hub.cli.app import app
from hub.cli.backup import Config, explained, secret_of
from hub.cli.configuration import load
from hub.cli.host import local_user
from hub.cli.ledger import with_ledger
from hub.cli.terminal import fail
from hub.database import open_database
from hub.settings import Settings

commands = typer.Typer(no_args_is_help=True, help="恢复：由备份恢复、追平上下级、跟随与切换。 / Restoring.")
app.add_typer(commands, name="restore")

Folder = Annotated[Path | None, typer.Argument(help="备份目录，默认 backup.folder 中最新 / by default the newest")]
Key = Annotated[Path, typer.Option(help="恢复私钥 / recovery key")]
Passphrase = Annotated[Path | None, typer.Option(help="口令文件 / file with its passphrase")]


@commands.command()
def run(
    folder: Folder = None,
    key: Key = Path("backup.key"),
    passphrase_file: Passphrase = None,
    until: Annotated[str, typer.Option(help="恢复到的时间，如 2026-11-22T03:00:00+08:00 / a point in time")] = "",
    files_to: Annotated[Path | None, typer.Option(help="取出密钥等文件到此目录 / put the host's files here")] = None,
    config: Config = Path("sanji.toml"),
) -> None:
    """恢复到空库或空目录，并标记为已恢复。 / Restore into what is empty, and mark it as restored."""
    settings = load(config)
    moment = _moment(until)

    def act() -> None:
        kept = _taken(settings, folder, key, passphrase_file)
        if files_to is not None:
            for path in restoring.files_of(kept, files_to):
                typer.echo(f"  {path}")
        if kept.manifest.kind == "base":
            _unpack(settings, kept, moment)
        elif moment is not None:
            fail("--until：只有 base 备份能恢复到时间点 / only a base backup goes to a point in time", 2)
        asyncio.run(_restored(settings, kept))

    explained(act)
    typer.echo("已恢复。请先执行 sanji restore catch-up，再启动枢纽。 / Restored: run catch-up, then serve.")


@commands.command(name="catch-up")
def catch_up(
    without: Annotated[str, typer.Option(help="不等待的邻居，逗号分隔 / neighbours not to wait for")] = "",
    config: Config = Path("sanji.toml"),
) -> None:
    """向上下级要回丢失的数据，编号接续。 / Ask the neighbours for what was lost; go on behind their numbers."""
    settings = load(config)

    async def act(ledger: Ledger) -> Caught:
        return await _catch_up(ledger, settings).ask([name for name in without.split(",") if name])

    caught = with_ledger(settings, act)
    _tell(caught)
    if caught.unreached:
        names = ",".join(caught.unreached)
        fail(
            f"未连通：{names}。连通后再执行；确实不再等待，加 --without {names}。"
            f" / No answer: repeat it later, or go on without them with --without {names}.",
            1,
        )


@commands.command()
def status(config: Config = Path("sanji.toml")) -> None:
    """显示恢复后追平的进度。 / Show how far a restored hub has caught up."""
    settings = load(config)

    async def act(ledger: Ledger) -> Caught:
        return await _catch_up(ledger, settings).standing()

    _tell(with_ledger(settings, act))


@commands.command()
def follow(
    folder: Folder = None,
    key: Key = Path("backup.key"),
    passphrase_file: Passphrase = None,
    seconds: Annotated[float, typer.Option(help="显示间隔 / between lines")] = 10.0,
    config: Config = Path("sanji.toml"),
) -> None:
    """新服务器跟随旧服务器（双轨），直到 Ctrl-C 或切换。 / Follow the old server until stopped or cut over."""
    settings = load(config)

    def act() -> None:
        archive, kept = _archive(settings), _taken(settings, folder, key, passphrase_file)
        if not (settings.database.folder / "PG_VERSION").exists():
            _unpack(settings, kept, None, follows=True)
        with EmbeddedServer(settings.database.folder) as server:
            while (standing := recovery.following(server.url(), archive)).is_following:
                wal.open_into(archive, kept.key, settings.database.folder)
                replayed = standing.replayed_time.isoformat() if standing.replayed_time else "—"
                typer.echo(f"跟随中，已到 / following, up to {replayed}；归档 / archive {standing.newest_segment}")
                time.sleep(seconds)

    explained(act)
    typer.echo("已切换 / cut over.")


@commands.command(name="cut-over")
def cut_over(folder: Folder = None, key: Key = Path("backup.key"), passphrase_file: Passphrase = None,
             config: Config = Path("sanji.toml")) -> None:  # fmt: skip
    """结束跟随：旧枢纽须已停止。 / End following; the old hub must have been stopped."""
    settings = load(config)

    def act() -> None:
        kept = _taken(settings, folder, key, passphrase_file)
        wal.open_into(_archive(settings), kept.key, settings.database.folder)
        with EmbeddedServer(settings.database.folder) as server:
            recovery.cut_over(server.url())
            asyncio.run(_restored(settings, kept))

    explained(act)
    typer.echo("已切换。请执行 sanji restore catch-up，再启动枢纽。 / Cut over: run catch-up, then serve.")


def _taken(settings: Settings, folder: Path | None, key: Path, passphrase_file: Path | None) -> Kept:
    place = folder or (restoring.newest(settings.backup.folder) if settings.backup.folder else None)
    if place is None:
        fail("没有备份：请指明备份目录，或设置 backup.folder。 / No backup: name its folder, or set backup.folder.", 2)
    private = read_private_key(key, secret_of(passphrase_file))
    return restoring.take(place, settings.tls.authority.read_bytes(), private, settings.hub.id)


def _unpack(settings: Settings, kept: Kept, until: datetime | None, *, follows: bool = False) -> None:
    """Unpacks a base backup where the embedded server of these settings lies, and tells it how to recover."""
    if settings.database.url is not None:
        fail(
            "base 备份恢复到 database.folder：请去掉 database.url，或按 docs/backup.md 在自己的服务器上展开。"
            " / A base backup goes into database.folder; for a server of your own see docs/backup.md.",
            2,
        )
    restoring.unpack_server(kept, settings.database.folder)
    if settings.backup.wal_folder is not None:
        wal.open_into(settings.backup.wal_folder, kept.key, settings.database.folder)
    recovery.prepare(settings.database.folder, until=until, follows=follows)


async def _restored(settings: Settings, kept: Kept) -> None:
    """Puts ledger and evidence in place, and marks the ledger."""
    async with AsyncExitStack() as stack:
        url = open_database(settings, stack)
        if kept.manifest.kind == "base":
            await asyncio.to_thread(recovery.wait_until_open, url)
            wal.forget(settings.database.folder)
        else:
            await asyncio.to_thread(restoring.restore_ledger, kept, url, settings.backup.tools)
        from hub.evidence.store import EvidenceStore

        count, missing = await restoring.restore_evidence(
            kept, EvidenceStore(settings.evidence), settings.evidence.spool_folder
        )
        now, actor = restoring.now_utc(), host_actor(local_user().name)
        incarnation = await mark_restored(url, kept.manifest, settings, actor, now)
    typer.echo(
        f"{kept.manifest.backup_id}（{kept.manifest.made_at:%Y-%m-%d %H:%M} UTC）→ 第 {incarnation} 次恢复 / restore"
        f" {incarnation}，附件 / attachments {count}，缺 / missing {len(missing)}"
    )


def _catch_up(ledger: Ledger, settings: Settings) -> CatchUp:
    from hub.bootstrap import make_dialler
    from hub.clock import system_clock

    return CatchUp(ledger, settings.hub, system_clock, make_dialler(settings, system_clock).target)


def _tell(caught: Caught) -> None:
    found = caught.incarnation
    if found is None:
        typer.echo("没有未完成的恢复。 / No restore is open.")
        return
    asked = "已要回 / asked" if found.is_asked else "尚未要回 / not asked yet"
    typer.echo(f"第 {found.incarnation} 次恢复 / restore {found.incarnation}: {found.backup_id}，{asked}")
    for link in caught.links:
        left = "未核对 / not compared" if link.left_count is None else f"差异 / differences {link.left_count}"
        typer.echo(
            f"  {link.peer_id}：要回 / returned {link.returned_count}，未入 / not taken {link.refused_count}，"
            f"{left}{'，' + link.trouble if link.trouble else ''}"
        )


def _archive(settings: Settings) -> Path:
    if settings.backup.wal_folder is None:
        fail("跟随需要 backup.wal_folder：旧服务器的 WAL 归档目录。 / Following needs backup.wal_folder.", 2)
    return settings.backup.wal_folder


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        fail(f"--until {text}：须为带时区的时间，如 2026-11-22T03:00:00+08:00 / must be a time with its zone", 2)
    return moment
