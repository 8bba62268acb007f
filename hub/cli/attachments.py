"""``sanji attachments``: handing evidence in, seeing what is missing, fetching it, and checking what is held."""

import asyncio
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from connectors.county.attachments import REFUSED_FOR_THE_CASE, digest_of, send_file, type_of
from connectors.county.profile import ProfileInvalid, read_profile
from connectors.county.pusher import pause_seconds, target_of
from connectors.errors import ConnectorError, CredentialsRefused, Unreachable
from connectors.transports.attachment_calls import Delivered
from connectors.transports.grpc_peer import Target
from exchange_db import attachments
from exchange_db.attachment_records import AttachmentKind, Offer
from exchange_db.attachments import MissingRef
from exchange_db.records import Violated, printable
from exchange_db.regions import PLATFORM_ID, parse_region, subtree
from exchange_db.session import Ledger
from hub.cli.app import app
from hub.cli.configuration import load
from hub.cli.ledger import with_ledger
from hub.cli.terminal import fail
from hub.clock import system_clock
from hub.recording import told

T = TypeVar("T")

commands = typer.Typer(no_args_is_help=True, help="附件：上传、查缺、取回、校验。 / Evidence of cases.")
app.add_typer(commands, name="attachments")

#: Exit codes beside 0, as ``sanji push`` has them.
SOME_REFUSED, CANNOT, LATER, INTERRUPTED = 1, 2, 75, 130
Config = Annotated[Path, typer.Option(help="设置文件 / settings file")]
_KINDS = "、".join(name.lower() for name in AttachmentKind.__members__)


@commands.command()
def send(
    files: Annotated[list[Path], typer.Argument(help="照片、录音、视频 / photos, sound, film")],
    to: Annotated[Path, typer.Option(help="连接档案（目录或 profile.toml） / profile of the hub: folder or file")],
    case_no: Annotated[str, typer.Option(help="所属案件编号 / number of the case")],
    kind: Annotated[str, typer.Option(help=f"附件类别：{_KINDS} / kind")],
    issuer: Annotated[str, typer.Option(help="案件编号的签发平台，默认本平台 / platform that issued the number")] = "",
    media_type: Annotated[str, typer.Option(help="格式，如 image/jpeg；默认按文件名 / type; default: by name")] = "",
    give_up_after: Annotated[
        float | None,
        typer.Option(min=0, help="连不上枢纽多少秒后放弃；默认一直重试 / seconds without contact; default: never"),
    ] = None,
) -> None:
    """上传附件；中断后再次执行同一命令，从中断处继续。 / Hand evidence in; run again to go on."""
    if kind.upper() not in AttachmentKind.__members__:
        fail(f"没有 {kind} 这一类附件，可用的有：{_KINDS}。 / There is no such kind.", CANNOT)
    try:
        profile = read_profile(to)
        target = target_of(profile)
    except ProfileInvalid as error:
        fail(str(error), CANNOT)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    refused = 0
    try:
        for file in files:
            try:
                claimed = media_type or type_of(file)
                digest, size = digest_of(file)
            except Violated as violated:
                fail(f"{file}：{violated.violation.message_zh} --media-type / {violated.violation.message}", CANNOT)
            offer = Offer(digest, size, claimed, AttachmentKind[kind.upper()], issuer or profile.platform_id, case_no)
            refused += not asyncio.run(_send(target, offer, file, give_up_after))
    except KeyboardInterrupt:
        fail("已中断，再次执行同一命令即可接续。 / Interrupted; run the same command again to go on.", INTERRUPTED)
    except OSError as error:
        fail(f"无法读取：{error} / Cannot read it.", CANNOT)
    raise typer.Exit(SOME_REFUSED if refused else 0)


async def _send(target: Target, offer: Offer, file: Path, give_up_after: float | None) -> bool:
    """Sends one file through every break; tells whether the hub took it."""
    contact_time, failure_count = time.monotonic(), 0

    def told(_: int) -> None:
        nonlocal contact_time, failure_count
        contact_time, failure_count = time.monotonic(), 0

    while True:
        try:
            delivered = await send_file(target, offer, file, told)
        except Unreachable as error:
            if give_up_after is not None and time.monotonic() - contact_time >= give_up_after:
                fail(f"暂时无法上传 {file}：{error}；请稍后再次执行。 / Run the same command again later.", LATER)
            await asyncio.sleep(pause_seconds(failure_count))
            failure_count += 1
        except CredentialsRefused as error:
            if error.reason not in REFUSED_FOR_THE_CASE:
                fail(f"枢纽拒绝本平台：{error.reason}：{printable(str(error))} / The hub refuses us.", CANNOT)
            print(f"✗ {file}：{error.reason}：{printable(str(error))}", file=sys.stderr)
            return False
        except ConnectorError as error:
            print(f"✗ {file}：{error.reason}：{printable(str(error))}", file=sys.stderr)
            return False
        else:
            print(f"✓ {file}：{_delivered(delivered)} {offer.digest}")
            return True


def _delivered(delivered: Delivered) -> str:
    return "枢纽此前已有 / known to the hub" if delivered.is_duplicate else "已存入 / stored"


