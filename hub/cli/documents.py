"""``sanji documents``: letters, bulletins and other papers between platforms: seen, sent, answered, taken back."""

import mimetypes
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from exchange_db.document_records import AnswerState, DocumentFile, DocumentKind, SubjectCase
from exchange_db.documents import DocumentFilter, DocumentRow, DocumentVersion
from exchange_db.records import Violated
from exchange_db.regions import format_region, parse_region, region_of, subtree
from exchange_db.session import Ledger
from hub.cli.app import app
from hub.cli.configuration import load
from hub.cli.ledger import with_ledger
from hub.cli.terminal import as_json, fail, local_time, plain, visible
from hub.clock import system_clock
from hub.documents.desk import DocumentDesk
from hub.documents.drafts import Draft
from hub.documents.making import make_document_desk

commands = typer.Typer(no_args_is_help=True, help="平台间文书：函件、通报及其答复。 / Papers between platforms.")
app.add_typer(commands, name="documents")

T = TypeVar("T")
Config = Annotated[Path, typer.Option(help="设置文件 / settings file")]
Name = Annotated[str, typer.Argument(metavar="ISSUER/ID", help="文书，如 431200.hub/3f2a… / the document")]
Json = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]
Files = Annotated[list[Path] | None, typer.Option("--file", help="附件，可重复 / file, may be repeated")]

KIND_NAMES = {
    DocumentKind.ASSIGNMENT_LETTER: "交办函",
    DocumentKind.SUPERVISION_LETTER: "督办函",
    DocumentKind.SPECIAL_LETTER: "重点督办函",
    DocumentKind.BULLETIN: "通报",
    DocumentKind.RESULT_SHEET: "考评结果",
    DocumentKind.BOOKLET: "环比分析",
    DocumentKind.DUTY_CALL: "查岗",
}
ANSWER_NAMES = {AnswerState.RECEIVED: "已签收", AnswerState.ANSWERED: "已回复", AnswerState.RETURNED: "已退回"}
_KINDS = "、".join(kind.name.lower() for kind in DocumentKind)
_STATES = "、".join(state.name.lower() for state in AnswerState)


@commands.command(name="list")
def list_documents(
    region: Annotated[str, typer.Option(help="只看与该区域有关的文书 / only of this region")] = "",
    kind: Annotated[str, typer.Option(help=f"种类：{_KINDS} / kind")] = "",
    is_open: Annotated[bool, typer.Option("--open", help="只看待答复的 / only those that wait for an answer")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="最多行数 / most rows")] = 50,
    json: Json = False,
    config: Config = Path("sanji.toml"),
) -> None:
    """列出收发的文书，最新的在前。 / List documents, the newest first."""
    settings = load(config)
    try:
        span = subtree(parse_region(region)) if region else None
    except ValueError:
        fail(f"{region} 不是六位行政区划代码。 / is not a six-digit region code.")
    wanted = DocumentFilter(None, span, _kind(kind) if kind else None, is_open)
    rows = _do(config, lambda desk: desk.listing(wanted, limit))
    if json:
        print(as_json([json_of(row) for row in rows]))
        return
    zone = ZoneInfo(settings.figures.zone)
    table = Table()
    for title in ("文书", "种类", "文号", "标题", "签发", "收文", "签发时间", "答复期限", "答复"):
        table.add_column(title, overflow="fold")
    for row in rows:
        content = row.content
        table.add_row(
            plain(f"{row.issuer_id}/{row.document_id}"), KIND_NAMES[content.kind], plain(content.number),
            plain(content.title), row.issuer_id, content.addressee_id or f"{content.region_code} 全体",
            local_time(content.issued_time, zone), local_time(content.deadline_time, zone), _standing(row),
        )  # fmt: skip
    Console().print(table)


