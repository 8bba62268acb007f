"""``sanji peers``: inviting, accepting, blocking and listing neighbours."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from auth.approvals import Operation
from auth.certificates import thumbprint
from connectors.county.profile import Profile
from connectors.errors import ConnectorError
from exchange_db import link_states, peers
from exchange_db.link_states import Neighbour
from exchange_db.records import Violated
from exchange_db.regions import format_region, tier_of
from exchange_db.session import Ledger
from hub.cli.app import app
from hub.cli.configuration import load
from hub.cli.gate import require_single
from hub.cli.healths import HEALTHS
from hub.cli.ledger import carry_out, with_ledger
from hub.cli.terminal import fail, plain
from hub.federation import joining
from hub.federation.enrolment import accept_as_hub, accept_as_platform, announce, write_invitation
from hub.federation.expiry import stage_of
from hub.federation.joining import Letter, LetterInvalid
from hub.federation.shared_secret import give_secret, write_secret_profile
from hub.recording import recorded
from hub.settings import Settings

commands = typer.Typer(no_args_is_help=True, help="邻居平台：邀请、接受、停用、查看。 / Neighbours.")
app.add_typer(commands, name="peers")

Config = Annotated[Path, typer.Option(help="设置文件 / settings file")]


@commands.command()
def invite(
    peer_id: Annotated[str, typer.Argument(help="对方标识，如 431221.platform / name of the neighbour")],
    address: Annotated[
        str, typer.Option(help="对方可连接到本枢纽的地址 host:port / where the neighbour can dial us")
    ] = "",
    relation: Annotated[
        Literal["child", "parent"], typer.Option(help="对方是下级还是上级 / what it is to us")
    ] = "child",
    kind: Annotated[Literal["hub", "platform"], typer.Option(help="枢纽或业务平台 / hub or platform")] = "platform",
    out: Annotated[Path | None, typer.Option(help="邀请函文件 / invitation file")] = None,
    config: Config = Path("sanji.toml"),
) -> None:
    """生成邀请函，交给对方执行 sanji peers accept。 / Make an invitation for a neighbour."""
    settings = load(config)
    reachable = address or settings.listen.public_address or f"127.0.0.1:{settings.listen.port}"

    async def act(ledger: Ledger) -> Letter:
        return await write_invitation(
            ledger, settings, peer_id=peer_id, kind=kind, relation=relation, address=reachable
        )

    try:
        letter = with_ledger(settings, act)
    except (Violated, OSError) as error:
        fail(f"未能邀请 {peer_id}：{_told(error)}", 1)
    text = joining.write_letter(letter)
    if out is None:
        typer.echo(text)
        return
    out.write_text(text)
    out.chmod(0o600)
    typer.echo(f"邀请函已写入 {out}，{letter.expires[:16]} 前有效，请经安全渠道交给 {peer_id}。 / Invitation written.")


@commands.command()
def accept(
    letter_file: Annotated[Path, typer.Argument(help="邀请函文件 / invitation file")],
    profile: Annotated[
        Path | None, typer.Option(help="平台用：把连接档案写入该目录 / for platforms: folder of the profile")
    ] = None,
    certificate: Annotated[Path | None, typer.Option(help="平台用：本平台证书 / certificate of the platform")] = None,
    key: Annotated[Path | None, typer.Option(help="平台用：本平台私钥 / private key of the platform")] = None,
    signing_key: Annotated[
        list[Path] | None, typer.Option(help="平台用：批次签名密钥，可重复 / keys the platform signs batches with")
    ] = None,
    verify_hub: Annotated[
        bool, typer.Option("--verify-hub", help="平台用：领取的批次须有枢纽签名 / what is fetched must be signed")
    ] = False,
    config: Config = Path("sanji.toml"),
) -> None:
    """接受邀请：枢纽写入登记表，平台用 --profile 得到连接档案。 / Accept an invitation."""
    try:
        letter = joining.read_letter(letter_file.read_text())
    except (OSError, LetterInvalid):
        fail(f"{letter_file} 不是有效的邀请函，请向邀请方索取。 / is not an invitation.", 1)
    if joining.expires_of(letter) < datetime.now(UTC):
        fail("邀请函已过期，请向邀请方重新索取。 / The invitation has expired.", 1)
    try:
        if profile is not None:
            if certificate is None or key is None:
                fail("请用 --certificate 和 --key 指明本平台证书与私钥。 / Name --certificate and --key.", 1)
            if verify_hub and not letter.signing_cards:
                fail("邀请函不含枢纽的签名密钥卡，无法核验。 / The hub signs nothing; there is no card.", 1)
            joined = accept_as_platform(
                letter, profile, certificate, key, tuple(signing_key or ()), is_verifying=verify_hub
            )
            is_waiting = asyncio.run(joined)
        else:
            settings = load(config)
            certificate = settings.tls.certificate
            is_waiting = with_ledger(settings, lambda ledger: accept_as_hub(ledger, settings, letter))
    except (ConnectorError, Violated, OSError) as error:
        fail(f"未能加入 {letter.hub_id}：{_told(error)} / Could not join.", 1)
    typer.echo(f"已加入 {letter.hub_id}（{letter.hub_name}）。 / Joined.")
    if is_waiting:
        typer.echo(
            "待对方确认后生效，请另行告知对方本方证书指纹： / Refused until they confirm; tell them this thumbprint:\n"
            f"{thumbprint(certificate.read_bytes())}"
        )


@commands.command()
def secret(
    peer_id: Annotated[str, typer.Argument(help="平台标识，如 431221.platform / name of the platform")],
    name: Annotated[str, typer.Option(help="显示名称 / name shown to people")] = "",
    days: Annotated[int, typer.Option(min=1, max=3_650, help="有效天数 / days it holds")] = 730,
    address: Annotated[
        str, typer.Option(help="平台可连接的 REST 地址 host:port / where the platform can dial us")
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="把连接档案写入该目录，密钥不再显示 / write a profile there instead")
    ] = None,
    config: Config = Path("sanji.toml"),
) -> None:
    """为平台生成 REST 签名密钥（原密钥即刻失效）。 / Make the secret a platform signs its REST calls with."""
    settings = load(config)

    async def act(ledger: Ledger) -> tuple[str, datetime]:
        async with recorded(ledger, "peer.secret", peer_id, detail={"days": days}) as act:
            made = await give_secret(
                act.session, peer_id, name, hub_region=settings.hub.region, days=days, now=datetime.now(UTC)
            )
        await announce(ledger)
        return made

    try:
        pin, authority = thumbprint(settings.tls.certificate.read_bytes()), settings.tls.authority.read_text()
        made, end_time = with_ledger(settings, act)
        where = address or _rest_address(settings)
        if out is not None:
            profile = Profile(peer_id, settings.hub.id, where, pin, out / "authority.pem", secret=out / "secret")
            write_secret_profile(out, profile, authority, made)
    except (Violated, OSError) as error:
        fail(f"未能为 {peer_id} 生成密钥：{_told(error)} / No secret was made.", 1)
    if out is None:
        typer.echo(f"密钥，仅显示这一次 / the secret, shown this once:\n{made}")
    else:
        typer.echo(f"连接档案已写入 {out}，请经安全渠道交给 {peer_id}。 / Profile written.")
    typer.echo(f"Sanji-App: {peer_id}\n地址 / address: https://{where}\n枢纽证书指纹 / thumbprint: {pin}")
    typer.echo(f"有效至 / holds until: {end_time:%Y-%m-%d}")
    if not settings.rest.listen:
        typer.echo("本枢纽尚未开放 REST，请设置 rest.listen 并重启。 / Set rest.listen, then restart.", err=True)


def _rest_address(settings: Settings) -> str:
    host, _, _ = settings.listen.public_address.rpartition(":")
    _, _, port = settings.rest.listen.rpartition(":")
    return f"{host or '127.0.0.1'}:{port or 7444}"


@commands.command()
def block(
    peer_id: Annotated[str, typer.Argument(help="对方标识 / name of the neighbour")],
    config: Config = Path("sanji.toml"),
) -> None:
    """停用一个邻居：其连接立即被拒绝。 / Refuse a neighbour from its next call on."""
    require_single(load(config), Operation.PEER_BLOCK, peer_id)

    async def act(ledger: Ledger) -> None:
        async with recorded(ledger, "peer.block", peer_id) as doing:
            if not await peers.set_state(doing.session, peer_id, "blocked"):
                raise Violated("PEER_UNKNOWN", "", peer_id)
        await announce(ledger)

    carry_out(load(config), act)
    typer.echo(f"{peer_id} 已停用。 / blocked.")


@commands.command()
def unblock(
    peer_id: Annotated[str, typer.Argument(help="对方标识 / name of the neighbour")],
    config: Config = Path("sanji.toml"),
) -> None:
    """恢复一个邻居；从未确认过的回到待确认。 / End a block; who was never confirmed waits again."""

    async def act(ledger: Ledger) -> str:
        async with recorded(ledger, "peer.unblock", peer_id) as doing:
            state = await peers.unblock(doing.session, peer_id)
            if state is None:
                raise Violated("PEER_UNKNOWN", "", peer_id)
            doing.detail["state"] = state
        await announce(ledger)
        return state

    state = carry_out(load(config), act)
    if state == "waiting":
        fail(f"{peer_id} 待确认，请用 sanji peers confirm。 / It waits; see sanji peers confirm.", 1)
    typer.echo(f"{peer_id} 已恢复。 / active.")


@commands.command(name="list")
def list_peers(config: Config = Path("sanji.toml")) -> None:
    """列出邻居与链路状况。 / List neighbours and how their links stand."""
    now = datetime.now(UTC)

    async def act(ledger: Ledger) -> list[Neighbour]:
        async with ledger.read() as session:
            return await link_states.neighbours(session, None, now)

    found = with_ledger(load(config), act)
    table = Table()
    for title in ("标识", "名称", "层级", "关系", "状态", "链路", "待送达", "最近联系", "证书剩余天数", "故障"):
        table.add_column(title, overflow="fold")
    for one in found:
        peer, heard_time = one.peer, one.outgoing.last_success_time
        table.add_row(
            peer.peer_id,
            plain(peer.name),
            f"{tier_of(peer.region)} {format_region(peer.region)}",
            peer.relation,
            peer.state,
            HEALTHS[one.health],
            str(one.outgoing.lag_records),
            heard_time.astimezone().strftime("%m-%d %H:%M:%S") if heard_time else "—",
            _days_left(peer.certificate_end_time, now),
            plain(one.worse.last_error),
        )
    Console().print(table)


def _days_left(end_time: datetime, now: datetime) -> str:
    """Returns the days until something ends, marked once people should act."""
    days = str((end_time - now).days)
    return days if stage_of(end_time, now) is None else f"[yellow]{days} ⚠ 即将到期 / ends soon[/]"


def _told(error: Exception) -> str:
    """Returns what an error says to people, in Chinese first where it knows some."""
    if isinstance(error, Violated):
        return f"{error.violation.message_zh} / {error.violation.message}"
    return str(error)
