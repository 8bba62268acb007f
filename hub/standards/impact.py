"""What a release of a code list would do to what is there: live cases and mappings whose class it does not know.

Compares the classes in force with those that would be, both with the extensions laid over them. Called by
``sanji standards impact``.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from connectors.mapping_model import Mapping as SheetMapping
from connectors.mapping_model import Section
from connectors.sheets import SheetInvalid
from exchange_db import standards
from exchange_db.facts import class_key
from exchange_db.records import CodeKind, Violated
from exchange_db.session import ReadSession
from exchange_db.standards import LiveCase, LiveCases
from hub.standards import archive
from hub.standards.codes import Standard, spelled_code
from hub.standards.manifest import Manifest, StandardKind
from hub.standards.release_cells import RowRefused
from hub.standards.release_file import read_names
from hub.standards.releases import Standing, effective_time_of, in_force
from hub.standards.shipped import shipped_catalogue

#: Digits of a major class in every generation of the national lists.
_MAJOR_DIGITS = 2

#: Names of classes by kind and code.
Classes = dict[tuple[CodeKind, str], str]


class Effect(StrEnum):
    """What becomes of a class, the worst first."""

    VANISHED = "vanished"  # known now, unknown afterwards
    UNKNOWN = "unknown"  # unknown before and afterwards
    MAJOR_CHANGED = "major_changed"  # the same code stands under another major class
    RENAMED = "renamed"  # the same code has another name


class AffectedClass(NamedTuple):
    """A class with live cases, or with components, that the release would change, in one region.

    ``case_count`` counts them; names are "" where the class is unknown.
    """

    effect: Effect
    class_key: str
    region: int
    case_count: int
    name_before: str
    name_after: str
    examples: tuple[LiveCase, ...]


class AffectedMapping(NamedTuple):
    """A code a mapping writes that would be unknown afterwards, and where it stands."""

    file: str
    place: str
    code: str
    effect: Effect


class Impact(NamedTuple):
    """All of it; ``live_count`` and ``component_count`` count what is of the standard, affected or not."""

    classes: list[AffectedClass]
    components: list[AffectedClass]
    mappings: list[AffectedMapping]
    live_count: int
    component_count: int


def read_classes(standard: Standard, name: str, content: bytes) -> Classes:
    """Reads a code list, in any form releases have.

    Rows that name another standard are left out.

    Raises:
        Violated: RELEASE_INVALID with the document and the row.
    """
    try:
        found = read_names(name, content, standard)
    except SheetInvalid as invalid:
        raise Violated("RELEASE_INVALID", f"documents.{name}", invalid) from None
    except RowRefused as refused:
        row, _, _, _, chinese, english = refused.finding
        raise Violated("RELEASE_INVALID", f"documents.{name}:{row}", f"{chinese} {english}") from None
    if not found:
        raise Violated("RELEASE_INVALID", f"documents.{name}", "no rows of kind, code and name")
    return found


async def impact_of(
    session: ReadSession,
    draft: Manifest,
    documents: Mapping[str, bytes],
    mappings: Mapping[str, SheetMapping],
    region: int,
    most_examples: int,
) -> Impact:
    """Returns what a draft of a code list would change when it comes into force.

    Args:
        session: a transaction that reads.
        draft: its manifest; its name is the standard the codes are of, its time of publication does not matter.
        documents: its documents by name.
        mappings: mappings to look through, by the name of their file.
        region: region of the hub; what is in force is looked up for it.
        most_examples: cases named of each class and region, 0 or more.

    Raises:
        Violated: ARGUMENT_INVALID, the draft is no code list; RELEASE_INVALID, a document cannot be read.
    """
    if draft.kind != StandardKind.CODE_LIST:
        raise Violated("ARGUMENT_INVALID", "kind", draft.kind)
    held = [one.manifest for one in await archive.held_releases(session)]
    moment = effective_time_of(draft, region)
    standard = shipped_catalogue().standards.get(draft.name) or Standard(draft.name, "", 0)

    async def classes(found: Standing | None) -> Classes:
        known: Classes = {}
        for manifest in filter(None, (found.base, *found.extensions) if found else ()):
            inside = documents if manifest == draft else await archive.documents_of(session, manifest)
            for name, content in inside.items():
                known |= read_classes(standard, name, content)
        return known

    before = await classes(in_force(held, region, moment).get(draft.key))
    after = await classes(in_force([*held, draft], region, moment).get(draft.key))
    effects = effects_of(before, after)
    live = await standards.live_cases(session, draft.name)
    standing = await standards.standing_components(session, draft.name)
    # Lists are written without the dash that the contract asks for.
    keys = {
        class_key(draft.name, kind, spelling): (kind, code)
        for kind, code in before | after
        for spelling in (code, spelled_code(code))
    }
    touched = _touched(live, keys, effects, before, after)
    wanted = sorted({one.class_key for one in touched})
    examples = await standards.examples_of(session, wanted, most_examples) if most_examples and wanted else []
    return Impact(
        [one._replace(examples=tuple(_of(one, examples))) for one in touched],
        _touched(standing, keys, effects, before, after),
        list(_mappings_touched(draft.name, mappings, before, after)),
        sum(one.case_count for one in live),
        sum(one.case_count for one in standing),
    )


def effects_of(before: Classes, after: Classes) -> dict[tuple[CodeKind, str], Effect]:
    """Returns what becomes of each class that is known before; what stays as it is, is left out."""
    effects = {}
    for key, name in before.items():
        if key not in after:
            effects[key] = Effect.VANISHED
        elif _major_of(key, before) != _major_of(key, after):
            effects[key] = Effect.MAJOR_CHANGED
        elif name != after[key]:
            effects[key] = Effect.RENAMED
    return effects


def _major_of(key: tuple[CodeKind, str], classes: Classes) -> str:
    """Returns the name of the major class a class stands under, "" when the list does not have it."""
    kind, code = key
    return classes.get((kind, code[:_MAJOR_DIGITS]), "") if len(code) > _MAJOR_DIGITS else ""


def _touched(
    live: Iterable[LiveCases],
    keys: Mapping[str, tuple[CodeKind, str]],
    effects: Mapping[tuple[CodeKind, str], Effect],
    before: Classes,
    after: Classes,
) -> list[AffectedClass]:
    found = []
    for one in live:
        key = keys.get(one.class_key)
        effect = effects.get(key) if key else Effect.UNKNOWN
        if effect is not None:
            names = (before.get(key, ""), after.get(key, "")) if key else ("", "")
            found.append(AffectedClass(effect, one.class_key, one.region, one.case_count, *names, ()))
    order = list(Effect)
    return sorted(found, key=lambda one: (order.index(one.effect), one.class_key, one.region))


def _of(one: AffectedClass, examples: Iterable[LiveCase]) -> Iterator[LiveCase]:
    return (case for case in examples if (case.class_key, case.region) == (one.class_key, one.region))


def _mappings_touched(
    standard_ref: str, mappings: Mapping[str, SheetMapping], before: Classes, after: Classes
) -> Iterator[AffectedMapping]:
    for file, mapping in mappings.items():
        for section in mapping.sections:
            if section.standard_ref == standard_ref:
                for place, kind, code in _codes_written(mapping, section):
                    if (kind, code) not in after:
                        effect = Effect.VANISHED if (kind, code) in before else Effect.UNKNOWN
                        yield AffectedMapping(file, place, code, effect)


def _codes_written(mapping: SheetMapping, section: Section) -> Iterator[tuple[str, CodeKind, str]]:
    """Yields the codes a section can write, each with its place in the file and its kind."""
    kind = section.class_kind.upper()
    for cell in section.cells:
        if cell.field.name != "class_code":
            continue
        for value, entry in mapping.tables.get(cell.table, {}).items():
            if code := entry.get(cell.part, ""):
                yield f'tables.{cell.table}."{value}"', CodeKind[entry.get("kind", kind).upper()], code
        for code in filter(None, (cell.constant, cell.default)):
            yield f"{section.name}.class", CodeKind[kind], code
