"""``sanji backup``: making backups, listing them, proving them by a trial restore, archiving WAL."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import psycopg
import typer

from exchange_db import backups
from exchange_db.errors import EmbeddedServerFailed
from exchange_db.session import Ledger
from hub.cli.app import app
from hub.cli.configuration import load
from hub.cli.ledger import with_ledger
from hub.cli.terminal import fail
from hub.recording import told
from hub.settings import Settings

commands = typer.Typer(no_args_is_help=True, help="备份：制作、列出、试恢复验证、归档 WAL。 / Backups.")
app.add_typer(commands, name="backup")

Config = Annotated[Path, typer.Option(help="设置文件 / settings file")]
T = TypeVar("T")
_MEGABYTE = 1_000_000


@commands.command()
def keys(
    out: Annotated[Path, typer.Option(help="写入的目录 / folder to write to")] = Path(),
    passphrase_file: Annotated[Path | None, typer.Option(help="口令文件 / file with a passphrase")] = None,
) -> None:
    """生成备份公钥与恢复私钥；私钥请移到别处保管。 / Make the key pair; keep the private key elsewhere."""
    from hub.backup.cipher import make_keys

    passphrase = secret_of(passphrase_file)
    out.mkdir(parents=True, exist_ok=True)
    public, private = out / "backup.pub", out / "backup.key"
    try:
        make_keys(public, private, passphrase)
    except OSError as error:
        fail(f"无法写入 {error.filename}：{error.strerror} / cannot be written.", 1)
    typer.echo(f"公钥 / public: {public}（填入 backup.public_key / goes into backup.public_key）")
    typer.echo(
        f"恢复私钥 / private: {private}（请离线保管，丢失则无法恢复 / keep it offline; nothing opens without it）"
    )


@commands.command()
def make(
    kind: Annotated[str, typer.Option(help="dump 或 base，默认按设置 / as the settings say")] = "",
    config: Config = Path("sanji.toml"),
) -> None:
    """立即备份，并按保留规则清除旧备份。 / Back up now, and remove what is kept no longer."""
    from hub.backup.desk import BackupDesk
    from hub.clock import system_clock

    settings = load(config)
    if kind not in ("", "dump", "base"):
        fail(f"--kind {kind}：只能是 dump 或 base / is dump or base")

    async def act(ledger: Ledger) -> None:
        desk = BackupDesk(ledger, settings, system_clock)
        manifest = await desk.make(kind)
        removed = await desk.prune()
        size = sum(part.size_bytes for part in manifest.parts) / _MEGABYTE
        typer.echo(
            f"{manifest.backup_id}：{size:.1f} MB，{manifest.contents.counts['cases']} 件案件 / cases，"
            f"{manifest.attachment_count} 个附件 / attachments，清除 / removed {len(removed)}"
        )
        for needed in manifest.files:
            typer.echo(f"  {needed.setting}: {needed.path}")

    carried_out(settings, act)


@commands.command(name="list")
def listing(config: Config = Path("sanji.toml")) -> None:
    """列出备份及其验证结果。 / List backups and how their trial restores went."""

    async def act(ledger: Ledger) -> list[backups.Backup]:
        async with ledger.read() as session:
            return await backups.listing(session)

    for one in with_ledger(load(config), act):
        verified = f"{one.verified_time:%Y-%m-%d %H:%M}" if one.verified_time else "未验证 / not verified"
        trouble = one.trouble or one.verify_trouble
        typer.echo(
            f"{one.backup_id}  {one.kind}  {one.state}  {one.size_bytes / _MEGABYTE:.1f} MB  {verified}"
            f"{'  ' + trouble if trouble else ''}"
        )


@commands.command()
def verify(
    backup_id: Annotated[str, typer.Argument(help="备份编号，默认最新 / by default the newest")] = "",
    key: Annotated[Path | None, typer.Option(help="恢复私钥 / recovery key")] = None,
    passphrase_file: Annotated[Path | None, typer.Option(help="口令文件 / file with its passphrase")] = None,
    config: Config = Path("sanji.toml"),
) -> None:
    """试恢复到临时库，核对后删除。 / Restore into a scratch database, check it, and drop it."""
    from hub.backup.desk import BackupDesk
    from hub.clock import system_clock

    settings, passphrase = load(config), secret_of(passphrase_file)

    async def act(ledger: Ledger) -> str:
        desk = BackupDesk(ledger, settings, system_clock)
        return (await desk.verify(backup_id, key=key, passphrase=passphrase)).in_words

    typer.echo(f"备份可用 / good: {carried_out(settings, act)}")


@commands.command()
def wal(config: Config = Path("sanji.toml")) -> None:
    """立即把 WAL 加密归档到此刻（作业 archive-wal 定时做）。 / Archive WAL sealed, up to this moment."""
    from hub.backup.desk import BackupDesk
    from hub.backup.wal import Archived
    from hub.clock import system_clock

    settings = load(config)

    async def act(ledger: Ledger) -> Archived:
        async with told(ledger, "backup.archive", str(settings.backup.wal_folder)):
            return await BackupDesk(ledger, settings, system_clock).archive_wal()

    archived = carried_out(settings, act)
    typer.echo(f"已归档 {archived.segment_count} 段，至 / segments archived, up to {archived.newest or '—'}")


def secret_of(path: Path | None) -> bytes:
    """Returns the passphrase in a file; nothing without one."""
    if path is None:
        return b""
    try:
        return path.read_bytes().strip()
    except OSError as error:
        fail(f"无法读取 {path}：{error.strerror} / cannot be read.", 2)


def carried_out(settings: Settings, act: Callable[[Ledger], Awaitable[T]]) -> T:
    """Runs an act about backups; says what is wrong in words."""
    return explained(lambda: with_ledger(settings, act))


def explained(act: Callable[[], T]) -> T:
    """Runs something about backups; says what is wrong in words and ends with 1."""
    from hub.backup.cipher import KeyUnusable, SealBroken
    from hub.backup.desk import VerifyFailed
    from hub.backup.making import BackupUnset
    from hub.backup.manifest import ManifestInvalid
    from hub.backup.recovery import RecoveryStuck
    from hub.backup.restoring import NotEmpty
    from hub.backup.tools import ToolFailed, ToolMissing

    known = (
        KeyUnusable, SealBroken, VerifyFailed, BackupUnset, ManifestInvalid, RecoveryStuck, NotEmpty, ToolFailed,
        ToolMissing, EmbeddedServerFailed, psycopg.Error, OSError,
    )  # fmt: skip
    try:
        return act()
    except known as error:
        fail(str(error) or type(error).__name__, 1)
