"""``sanji push``: sends a sheet to a hub, goes on after any interruption, and accounts for every row."""

import asyncio
import logging
import signal
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Self

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from auth import certificates
from auth.batch_keys import SigningKeyUnusable
from connectors.county import spool
from connectors.county.profile import Profile, ProfileInvalid, read_profile
from connectors.county.pusher import way_of
from connectors.county.refused_file import write_refused
from connectors.county.sheet_push import PushStopped, SheetPush, Summary
from connectors.county.spool import SpoolInvalid
from connectors.errors import CallRefused, ConnectorError, CredentialsRefused, Unreachable
from connectors.mapping_file import Mapping, MappingInvalid, read_mapping
from connectors.sheets import SheetInvalid
from connectors.transports.grpc_peer import Target
from exchange_db.records import Violated
from hub.cli import terminal
from hub.cli.app import app
from hub.cli.terminal import fail, plain, visible
from hub.federation.sealing import platform_sealer

#: Exit codes beside 0 (all accepted): some refused, cannot be done, try again later (EX_TEMPFAIL), interrupted.
SOME_REFUSED, CANNOT, LATER, INTERRUPTED = 1, 2, 75, 130
_STAGES = {
    spool.State.UNMAPPED: "映射",
    spool.State.REFUSED: "枢纽接收",
    spool.State.QUARANTINED: "枢纽业务规则",
}
_RESUME = (
    "再次执行同一命令即可接续，不会遗漏或重复。 / Run the same command again to go on; nothing is lost or doubled."
)
#: Pauses from which on every further attempt is told.
_TOLD_SECONDS = 10.0


