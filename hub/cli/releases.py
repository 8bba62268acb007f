"""``sanji standards draft, publish, withdraw, pull, releases, export, impact``: releases of standards, out and in.

The commands work on the ledger, whether the hub runs or not; a hub that runs is told.
"""

import getpass
import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from auth.approvals import Operation
from connectors.mapping_file import MappingInvalid, read_mapping
from exchange_db import wakeups
from exchange_db.records import Violated
from exchange_db.regions import format_region, parse_region
from exchange_db.session import Ledger
from hub.bootstrap import make_dialler
from hub.cli import release_listing
from hub.cli.configuration import load
from hub.cli.gate import require_single
from hub.cli.ledger import with_ledger
from hub.cli.standards import standards
from hub.cli.terminal import fail
from hub.clock import system_clock
from hub.evaluation.releases import VALIDATORS
from hub.jobs.standards_schedule import make_puller
from hub.settings import Settings
from hub.standards import archive, release_standing
from hub.standards.documents import Finding
from hub.standards.impact import AffectedClass, Effect, Impact, impact_of
from hub.standards.manifest import MAX_DOCUMENT_BYTES, StandardKind
from hub.standards.publishing import Checked, Plan, Publisher
from hub.standards.pulling import Pulled

T = TypeVar("T")

Config = Annotated[Path, typer.Option(help="设置文件 / settings file")]
Kind = Annotated[str, typer.Option(help=f"标准种类 / kind: {', '.join(StandardKind)}")]
Name = Annotated[str, typer.Option(help="标准名称，如 GB/T-30428.2-2013 / name of the standard")]
Version = Annotated[str, typer.Option(help="版本，如 2026.1，须递增 / version, must rise")]
Effective = Annotated[str, typer.Option(help="生效日期或时间，如 2026-07-01 / date or time it comes into force")]
Staged = Annotated[list[str] | None, typer.Option(help="分区生效，如 431200=2026-09-01，可重复 / a region's own date")]
AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]
Extends = Annotated[bool, typer.Option("--extends", help="作为上级同名标准的本地扩展 / extends the higher tier's")]
Files = Annotated[list[Path] | None, typer.Argument(help="文件或目录 / files or a folder")]

_EFFECTS = {
    Effect.VANISHED: "代码消失 / vanished",
    Effect.UNKNOWN: "代码未知 / unknown",
    Effect.MAJOR_CHANGED: "大类改变 / other major",
    Effect.RENAMED: "名称改变 / renamed",
}
#: Stands for whatever version the code list gets when it is published.
_ANY_VERSION = "999999999"


@standards.command()
def publish(
    files: Files = None,
    kind: Kind = StandardKind.CODE_LIST,
    name: Name = "",
    version: Version = "",
    effective: Effective = "",
    stage: Staged = None,
    title: Annotated[str, typer.Option(help="标题 / title")] = "",
    note: Annotated[str, typer.Option(help="说明 / note")] = "",
    extends: Extends = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只检查，不发布 / check only")] = False,
    config: Config = Path("sanji.toml"),
) -> None:
    """签名并发布；不给文件时发布已保存的草稿。 / Sign and publish files, or the draft when there are none."""
    settings = load(config)
    if not dry_run:
        require_single(settings, Operation.STANDARD_PUBLISH, f"{kind} {name}")
    given = _plan(settings, files, kind, name, version, effective, stage, title, note, extends) if files else None

    async def act(ledger: Ledger) -> Checked:
        publisher = _publisher(ledger, settings)
        plan = given or await publisher.drafted(kind, name)
        checked = await publisher.check(plan)
        if dry_run or _is_wrong(checked):
            return checked
        return checked._replace(manifest=await publisher.publish(plan))

    checked = _done(settings, act)
    _print_findings(checked)
    manifest = checked.manifest
    shown = f"{manifest.kind} {manifest.name} {manifest.version}"
    if _is_wrong(checked):
        fail(f"{shown} 未发布，请更正后重试。 / Not published; correct the documents and try again.", 1)
    if dry_run:
        typer.echo(f"{shown} 检查通过，未发布。 / Checked, not published.")
    else:
        typer.echo(f"{shown} 已发布。 / Published.")


