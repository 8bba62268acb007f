"""``sanji components round``: ownership rounds (在线确权), from opening one to carrying out what was agreed."""

import asyncio
import csv
import getpass
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from exchange_db.ownership import Item, ItemState, Proposal, UnitProgress
from exchange_db.records import Crs, Violated, Violation, printable
from exchange_db.regions import format_region, parse_region, subtree
from exchange_db.session import Ledger
from hub.cli.configuration import load
from hub.cli.ledger import ask
from hub.cli.terminal import fail
from hub.clock import system_clock
from hub.components.exports import harmless
from hub.components.ownership import Answer
from hub.components.rounds import MOST_ANSWERS, GivenAnswer, RoundDesk, kind_of
from hub.settings import Settings

commands = typer.Typer(
    no_args_is_help=True,
    help="在线确权：开轮次、发清单、收答复、看进度。 / Ownership rounds: lists, answers, progress.",
)

Config = Annotated[Path, typer.Option(help="设置文件 / settings file")]
RoundId = Annotated[str, typer.Argument(help="轮次编号 / name of the round")]
Region = Annotated[str, typer.Option(help="行政区划代码，缺省为本枢纽 / region, default this hub's")]
_PAGE = 1_000
#: Columns of a list that is sent out; the answering unit fills in those from ``answer`` on.
_COLUMNS = (
    "owner_id", "component_id", "unit_code", "unit_name", "item_state", "proposal", "proposal_reason",
    "proposal_position", "proposal_to_unit", "answer", "reason", "crs", "x", "y", "to_unit_code", "to_unit_name",
)  # fmt: skip


@commands.command("open")
def open_(
    round_id: RoundId,
    title: Annotated[str, typer.Option(help="名称，如 2026年井盖权属确认 / title")],
    config: Config = Path("sanji.toml"),
    region: Region = "",
    role: Annotated[
        Literal["supervisor", "proprietor", "maintainer"],
        typer.Option(help="确认哪种责任：主管、权属、养护 / which role is asked about"),
    ] = "proprietor",
) -> None:
    """开一个轮次，向每个单位询问其名下的部件。 / Open a round: every unit is asked about its components."""
    settings = load(config)
    asked = _region_of(region) if region else settings.hub.region

    async def run(ledger: Ledger) -> int:
        return await _desk(ledger, settings).open(round_id, title, asked, role, getpass.getuser())

    count = ask(settings, run)
    typer.echo(f"已开轮次 {round_id}：询问 {count:,} 个部件。 / The round asks about {count:,} components.")


@commands.command()
def close(round_id: RoundId, config: Config = Path("sanji.toml")) -> None:
    """结束一个轮次，不再接受答复。 / End a round; nothing more can be answered in it."""
    settings = load(config)

    async def run(ledger: Ledger) -> None:
        await _desk(ledger, settings).close(round_id)

    ask(settings, run)
    typer.echo(f"轮次 {round_id} 已结束。 / The round has ended.")


@commands.command()
def show(
    round_id: Annotated[str, typer.Argument(help="轮次编号，缺省列出所有轮次 / name; without one all are listed")] = "",
    config: Config = Path("sanji.toml"),
) -> None:
    """显示各单位的进度。 / Show how far each unit has come."""
    settings = load(config)
    visible = subtree(settings.hub.region)

    async def rounds(ledger: Ledger) -> None:
        table = Table("轮次", "名称", "区划", "责任", "开始", "结束", title="确权轮次 / Ownership rounds")
        for one in await _desk(ledger, settings).rounds():
            closed = f"{one.closed_time:%Y-%m-%d}" if one.closed_time else "—"
            table.add_row(
                printable(one.round_id), printable(one.title), format_region(one.region), one.role,
                f"{one.opened_time:%Y-%m-%d}", closed,
            )  # fmt: skip
        Console().print(table)

    async def progress(ledger: Ledger) -> None:
        Console().print(_progress_table(await _desk(ledger, settings).progress(round_id, visible), round_id))

    ask(settings, progress if round_id else rounds)