@app.command()
def push(
    file: Annotated[Path, typer.Argument(help="CSV、JSONL（可加 .gz）或 XLSX 文件 / the sheet")],
    mapping: Annotated[Path, typer.Option(help="映射文件 / mapping file")],
    to: Annotated[Path, typer.Option(help="连接档案（目录或 profile.toml） / profile of the hub: folder or file")],
    wait: Annotated[
        float,
        typer.Option(min=0, help="等待业务回执的秒数，有进展则重新计时 / seconds to wait for the next receipt"),
    ] = 60.0,
    give_up_after: Annotated[
        float | None,
        typer.Option(min=0, help="连不上枢纽多少秒后放弃；默认一直重试 / seconds without contact; default: never"),
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="放弃未完成的报送，从头开始 / forget an unfinished push")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """报送文件：可随时中断后接续，被拒绝的行写入 文件名.refused.csv。 / Send a sheet to a hub."""
    began = time.monotonic()
    logging.getLogger("grpc").setLevel(logging.CRITICAL)
    try:
        plan, profile = read_mapping(mapping), read_profile(to)
        sealing = platform_sealer(profile)
    except (MappingInvalid, ProfileInvalid, SigningKeyUnusable) as error:
        fail(str(error), CANNOT)
    _check_credentials(profile)
    _check_issuer(plan, profile)
    # Ctrl-C and a service manager's stop mean the same here. Raised as the signal that asyncio.run turns into
    # a cancellation: a KeyboardInterrupt out of a handler of our own could strike inside any callback of the loop.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    with _Screen(profile) as screen:
        sheet = SheetPush(file, plan, profile, screen, sealing)
        try:
            summary = asyncio.run(_run(sheet, wait, give_up_after, is_restart=restart))
            refused_file = write_refused(file, sheet.spool)
            sheet.close(is_done=not summary.pending)
        except KeyboardInterrupt:
            screen.stop()
            fail(f"已中断。{_RESUME}", INTERRUPTED)
        except (SheetInvalid, SpoolInvalid, PushStopped, ConnectorError, sqlite3.Error, OSError) as error:
            screen.stop()
            fail(*_told(error, profile))
        finally:
            sheet.close()
    seconds = time.monotonic() - began
    if as_json:
        print(terminal.as_json(_as_json(summary, refused_file, seconds)))
    else:
        _print(summary, refused_file, seconds)
    raise typer.Exit(SOME_REFUSED if summary.refused else 0)


async def _run(sheet: SheetPush, wait: float, give_up_after: float | None, *, is_restart: bool) -> Summary:
    await sheet.open(is_restart=is_restart)
    return await sheet.run(wait_seconds=wait, patience_seconds=give_up_after)


class _Screen:
    """Progress and messages on the error output; the bar is shown on a terminal only."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("检查文件 / checking", total=None)
        self._is_down = False

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Takes the bar away."""
        self._bar.stop()

    def checking(self, rows: int) -> None:
        """The file is being checked."""
        self._bar.update(self._task, completed=rows)

    def moved(self, progress: spool.Progress, rows: int) -> None:
        """The push has come this far."""
        if progress.answered < progress.written or progress.rows_read < rows:
            waiting = progress.written - progress.answered
            text, done = "报送 / sending", progress.rows_read - waiting
        else:
            unsettled = progress.written - progress.settled
            text, done = "等待业务回执 / waiting for receipts", rows - unsettled
        self._bar.update(self._task, description=text, completed=done, total=rows)

    def troubled(self, error: ConnectorError | None, seconds: float) -> None:
        """The hub cannot be reached, or has been."""
        if error is None and self._is_down:
            self.noted("枢纽已恢复连接。 / The hub can be reached again.")
        elif error is not None and (not self._is_down or seconds >= _TOLD_SECONDS):
            self.noted(
                f"连不上枢纽 {self._profile.hub_id}（{self._profile.address}）：{error}。{seconds:.0f} 秒后再试，"
                "按 Ctrl-C 可中断，之后可接续。\n"
                f"The hub cannot be reached; trying again in {seconds:.0f} s. Ctrl-C is safe: it can be resumed."
            )
        self._is_down = error is not None

    def noted(self, text: str) -> None:
        """Something a person should know."""
        self._console.print(escape(visible(text)), soft_wrap=True, highlight=False)


def _check_credentials(profile: Profile) -> None:
    """Says what is wrong with certificate and key, or with the secret, before a hub has to."""
    try:
        way = way_of(profile)
    except ProfileInvalid as error:
        fail(str(error), CANNOT)
    if not isinstance(way, Target):
        return
    try:
        certificate, key = way.certificate.read_bytes(), way.key.read_bytes()
        authority = profile.authority.read_bytes()
        found_id, end_time = certificates.id_of(certificate), certificates.end_time_of(certificate)
        is_key, is_issued = certificates.is_key_of(certificate, key), certificates.is_issued_by(certificate, authority)
    except OSError as error:
        fail(
            f"读不到连接档案指明的文件 {error.filename}（{error.strerror}）。 / A file of the profile cannot be read.",
            CANNOT,
        )
    except (ValueError, Violated) as error:
        fail(f"证书或私钥无效：{error} / The certificate or key of the profile is not valid.", CANNOT)
    if found_id != profile.platform_id:
        fail(
            f"证书属于 {found_id}，连接档案写的是 {profile.platform_id}。 / The certificate is of another platform.",
            CANNOT,
        )
    if not is_key:
        fail(f"私钥 {profile.key} 与证书不匹配。 / The key does not belong to the certificate.", CANNOT)
    if not is_issued:
        fail(
            f"证书 {profile.certificate} 不是由 {profile.authority} 签发，请重新申请证书。"
            " / The certificate was not issued by the federation's authority; ask for a new one.",
            CANNOT,
        )
    if end_time < datetime.now(UTC):
        fail(f"证书已于 {end_time:%Y-%m-%d} 到期，请换发。 / The certificate has expired; renew it.", CANNOT)


def _check_issuer(mapping: Mapping, profile: Profile) -> None:
    is_reporting = any(section.name in ("report", "component") for section in mapping.sections)
    if is_reporting and mapping.issuer_id != profile.platform_id:
        fail(
            f"映射的 issuer_id 是 {mapping.issuer_id}，连接档案属于 {profile.platform_id}："
            "平台只能上报自己的案件和部件。"
            " / The mapping reports records of another platform than the profile's; put the same name into both.",
            CANNOT,
        )


def _told(error: Exception, profile: Profile) -> tuple[str, int]:
    """Returns what to say of an error, and the exit code."""
    if isinstance(error, Unreachable):
        return f"在限定时间内一直连不上枢纽 {profile.hub_id}（{profile.address}）：{error}。{_RESUME}", LATER
    if isinstance(error, CredentialsRefused):
        told = (
            f"枢纽 {profile.hub_id} 不接受本平台的证书或身份（{error.reason}）：{error}\n"
            f"请联系枢纽管理员。 / The hub does not accept this platform; ask its administrator.\n{_RESUME}"
        )
        return told, CANNOT
    if isinstance(error, CallRefused):
        return f"枢纽 {profile.hub_id} 拒绝了请求（{error.reason}）：{error}\n{_RESUME}", CANNOT
    if isinstance(error, sqlite3.Error | OSError):
        return f"无法写入本机文件：{error}。请检查目录权限和磁盘空间。{_RESUME}", CANNOT
    return str(error), CANNOT


def _as_json(summary: Summary, refused_file: Path | None, seconds: float) -> dict[str, Any]:
    return {
        "rows": summary.rows,
        "accepted": summary.accepted,
        "known": summary.known,
        "stale": summary.stale,
        "refused": summary.refused,
        "refusals": [
            {
                "stage": found.state,
                "reason": found.violation.reason,
                "field": found.violation.field_path,
                "count": found.row_count,
                "first_row": found.first_row,
                "message": found.violation.message,
                "message_zh": found.violation.message_zh,
            }
            for found in summary.refusals
        ],
        "refused_file": str(refused_file) if refused_file else "",
        "pending_receipts": summary.pending,
        "seconds": round(seconds, 1),
    }


def _print(summary: Summary, refused_file: Path | None, seconds: float) -> None:
    console = Console()
    for found in summary.refusals:
        told = found.violation
        stage = _STAGES[spool.State(found.state)]
        where = f"{told.reason} {told.field_path}".rstrip()
        first = f"首见第 {found.first_row} 行 / first in row {found.first_row}"
        for line in (
            f"✗ {stage}拒绝 {found.row_count:,} 行：{where}（{first}）",
            f"    {told.message_zh}",
            f"    {told.message}",
        ):
            console.print(plain(line), soft_wrap=True, highlight=False)
    known = f"，其中 {summary.known:,} 行枢纽此前已收到" if summary.known else ""
    known_english = f" ({summary.known:,} of them known to the hub before)" if summary.known else ""
    lines = [
        f"共 {summary.rows:,} 行：接收 {summary.accepted:,} 行{known}，拒绝 {summary.refused:,} 行，{seconds:.1f} 秒。",
        f"{summary.rows:,} rows: {summary.accepted:,} accepted{known_english}, {summary.refused:,} refused.",
    ]
    if summary.stale:
        lines.append(
            f"{summary.stale:,} 行未改变任何内容：枢纽已有相同或更高的 revision；改动须以更高的 revision 报送。"
            f" / {summary.stale:,} rows changed nothing: the hub has the same or a higher revision."
        )
    if summary.pending:
        lines.append(
            f"{summary.pending:,} 行尚无业务回执，再次执行同一命令可继续等待。"
            f" / {summary.pending:,} rows have no business receipt yet; run the same command again to see them."
        )
    if refused_file:
        lines.append(
            f"被拒绝的行及原因：{refused_file}；改正后可直接报送该文件。"
            " / The refused rows and why; corrected, that file can be pushed as it is."
        )
    for line in lines:
        console.print(plain(line), soft_wrap=True, highlight=False)
