"""Reads the rows of a crosswalk and checks that they lead from known classes to known ones and agree with each other.

Called by ``hub.standards.release_file``.

Source: 1.3.4 of the domain notes.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from exchange_db.records import CodeKind
from hub.standards.catalogue import Catalogue
from hub.standards.codes import Code, Standard, name_key, spelled_code
from hub.standards.crosswalk import CERTAIN, Candidate, Relation
from hub.standards.release_cells import Cells, Finding, Severity
from hub.standards.release_codes import MAX_NOTE, belonging
from hub.standards.suggestions import suggest

_RELATIONS: dict[str, Relation] = {
    **{relation.value: relation for relation in Relation},
    "相同": Relation.EXACT,
    "更名": Relation.RENAMED,
    "拆分": Relation.SPLIT,
    "合并": Relation.MERGED,
    "有损": Relation.LOSSY,
    "无对应": Relation.NONE,
}

Numbered = tuple[int, Candidate]
_Key = tuple[str, str, CodeKind, str]


def read_candidate(cells: Cells, catalogue: Catalogue) -> Candidate:
    """Reads one row; both its classes must be known."""
    before = cells.standard("from_ref", catalogue)
    after = cells.standard("to_ref", catalogue)
    if before.standard_ref == after.standard_ref:
        cells.refuse("to_ref", "CROSSWALK_CIRCULAR", "与 from_ref 相同", "is the same as from_ref")
    kind = cells.kind("kind")
    relation = cells.word("relation", _RELATIONS)
    from_code = _known_code(cells, "from_code", before, kind, catalogue)
    if (relation is Relation.NONE) == cells.has("to_code"):
        cells.refuse(
            "to_code",
            "TARGET_INVALID",
            "关系为 none 时必须为空，否则必填",
            "must be empty for the relation none, and filled for all others",
        )
    to_code = _known_code(cells, "to_code", after, kind, catalogue) if relation is not Relation.NONE else ""
    note = cells.text("note", MAX_NOTE)
    return Candidate(before.standard_ref, after.standard_ref, kind, from_code, to_code, relation, cells.mark(), note)


def _known_code(cells: Cells, column: str, standard: Standard, kind: CodeKind, catalogue: Catalogue) -> str:
    code = cells.code(column, standard)
    known = catalogue.lists.get(standard.standard_ref)
    if known is None or known.find(kind, code) is None:
        found = suggest(catalogue.lists, catalogue.crosswalks, standard.standard_ref, kind, code)
        chinese, english = belonging(found)
        shown = spelled_code(code)
        cells.refuse(
            column,
            "CODE_UNKNOWN",
            f"{standard.standard_ref} 中没有 {shown}{chinese}",
            f"{standard.standard_ref} has no {shown}{english}",
        )
    return code


def settle_candidates(rows: Sequence[Numbered], catalogue: Catalogue, findings: list[Finding]) -> list[Candidate]:
    """Returns the rows that can be taken; a class whose rows contradict each other is refused with all of them."""
    groups: defaultdict[_Key, list[Numbered]] = defaultdict(list)
    targets: defaultdict[_Key, list[Numbered]] = defaultdict(list)
    for number, row in rows:
        group = groups[row.from_ref, row.to_ref, row.kind, row.from_code]
        earlier = next((line for line, other in group if other.to_code == row.to_code), 0)
        if earlier:
            told = f"与第 {earlier} 行重复，请删去一行。", f"repeats row {earlier}; remove one."
            findings.append(Finding(number, "to_code", Severity.REFUSED, "ROW_DUPLICATE", *told))
            continue
        group.append((number, row))
        if row.to_code:
            targets[row.from_ref, row.to_ref, row.kind, row.to_code].append((number, row))
    kept: list[Candidate] = []
    for group in groups.values():
        fault = _fault_of(group, targets)
        if fault is not None:
            findings.extend(Finding(number, "relation", Severity.REFUSED, *fault) for number, _ in group)
            continue
        findings.extend(_doubts(group, targets, catalogue))
        kept.extend(row for _, row in group)
    findings.extend(_missing(kept, catalogue))
    return kept


def _fault_of(group: Sequence[Numbered], targets: Mapping[_Key, Sequence[Numbered]]) -> tuple[str, str, str] | None:
    """Returns what is wrong with the rows of one class: rule, Chinese, English."""
    relations = {row.relation for _, row in group}
    shown = spelled_code(group[0][1].from_code)
    if len(group) > 1 and relations - {Relation.SPLIT, Relation.LOSSY}:
        return (
            "RELATION_CONTRADICTORY",
            f"{shown} 有 {len(group)} 个对应，关系只能是 split 或 lossy。",
            f"{shown} has {len(group)} counterparts; their relation can be split or lossy only.",
        )
    if len(group) == 1 and relations == {Relation.SPLIT}:
        return (
            "RELATION_CONTRADICTORY",
            f"{shown} 只有一个对应，不是 split。",
            f"{shown} has one counterpart only, which is no split.",
        )
    row = group[0][1]
    if row.relation in CERTAIN:
        others = targets[row.from_ref, row.to_ref, row.kind, row.to_code]
        same = [number for number, other in others if other.relation in CERTAIN]
        if len(same) > 1:
            lines = "、".join(map(str, same))
            return (
                "RELATION_CONTRADICTORY",
                f"第 {lines} 行对应同一小类，关系应为 merged。",
                f"rows {lines} lead to the same class; their relation is merged.",
            )
    return None


def _doubts(
    group: Sequence[Numbered], targets: Mapping[_Key, Sequence[Numbered]], catalogue: Catalogue
) -> Iterator[Finding]:
    for number, row in group:
        if row.relation is Relation.MERGED and len(targets[row.from_ref, row.to_ref, row.kind, row.to_code]) == 1:
            told = "没有其他小类并入同一小类。", "no other class goes into the same one."
            yield Finding(number, "relation", Severity.DOUBTFUL, "MERGED_ALONE", *told)
        if row.relation in CERTAIN:
            before, after = _names(row, catalogue)
            if (name_key(before) == name_key(after)) != (row.relation is Relation.EXACT):
                told = (
                    f"“{before}”与“{after}”，关系写作 {row.relation}，请核对。",
                    f"{before} and {after} are said to be {row.relation}; check that.",
                )
                yield Finding(number, "relation", Severity.DOUBTFUL, "RELATION_DOUBTFUL", *told)


def _names(row: Candidate, catalogue: Catalogue) -> tuple[str, str]:
    before = catalogue.lists[row.from_ref].find(row.kind, row.from_code)
    after = catalogue.lists[row.to_ref].find(row.kind, row.to_code)
    return (before.name if before else ""), (after.name if after else "")


def _missing(rows: Sequence[Candidate], catalogue: Catalogue) -> Iterator[Finding]:
    """Yields which classes a crosswalk leaves out."""
    for from_ref, to_ref in dict.fromkeys((row.from_ref, row.to_ref) for row in rows):
        told = {(row.kind, row.from_code) for row in rows if (row.from_ref, row.to_ref) == (from_ref, to_ref)}
        left: list[Code] = [
            code for code in catalogue.lists[from_ref] if not code.region and (code.kind, code.code) not in told
        ]
        if left:
            some = "、".join(f"{code.kind.name.lower()} {spelled_code(code.code)}" for code in left[:5])
            yield Finding(
                0,
                "from_code",
                Severity.DOUBTFUL,
                "CROSSWALK_INCOMPLETE",
                f"{from_ref} 的 {len(left)} 个代码未列出：{some}。",
                f"{len(left)} codes of {from_ref} are not listed: {some}.",
            )
