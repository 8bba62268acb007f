"""The manifest of a release: what is signed, in one form only, and everything that must hold of it by itself.

A release is one version of one standard (kind and name) by one publisher, made of named documents that are known by
their digests. The form is JSON as RFC 8785 has it: UTF-8, keys sorted, no blanks, every field present; bytes in any
other form are refused, so that equal content has one digest. Pure. Called by ``hub.standards`` and the command line.
"""

import hashlib
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal, NoReturn

import msgspec
from msgspec import Meta, Struct

from exchange_db.records import Time, Violated, printable
from exchange_db.regions import PLATFORM_ID, Tier, parse_region, region_of, subtree, tier_of

#: What a signature on a manifest is for.
PURPOSE = "sanji standards release 1"
MAX_MANIFEST_BYTES, MAX_DOCUMENT_BYTES, MAX_DOCUMENTS = 256 * 1024, 32 * 1024 * 1024, 64

Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Version = Annotated[str, Meta(pattern=r"^(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){0,3}\Z")]
VersionOrNone = Annotated[str, Meta(pattern=r"^((0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){0,3})?\Z")]
_encode = msgspec.json.Encoder(order="sorted").encode


class StandardKind(StrEnum):
    """Kinds of standard this software knows; a manifest may carry others, which are kept and passed on."""

    CODE_LIST = "code_list"
    CROSSWALK = "crosswalk"
    FILING_CONDITIONS = "filing_conditions"
    PROBLEM_SOURCES = "problem_sources"
    REGIONS = "regions"
    CALENDAR = "calendar"
    METRICS = "metrics"
    SCORING = "scoring"


class Document(Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a release: ``digest`` is the SHA-256 of its bytes in hex, ``size`` their number."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    digest: Digest
    size: Annotated[int, Meta(ge=1, le=MAX_DOCUMENT_BYTES)]


class Stage(Struct, frozen=True, forbid_unknown_fields=True):
    """From when a release is in force in one region and below it."""

    region_code: Annotated[str, Meta(pattern=r"^[0-9]{6}\Z")]
    effective_time: Time


class Manifest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One release.

    ``supersedes`` is the version this publisher published before under the same kind and name, empty for the first.
    A release that ``withdraws`` a version carries no documents. ``is_extension`` lays the documents over those of a
    higher publisher under the same kind and name instead of standing alone. ``published_time`` is 0 in drafts only.
    """

    form: Literal[1] = 1
    publisher_id: str
    kind: Annotated[str, Meta(pattern=r"^[a-z][a-z_]{0,39}\Z")]
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    version: Version
    supersedes: VersionOrNone = ""
    withdraws: VersionOrNone = ""
    title: Annotated[str, Meta(max_length=200)] = ""
    note: Annotated[str, Meta(max_length=2_000)] = ""
    is_extension: bool = False
    published_time: Time = 0
    effective_time: Time
    stages: Annotated[tuple[Stage, ...], Meta(max_length=4_000)] = ()
    documents: Annotated[tuple[Document, ...], Meta(max_length=MAX_DOCUMENTS)] = ()

    @property
    def publisher_region(self) -> int:
        """Region of the publisher, read off its name."""
        return region_of(self.publisher_id)

    @property
    def key(self) -> tuple[str, str]:
        """Kind and name."""
        return self.kind, self.name


def digest_of(content: bytes) -> str:
    """Returns the SHA-256 of some bytes in hex."""
    return hashlib.sha256(content).hexdigest()


def version_key(version: str) -> tuple[int, ...]:
    """Returns what versions are compared by; ``1.2`` and ``1.2.0`` are equal."""
    numbers = [int(part) for part in version.split(".")] if version else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def next_version(version: str) -> str:
    """Returns the version that follows by its last number."""
    head, dot, last = version.rpartition(".")
    return f"{head}{dot}{int(last) + 1}"


def write_manifest(manifest: Manifest) -> bytes:
    """Returns the one form of a manifest."""
    return _encode(manifest)


def read_manifest(content: bytes, *, is_draft: bool = False) -> Manifest:
    """Reads a manifest and checks all that must hold of it by itself.

    Raises:
        Violated: RELEASE_UNREADABLE, or FIELD_INVALID with the field.
    """
    if len(content) > MAX_MANIFEST_BYTES:
        raise Violated("RELEASE_UNREADABLE", "manifest", f"{len(content)} bytes")
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except msgspec.ValidationError as error:
        told, _, place = str(error).partition(" - at `$")
        raise Violated("RELEASE_UNREADABLE", place.strip("`.") or "manifest", told) from None
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise Violated("RELEASE_UNREADABLE", "manifest", error) from None
    if write_manifest(manifest) != content:
        raise Violated("RELEASE_UNREADABLE", "manifest", "not in the canonical form")
    check_manifest(manifest, is_draft=is_draft)
    return manifest


def check_manifest(manifest: Manifest, *, is_draft: bool = False) -> None:
    """Checks what the types of the fields cannot say.

    Raises:
        Violated: FIELD_INVALID or FIELD_MISSING with the field; RELEASE_FORBIDDEN when a county publishes.
    """
    if not PLATFORM_ID.match(manifest.publisher_id):
        _refuse("publisher_id", manifest.publisher_id)
    if tier_of(manifest.publisher_region) is Tier.COUNTY:
        raise Violated("RELEASE_FORBIDDEN", "publisher_id", manifest.publisher_id)
    for path, text in (("name", manifest.name), ("title", manifest.title)):
        if printable(text) != text or text != text.strip():
            _refuse(path, text)
    if printable(manifest.note.replace("\n", " ")) != manifest.note.replace("\n", " "):
        _refuse("note", manifest.note)
    if manifest.supersedes and version_key(manifest.supersedes) >= version_key(manifest.version):
        _refuse("supersedes", manifest.supersedes)
    if not is_draft and not manifest.published_time:
        raise Violated("FIELD_MISSING", "published_time")
    _check_stages(manifest)
    _check_documents(manifest)


def _check_stages(manifest: Manifest) -> None:
    below = subtree(manifest.publisher_region)
    for number, stage in enumerate(manifest.stages):
        if parse_region(stage.region_code) not in below:
            _refuse(f"stages[{number}].region_code", stage.region_code)
    for number, (one, other) in enumerate(pairwise(manifest.stages)):
        if one.region_code >= other.region_code:
            _refuse(f"stages[{number + 1}].region_code", other.region_code)


def _check_documents(manifest: Manifest) -> None:
    if manifest.withdraws:
        if manifest.documents:
            _refuse("documents", "a withdrawal carries none")
        if not manifest.supersedes or version_key(manifest.withdraws) > version_key(manifest.supersedes):
            _refuse("withdraws", manifest.withdraws)
    elif not manifest.documents:
        raise Violated("FIELD_MISSING", "documents")
    for number, document in enumerate(manifest.documents):
        name = document.name
        if printable(name) != name or name != name.strip() or name.startswith(".") or "/" in name or "\\" in name:
            _refuse(f"documents[{number}].name", name)
    for number, (one, other) in enumerate(pairwise(manifest.documents)):
        if one.name >= other.name:
            _refuse(f"documents[{number + 1}].name", other.name)


def _refuse(path: str, value: str) -> NoReturn:
    raise Violated("FIELD_INVALID", path, value)