@standards.command()
def draft(
    files: Files = None,
    kind: Kind = StandardKind.CODE_LIST,
    name: Name = "",
    version: Version = "",
    effective: Effective = "",
    stage: Staged = None,
    title: Annotated[str, typer.Option(help="标题 / title")] = "",
    note: Annotated[str, typer.Option(help="说明 / note")] = "",
    extends: Extends = False,
    config: Config = Path("sanji.toml"),
) -> None:
    """保存草稿，供检查影响后发布。 / Keep a draft, to be looked at and published afterwards."""
    settings = load(config)
    plan = _plan(settings, files, kind, name, version, effective, stage, title, note, extends)
    checked = _done(settings, lambda ledger: _publisher(ledger, settings).save_draft(plan, getpass.getuser()))
    _print_findings(checked)
    typer.echo(f"{kind} {name} {version} 草稿已保存。 / Draft saved.")


@standards.command()
def withdraw(
    kind: Kind = StandardKind.CODE_LIST,
    name: Name = "",
    version: Annotated[str, typer.Option(help="要撤回的版本 / version to withdraw")] = "",
    effective: Annotated[str, typer.Option(help="撤回时间，缺省为现在 / from when, default now")] = "",
    note: Annotated[str, typer.Option(help="原因 / reason")] = "",
    config: Config = Path("sanji.toml"),
) -> None:
    """撤回本枢纽发布的一个版本；原版本保留可查。 / Withdraw a version; it stays on record."""
    require_single(settings := load(config), Operation.STANDARD_WITHDRAW, f"{kind} {name}")
    moment = _moment(settings, effective, "--effective") if effective else system_clock()
    manifest = _done(settings, lambda ledger: _publisher(ledger, settings).withdraw(kind, name, version, moment, note))
    typer.echo(f"{kind} {name} {version} 已由 {manifest.version} 撤回。 / Withdrawn by {manifest.version}.")


@standards.command()
def pull(
    now: Annotated[bool, typer.Option("--now", help="由本命令立即拉取 / pull in this command")] = False,
    config: Config = Path("sanji.toml"),
) -> None:
    """从上级拉取；缺省通知运行中的枢纽去拉取。 / Pull from above; by default the running hub is told to."""
    settings = load(config)

    async def act(ledger: Ledger) -> Pulled | None:
        if now:
            target = make_dialler(settings, system_clock).target
            return await make_puller(ledger, settings, system_clock, target).run()
        async with ledger.watching() as connection:
            await wakeups.wake(connection.driver, wakeups.ANNOUNCED)
        return None

    pulled = _done(settings, act)
    if pulled is None:
        typer.echo("已通知运行中的枢纽；结果见 sanji standards releases。 / The running hub was told.")
        return
    typer.echo(f"新发布 {pulled.taken_count} 项，拒收 {pulled.refused_count} 项。 / New, refused.")
    for trouble in pulled.troubles:
        typer.echo(f"✗ {trouble}", err=True)
    if pulled.troubles or pulled.refused_count:
        raise typer.Exit(1)


@standards.command()
def releases(as_json: AsJson = False, config: Config = Path("sanji.toml")) -> None:
    """列出发布、草稿、拒收，以及与上下级的差距。 / List releases, drafts, refusals, and the lag of each neighbour."""
    settings = load(config)
    told = _done(settings, lambda ledger: release_standing.listed(ledger, settings.hub.region, system_clock()))
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        release_listing.show(told, Console())


