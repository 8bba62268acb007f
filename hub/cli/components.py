"""``sanji components``: bringing components and grids in, giving components out, and a sheet to print."""

import csv
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, TextIO
from zoneinfo import ZoneInfo

import typer

from connectors.crs import Converter
from connectors.geo_files import GeoFileInvalid
from exchange_db import grids as stored_grids
from exchange_db.audit_records import Value
from exchange_db.components import Box
from exchange_db.records import Component, ComponentState, Crs, printable
from exchange_db.regions import format_region, parse_region, subtree
from exchange_db.session import Ledger
from hub.cli import component_rounds
from hub.cli.app import app
from hub.cli.configuration import load
from hub.cli.ledger import ask
from hub.cli.terminal import fail
from hub.components.exports import CRS_NAMES, CsvForm, GeoJsonForm, harmless
from hub.components.reading import ComponentQuery, ComponentReader
from hub.recording import recorded
from hub.settings import Settings

commands = typer.Typer(
    no_args_is_help=True, help="部件：导入、导出、制图、网格核对。 / Components: import, export, map sheets, grids."
)
app.add_typer(commands, name="components")
grids = typer.Typer(no_args_is_help=True, help="单元网格：导入、核对。 / Unit grids: import them, check by them.")
commands.add_typer(grids, name="grids")
commands.add_typer(component_rounds.commands, name="round")

CrsName = Literal["cgcs2000", "wgs84", "gcj02", "bd09", "local"]
Config = Annotated[Path, typer.Option(help="设置文件 / settings file")]
Region = Annotated[str, typer.Option(help="行政区划代码，缺省为本枢纽 / region, default this hub's")]
ClassCode = Annotated[str, typer.Option("--class", help="类别代码或其开头，如 03 / class, or its beginning")]
Unit = Annotated[str, typer.Option(help="主管、权属或养护单位代码 / unit in any of the three roles")]
State = Annotated[Literal["", "sound", "broken", "lost", "abandoned", "removed"], typer.Option(help="状态 / condition")]
BoxText = Annotated[
    str, typer.Option("--box", help="范围（CGCS2000）：西,南,东,北 / box: west,south,east,north in CGCS2000")
]
Out = Annotated[Path | None, typer.Option(help="输出文件，缺省为标准输出 / file to write, default standard output")]


@commands.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(help="CSV、JSONL、XLSX、GeoPackage、GeoJSON 或 zip 打包的 Shapefile / the file")
    ],
    mapping: Annotated[Path, typer.Option(help="映射文件，含 [component] / mapping file with a [component]")],
    to: Annotated[Path, typer.Option(help="连接档案（目录或 profile.toml） / profile of the hub: folder or file")],
    wait: Annotated[
        float, typer.Option(min=0, help="等待业务回执的秒数 / seconds to wait for the next receipt")
    ] = 60.0,
    restart: Annotated[
        bool, typer.Option("--restart", help="放弃未完成的导入，从头开始 / forget an unfinished import")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")] = False,
) -> None:
    """批量导入部件：可中断后接续，被拒绝的行写入 文件名.refused.csv。 / Import components, as sanji push does."""
    from connectors.mapping_file import MappingInvalid, read_mapping
    from hub.cli.push import push

    try:
        plan = read_mapping(mapping)
    except MappingInvalid as error:
        fail(str(error))
    if plan.case_no is not None:
        fail(
            f"映射文件 {mapping} 中没有 [component]，案件请用 sanji push 报送。"
            f" / Mapping {mapping} has no [component]; send cases with sanji push."
        )
    push(file, mapping, to, wait=wait, give_up_after=None, restart=restart, as_json=as_json)


