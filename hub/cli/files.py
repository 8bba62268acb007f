"""``sanji files``: links that go by files, over a gap device (网闸) or by hand; a hub's side, and a platform's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from connectors.transports.file_folders import Imported, Outcome, Written, files_at, read_bytes
from connectors.transports.files import open_file, read_content
from exchange_db.peers import NewPeer
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.cli.app import app
from hub.cli.configuration import load
from hub.cli.ledger import carry_out
from hub.cli.terminal import fail, plain, visible
from hub.clock import system_clock
from hub.files.work import folders_of, told_of
from hub.recording import told
from hub.settings import Settings

commands = typer.Typer(
    no_args_is_help=True, help="文件链路：经网闸或人工拷贝传送。 / Links by files, over a gap device or by hand."
)
app.add_typer(commands, name="files")

Config = Annotated[Path, typer.Option(help="设置文件 / settings file")]
PeerId = Annotated[str, typer.Argument(help="对方标识，如 431221.platform / name of the neighbour")]
Profile = Annotated[
    Path | None, typer.Option(help="平台用：连接档案（目录或 profile.toml） / for platforms: the profile")
]
SpoolFile = Annotated[Path | None, typer.Option(help="平台用：待送文件（spool） / for platforms: what is not sent yet")]
#: Exit codes beside 0: something was refused, something waits for another file (EX_TEMPFAIL).
SOME_REFUSED, SOME_WAIT = 1, 75
_OUTCOMES = {
    Outcome.TAKEN: "✓ 已接收 taken", Outcome.KNOWN: "= 此前已接收 had come before",
    Outcome.WAITING: "… 等待 waits", Outcome.REFUSED: "✗ 拒收 refused",
}  # fmt: skip


@commands.command()
def enter(
    certificate: Annotated[Path, typer.Argument(help="对方证书（PEM） / the neighbour's certificate")],
    name: Annotated[str, typer.Option(help="显示名称 / name shown to people")] = "",
    kind: Annotated[Literal["hub", "platform"], typer.Option(help="枢纽或业务平台 / hub or platform")] = "platform",
    relation: Annotated[
        Literal["child", "parent"], typer.Option(help="对方是下级还是上级 / what it is to us")
    ] = "child",
    out: Annotated[Path | None, typer.Option(help="为平台写出连接档案 / write a platform's profile there")] = None,
    config: Config = Path("sanji.toml"),
) -> None:
    """凭证书文件登记没有网络的对方，链路走文件。 / Register a neighbour without a line by its certificate."""
    from hub.federation.entering import enter_by_certificate, write_files_profile

    settings = load(config)
    try:
        pem = certificate.read_bytes()
        entered: NewPeer = carry_out(
            settings,
            lambda ledger: enter_by_certificate(
                ledger, settings, pem, name=name, kind=kind, relation=relation, clock=system_clock
            ),
        )
        if out is not None:
            typer.echo(f"连接档案 profile: {write_files_profile(out, settings, pem)}，私钥请放在同一目录 platform.key")
    except (OSError, ValueError) as error:
        fail(f"{certificate}：{error} / cannot be used.", 1)
    typer.echo(f"{entered.peer_id} 已登记，指纹 thumbprint: {entered.thumbprint}")
    if settings.joining.needs_confirmation:
        typer.echo("待确认：请与对方电话核对指纹后执行 sanji peers confirm。 / It waits; compare, then confirm.")


@commands.command()
def start(peer_id: PeerId, config: Config = Path("sanji.toml")) -> None:
    """改用文件传送：运行中的枢纽不再连接对方，改读写其目录。 / Carry a link by files from now on."""
    from hub.files.medium import change

    settings = load(config)
    carry_out(settings, lambda ledger: change(ledger, peer_id, to_files=True))
    inward, outward = folders_of(settings.files.folder, peer_id)
    typer.echo(f"{peer_id} 改用文件传送。送出 out: {outward}\n送入 in: {inward}")


@commands.command()
def stop(peer_id: PeerId, config: Config = Path("sanji.toml")) -> None:
    """恢复网络传送，序号接续，不遗漏、不重复。 / Carry a link over the line again."""
    from hub.files.medium import change

    carry_out(load(config), lambda ledger: change(ledger, peer_id, to_files=False))
    typer.echo(f"{peer_id} 已恢复网络传送。 / goes over the line again.")


@commands.command()
def add(
    sheet: Annotated[Path, typer.Argument(help="CSV、JSONL（可加 .gz）或 XLSX 文件 / the sheet")],
    mapping: Annotated[Path, typer.Option(help="映射文件 / mapping file")],
    profile: Annotated[Path, typer.Option(help="连接档案（目录或 profile.toml） / the profile")],
    spool: SpoolFile = None,
) -> None:
    """平台用：把表格各行放入待送文件，随后用 export 写出。 / For platforms: put a sheet's rows into the spool."""
    from connectors.county.sheet_spooling import add_sheet
    from connectors.mapping_file import MappingInvalid, read_mapping
    from connectors.sheets import SheetInvalid
    from hub.cli.platform_files import platform_side

    try:
        plan = read_mapping(mapping)
        with platform_side(profile, spool) as side:
            added = add_sheet(sheet, plan, side.profile.platform_id, side.spool, side.book)
    except (MappingInvalid, SheetInvalid, OSError) as error:
        fail(str(error), 2)
    typer.echo(f"{added.row_count} 行待送。 / rows wait to be exported.")
    for number, violation in added.unmapped:
        typer.echo(visible(f"第 {number} 行 row: {told_of(violation)}"))
    if added.unmapped:
        raise typer.Exit(SOME_REFUSED)


