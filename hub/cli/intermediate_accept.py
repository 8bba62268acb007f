"""``sanji intermediate accept``: taking a partner's changed columns for what the link is made for."""

from pathlib import Path

import typer

from exchange_db.intermediate.partner import PartnerError, open_partner
from exchange_db.session import Ledger
from hub.cli.configuration import load
from hub.cli.intermediate import Config, PeerId, commands


@commands.command()
def accept(peer_id: PeerId, config: Config = Path("sanji.toml")) -> None:
    """确认对方表结构的变更，恢复被暂停的表。 / Accept a partner's changed columns; paused tables go on."""
    from hub.cli.ledger import with_ledger
    from hub.intermediate.drifting import DriftWatch
    from hub.intermediate.link_files import LinkFileInvalid, find_link
    from hub.recording import told

    settings = load(config)

    async def act(ledger: Ledger) -> list[str]:
        link = find_link(settings.intermediate.folder, peer_id)
        async with (
            told(ledger, "partner.accept_columns", peer_id) as detail,
            ledger.dedicated() as connection,
            open_partner(link.url, link.zone) as partner,
        ):
            changes = [change.told for change in await DriftWatch(connection.driver, peer_id, link).accept(partner)]
            detail["changes"] = changes
            return changes

    try:
        accepted = with_ledger(settings, act)
    except LinkFileInvalid as error:
        trouble = f"链路文件有误：{error} / The link file is wrong."
    except PartnerError as error:
        trouble = f"对方数据库无响应或拒绝：{error}\n请运行 sanji intermediate check {peer_id}。 / Run the check."
    else:
        for line in accepted:
            typer.echo(f"  {line}")
        typer.echo(
            f"已确认 {peer_id} 的表结构（{len(accepted)} 处变更），一分钟内恢复接收。"
            f" / {len(accepted)} changes accepted; reading goes on within a minute."
        )
        return
    typer.echo(trouble, err=True)
    raise typer.Exit(1)
