"""What ``sanji doctor`` looks at beside what ``sanji check`` does: the host, the database's habits, backups, lateness.

Each finding says in both languages what is the matter and what to do. Called by ``sanji doctor``.
"""

import shutil
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from exchange_db import backups, examination, jobs, link_states, overview, restores
from exchange_db.backups import Backup
from exchange_db.examination import ServerState
from exchange_db.jobs import JobRun
from exchange_db.link_states import LinkHealth, Neighbour
from exchange_db.reasons import REASONS
from exchange_db.restores import Incarnation
from exchange_db.session import Ledger
from hub.cli.inspection import DOUBTFUL, GOOD, WRONG, Finding
from hub.settings import Settings

_LEAST_FREE, _FEW_FREE = 0.03, 0.10
_MOST_SKEW = timedelta(seconds=5)
_LATE_SECONDS = 60.0
_MANY_WAITING = 1_000
_FULL_CONNECTIONS = 0.85
_MUCH_WAL = 4_000_000_000


def host_findings(settings: Settings) -> Iterator[Finding]:
    """Looks at the machine: disks, rights of files, data of time zones."""
    seen: set[int] = set()
    for setting, folder in _folders(settings):
        place = next((path for path in (folder, *folder.parents) if path.exists()), Path("/"))
        device = place.stat().st_dev
        if device not in seen:
            seen.add(device)
            yield disk_finding(setting, place, shutil.disk_usage(place).free / shutil.disk_usage(place).total)
    yield from _secret_findings(settings)
    try:
        zoneinfo.ZoneInfo(settings.figures.zone)
        yield Finding(GOOD, f"时区数据可用（{settings.figures.zone}）", f"time zone data: {settings.figures.zone}")
    except zoneinfo.ZoneInfoNotFoundError:
        yield Finding(
            WRONG,
            f"没有时区 {settings.figures.zone} 的数据，统计月份会错。请安装 tzdata。",
            f"No data of time zone {settings.figures.zone}: months of figures would be wrong. Install tzdata.",
        )


def disk_finding(setting: str, place: Path, free: float) -> Finding:
    """Judges a disk by the share of it that is free."""
    if free < _FEW_FREE:
        return Finding(
            WRONG if free < _LEAST_FREE else DOUBTFUL,
            f"{setting}：{place} 所在磁盘只剩 {free:.0%}。请扩容，或清理其他文件；写满后枢纽会停止接收。",
            f"{setting}: the disk of {place} is {free:.0%} free. Make room: a full disk stops the hub taking records.",
        )
    return Finding(GOOD, f"{setting}：磁盘剩余 {free:.0%}", f"{setting}: disk {free:.0%} free")


def _folders(settings: Settings) -> Iterator[tuple[str, Path]]:
    if settings.database.url is None:
        yield "database.folder", settings.database.folder
    if not settings.evidence.s3_bucket:
        yield "evidence.folder", settings.evidence.folder
    yield "evidence.spool_folder", settings.evidence.spool_folder
    for name in ("folder", "wal_folder"):
        folder = getattr(settings.backup, name)
        if folder is not None:
            yield f"backup.{name}", folder


def _secret_findings(settings: Settings) -> Iterator[Finding]:
    named = [
        ("tls.key", settings.tls.key), ("console.key", settings.console.key),
        ("console.wrapping_key", settings.console.wrapping_key), ("backup.recovery_key", settings.backup.recovery_key),
        ("backup.passphrase", settings.backup.passphrase), *(("signing.keys", path) for path in settings.signing.keys),
    ]  # fmt: skip
    for setting, path in named:
        if path is not None and path.exists() and path.stat().st_mode & 0o077:
            yield Finding(
                WRONG,
                f"{setting}：{path} 可被他人读取，请执行 chmod 600 {path}。",
                f"{setting}: others may read {path}. Run chmod 600 on it.",
            )
    folder = settings.backup.folder
    if folder is not None and folder.exists() and folder.stat().st_mode & 0o022:
        yield Finding(
            DOUBTFUL,
            f"backup.folder：他人可写 {folder}，请执行 chmod go-w {folder}。",
            f"backup.folder: others may write to {folder}. Run chmod go-w on it.",
        )