@commands.command()
def export(
    config: Config = Path("sanji.toml"),
    form: Annotated[Literal["geojson", "csv"], typer.Option("--format", help="格式 / format")] = "geojson",
    crs: Annotated[CrsName, typer.Option(help="坐标系 / reference system of the positions")] = "cgcs2000",
    region: Region = "",
    class_code: ClassCode = "",
    unit: Unit = "",
    state: State = "",
    box: BoxText = "",
    out: Out = None,
) -> None:
    """导出部件，坐标按所选坐标系转换。 / Export components, positions converted."""
    settings = load(config)
    query = _query(settings, region, class_code, unit, state, box, Crs[crs.upper()])
    skipped = Counter[str]()

    async def write(ledger: Ledger) -> int:
        pages = _pages(_reader(ledger, settings), settings, query, skipped)
        with ExitStack() as stack:
            target = sys.stdout if out is None else stack.enter_context(_opened(out, form))
            return await _write(pages, GeoJsonForm(query.crs) if form == "geojson" else CsvForm(), target)

    count = ask(settings, write)
    typer.echo(f"已导出 {count:,} 个部件（{CRS_NAMES[query.crs]}）。 / {count:,} components.", err=True)
    if skipped["unconverted"]:
        left = skipped["unconverted"]
        typer.echo(
            f"! {left:,} 个部件的坐标系无法转换，未导出；请配置 components.local_frame。"
            f" / {left:,} components have positions that cannot be converted; set components.local_frame.",
            err=True,
        )


@commands.command()
def sheet(
    config: Config = Path("sanji.toml"),
    region: Region = "",
    class_code: ClassCode = "",
    unit: Unit = "",
    state: State = "",
    box: BoxText = "",
    title: Annotated[str, typer.Option(help="图名 / title")] = "",
    out: Annotated[Path, typer.Option(help="输出文件（SVG） / file to write")] = Path("components.svg"),
) -> None:
    """绘制可打印的部件图（A3，SVG，不需联网）。 / Draw a sheet of components to print, without any network."""
    from hub.components.map_sheet import SheetEmpty, SheetText, draw_sheet
    from hub.components.outlines import outlines_of

    settings = load(config)
    query = _query(settings, region, class_code, unit, state, box, Crs.CGCS2000)
    skipped = Counter[str]()

    async def draw(ledger: Ledger) -> str:
        reader = _reader(ledger, settings)
        found = [one async for page in _pages(reader, settings, query, skipped) for one in page]
        outlines = await outlines_of(ledger, {one.region_code for one in found})
        wanted = " ".join(text for text in (f"区划 {query.region_code}", class_code, unit, state, box) if text)
        made = datetime.now(UTC).astimezone(ZoneInfo(settings.figures.zone))
        text = SheetText(title or f"{settings.hub.name} 部件分布图", wanted, f"{made:%Y-%m-%d}")
        return draw_sheet(found, outlines, text)

    try:
        drawn = ask(settings, draw)
        out.write_text(drawn, encoding="utf-8")
    except SheetEmpty as error:
        fail(str(error), 1)
    except OSError as error:
        fail(f"无法写入 {out}（{error.strerror}）。 / {out} cannot be written.", 1)
    typer.echo(f"已绘制：{out} / The sheet is in {out}.")
    if skipped["unconverted"]:
        typer.echo(f"! {skipped['unconverted']:,} 个部件的坐标系无法转换，未绘制。 / Some are not on it.", err=True)


@grids.command("import")
def import_grids(
    file: Annotated[Path, typer.Argument(help="GeoPackage、GeoJSON 或 zip 打包的 Shapefile / the file")],
    code: Annotated[str, typer.Option(help="网格编码所在属性 / attribute that holds the code")],
    region: Annotated[str, typer.Option(help="县级行政区划代码 / county the grids divide")],
    version: Annotated[str, typer.Option(help="网格版本，如 2026-1 / name of this division")],
    config: Config = Path("sanji.toml"),
    name: Annotated[str, typer.Option(help="名称所在属性 / attribute that holds the name")] = "",
    crs: Annotated[
        CrsName | None, typer.Option(help="文件未注明坐标系时使用 / reference system if the file names none")
    ] = None,
) -> None:
    """导入单元网格，同一版本整体替换，最后导入的版本生效。 / Import grids; the version imported last is in force."""
    from hub.components.grid_import import GridColumns, read_grids

    settings = load(config)
    wanted = _region_of(region)
    if not 1 <= len(version) <= 40:
        fail("--version 应为 1 至 40 个字符。 / The version is a name of 1 to 40 characters.")
    columns = GridColumns(code, name, Crs[crs.upper()] if crs else Crs.NONE)
    try:
        found = read_grids(file, columns, Converter(settings.components.local_frame))
    except GeoFileInvalid as error:
        fail(f"{file}：{error}")
    except OSError as error:
        fail(f"无法读取 {file}（{error.strerror}）。 / {file} cannot be read.")
    for refusal in found.refusals[:50]:
        typer.echo(f"✗ 第 {refusal.number} 个要素：{refusal.chinese} / {refusal.english}", err=True)

    async def write(ledger: Ledger) -> int:
        about: dict[str, Value] = {"version": version, "grids": len(found.grids)}
        async with recorded(ledger, "grids.import", format_region(wanted), region=wanted, detail=about) as act:
            return await stored_grids.replace_version(act.session, wanted, version, found.grids)

    if not found.grids:
        fail("没有可导入的网格。 / There is no grid to import.", 1)
    gone = ask(settings, write)
    typer.echo(
        f"{format_region(wanted)} 网格版本 {version}：导入 {len(found.grids):,} 个，替换 {gone:,} 个，"
        f"拒绝 {len(found.refusals):,} 个。 / {len(found.grids):,} grids, {len(found.refusals):,} refused."
    )
    raise typer.Exit(1 if found.refusals else 0)