def _progress_table(found: list[UnitProgress], round_id: str) -> Table:
    names = ("单位", "名称", "部件", "未答复", "已确认", "待对方", "对方不同意", "已商定", "已落实")
    table = Table(*names, title=f"{printable(round_id)}：进度 / Progress")
    for unit in found:
        counts = (unit.total, unit.asked, unit.confirmed, unit.proposed, unit.declined, unit.agreed, unit.carried_out)
        table.add_row(printable(unit.unit_code), printable(unit.unit_name), *(f"{count:,}" for count in counts))
    return table


@commands.command("list")
def list_(
    round_id: RoundId,
    party: Annotated[str, typer.Option(help="单位代码，或部件的权属平台 / a unit, or the platform that keeps them")],
    out: Annotated[Path, typer.Option(help="输出文件（CSV） / file to write")],
    config: Config = Path("sanji.toml"),
    state: Annotated[
        Literal["", "asked", "confirmed", "proposed", "declined", "agreed"], typer.Option(help="只列此状态 / state")
    ] = "",
) -> None:
    """导出一个单位的清单，填写后用 answer 收回。 / Write a unit's list, to be filled in and taken back with answer."""
    settings = load(config)
    wanted = ItemState[state.upper()] if state else None

    async def run(ledger: Ledger) -> int:
        desk, count, after = _desk(ledger, settings), 0, None
        await desk.find(round_id)
        with out.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(_COLUMNS)
            while True:
                items = await desk.items(round_id, subtree(settings.hub.region), party, wanted, after=after, size=_PAGE)
                writer.writerows(_line(item) for item in items)
                count += len(items)
                if len(items) < _PAGE:
                    return count
                after = (items[-1].unit_code, items[-1].component_key)

    try:
        count = ask(settings, run)
    except OSError as error:
        fail(f"无法写入 {out}（{error.strerror}）。 / {out} cannot be written.", 1)
    typer.echo(f"已写出 {count:,} 行：{out} / {count:,} rows.")


def _line(item: Item) -> list[object]:
    proposal = Proposal(item.proposal)
    place = f"{Crs(item.crs).name} {item.x} {item.y}" if proposal is Proposal.MOVE else ""
    said = "" if proposal is Proposal.NONE else proposal.name.lower()
    to_unit = f"{item.to_unit_code} {item.to_unit_name}".strip()
    told = (item.unit_code, item.unit_name, ItemState(item.state).name.lower(), said, item.reason, place, to_unit)
    # Keeper and code come back with the answer, and so stay as they are.
    return [item.owner_id, item.component_id, *map(harmless, told)]


@commands.command()
def answer(
    round_id: RoundId,
    party: Annotated[str, typer.Option(help="答复方：单位代码或权属平台 / who answers: a unit, or the keeper")],
    file: Annotated[Path | None, typer.Option(help="填写好的清单（CSV、XLSX） / the list, filled in")] = None,
    confirm_rest: Annotated[
        bool, typer.Option("--confirm-rest", help="其余未答复的一律确认 / confirm whatever is not answered")
    ] = False,
    by: Annotated[str, typer.Option(help="答复人，缺省为当前用户 / who answered")] = "",
    config: Config = Path("sanji.toml"),
) -> None:
    """收一个单位的答复：确认、有异议、移位、移交、同意、不同意。 / Take a unit's answers from its list."""
    settings = load(config)
    who = by or getpass.getuser()
    visible = subtree(settings.hub.region)
    if file is None and not confirm_rest:
        fail("请给出 --file 或 --confirm-rest。 / Give --file or --confirm-rest.")

    async def run(ledger: Ledger) -> tuple[int, int, int]:
        desk, taken, refused = _desk(ledger, settings), 0, 0
        rows = _given(file, party, who) if file is not None else iter(())
        while block := list(islice(rows, MOST_ANSWERS)):
            told = await desk.answer(round_id, visible, [one for _, one in block if isinstance(one, GivenAnswer)])
            outcomes = iter(told)
            for number, one in block:
                violation = next(outcomes) if isinstance(one, GivenAnswer) else one
                taken, refused = (taken + 1, refused) if violation is None else (taken, refused + 1)
                if violation is not None:
                    _tell(number, violation)
        rest = await desk.confirm_rest(round_id, visible, party, who) if confirm_rest else 0
        return taken, refused, rest

    taken, refused, rest = ask(settings, run)
    typer.echo(
        f"接收 {taken:,} 条答复，拒绝 {refused:,} 条，其余确认 {rest:,} 条。"
        f" / {taken:,} answers taken, {refused:,} refused, {rest:,} confirmed with the rest."
    )
    raise typer.Exit(1 if refused else 0)


