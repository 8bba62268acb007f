"""``sanji connector``: the platforms that can be connected as they ship, and making a connector of one's own."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from connectors.leaves import LeafUnusable, copy_leaf, leaves
from hub.cli.app import app
from hub.cli.terminal import fail

commands = typer.Typer(no_args_is_help=True, help="对接模板：列出、新建。 / Connectors: list them, make one's own.")
app.add_typer(commands, name="connector")


@commands.command("list")
def list_leaves() -> None:
    """列出自带的对接模板。 / List the connectors that ship."""
    table = Table("模板 / connector", "说明 / what it is for")
    for leaf in leaves().values():
        table.add_row(leaf.name, f"{leaf.chinese}\n{leaf.english}")
    Console().print(table)


@commands.command("new")
def new(
    peer: Annotated[str, typer.Argument(help="对方平台的标识，如 431228.platform / name of the partner")],
    like: Annotated[str, typer.Option(help="照哪个模板，见 connector list / which connector to copy")],
    name: Annotated[str, typer.Option(help="对方平台的名称 / its name for people")] = "",
    authority: Annotated[
        str, typer.Option(help="给它派案件的平台 / the platform that dispatches to it")
    ] = "431200.platform",
    to: Annotated[Path, typer.Option(help="链路文件夹 / folder of link files")] = Path("links"),
) -> None:
    """照模板新建一个对接：链路文件和映射文件。 / Make the data files of a connector, like one that ships."""
    leaf = leaves().get(like)
    if leaf is None:
        fail(f"没有模板 {like}，可用：{'、'.join(leaves())}。 / No such connector.")
    try:
        made = copy_leaf(leaf, to, peer, name or peer, authority)
    except LeafUnusable as error:
        fail(str(error))
    console = Console()
    console.print("已生成 / made:")
    for path in made:
        console.print(f"  {path}", highlight=False)
    console.print(
        "下一步 / next:\n"
        f"  1. 改 {made[0].name} 的 url、表名、列名；密码写在环境变量里 / edit the URL, tables and columns\n"
        f"  2. sanji intermediate check {peer}     连接、权限、列、字符集 / connection, rights, columns\n"
        f"  3. sanji intermediate install {peer}   安装变更捕获 / install capture\n"
        f"  4. sanji intermediate register {peer}  登记，重启后生效 / enter it into the registry",
        highlight=False,
    )