@grids.command("check")
def check_grids(config: Config = Path("sanji.toml"), region: Region = "", out: Out = None) -> None:
    """核对部件坐标与所在网格，列出不一致的部件。 / List the components that do not stand in the grid they name."""
    from hub.components.grid_check import GridCheck, GridReport

    settings = load(config)
    regions = subtree(_region_of(region) if region else settings.hub.region)

    async def check(ledger: Ledger) -> GridReport:
        converter = Converter(settings.components.local_frame)
        return await GridCheck(ledger, _reader(ledger, settings), converter).run(regions)

    report = ask(settings, check)
    with ExitStack() as stack:
        writer = csv.writer(sys.stdout if out is None else stack.enter_context(_opened(out, "csv")))
        writer.writerow(
            ("权属平台 / owner", "部件标识码 / component", "问题 / fault", "所填网格 / named", "所在网格 / found")
        )
        for component, fault, found in report.misplaced:
            named = (component.owner_id, component.component_id, fault, component.grid_code, " ".join(found))
            writer.writerow(map(harmless, named))
    typer.echo(
        f"核对 {report.checked:,} 个部件，{len(report.misplaced):,} 个与网格不一致；"
        f"{report.without_grids:,} 个所在区域尚无网格。 / {report.checked:,} checked,"
        f" {len(report.misplaced):,} disagree, {report.without_grids:,} in regions without grids.",
        err=True,
    )
    raise typer.Exit(1 if report.misplaced else 0)


def _reader(ledger: Ledger, settings: Settings) -> ComponentReader:
    return ComponentReader(ledger, settings.hub.region, Converter(settings.components.local_frame))


def _query(
    settings: Settings, region: str, class_code: str, unit: str, state: str, box: str, crs: Crs
) -> ComponentQuery:
    return ComponentQuery(
        format_region(_region_of(region) if region else settings.hub.region),
        class_code=class_code,
        unit_code=unit,
        state=ComponentState[state.upper()] if state else 0,
        box=_box(box) if box else None,
        crs=crs,
    )


def _box(text: str) -> Box:
    try:
        west, south, east, north = map(float, text.split(","))
    except ValueError:
        fail("--box 应为 西,南,东,北 四个数。 / Write a box as west,south,east,north.")
    return Box(Crs.CGCS2000, west, south, east, north)


def _region_of(text: str) -> int:
    try:
        return parse_region(text)
    except ValueError:
        fail(f"--region {printable(text[:20])}：应为六位行政区划代码。 / write six digits such as 431221.")


async def _pages(
    reader: ComponentReader, settings: Settings, query: ComponentQuery, skipped: Counter[str]
) -> AsyncIterator[list[Component]]:
    async for page in reader.pages(subtree(settings.hub.region), query):
        skipped["unconverted"] += page.unconverted_count
        yield page.components


def _opened(path: Path, form: str) -> TextIO:
    # A spreadsheet takes a CSV for Chinese text only with the mark at its beginning; a map program wants none.
    try:
        return path.open("w", encoding="utf-8-sig" if form == "csv" else "utf-8", newline="")
    except OSError as error:
        fail(f"无法写入 {path}（{error.strerror}）。 / {path} cannot be written.", 1)


async def _write(pages: AsyncIterator[list[Component]], form: GeoJsonForm | CsvForm, target: TextIO) -> int:
    count = 0
    target.write(form.begin())
    async for page in pages:
        target.writelines(form.lines(page))
        count += len(page)
    target.write(form.end())
    return count
