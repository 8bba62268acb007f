"""``sanji standards``: which codes are known, what changes between two standards, and what is wrong with a file."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from connectors.sheets import SheetInvalid
from exchange_db.records import CodeKind, printable
from exchange_db.regions import format_region
from hub.cli.app import app
from hub.cli.terminal import fail
from hub.standards.catalogue import Catalogue
from hub.standards.codes import Code, CodeList, Mark, name_key, spelled_code
from hub.standards.comparison import Clash, Comparison, Pair, compare
from hub.standards.crosswalk import Candidate, Relation
from hub.standards.limits import RuleBroken
from hub.standards.release_cells import KINDS, Finding, Severity
from hub.standards.release_file import ReleaseFile, read_release, taken_in
from hub.standards.shipped import shipped_catalogue
from hub.standards.suggestions import KIND_NAMES

standards = typer.Typer(no_args_is_help=True, help="标准：代码表、对照表、校验。 / Code lists and crosswalks.")
app.add_typer(standards, name="standards")

Ref = Annotated[str, typer.Argument(help="标准编号，如 'CJ/T 214-2007'，可只写年份 / standard, or its year")]
Json = Annotated[bool, typer.Option("--json", help="输出 JSON / print JSON")]

_MARKS = {Mark.VERIFIED: "已核实", Mark.INFERRED: "推断", Mark.UNVERIFIED: "未核实"}
_RELATIONS = {
    Relation.EXACT: "相同",
    Relation.RENAMED: "更名",
    Relation.SPLIT: "拆分",
    Relation.MERGED: "合并",
    Relation.LOSSY: "有损",
    Relation.NONE: "无对应",
}
_SEVERITIES = {Severity.REFUSED: "拒绝", Severity.CORRECTED: "已改正", Severity.DOUBTFUL: "存疑"}
#: Most findings that are printed; ``--json`` gives all.
_SHOWN = 200


@standards.command(name="list")
def list_standards(as_json: Json = False) -> None:
    """列出已收录的代码表和对照表，以及各行的核实程度。 / List what is known, and how well."""
    catalogue = shipped_catalogue()
    if as_json:
        _print_json(
            {
                "standards": [_list_as_json(one) for one in catalogue.lists.values()],
                "crosswalks": [
                    {
                        "from_ref": one.from_ref,
                        "to_ref": one.to_ref,
                        "relations": Counter(str(row.relation) for row in one),
                        "marks": Counter(str(row.mark) for row in one),
                    }
                    for one in catalogue.crosswalks
                ],
            }
        )
        return
    console = Console()
    table = _table("标准", "名称", "部件", "事件", *_MARKS.values(), "替代为", title="代码表 / Code lists")
    for codes in catalogue.lists.values():
        marks = Counter(one.mark for one in codes)
        counts = (str(_count_of(codes, kind)) for kind in CodeKind)
        standard = codes.standard
        numbers = (str(marks[mark]) for mark in _MARKS)
        table.add_row(standard.standard_ref, standard.title, *counts, *numbers, standard.successor)
    console.print(table)
    table = _table("从", "到", *_RELATIONS.values(), _MARKS[Mark.UNVERIFIED], title="对照表 / Crosswalks")
    for crosswalk in catalogue.crosswalks:
        relations = Counter(row.relation for row in crosswalk)
        unverified = sum(row.mark is Mark.UNVERIFIED for row in crosswalk)
        numbers = (str(relations[relation]) for relation in _RELATIONS)
        table.add_row(crosswalk.from_ref, crosswalk.to_ref, *numbers, str(unverified))
    console.print(table)
    console.print("部件、事件为小类数。推断：据二手资料；未核实：存疑或名称不明。均未与标准原文核对。")
    console.print("Minor classes are counted. Inferred: from secondary sources; nothing was checked against the text.")


@standards.command()
def show(
    ref: Ref,
    kind: Annotated[str, typer.Option(help="component 部件 或 event 事件，缺省为全部 / only this kind")] = "",
    code: Annotated[str, typer.Option(help="只看一个代码及其在其他标准中的含义 / one code, here and elsewhere")] = "",
    search: Annotated[str, typer.Option(help="名称含此文字的 / names that hold this")] = "",
    as_json: Json = False,
) -> None:
    """显示一个标准的代码；--code 另列它在其他标准中的含义和对应。 / Show codes, and what becomes of one."""
    catalogue = shipped_catalogue()
    codes = _list_of(catalogue, ref)
    kinds = _kinds(kind)
    found = [
        one
        for one in codes
        if one.kind in kinds
        and (not code or codes.find(one.kind, code) == one)
        and name_key(search) in name_key(one.name)
    ]
    if not found:
        shown = printable((code or search)[:40])
        fail(f"{codes.standard.standard_ref} 中没有 {shown!r}。 / There is no {shown!r}.")
    elsewhere = list(_elsewhere(catalogue, found)) if code else []
    if as_json:
        _print_json(
            _list_as_json(codes)
            | {"codes": [_code_as_json(one) for one in found]}
            | ({"elsewhere": [_candidate_as_json(one, catalogue) for one in elsewhere]} if code else {})
        )
        return
    console = Console()
    table = _table(
        "类型", "代码", "名称", "核实", "备注", title=f"{codes.standard.standard_ref} {codes.standard.title}"
    )
    for one in found:
        table.add_row(KIND_NAMES[one.kind][0], spelled_code(one.code), one.name, _MARKS[one.mark], one.note)
    console.print(table)
    if code:
        _print_elsewhere(console, catalogue, found, elsewhere)


@standards.command()
def diff(before: Ref, after: Ref, as_json: Json = False) -> None:
    """比较两个标准：先列互换的大类，再列移动、拆分、合并、有损、增删。 / Compare two standards."""
    catalogue = shipped_catalogue()
    first, second = _list_of(catalogue, before), _list_of(catalogue, after)
    try:
        crosswalk = catalogue.crosswalks.between(first.standard.standard_ref, second.standard.standard_ref)
    except RuleBroken as error:
        fail(str(error))
    found = compare(first, second, crosswalk)
    if as_json:
        _print_json(
            {"from_ref": crosswalk.from_ref, "to_ref": crosswalk.to_ref}
            | {name: [_part_as_json(one) for one in part] for name, part in found._asdict().items()}
        )
    else:
        _print_comparison(found, crosswalk.from_ref, crosswalk.to_ref)


@standards.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="CSV、JSONL 或 XLSX 文件，代码表在前 / the files")],
    as_json: Json = False,
) -> None:
    """逐行校验代码表、对照表、问题来源、区划、立案条件；不发布。 / Check files row by row."""
    catalogue = shipped_catalogue()
    read: list[tuple[Path, ReleaseFile]] = []
    try:
        for path in files:
            file = read_release(path, catalogue)
            catalogue = taken_in(catalogue, [file])
            read.append((path, file))
    except SheetInvalid as error:
        fail(printable(str(error)))
    if as_json:
        _print_json([_file_as_json(path, file) for path, file in read])
    else:
        console = Console()
        for path, file in read:
            _print_findings(console, path, file)
    raise typer.Exit(1 if any(file.refused_count for _, file in read) else 0)


def _table(*heads: str, title: str) -> Table:
    """A table whose cells are never cut off."""
    table = Table(title=title)
    for head in heads:
        table.add_column(head, overflow="fold")
    return table


def _list_of(catalogue: Catalogue, ref: str) -> CodeList:
    try:
        return catalogue.lists[catalogue.named(ref).standard_ref]
    except RuleBroken as error:
        fail(str(error))


def _kinds(text: str) -> tuple[CodeKind, ...]:
    if not text:
        return tuple(CodeKind)
    if text.lower() not in KINDS:
        shown = printable(text[:20])
        fail(f"--kind {shown!r}：应为 component 或 event。 / use component or event.")
    return (KINDS[text.lower()],)


def _count_of(codes: CodeList, kind: CodeKind) -> int:
    return sum(one.kind is kind and not one.is_major for one in codes)


def _elsewhere(catalogue: Catalogue, codes: Iterable[Code]) -> Iterable[Candidate]:
    for code in codes:
        for ref in catalogue.crosswalks.reached_from(code.standard_ref):
            yield from catalogue.crosswalks.between(code.standard_ref, ref).translate(code.kind, code.code)


def _print_elsewhere(
    console: Console, catalogue: Catalogue, codes: Iterable[Code], elsewhere: Iterable[Candidate]
) -> None:
    table = _table("类型", "原代码", "标准", "代码", "名称", "关系", "核实", "备注", title="对应 / What becomes of it")
    for one in elsewhere:
        name = _name_of(catalogue, one)
        table.add_row(
            KIND_NAMES[one.kind][0],
            spelled_code(one.from_code),
            one.to_ref,
            spelled_code(one.to_code),
            name,
            _RELATIONS[one.relation],
            _MARKS[one.mark],
            one.note,
        )
    if table.row_count:
        console.print(table)
    table = _table("标准", "类型", "代码", "名称", title="同一代码在其他标准中 / The same digits elsewhere")
    for code in codes:
        for other in catalogue.lists.values():
            meant = other.find(code.kind, code.code) if other.standard.standard_ref != code.standard_ref else None
            if meant is not None:
                kind, _ = KIND_NAMES[meant.kind]
                table.add_row(meant.standard_ref, kind, spelled_code(meant.code), meant.name)
    if table.row_count:
        console.print(table)


def _print_comparison(found: Comparison, from_ref: str, to_ref: str) -> None:
    console = Console()
    heads = ("类型", from_ref, to_ref, "关系", "核实", "备注")
    if found.swapped:
        _print_pairs(console, "大类互换，同一代码含义不同 / Majors that changed places", heads, found.swapped)
        table = _table("类型", "代码", from_ref, to_ref, title="同一代码，两种含义 / The same digits, two meanings")
        for clash in found.clashes:
            kind, _ = KIND_NAMES[clash.before.kind]
            table.add_row(kind, spelled_code(clash.before.code), clash.before.name, clash.after.name)
        console.print(table)
    _print_pairs(console, "大类 / Majors", heads, found.majors)
    _print_pairs(console, "移到其他大类的小类 / Minors that left their major", heads, found.moves)
    _print_pairs(console, "拆分、合并、有损，须由人判断 / To be decided by a person", heads, found.unsure)
    _print_pairs(console, "无对应 / Dropped", heads, found.dropped)
    _print_pairs(console, "更名 / Renamed", heads, found.renamed)
    for title, codes in (("对照表未列 / Not in the crosswalk", found.unmapped), ("新增 / Added", found.added)):
        if codes:
            table = _table("类型", "代码", "名称", title=f"{title}：{len(codes)}")
            for code in codes:
                table.add_row(KIND_NAMES[code.kind][0], spelled_code(code.code), code.name)
            console.print(table)


def _print_pairs(console: Console, title: str, heads: tuple[str, ...], pairs: Iterable[Pair]) -> None:
    table = _table(*heads, title=title)
    for one in pairs:
        after = f"{spelled_code(one.after.code)} {one.after.name}" if one.after else "—"
        before = f"{spelled_code(one.before.code)} {one.before.name}"
        relation, mark = _RELATIONS[one.relation], _MARKS[one.candidate.mark]
        table.add_row(KIND_NAMES[one.before.kind][0], before, after, relation, mark, one.candidate.note)
    if table.row_count:
        console.print(table)


def _print_findings(console: Console, path: Path, file: ReleaseFile) -> None:
    shown = escape(printable(str(path)))
    if file.findings:
        table = _table("行", "列", "结果", "规则", "说明 / what to do", title=f"{shown}（{file.kind}）")
        for one in file.findings[:_SHOWN]:
            told = f"{escape(printable(one.chinese))}\n{escape(printable(one.english))}"
            row = str(one.row) if one.row else "—"
            table.add_row(row, escape(printable(one.column)), _SEVERITIES[one.severity], one.rule, told)
        console.print(table)
        if len(file.findings) > _SHOWN:
            console.print(f"另有 {len(file.findings) - _SHOWN:,} 条，见 --json。 / More with --json.")
    counts = Counter(one.severity for one in file.findings)
    taken = len(file.rows)
    console.print(
        f"{shown}：共 {file.row_count:,} 行，可用 {taken:,} 行，拒绝 {file.refused_count:,} 行；"
        f"改正 {counts[Severity.CORRECTED]:,} 处，存疑 {counts[Severity.DOUBTFUL]:,} 处。"
    )
    console.print(
        f"{file.row_count:,} rows: {taken:,} can be taken, {file.refused_count:,} are refused; "
        f"cells corrected: {counts[Severity.CORRECTED]:,}, doubtful: {counts[Severity.DOUBTFUL]:,}."
    )


def _list_as_json(codes: CodeList) -> dict[str, Any]:
    standard = codes.standard
    return {
        "standard_ref": standard.standard_ref,
        "title": standard.title,
        "valid_from": f"{standard.valid_from}" if standard.valid_from else None,
        "successor": standard.successor,
        "mark": standard.mark,
        "note": standard.note,
        "minors": {kind.name.lower(): _count_of(codes, kind) for kind in CodeKind},
        "marks": Counter(str(one.mark) for one in codes),
    }


def _code_as_json(code: Code) -> dict[str, Any]:
    return {
        "standard_ref": code.standard_ref,
        "kind": code.kind.name.lower(),
        "code": code.code,
        "name": code.name,
        "mark": code.mark,
        "note": code.note,
        "region": format_region(code.region),
    }


def _name_of(catalogue: Catalogue, candidate: Candidate) -> str:
    found = catalogue.lists[candidate.to_ref].find(candidate.kind, candidate.to_code) if candidate.to_code else None
    return found.name if found else ""


def _candidate_as_json(candidate: Candidate, catalogue: Catalogue) -> dict[str, Any]:
    return {
        "from_code": candidate.from_code,
        "standard_ref": candidate.to_ref,
        "kind": candidate.kind.name.lower(),
        "code": candidate.to_code,
        "name": _name_of(catalogue, candidate),
        "relation": candidate.relation,
        "mark": candidate.mark,
        "is_certain": candidate.is_certain,
        "note": candidate.note,
    }


def _part_as_json(part: Pair | Clash | Code) -> dict[str, Any]:
    if isinstance(part, Code):
        return _code_as_json(part)
    sides = {"before": _code_as_json(part.before), "after": _code_as_json(part.after) if part.after else None}
    if isinstance(part, Clash):
        return sides
    return sides | {"relation": part.relation, "mark": part.candidate.mark, "note": part.candidate.note}


def _file_as_json(path: Path, file: ReleaseFile) -> dict[str, Any]:
    return {
        "file": str(path),
        "kind": file.kind,
        "rows": file.row_count,
        "taken": len(file.rows),
        "refused": file.refused_count,
        "findings": [_finding_as_json(one) for one in file.findings],
    }


def _finding_as_json(finding: Finding) -> dict[str, Any]:
    return finding._asdict()


def _print_json(value: object) -> None:
    told = json.dumps(value, ensure_ascii=False, indent=2)
    # Half of a surrogate pair cannot be printed; Python escapes it the way JSON does.
    print(told.encode("utf-8", "backslashreplace").decode("utf-8"))
