"""Documents between platforms and the answers to them, as frozen structs with their limits.

Shapes follow ``protos/document``; ``connectors.document_wire`` converts. ``exchange_db.records`` has the other records.
Times are microseconds since 1970-01-01T00:00:00Z, 0 for none. Each of the two sections has one owner, who writes it
whole: the issuer the content, the addressee the answer.
"""

from enum import IntEnum
from typing import Annotated

from msgspec import Meta, Struct

from exchange_db.attachment_records import Digest

_Text40 = Annotated[str, Meta(max_length=40)]
_Text60 = Annotated[str, Meta(max_length=60)]
_Text100 = Annotated[str, Meta(max_length=100)]
_Text4000 = Annotated[str, Meta(max_length=4000)]
_Revision = Annotated[int, Meta(ge=1, le=2_147_483_647)]
_Time = Annotated[int, Meta(ge=0, le=7_258_118_400_000_000)]
_KnownTime = Annotated[int, Meta(ge=631_152_000_000_000, le=7_258_118_400_000_000)]
_PlatformId = Annotated[str, Meta(min_length=8, max_length=64)]

#: An id, with what ``case_no`` puts before it, fits where a case number stands.
DocumentId = Annotated[str, Meta(min_length=1, max_length=50)]
MAX_FILES = 10
MAX_SUBJECTS = 200
#: Sections by the number files of theirs are known under, beside those of cases (``attachment_records``).
CONTENT, ANSWER = 5, 6


class DocumentKind(IntEnum):
    """What a document is (交办函, 督办函, 重点督办函, 通报, 考评结果, 环比分析, 查岗); the numbers are stored."""

    ASSIGNMENT_LETTER = 1
    SUPERVISION_LETTER = 2
    SPECIAL_LETTER = 3
    BULLETIN = 4
    RESULT_SHEET = 5
    BOOKLET = 6
    DUTY_CALL = 7


#: Kinds that ask one addressee below the issuer for something.
LETTERS = frozenset(
    {
        DocumentKind.ASSIGNMENT_LETTER,
        DocumentKind.SUPERVISION_LETTER,
        DocumentKind.SPECIAL_LETTER,
        DocumentKind.DUTY_CALL,
    }
)


class AnswerState(IntEnum):
    """What the addressee says (签收, 已回复, 退回); the numbers are stored."""

    RECEIVED = 1
    ANSWERED = 2
    RETURNED = 3


class SubjectCase(Struct, frozen=True, array_like=True, gc=False):
    """A case a document is about."""

    issuer_id: _PlatformId
    case_no: Annotated[str, Meta(min_length=1, max_length=64)]


class FigureRef(Struct, frozen=True, array_like=True, gc=False):
    """A figure a document is about; ``period`` as the figure names it."""

    metric_id: Annotated[str, Meta(min_length=1, max_length=60)]
    period: Annotated[str, Meta(min_length=1, max_length=40)]
    region_code: str


class DocumentFile(Struct, frozen=True, array_like=True, gc=False):
    """A file of a document; its bytes travel apart, known by their SHA-256."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    digest: Digest
    size_bytes: Annotated[int, Meta(ge=1, le=1_000_000_000_000)]
    media_type: Annotated[str, Meta(min_length=1, max_length=100)]


class DocumentContent(Struct, frozen=True, array_like=True, gc=False):
    """What the issuer says. ``addressee_id`` "" stands for everybody in the region and below."""

    revision: _Revision
    kind: DocumentKind
    title: Annotated[str, Meta(min_length=1, max_length=100)]
    region_code: str
    issued_time: _KnownTime
    number: _Text60 = ""
    addressee_id: Annotated[str, Meta(max_length=64)] = ""
    unit_code: _Text40 = ""
    unit_name: _Text100 = ""
    deadline_time: _Time = 0
    text: _Text4000 = ""
    supersedes_id: Annotated[str, Meta(max_length=50)] = ""
    is_withdrawn: bool = False
    cases: tuple[SubjectCase, ...] = ()
    figures: tuple[FigureRef, ...] = ()
    files: tuple[DocumentFile, ...] = ()


class DocumentAnswer(Struct, frozen=True, array_like=True, gc=False):
    """What the addressee says."""

    revision: _Revision
    answerer_id: _PlatformId
    state: AnswerState
    answered_time: _KnownTime
    text: _Text4000 = ""
    files: tuple[DocumentFile, ...] = ()


class Document(Struct, frozen=True, gc=False):
    """One section of a document; exactly one of the two is there in a parcel."""

    issuer_id: str
    document_id: str
    content: DocumentContent | None = None
    answer: DocumentAnswer | None = None


_NUMBER = "document/"


def case_no(document_id: str) -> str:
    """Returns the number that files of a document are handed in under."""
    return f"{_NUMBER}{document_id}"


def document_id_in(number: str) -> str:
    """Returns the id of the document a number of files stands for; "" when it stands for a case."""
    return number.removeprefix(_NUMBER) if number.startswith(_NUMBER) else ""
