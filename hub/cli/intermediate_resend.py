"""``sanji intermediate resend``: writing rows into a partner's database again."""

from pathlib import Path
from typing import Annotated

import typer

from exchange_db.intermediate.partner import PartnerError
from exchange_db.session import Ledger
from hub.cli.configuration import load
from hub.cli.intermediate import Config, PeerId, commands


@commands.command()
def resend(
    peer_id: PeerId,
    first: Annotated[int, typer.Option("--from", min=1, help="从此编号起 / from this number on")] = 1,
    config: Config = Path("sanji.toml"),
) -> None:
    """把已发出的行重新写入对方库；对方较新的行不受影响。 / Write rows again; newer rows there stay."""
    from hub.cli.ledger import with_ledger
    from hub.intermediate.link_files import LinkFileInvalid, find_link
    from hub.intermediate.resending import NotRegistered
    from hub.intermediate.resending import resend as send_again
    from hub.recording import told

    settings = load(config)

    async def act(ledger: Ledger) -> tuple[int, int]:
        async with told(ledger, "partner.resend", peer_id, detail={"first": first}) as detail:
            begin, end = await send_again(ledger, find_link(settings.intermediate.folder, peer_id), first)
            detail["last"] = end
            return begin, end

    try:
        begin, end = with_ledger(settings, act)
    except LinkFileInvalid as error:
        trouble = f"链路文件有误：{error} / The link file is wrong."
    except PartnerError as error:
        trouble = f"对方数据库无响应或拒绝：{error}\n请运行 sanji intermediate check {peer_id}。 / Run the check."
    except NotRegistered:
        trouble = f"{peer_id} 未登记，请先运行 sanji intermediate register {peer_id}。 / Not registered yet."
    else:
        if begin > end:
            typer.echo(f"{peer_id} 的最后编号是 {end}，没有可重发的行。 / There is nothing from number {begin} on.")
        else:
            typer.echo(f"将重新写入第 {begin} 至 {end} 号，由运行中的枢纽完成。 / The running hub writes them again.")
        return
    typer.echo(trouble, err=True)
    raise typer.Exit(1)
