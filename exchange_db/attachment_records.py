"""Evidence as cases name it: what it is, its digest, and what is claimed about its bytes.

Shapes follow ``AttachmentRef`` in ``protos/case/v1/case.proto``; ``connectors.attachment_wire`` converts.
"""

from enum import IntEnum
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta, Struct

from exchange_db.regions import region_of

#: Sections that carry evidence, by the number the ledger knows them under (see ``exchange_db.cases.Section``).
SECTION_NUMBERS = {"report": 1, "handling": 3, "verdict": 4}
#: Most attachments one section may name.
MAX_ATTACHMENTS = 50


class AttachmentKind(IntEnum):
    """What a piece of evidence is."""

    BEFORE_NEAR = 1
    BEFORE_FAR = 2
    REFERENCE = 3
    AFTER = 4
    CHECK = 5
    VOICE = 6
    VIDEO = 7
    DOCUMENT = 8


#: A digest is the SHA-256 of the bytes in small hex letters.
Digest = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class AttachmentRef(Struct, frozen=True, array_like=True, gc=False):
    """A piece of evidence that a section of a case names; the bytes travel apart from the case.

    ``captured_time`` is in microseconds since 1970, 0 when not known.
    """

    section: Literal["report", "handling", "verdict"]
    kind: AttachmentKind
    digest: Digest
    size_bytes: Annotated[int, Meta(ge=1, le=1_000_000_000_000)]
    media_type: Annotated[str, Meta(min_length=1, max_length=100)]
    captured_time: Annotated[int, Meta(ge=0, le=7_258_118_400_000_000)] = 0


class NamedFile(NamedTuple):
    """What a section of a case or document says about bytes; ``section`` is the number the ledger knows it under."""

    section: int
    kind: AttachmentKind
    digest: str
    size_bytes: int
    media_type: str
    captured_time: int = 0


class EvidenceRule(NamedTuple):
    """Evidence of one kind (``None``: of every kind) and a neighbour: ``parent``, ``child`` or a name."""

    neighbour: str
    kind: AttachmentKind | None


def parse_rule(text: str) -> EvidenceRule:
    """Reads a rule of the form ``child:*`` or ``430000.hub:video``.

    Raises:
        ValueError: it has another form, or there is no such kind.
    """
    neighbour, _, kind = text.partition(":")
    if neighbour not in ("parent", "child"):
        region_of(neighbour)
    if kind == "*":
        return EvidenceRule(neighbour, None)
    try:
        return EvidenceRule(neighbour, AttachmentKind[kind.upper()])
    except KeyError:
        kinds = ", ".join(name.lower() for name in AttachmentKind.__members__)
        raise ValueError(f"{text!r} is no <neighbour>:<kind>; the kinds are {kinds} and *") from None


class Offer(NamedTuple):
    """What somebody is about to hand in, and as evidence of which case.

    ``digest`` is 64 hex digits; whoever makes an offer has checked its fields.
    """

    digest: str
    size_bytes: int
    media_type: str
    kind: AttachmentKind
    issuer_id: str
    case_no: str
