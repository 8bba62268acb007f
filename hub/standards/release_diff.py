"""What differs between two releases of one standard: classes of a code list by meaning, all else by document.

Called by the console.
"""

from typing import NamedTuple

from exchange_db.records import CodeKind
from exchange_db.session import ReadSession
from hub.standards import archive
from hub.standards.codes import Standard
from hub.standards.impact import Classes, effects_of, read_classes
from hub.standards.manifest import Manifest, StandardKind
from hub.standards.shipped import shipped_catalogue

_ADDED = "added"


class ChangedClass(NamedTuple):
    """A class that differs; ``effect`` is a word of ``hub.standards.impact.Effect`` or ``added``."""

    effect: str
    kind: CodeKind
    code: str
    name_before: str
    name_after: str


class ReleaseDiff(NamedTuple):
    """Everything that differs; documents by name, with ``added``, ``removed`` or ``changed``."""

    documents: tuple[tuple[str, str], ...]
    classes: tuple[ChangedClass, ...]


async def diff_of(session: ReadSession, before: Manifest, after: Manifest) -> ReleaseDiff:
    """Returns what differs from one release to another of the same kind.

    Raises:
        Violated: RELEASE_DAMAGED or RELEASE_INVALID, a document cannot be read.
    """
    documents = _documents(before, after)
    if after.kind != StandardKind.CODE_LIST:
        return ReleaseDiff(documents, ())
    first, second = await _classes(session, before), await _classes(session, after)
    effects = effects_of(first, second)
    changed = [ChangedClass(effect, *key, first[key], second.get(key, "")) for key, effect in effects.items()]
    changed += [ChangedClass(_ADDED, *key, "", name) for key, name in second.items() if key not in first]
    return ReleaseDiff(documents, tuple(sorted(changed, key=lambda one: (one.kind, one.code))))


async def _classes(session: ReadSession, manifest: Manifest) -> Classes:
    standard = shipped_catalogue().standards.get(manifest.name) or Standard(manifest.name, "", 0)
    found: Classes = {}
    for name, content in (await archive.documents_of(session, manifest)).items():
        found |= read_classes(standard, name, content)
    return found


def _documents(before: Manifest, after: Manifest) -> tuple[tuple[str, str], ...]:
    first = {document.name: document.digest for document in before.documents}
    second = {document.name: document.digest for document in after.documents}
    found = [(name, "removed") for name in first.keys() - second.keys()]
    found += [(name, _ADDED) for name in second.keys() - first.keys()]
    found += [(name, "changed") for name in first.keys() & second.keys() if first[name] != second[name]]
    return tuple(sorted(found))