@commands.command(name="export")
def export_files(
    to: Annotated[Path, typer.Option(help="写入的目录 / folder to write into")],
    peer: Annotated[str, typer.Option(help="枢纽用：对方标识 / for hubs: name of the neighbour")] = "",
    profile: Profile = None,
    spool: SpoolFile = None,
    begin: Annotated[
        int, typer.Option("--from", min=0, help="从该序号起重新导出 / write again from this number on")
    ] = 0,
    config: Config = Path("sanji.toml"),
) -> None:
    """把待送内容写成签名文件。 / Put what is due into signed files."""
    from hub.cli.platform_files import platform_side

    try:
        if profile is not None:
            with platform_side(profile, spool) as side:
                written = side.files.export(to, begin=begin, is_asked=True)
        elif peer:
            written = _export(load(config), peer, to, begin)
        else:
            fail("请用 --peer 指明对方，或用 --profile 指明平台的连接档案。 / Name --peer, or --profile.")
    except OSError as error:
        fail(f"无法写入 {to}：{error.strerror} / cannot be written.", 1)
    for one in written:
        numbers = f"{one.first}–{one.last}" if one.first else "仅回执 answers only"
        typer.echo(f"{one.path}  {numbers}")
    typer.echo(f"已写出 {len(written)} 个文件，请整体拷贝到对方的 in 目录。 / Written; copy them to the other side.")


def _export(settings: Settings, peer_id: str, to: Path, begin: int) -> list[Written]:
    from hub.files.making import make_export
    from hub.files.medium import peer_of

    async def act(ledger: Ledger) -> list[Written]:
        peer = await peer_of(ledger, peer_id)
        if peer.state != "active" or peer.is_paused:
            raise Violated(peer.refusal, "peer", peer_id)
        async with told(ledger, "link.file_export", peer_id, region=peer.region, detail={"from": begin}) as detail:
            export = make_export(settings, ledger, system_clock)
            written = await export.write(peer, to, begin=begin, is_asked=True)
            detail["files"] = len(written)
            detail["last"] = max((one.last for one in written), default=0)
        return written

    found: list[Written] = carry_out(settings, act)
    return found