async def ledger_findings(url: str, settings: Settings) -> list[Finding]:
    """Looks at the ledger: the server's habits, lateness, jobs, leases, months, backups, a restore that is open."""
    async with Ledger(url, pool_size=0) as ledger, ledger.read() as session:
        server = await examination.server_state(session)
        log = await overview.log_state(session)
        waited = (log.read_time - log.oldest_time).total_seconds() if log.oldest_time else 0.0
        findings = [*server_findings(server, settings, datetime.now(UTC)), lag_finding(log.waiting_count, waited)]
        findings += link_findings(await link_states.neighbours(session, None, datetime.now(UTC)))
        findings += job_findings(await jobs.latest(session))
        findings.append(_lease_finding(*await examination.held_leases(session)))
        findings.append(_month_finding(await examination.months_ahead(session)))
        findings += backup_findings(await backups.last_kept(session), settings, datetime.now(UTC))
        findings += restore_findings(await restores.open_incarnation(session))
    return findings


def server_findings(server: ServerState, settings: Settings, now: datetime) -> Iterator[Finding]:
    """Judges the server's settings, its clock and its archive."""
    if server.is_recovering:
        yield Finding(
            DOUBTFUL,
            "数据库正在跟随或恢复，枢纽不能运行；切换请用 sanji restore cut-over。",
            "The database follows or recovers: no hub runs on it. Cut over with `sanji restore cut-over`.",
        )
    if server.collation not in ("C", "POSIX"):
        yield Finding(
            DOUBTFUL,
            f"数据库排序规则是 {server.collation}，建议 C：各机排序一致且最快。重建库时改用 LC_COLLATE 'C'。",
            f"The database's collation is {server.collation}; C sorts the same everywhere and is fastest.",
        )
    if not server.has_zone:
        yield Finding(
            WRONG,
            "数据库没有 Asia/Shanghai 时区数据，请在数据库服务器安装 tzdata。",
            "The database knows no zone Asia/Shanghai. Install tzdata on its machine.",
        )
    skew = abs(server.now - now)
    if skew > _MOST_SKEW:
        yield Finding(
            WRONG,
            f"本机与数据库的时钟相差 {skew.total_seconds():.0f} 秒，请两边都用 NTP（chrony）校时。",
            f"This machine's clock and the database's differ by {skew.total_seconds():.0f} s. Set both by NTP.",
        )
    if server.full_page_writes == "off":
        yield Finding(
            WRONG,
            "full_page_writes=off：断电可能损坏数据文件，请设为 on。",
            "full_page_writes=off: a power cut may damage the data files. Set it to on.",
        )
    if server.connections > _FULL_CONNECTIONS * server.most_connections:
        yield Finding(
            DOUBTFUL,
            f"数据库连接 {server.connections}/{server.most_connections}，请提高 max_connections。",
            f"{server.connections} of {server.most_connections} connections are in use. Raise max_connections.",
        )
    yield _archive_finding(server, settings)


def _archive_finding(server: ServerState, settings: Settings) -> Finding:
    if settings.backup.wal_folder is None:
        return Finding(
            DOUBTFUL,
            "未归档 WAL，只能恢复到最近一次备份。要恢复到时间点，请设 backup.wal_folder。",
            "WAL is not archived: a restore ends at the last backup. Set backup.wal_folder for a point in time.",
        )
    if server.kept_bytes is None:
        return Finding(
            WRONG,
            "已设 backup.wal_folder，但还没有归档。请执行 sanji backup wal 查看原因。",
            "backup.wal_folder is set, but nothing was archived yet. Run `sanji backup wal` to see why.",
        )
    if server.kept_bytes > _MUCH_WAL:
        return Finding(
            WRONG,
            f"{server.kept_bytes / 1e9:.1f} GB WAL 等待归档，数据库磁盘会写满。请执行 sanji backup wal 查看原因；"
            "不再归档请执行 SELECT pg_drop_replication_slot('sanji_archive')。",
            f"{server.kept_bytes / 1e9:.1f} GB of WAL wait to be archived; the disk will fill. Run `sanji backup wal`;"
            " to archive no more, drop the slot sanji_archive.",
        )
    return Finding(GOOD, "WAL 归档正常", "WAL is archived")


def lag_finding(waiting: int, oldest_seconds: float) -> Finding:
    """Judges what waits to be applied."""
    if oldest_seconds > _LATE_SECONDS:
        return Finding(
            WRONG,
            f"{waiting} 条记录未生效，最早的已等 {oldest_seconds:.0f} 秒。请确认 apply 角色在运行（sanji serve）。",
            f"{waiting} records wait to be applied, the oldest for {oldest_seconds:.0f} s. Does role apply run?",
        )
    return Finding(GOOD, f"未生效记录 {waiting} 条", f"records not applied yet: {waiting}")


