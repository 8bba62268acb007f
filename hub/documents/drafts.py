"""What a document is made of before it has an id and a number."""

from msgspec import Struct

from exchange_db.document_records import DocumentFile, DocumentKind, FigureRef, SubjectCase


class Draft(Struct, frozen=True, kw_only=True):
    """A document to be issued.

    Args:
        kind: what it is.
        title: up to 100 characters.
        region: region it is about, as a number.
        addressee_id: hub or platform it is for; "" for everybody in the region and below (not for letters).
        unit_code, unit_name: the unit there.
        text: plain, up to 4,000 characters.
        deadline_time: by when it is to be answered, microseconds since 1970; 0 for no answer.
        supersedes_id: id of an earlier document of this hub that it replaces.
        number: number for people; "" for the next one of the series.
        cases, figures: what it is about.
        files: what ``DocumentDesk.keep_file`` returned.
    """

    kind: DocumentKind
    title: str
    region: int
    addressee_id: str = ""
    unit_code: str = ""
    unit_name: str = ""
    text: str = ""
    deadline_time: int = 0
    supersedes_id: str = ""
    number: str = ""
    cases: tuple[SubjectCase, ...] = ()
    figures: tuple[FigureRef, ...] = ()
    files: tuple[DocumentFile, ...] = ()