@commands.command(name="import")
def import_files(
    place: Annotated[Path, typer.Argument(help="文件或目录 / a file, or a folder of files")],
    profile: Profile = None,
    spool: SpoolFile = None,
    config: Config = Path("sanji.toml"),
) -> None:
    """接收对方送来的文件；可重复执行，已接收的不会重复。 / Take files; harmless twice."""
    from hub.cli.platform_files import platform_side

    told: list[str] = []
    try:
        paths = files_at(place)
        if profile is not None:
            with platform_side(profile, spool) as side:
                results = side.files.take_all(paths)
                told = [
                    f"枢纽未接受 not taken by the hub: {count} × {told_of(violation)}"
                    for _, violation, _, count in side.spool.refusal_counts()
                ]
        else:
            results = _import(load(config), place, paths)
    except OSError as error:
        fail(f"无法读取 {place}：{error.strerror} / cannot be read.", 1)
    for one in results:
        _print(one)
    for line in told:
        typer.echo(visible(line))
    if not results:
        typer.echo(f"{place} 中没有文件。 / There is no file there.")
    outcomes = {one.outcome for one in results}
    if Outcome.REFUSED in outcomes:
        raise typer.Exit(SOME_REFUSED)
    if Outcome.WAITING in outcomes:
        raise typer.Exit(SOME_WAIT)


def _import(settings: Settings, place: Path, paths: list[Path]) -> list[Imported]:
    from hub.files.making import make_import

    async def act(ledger: Ledger) -> list[Imported]:
        async with told(ledger, "link.file_import", str(place), detail={"files": len(paths)}) as detail:
            async with _desk(ledger, settings) as desk:
                results = await make_import(settings, ledger, desk.take, system_clock).take_all(paths)
            for outcome in Outcome:
                detail[outcome.value] = sum(one.outcome is outcome for one in results)
            detail["records"] = sum(one.new_count for one in results)
        return results

    found: list[Imported] = carry_out(settings, act)
    return found


@asynccontextmanager
async def _desk(ledger: Ledger, settings: Settings) -> AsyncIterator[Any]:
    """Yields an intake desk beside that of a hub that may be running, and wakes that hub afterwards."""
    from exchange_db import wakeups
    from hub.intake.desk import IntakeDesk
    from hub.intake.seals import SealJudge
    from hub.listener import Listener
    from hub.standards.register import ClassRegister

    register = ClassRegister(settings.hub.region, settings.standards.unlisted, settings.standards.accepts)
    async with ledger.read() as session:
        await register.read(session, system_clock())
    listener = Listener(ledger)
    judge = SealJudge(ledger, listener, settings.hub.id, system_clock)
    desk = IntakeDesk(ledger, listener, settings.hub.region, system_clock, register.check, judge)
    working = asyncio.create_task(desk.run())
    try:
        yield desk
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
    async with ledger.watching() as connection:
        await wakeups.wake(connection.driver, wakeups.INBOX, wakeups.OUTBOX)


@commands.command()
def show(file: Annotated[Path, typer.Argument(help="文件 / a file")]) -> None:
    """查看文件内容概要，不核验签名。 / Show what a file says of itself; its signature is not judged."""
    try:
        found = read_content(open_file(read_bytes(file)).content)
    except OSError as error:
        fail(f"无法读取 {file}：{error.strerror} / cannot be read.", 1)
    except Violated as violated:
        fail(told_of(violated.violation), 1)
    first, last = found.span
    typer.echo(visible(f"{found.sender_id} → {found.receiver_id}  {found.stream}"))
    typer.echo(f"序号 numbers: {f'{first}–{last}' if first else '— （仅回执 answers only）'}")
    for answer in found.answers:
        missing = "，有缺号 numbers are missing" if answer.is_missing else ""
        typer.echo(visible(f"回执 answers: {answer.stream} 至 up to {answer.last}{missing}"))


def _print(one: Imported) -> None:
    numbers = f"{one.first}–{one.last}" if one.first else "—"
    counts = f"新 new {one.new_count}, 已有 known {one.known_count}, 拒绝 refused {one.refused_count}"
    typer.echo(plain(f"{_OUTCOMES[one.outcome]}  {one.path.name}  {numbers}  {counts}"))
    if one.violation is not None:
        typer.echo(f"  {visible(told_of(one.violation))}")
