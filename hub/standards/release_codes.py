"""Reads the rows of a code list, national or of a region, and checks them against each other and what is known.

Called by ``hub.standards.release_file``.

Source: 1.2, 1.3 and 1.3.4 of the domain notes.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from exchange_db.records import CodeKind
from hub.standards.catalogue import Catalogue
from hub.standards.codes import (
    EXTENSION_MAJOR,
    FIRST_LOCAL_MINOR,
    LOCAL_SUFFIX,
    MAJOR_DIGITS,
    Code,
    CodeList,
    check_extension,
    name_key,
    spelled_code,
)
from hub.standards.limits import RuleBroken
from hub.standards.release_cells import Cells, Finding, Severity
from hub.standards.suggestions import KIND_NAMES, Suggestion, suggest

MAX_NAME, MAX_NOTE = 100, 400
_ANYTHING = "其他"

Numbered = tuple[int, Code]


def read_code(cells: Cells, catalogue: Catalogue) -> Code:
    """Reads one class."""
    standard = cells.standard("standard_ref", catalogue)
    return Code(
        standard.standard_ref,
        cells.kind("kind"),
        cells.class_code(standard),
        cells.text("name", MAX_NAME, is_needed=True),
        cells.mark(),
        cells.text("note", MAX_NOTE),
        cells.region("region"),
    )


def settle_codes(rows: Sequence[Numbered], catalogue: Catalogue, findings: list[Finding]) -> list[Code]:
    """Returns the classes that can be taken, in their order; notes why others cannot."""
    unique = list(_without_repeats(rows, findings))
    kept: list[Code] = []
    for ref in dict.fromkeys(code.standard_ref for _, code in unique):
        mine = [row for row in unique if row[1].standard_ref == ref]
        standard = catalogue.standards.get(ref)
        if standard is None or not standard.minor_digits:
            if standard is None:
                findings.append(_of_own_list(mine[0][0], ref))
            kept.extend(code for _, code in mine)
            continue
        known = catalogue.lists.get(ref)
        base = CodeList(standard, [*(known or ()), *(code for _, code in mine if not code.region)])
        national = [row for row in mine if not row[1].region]
        kept.extend(_settled_national(national, base, known, catalogue, findings))
        kept.extend(_settled_local([row for row in mine if row[1].region], base, catalogue, findings))
    return kept


def belonging(suggestions: Iterable[Suggestion]) -> tuple[str, str]:
    """Returns what suggestions say, for the end of a finding in Chinese and English."""
    first = next(iter(suggestions), None)
    return (f"；{first.chinese}", f"; {first.english}") if first else ("", "")


def _without_repeats(rows: Iterable[Numbered], findings: list[Finding]) -> Iterator[Numbered]:
    first: dict[tuple[str, CodeKind, str, int], Numbered] = {}
    for number, code in rows:
        earlier = first.setdefault((code.standard_ref, code.kind, code.code, code.region), (number, code))
        shown = spelled_code(code.code)
        if earlier[0] == number:
            yield number, code
        elif name_key(earlier[1].name) == name_key(code.name):
            told = f"{shown} 与第 {earlier[0]} 行相同，已略去。", f"{shown} repeats row {earlier[0]}; left out."
            findings.append(Finding(number, "code", Severity.CORRECTED, "ROW_REPEATED", *told))
        else:
            findings.append(
                Finding(
                    number,
                    "code",
                    Severity.REFUSED,
                    "CODE_DUPLICATE",
                    f"{shown} 在第 {earlier[0]} 行已是“{earlier[1].name}”，请改其中一行。",
                    f"{shown} is {earlier[1].name} in row {earlier[0]} already; correct one of them.",
                )
            )


def _of_own_list(number: int, ref: str) -> Finding:
    return Finding(
        number,
        "standard_ref",
        Severity.DOUBTFUL,
        "STANDARD_OWN",
        f"{ref!r} 不是已收录的标准，按自有代码表处理，代码格式不作检查。",
        f"{ref!r} is no standard that is known; taken for a list of its own, whose codes may have any form.",
    )


def _settled_national(
    rows: Iterable[Numbered], base: CodeList, known: CodeList | None, catalogue: Catalogue, findings: list[Finding]
) -> Iterator[Code]:
    for number, code in rows:
        if base.major_of(code) is None:
            findings.append(_orphan(number, code))
        elif not _is_of_another_list(number, code, catalogue, findings):
            if known is not None:
                findings.extend(_differing(number, code, known))
            yield code


def _settled_local(
    rows: Sequence[Numbered], base: CodeList, catalogue: Catalogue, findings: list[Finding]
) -> Iterator[Code]:
    taken: list[Numbered] = []
    for number, code in rows:
        standing = base.find(code.kind, code.code)
        if standing is not None and name_key(standing.name) == name_key(code.name):
            told = "标准中已有，已略去。", "the standard has it already; left out."
            findings.append(Finding(number, "code", Severity.CORRECTED, "ROW_REPEATED", *told))
            continue
        if _is_of_another_list(number, code, catalogue, findings):
            continue
        try:
            check_extension(base, code)
        except RuleBroken as broken:
            findings.append(Finding(number, "code", Severity.REFUSED, broken.rule, broken.chinese, f"{broken.english}"))
            continue
        taken.append((number, code))
    findings.extend(_doubts(taken, base))
    yield from (code for _, code in taken)


def _orphan(number: int, code: Code) -> Finding:
    major = code.code[:MAJOR_DIGITS]
    kind, kind_name = KIND_NAMES[code.kind]
    return Finding(
        number,
        "code",
        Severity.REFUSED,
        "MAJOR_UNKNOWN",
        f"{spelled_code(code.code)}：没有{kind}大类 {major}，请补上该大类，或核对类型和所属标准。",
        f"{spelled_code(code.code)}: there is no {kind_name} major {major}; add it, or check kind and standard.",
    )


def _is_of_another_list(number: int, code: Code, catalogue: Catalogue, findings: list[Finding]) -> bool:
    """Whether the name of a class shows that its code is one of another standard; refuses it then."""
    base = catalogue.lists.get(code.standard_ref)
    if base is None or (base.find(code.kind, code.code) is None and not _is_named_so_elsewhere(code, catalogue)):
        return False
    found = suggest(catalogue.lists, catalogue.crosswalks, code.standard_ref, code.kind, code.code, code.name)
    if not found:
        return False
    findings.append(name_mismatch(number, code.standard_ref, code.code, code.name, found))
    return True


def _is_named_so_elsewhere(code: Code, catalogue: Catalogue) -> bool:
    """Whether the same digits have the same name in another standard; 其他 is a name anybody may give."""
    same = (other.find(code.kind, code.code) for ref, other in catalogue.lists.items() if ref != code.standard_ref)
    return code.name != _ANYTHING and any(one and name_key(one.name) == name_key(code.name) for one in same)


def name_mismatch(number: int, ref: str, code: str, name: str, found: Iterable[Suggestion]) -> Finding:
    """Returns the refusal of a code whose name belongs to another one."""
    chinese, english = belonging(found)
    return Finding(
        number,
        "name",
        Severity.REFUSED,
        "NAME_MISMATCH",
        f"{ref} 的 {spelled_code(code)} 不是“{name}”{chinese}。",
        f"{spelled_code(code)} of {ref} is not {name}{english}.",
    )


def _differing(number: int, code: Code, known: CodeList) -> Iterator[Finding]:
    """Yields how a row of a standard's own differs from the list that is known: another label, or one more class."""
    standing = known.find(code.kind, code.code)
    shown = spelled_code(code.code)
    if standing is None:
        yield Finding(
            number,
            "code",
            Severity.DOUBTFUL,
            "CODE_NOT_LISTED",
            f"已收录的 {code.standard_ref} 中没有 {shown}；若为本地扩展，请填写 region。",
            f"the known list of {code.standard_ref} has no {shown}; if it is a local one, name its region.",
        )
    elif name_key(standing.name) != name_key(code.name):
        yield Finding(
            number,
            "name",
            Severity.DOUBTFUL,
            "NAME_DIFFERS",
            f"{shown} 在已收录的表中称“{standing.name}”；以代码为准，名称只是说明。",
            f"the known list calls {shown} {standing.name}; the code is the key, the name a label.",
        )