@commands.command()
def missing(
    config: Config = Path("sanji.toml"),
    region: Annotated[str, typer.Option(help="只看该区域平台签发的案件 / region of the issuers")] = "",
    limit: Annotated[int, typer.Option(min=1, help="最多行数 / most rows")] = 100,
) -> None:
    """列出案件引用但内容未到或已损坏的附件。 / List evidence that is named but not held."""
    try:
        visible = subtree(parse_region(region)) if region else None
    except ValueError:
        fail(f"{region} 不是六位行政区划代码。 / is not a six-digit region code.", CANNOT)

    async def act(ledger: Ledger) -> tuple[list[MissingRef], tuple[int, int, int, int]]:
        async with ledger.read() as session:
            return await attachments.missing(session, limit, visible=visible), await attachments.counts(session)

    found, (held, size, corrupt, missing_count) = with_ledger(load(config), act)
    table = Table()
    for title in ("案件", "签发平台", "类别", "大小", "来自", "发现时间", "次数", "情况", "摘要"):
        table.add_column(title, overflow="fold")
    for ref in found:
        table.add_row(
            ref.case_no, ref.issuer_id, ref.kind.name.lower(), f"{ref.size_bytes:,}", ref.sender_id,
            datetime.fromtimestamp(ref.found_time / 1_000_000, UTC).astimezone().strftime("%m-%d %H:%M"),
            str(ref.attempt_count), "已损坏 / corrupt" if ref.is_corrupt else ref.trouble, ref.digest,
        )  # fmt: skip
    Console().print(table)
    print(
        f"存有 {held:,} 个附件（{size:,} 字节），损坏 {corrupt:,} 个，缺 {missing_count:,} 个。"
        f" / {held:,} held, {corrupt:,} corrupt, {missing_count:,} missing."
    )


@commands.command()
def fetch(
    config: Config = Path("sanji.toml"),
    issuer: Annotated[str, typer.Option(help="只取一个案件的附件：签发平台 / of one case: its issuer")] = "",
    case_no: Annotated[str, typer.Option(help="只取一个案件的附件：案件编号 / of one case: its number")] = "",
) -> None:
    """立即向来源平台取缺失的附件，不论规则和间隔。 / Fetch what is missing now, whatever the rules say."""
    if bool(issuer) is not bool(case_no) or (issuer and not PLATFORM_ID.match(issuer)):
        fail("请同时用 --issuer（如 431221.platform）和 --case-no 指明案件。 / Name both, or neither.", CANNOT)
    from hub.bootstrap import make_dialler, make_evidence
    from hub.evidence.fetching import EvidenceFetch, Fetched

    settings = load(config)

    async def act(ledger: Ledger) -> Fetched:
        desk, _ = make_evidence(ledger, settings, system_clock)
        work = EvidenceFetch(ledger, desk, settings.evidence, system_clock, make_dialler(settings, system_clock).target)
        async with told(ledger, "evidence.fetch", f"{issuer} {case_no}".strip() or "*"):
            return await work.fetch_now(issuer, case_no)

    done = _with_store(lambda: with_ledger(settings, act))
    print(
        f"取得 {done.fetched_count} 个，未成 {done.failed_count} 个"
        f"（原因见 sanji attachments missing）。 / {done.fetched_count} fetched, {done.failed_count} failed."
    )
    raise typer.Exit(SOME_REFUSED if done.failed_count else 0)


@commands.command()
def scrub(
    config: Config = Path("sanji.toml"),
    megabytes: Annotated[int, typer.Option(min=0, help="最多读多少 MB，0 为全部 / at most so many MB, 0: all")] = 0,
) -> None:
    """立即重读存储中的附件并核对摘要。 / Read stored evidence again now and compare digests."""
    from hub.bootstrap import make_evidence
    from hub.evidence.scrub import EvidenceScrub, Scrubbed

    settings = load(config)

    async def act(ledger: Ledger) -> Scrubbed:
        _, reader = make_evidence(ledger, settings, system_clock)
        work = EvidenceScrub(ledger, reader, settings.evidence.spool_folder, system_clock)
        async with told(ledger, "evidence.scrub", "store") as detail:
            done = await work.run(megabytes * 1_000_000 or None, rest=0)
            detail["corrupt"] = done.corrupt_count
            return done

    done = _with_store(lambda: with_ledger(settings, act))
    print(
        f"核对 {done.attachment_count:,} 个附件（{done.byte_count:,} 字节），损坏 {done.corrupt_count:,} 个。"
        f" / {done.attachment_count:,} checked, {done.corrupt_count:,} corrupt."
    )
    raise typer.Exit(SOME_REFUSED if done.corrupt_count else 0)


def _with_store(act: Callable[[], T]) -> T:
    """Says what is wrong when the store cannot be used."""
    from hub.evidence.errors import StoreUnavailable

    try:
        return act()
    except StoreUnavailable as error:
        fail(f"附件存储无法使用：{error}\n请检查 [evidence] 设置。 / The store cannot be used.", CANNOT)