@standards.command()
def export(
    kind: Kind = StandardKind.CODE_LIST,
    name: Name = "",
    out: Annotated[Path, typer.Option(help="存放目录 / folder to write to")] = Path("standards"),
    at: Annotated[str, typer.Option(help="某一时间生效的内容，缺省为现在 / what was in force then, default now")] = "",
    region: Annotated[str, typer.Option(help="区划代码，缺省为本枢纽 / region, default this hub's")] = "",
    config: Config = Path("sanji.toml"),
) -> None:
    """导出生效的文件：每个发布一个子目录，扩展在后。 / Write out the documents in force, a folder a release."""
    settings = load(config)
    moment = _moment(settings, at, "--at") if at else system_clock()
    place = _region(region, "--region") if region else settings.hub.region

    async def act(ledger: Ledger) -> dict[str, dict[str, bytes]]:
        async with ledger.read() as session:
            found = (await archive.standards_in_force(session, place, moment)).get((kind, name))
            layers = filter(None, (found.base, *found.extensions)) if found else ()
            return {
                f"{number}-{one.publisher_id}-{one.version}": await archive.documents_of(session, one)
                for number, one in enumerate(layers, 1)
            }

    layers = _done(settings, act)
    if not layers:
        fail(f"没有生效的 {kind} {name}。 / Nothing of that name is in force.", 1)
    for folder, documents in layers.items():
        try:
            (out / folder).mkdir(parents=True, exist_ok=True)
            for file, content in documents.items():
                (out / folder / file).write_bytes(content)
        except OSError as error:
            fail(f"无法写入 {out / folder}：{error.strerror}。 / Cannot write there.", 1)
        typer.echo(f"{out / folder}: {', '.join(documents)}")


@standards.command()
def impact(
    files: Files = None,
    name: Name = "",
    effective: Effective = "",
    stage: Staged = None,
    extends: Extends = False,
    mapping: Annotated[list[Path] | None, typer.Option(help="映射文件，可重复 / mapping files")] = None,
    examples: Annotated[int, typer.Option(min=0, max=100, help="每类每县示例案件数 / cases named each")] = 3,
    as_json: AsJson = False,
    config: Config = Path("sanji.toml"),
) -> None:
    """查看代码表发布后哪些在办案件、映射会失效或改类。 / What a code list would change; without files, the draft."""
    settings = load(config)
    kind = StandardKind.CODE_LIST
    given = None
    if files:
        given = _plan(settings, files, kind, name, _ANY_VERSION, effective or _today(settings), stage, "", "", extends)
    try:
        mappings = {str(path): read_mapping(path) for path in mapping or ()}
    except MappingInvalid as error:
        fail(str(error), 1)

    async def act(ledger: Ledger) -> Impact:
        publisher = _publisher(ledger, settings)
        plan = given or await publisher.drafted(kind, name)
        checked = await publisher.check(plan)
        async with ledger.read() as session:
            return await impact_of(session, checked.manifest, plan.documents, mappings, settings.hub.region, examples)

    found = _done(settings, act)
    if as_json:
        typer.echo(json.dumps(_as_json(found), ensure_ascii=False, indent=2))
    else:
        _print_impact(found)


def _plan(
    settings: Settings,
    files: list[Path] | None,
    kind: str,
    name: str,
    version: str,
    effective: str,
    stage: list[str] | None,
    title: str,
    note: str,
    extends: bool,
) -> Plan:
    for option, text in (("--name", name), ("--version", version), ("--effective", effective)):
        if not text:
            fail(f"请用 {option} 指明。 / Name {option}.", 1)
    stages = {}
    for text in stage or ():
        region, mark, day = text.partition("=")
        if not mark:
            fail(f"--stage {text}：应为 区划代码=日期，如 431200=2026-09-01。 / write region=date.", 1)
        _region(region, f"--stage {text}")
        stages[region] = _moment(settings, day, "--stage")
    return Plan(
        kind,
        name,
        version,
        _moment(settings, effective, "--effective"),
        _contents(files or []),
        stages,
        title,
        note,
        extends,
    )


