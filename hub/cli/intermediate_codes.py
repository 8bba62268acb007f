"""``sanji intermediate codes``: the codes a partner gives in its database, as a file for ``sanji standards draft``."""

import csv
from pathlib import Path
from typing import Annotated

import typer

from exchange_db.intermediate import schema
from exchange_db.intermediate.partner import PartnerError, Row, open_partner
from hub.cli.configuration import load
from hub.cli.intermediate import Config, PeerId, commands


@commands.command()
def codes(
    peer_id: PeerId,
    out: Annotated[Path, typer.Option(help="写到哪个文件 / file to write")] = Path("codes.csv"),
    config: Config = Path("sanji.toml"),
) -> None:
    """把对方 x_code_list 中的代码取成文件，供 standards draft 使用。 / Take a partner's codes as a draft's file."""
    import asyncio

    from hub.intermediate.link_files import DatabaseLink, LinkFileInvalid, find_link

    async def read(link: DatabaseLink) -> list[Row]:
        if not link.exchanges(schema.CODE_LIST):
            raise LinkFileInvalid(f"{peer_id}：tables 不含 x_code_list / does not name x_code_list")
        async with open_partner(link.url, link.zone) as partner:
            return await partner.fetch(
                "SELECT standard_ref, class_kind, code, name FROM x_code_list"
                " WHERE is_in_force IS NULL OR is_in_force ORDER BY standard_ref, class_kind, code"
            )

    try:
        link = find_link(load(config).intermediate.folder, peer_id)
        rows = asyncio.run(read(link))
    except LinkFileInvalid as error:
        told = f"链路文件有误：{error} / The link file is wrong."
    except PartnerError as error:
        told = f"对方数据库无响应或拒绝：{error}\n请运行 sanji intermediate check {peer_id}。 / Run the check."
    else:
        with out.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("standard_ref", "kind", "code", "name"))
            writer.writerows(rows)
        typer.echo(f"{len(rows)} 条代码已写入 {out}。 / {len(rows)} codes written.")
        typer.echo(f"下一步 / next: sanji standards draft {out} --name … --version …")
        return
    typer.echo(told, err=True)
    raise typer.Exit(1)