def _doubts(rows: Iterable[Numbered], base: CodeList) -> Iterator[Finding]:
    """Yields what is unusual about local classes: numbers that do not count down, names without their suffix."""
    digits = base.standard.minor_digits
    groups: defaultdict[tuple[int, CodeKind, str], dict[int, int]] = defaultdict(dict)
    for number, code in rows:
        major, minor = code.code[:MAJOR_DIGITS], int(code.code[MAJOR_DIGITS:])
        if base.find(code.kind, EXTENSION_MAJOR) is None:
            groups[code.region, code.kind, major][minor] = number
        elif major != EXTENSION_MAJOR:
            yield _doubt(
                number,
                "EXTENSION_ELSEWHERE",
                f"{code.standard_ref} 的本地扩展一般编入大类 {EXTENSION_MAJOR}",
                f"local classes of {code.standard_ref} usually stand below major {EXTENSION_MAJOR}",
            )
        if digits > MAJOR_DIGITS and not code.name.replace("(", "（").replace(")", "）").endswith(LOCAL_SUFFIX):
            yield _doubt(
                number,
                "EXTENSION_UNNAMED",
                f"本地扩展的名称一般以{LOCAL_SUFFIX}结尾",
                f"names of local classes usually end in {LOCAL_SUFFIX}",
                "name",
            )
    for minors in groups.values():
        yield from _gaps(minors, digits)


def _gaps(minors: Mapping[int, int], digits: int) -> Iterator[Finding]:
    free = 10**digits - 1
    for minor, number in sorted(minors.items(), reverse=True):
        if minor != free and not (digits > MAJOR_DIGITS and minor == FIRST_LOCAL_MINOR):
            yield _doubt(
                number,
                "EXTENSION_GAP",
                f"本地小类一般自 {'9' * digits} 起连续向下编号，{free} 未使用",
                f"local minors usually count down from {'9' * digits} without gaps; {free} is not used",
            )
        free = minor - 1


def _doubt(number: int, rule: str, chinese: str, english: str, column: str = "code") -> Finding:
    return Finding(number, column, Severity.DOUBTFUL, rule, f"{chinese}。", f"{english}.")