def link_findings(found: list[Neighbour]) -> Iterator[Finding]:
    """Names the links that do not work, and those that are far behind."""
    for one in found:
        if one.peer.state != "active":
            continue
        name, state = one.peer.peer_id, one.worse
        if state.health is LinkHealth.DOWN or state.last_error:
            words, failures = REASONS.get(state.reason), one.outgoing.failure_count
            chinese = state.last_error or (words.chinese if words else state.reason)
            english = state.last_error or (words.english if words else state.reason)
            yield Finding(
                WRONG,
                f"{name}：{chinese}。已失败 {failures} 次；请按提示处理，数据不会丢失。",
                f"{name}: {english} ({failures} failures); nothing is lost meanwhile.",
            )
        elif one.outgoing.lag_records > _MANY_WAITING:
            yield Finding(
                DOUBTFUL,
                f"{name}：积压 {one.outgoing.lag_records} 条，请检查网络与对方枢纽。",
                f"{name}: {one.outgoing.lag_records} parcels wait. Check the network and their hub.",
            )


def job_findings(runs: list[JobRun]) -> Iterator[Finding]:
    """Names the jobs whose last run failed."""
    failed = [run for run in runs if run.trouble]
    for run in failed:
        yield Finding(
            WRONG,
            f"作业 {run.job} 上次失败（{run.started_time:%m-%d %H:%M}）：{run.trouble[:120]}",
            f"Job {run.job} failed at {run.started_time:%m-%d %H:%M}: {run.trouble[:120]}",
        )
    if not failed:
        yield Finding(GOOD, f"{len(runs)} 项作业上次均成功", f"last runs of {len(runs)} jobs went well")


def _lease_finding(held: int, over: int) -> Finding:
    if not held:
        return Finding(
            DOUBTFUL,
            "没有进程在工作（无有效租约）。请启动枢纽：sanji serve。",
            "No process is at work: no lease is held. Start the hub with `sanji serve`.",
        )
    return Finding(GOOD, f"有效租约 {held} 个，过期 {over} 个", f"leases held: {held}, over: {over}")


def _month_finding(count: int) -> Finding:
    if count < 2:
        return Finding(
            WRONG,
            "日志没有下月的分表。请确认 schedule 角色在运行（作业 make-months）。",
            "The log has no table for next month. Does role schedule run (job make-months)?",
        )
    return Finding(GOOD, f"日志分表已备 {count} 个月", f"tables of the log: {count} months ahead")


def backup_findings(newest: Backup | None, settings: Settings, now: datetime) -> Iterator[Finding]:
    """Judges the age of the newest backup and of its trial restore."""
    part = settings.backup
    if part.folder is None or part.public_key is None:
        yield Finding(
            WRONG,
            "未设置备份：磁盘损坏即丢失全部数据。请执行 sanji backup keys，填写 [backup] 的 folder 与 public_key。",
            "No backups are made. Run `sanji backup keys`, then set folder and public_key in [backup].",
        )
        return
    age = (now - newest.started_time).total_seconds() / 3_600 if newest else None
    if age is None or age > 2 * part.hours:
        told = "尚无备份" if age is None else f"最近备份已过 {age:.0f} 小时"
        yield Finding(
            WRONG,
            f"{told}。请执行 sanji backup make 查看原因，并确认 schedule 角色在运行。",
            "There is no backup, or it is old. Run `sanji backup make` to see why; role schedule must run.",
        )
        return
    yield Finding(GOOD, f"最近备份 {age:.0f} 小时前", f"newest backup: {age:.0f} hours ago")
    if newest is None:
        return
    if newest.verify_trouble:
        yield Finding(
            WRONG,
            f"备份 {newest.backup_id} 试恢复未通过：{newest.verify_trouble[:200]}。请立即重新备份并验证。",
            f"The trial restore of {newest.backup_id} failed. Back up again, and verify at once.",
        )
    elif newest.verified_time is None:
        yield Finding(
            DOUBTFUL,
            f"备份 {newest.backup_id} 未做试恢复。请执行 sanji backup verify --key 恢复私钥。",
            f"{newest.backup_id} was never restored on trial. Run `sanji backup verify --key`.",
        )


def restore_findings(open_one: Incarnation | None) -> Iterator[Finding]:
    """Tells of a restore that is not caught up."""
    if open_one is not None:
        yield Finding(
            DOUBTFUL if open_one.is_asked else WRONG,
            f"本库由备份 {open_one.backup_id} 恢复，尚未与上下级对平。进度见 sanji restore status。",
            f"Restored from {open_one.backup_id} and not caught up yet. See `sanji restore status`.",
        )