@commands.command()
def show(name: Name, json: Json = False, config: Config = Path("sanji.toml")) -> None:
    """显示一份文书、答复与版本。 / Show a document, its answer and its versions."""
    issuer_id, document_id = _split(name)
    zone = ZoneInfo(load(config).figures.zone)

    async def act(desk: DocumentDesk) -> tuple[DocumentRow, list[DocumentVersion]]:
        return await desk.find(issuer_id, document_id), await desk.versions(issuer_id, document_id)

    row, versions = _do(config, act)
    if json:
        print(as_json(json_of(row)))
        return
    content, answer = row.content, row.answer
    lines = [
        f"{KIND_NAMES[content.kind]} {content.number}",
        content.title,
        f"签发 / issued: {row.issuer_id} {local_time(content.issued_time, zone)}，第 {content.revision} 版 / revision",
        f"收文 / to: {content.addressee_id or content.region_code} {content.unit_name}",
        *([f"答复期限 / answer by: {local_time(content.deadline_time, zone)}"] if content.deadline_time else []),
        "",
        content.text,
        "",
        *(f"案件 / case: {case.issuer_id} {case.case_no}" for case in content.cases),
        *(f"指标 / figure: {one.metric_id} {one.period} {one.region_code}" for one in content.figures),
        *(f"附件 / file: {file.name} {file.size_bytes:,} B {file.digest}" for file in content.files),
        *([f"被替代 / replaced by: {row.superseded_by_id}"] if row.superseded_by_id else []),
    ]
    if answer is not None:
        lines += [
            f"{ANSWER_NAMES[answer.state]} {answer.answerer_id} {local_time(answer.answered_time, zone)}",
            answer.text,
            *(f"附件 / file: {file.name} {file.size_bytes:,} B {file.digest}" for file in answer.files),
        ]
    lines += [
        f"{'正文' if one.section == 5 else '答复'} {one.revision} {one.applied_time.astimezone(zone):%m-%d %H:%M:%S}"
        for one in versions
    ]
    typer.echo(visible("\n".join(lines)))


@commands.command()
def send(
    kind: Annotated[str, typer.Option(help=f"种类：{_KINDS} / kind")],
    title: Annotated[str, typer.Option(help="标题 / title")],
    to: Annotated[str, typer.Option(help="收文平台；留空则发往区域内全体 / addressee; empty: all in the region")] = "",
    region: Annotated[str, typer.Option(help="所涉区域，缺省为收文平台或本枢纽的区域 / region it is about")] = "",
    text: Annotated[str, typer.Option(help="正文 / text")] = "",
    text_file: Annotated[Path | None, typer.Option(help="正文所在文件 / file that holds the text")] = None,
    days: Annotated[int, typer.Option(min=0, max=3_650, help="答复期限（日），0 为不需答复 / days to answer")] = 0,
    unit: Annotated[str, typer.Option(help="责任单位代码 / unit")] = "",
    unit_name: Annotated[str, typer.Option(help="责任单位名称 / name of the unit")] = "",
    case: Annotated[list[str] | None, typer.Option(help="所涉案件 平台/编号，可重复 / ISSUER/NO")] = None,
    file: Files = None,
    supersedes: Annotated[str, typer.Option(help="被替代文书的标识 / id of the document it replaces")] = "",
    config: Config = Path("sanji.toml"),
) -> None:
    """签发一份文书。 / Issue a document."""
    settings = load(config)
    chosen = _kind(kind)
    try:
        about = parse_region(region) if region else region_of(to) if to else settings.hub.region
    except ValueError as error:
        fail(str(error))
    deadline = datetime.now(UTC) + timedelta(days=days)

    async def act(desk: DocumentDesk) -> str:
        document = await desk.issue(
            Draft(
                kind=chosen,
                title=title,
                region=about,
                addressee_id=to,
                unit_code=unit,
                unit_name=unit_name,
                text=_text(text, text_file),
                deadline_time=round(deadline.timestamp() * 1_000_000) if days else 0,
                supersedes_id=supersedes,
                cases=tuple(SubjectCase(*_split(one)) for one in case or ()),
                files=await _keep(desk, file),
            )
        )
        number = document.content.number if document.content else ""
        return f"{number} {document.issuer_id}/{document.document_id}"

    typer.echo(f"已签发：{visible(_do(config, act))} / Issued.")