def _given(file: Path, party: str, who: str) -> Iterator[tuple[int, GivenAnswer | Violation]]:
    """Yields the rows somebody has answered, by their number."""
    from connectors.sheets import SheetInvalid, read_rows

    try:
        for row in read_rows(file):
            values = {name: text.strip() for name, text in row.values.items()}
            if values.get("answer"):
                try:
                    yield row.number, _answer_of(values, party, who)
                except Violated as refused:
                    yield row.number, refused.violation
    except SheetInvalid as error:
        fail(str(error))


def _answer_of(values: dict[str, str], party: str, who: str) -> GivenAnswer:
    crs, x, y = values.get("crs", ""), values.get("x", ""), values.get("y", "")
    try:
        place = (Crs[crs.upper()] if crs else Crs.NONE, float(x or 0), float(y or 0))
    except (KeyError, ValueError):
        raise Violated("FIELD_INVALID", "position", f"{crs} {x} {y}") from None
    return GivenAnswer(
        values.get("owner_id", ""),
        values.get("component_id", ""),
        Answer(
            kind_of(values["answer"]), party, who, values.get("reason", ""), *place,
            values.get("to_unit_code", ""), values.get("to_unit_name", ""),
        ),
    )  # fmt: skip


@commands.command("carry-out")
def carry_out(
    round_id: RoundId,
    to: Annotated[Path, typer.Option(help="权属平台的连接档案 / profile of the platform that keeps the components")],
    spool: Annotated[Path, typer.Option(help="未发送内容的存放文件 / file for what is not sent yet")] = Path(
        "ownership.spool"
    ),
) -> None:
    """落实已商定的变更：取回变更后的部件，以权属平台身份报送。 / Send the agreed changes as the keeper."""
    from connectors.county.changes import carry_out as send
    from connectors.county.profile import ProfileInvalid, read_profile
    from connectors.county.spool import SpoolInvalid
    from connectors.errors import ConnectorError

    try:
        count = asyncio.run(send(read_profile(to), spool, round_id))
    except (ProfileInvalid, SpoolInvalid) as error:
        fail(str(error))
    except ConnectorError as error:
        fail(f"枢纽未接受：{error}。再次执行即可接续。 / The hub did not take it; run it again to go on.", 1)
    except Violated as refused:
        fail(f"{refused.violation.field_path}：{refused.violation.message_zh} / {refused.violation.message}", 1)
    typer.echo(f"已报送 {count:,} 个变更后的部件。 / {count:,} changed components were sent.")


def _tell(number: int, violation: Violation) -> None:
    print(f"✗ 第 {number} 行 {violation.field_path}：{violation.message_zh} / {violation.message}", file=sys.stderr)


def _desk(ledger: Ledger, settings: Settings) -> RoundDesk:
    return RoundDesk(ledger, settings.hub.region, system_clock)


def _region_of(text: str) -> int:
    try:
        return parse_region(text)
    except ValueError:
        fail(f"--region {printable(text[:20])}：应为六位行政区划代码。 / write six digits such as 431221.")