def _contents(files: list[Path]) -> dict[str, bytes]:
    """Reads the documents; of a folder, every file that is not hidden."""
    found: dict[str, bytes] = {}
    for given in files:
        inside = sorted(path for path in given.iterdir() if path.is_file()) if given.is_dir() else [given]
        for path in inside:
            if path.name.startswith("."):
                continue
            if path.name in found:
                fail(f"文件名重复：{path.name}。 / Two files have this name.", 1)
            try:
                if path.stat().st_size > MAX_DOCUMENT_BYTES:
                    fail(f"{path} 超过 32 MiB。 / is larger than 32 MiB.", 1)
                found[path.name] = path.read_bytes()
            except OSError as error:
                fail(f"无法读取 {path}：{error.strerror}。 / Cannot read the file.", 1)
    if not found:
        fail("没有文件。 / There are no files.", 1)
    return found


def _moment(settings: Settings, text: str, option: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{option} {text}：应为日期或时间，如 2026-07-01。 / write a date or time such as 2026-07-01.", 1)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(settings.figures.zone))
    return round(aware.timestamp() * 1_000_000)


def _region(text: str, option: str) -> int:
    try:
        return parse_region(text)
    except ValueError:
        fail(f"{option} {text}：应为六位行政区划代码，如 431200。 / write six digits such as 431200.", 1)


def _today(settings: Settings) -> str:
    return datetime.now(ZoneInfo(settings.figures.zone)).date().isoformat()


def _publisher(ledger: Ledger, settings: Settings) -> Publisher:
    return Publisher(ledger, settings.hub.id, settings.hub.region, settings.tls, VALIDATORS, system_clock)


def _done(settings: Settings, act: Any) -> Any:
    """Runs a command's work on the ledger; what is refused is said in words."""
    try:
        return with_ledger(settings, act)
    except Violated as violated:
        violation = violated.violation
        fail(f"{violation.field_path}: {violation.message_zh} / {violation.message}", 1)
    except (ValueError, OSError) as error:
        fail(f"证书或私钥不可用：{error}，请运行 sanji check。 / Certificate or key unusable; run sanji check.", 1)


def _is_wrong(checked: Checked) -> bool:
    return any(finding.is_wrong for findings in checked.findings.values() for finding in findings)


def _print_findings(checked: Checked) -> None:
    for name, findings in checked.findings.items():
        for finding in findings:
            typer.echo(_told(name, finding), err=finding.is_wrong)


def _told(name: str, finding: Finding) -> str:
    place = f":{finding.place}" if finding.place else ""
    return f"{'✗' if finding.is_wrong else '!'} {name}{place} {finding.chinese}\n  {finding.english}"


def _print_impact(found: Impact) -> None:
    typer.echo(f"在办案件 {found.live_count} 件，其中受影响如下。 / Live cases of this standard; affected are:")
    _print_classes(found.classes, "案件数")
    typer.echo(f"部件 {found.component_count} 个，其中受影响如下。 / Components of this standard; affected are:")
    _print_classes(found.components, "部件数")
    for other in found.mappings:
        typer.echo(f"{_EFFECTS[other.effect]}: {other.file} {other.place} {other.code}")


def _print_classes(classes: list[AffectedClass], counted: str) -> None:
    if not classes:
        typer.echo("无 / none")
        return
    table = Table()
    for title in ("影响", "区域", "代码", "现名称", "新名称", counted, "示例"):
        table.add_column(title, overflow="fold")
    for one in classes:
        examples = "\n".join(f"{case.issuer_id} {case.case_no}" for case in one.examples)
        table.add_row(
            _EFFECTS[one.effect],
            format_region(one.region),
            one.class_key,
            one.name_before,
            one.name_after,
            str(one.case_count),
            examples,
        )
    Console().print(table)


def _as_json(found: Impact) -> dict[str, Any]:
    return {
        "live_count": found.live_count,
        "component_count": found.component_count,
        **{
            name: [
                one._asdict()
                | {"region": format_region(one.region), "examples": [case._asdict() for case in one.examples]}
                for one in classes
            ]
            for name, classes in (("classes", found.classes), ("components", found.components))
        },
        "mappings": [one._asdict() for one in found.mappings],
    }