@commands.command()
def answer(
    name: Name,
    state: Annotated[str, typer.Option(help=f"答复：{_STATES} / what is said")] = "answered",
    text: Annotated[str, typer.Option(help="正文 / text")] = "",
    text_file: Annotated[Path | None, typer.Option(help="正文所在文件 / file that holds the text")] = None,
    file: Files = None,
    config: Config = Path("sanji.toml"),
) -> None:
    """签收、答复或退回发给本枢纽的文书。 / Receive, answer or return a document for this hub."""
    issuer_id, document_id = _split(name)
    if state.upper() not in AnswerState.__members__:
        fail(f"没有 {state} 这种答复，可用：{_STATES}。 / There is no such state.")

    async def act(desk: DocumentDesk) -> None:
        files = await _keep(desk, file)
        await desk.answer(issuer_id, document_id, AnswerState[state.upper()], _text(text, text_file), files)

    _do(config, act)
    typer.echo("已答复。 / Answered.")


@commands.command()
def withdraw(
    document_id: Annotated[str, typer.Argument(help="本枢纽签发的文书标识 / id of a document of this hub")],
    reason: Annotated[str, typer.Option(help="事由 / why")],
    config: Config = Path("sanji.toml"),
) -> None:
    """撤回本枢纽签发的文书。 / Take a document of this hub back."""
    _do(config, lambda desk: desk.withdraw(document_id, reason))
    typer.echo("已撤回。 / Withdrawn.")


def _do(config: Path, act: Callable[[DocumentDesk], Awaitable[T]]) -> T:
    settings = load(config)

    async def acting(ledger: Ledger) -> T:
        return await act(make_document_desk(settings, ledger, system_clock))

    try:
        return with_ledger(settings, acting)
    except Violated as refused:
        violation = refused.violation
        fail(f"{violation.field_path} {violation.message_zh} / {violation.message}".strip(), 1)


async def _keep(desk: DocumentDesk, paths: list[Path] | None) -> tuple[DocumentFile, ...]:
    kept = []
    for path in paths or ():
        media_type = mimetypes.guess_type(path.name)[0] or ""
        try:
            content = path.read_bytes()
        except OSError as error:
            fail(f"无法读取 {path}：{error} / Cannot read it.", 1)
        kept.append(await desk.keep_file(path.name, media_type, content))
    return tuple(kept)


def _text(text: str, path: Path | None) -> str:
    if path is None:
        return text
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"无法读取 {path}：{error} / Cannot read it.", 1)


def _kind(name: str) -> DocumentKind:
    if name.upper() not in DocumentKind.__members__:
        fail(f"没有 {name} 这种文书，可用：{_KINDS}。 / There is no such kind.")
    return DocumentKind[name.upper()]


def _split(name: str) -> tuple[str, str]:
    issuer_id, sign, number = name.partition("/")
    if not (sign and number):
        fail(f"{name} 应写作 平台/编号。 / Write ISSUER/ID.")
    try:
        region_of(issuer_id)
    except ValueError as error:
        fail(str(error))
    return issuer_id, number


def json_of(row: DocumentRow) -> dict[str, Any]:
    """Returns a document as JSON values, for scripts."""
    content = row.content
    shown = {
        name: msgspec.to_builtins(getattr(content, name))
        for name in content.__struct_fields__
        if name not in ("kind", "cases", "figures", "files")
    }
    return {
        "issuer_id": row.issuer_id,
        "document_id": row.document_id,
        "kind": content.kind.name.lower(),
        **shown,
        "region": format_region(int(content.region_code)),
        "cases": [msgspec.structs.asdict(case) for case in content.cases],
        "figures": [msgspec.structs.asdict(figure) for figure in content.figures],
        "files": [msgspec.structs.asdict(file) for file in content.files],
        "answer": _answer_json(row),
        "superseded_by_id": row.superseded_by_id,
        "is_open": row.is_open,
    }


def _answer_json(row: DocumentRow) -> dict[str, Any] | None:
    answer = row.answer
    if answer is None:
        return None
    return {
        **msgspec.structs.asdict(answer),
        "state": answer.state.name.lower(),
        "files": [msgspec.structs.asdict(file) for file in answer.files],
    }


def _standing(row: DocumentRow) -> str:
    if row.content.is_withdrawn:
        return "已撤回"
    if row.superseded_by_id:
        return "已被替代"
    if row.answer is not None:
        return ANSWER_NAMES[row.answer.state]
    return "待答复" if row.content.deadline_time else "—"
