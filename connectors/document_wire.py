"""Documents on the wire: read from messages and written into them, and what they must keep beside types and lengths.

Called by ``connectors.wire`` for parcels and by whoever gives documents out.
"""

from collections.abc import Iterable, Sized
from typing import Any

from msgspec.structs import replace

from connectors.fields import FieldReader, check_platform, check_region
from exchange_db.document_records import (
    ANSWER,
    CONTENT,
    LETTERS,
    MAX_FILES,
    MAX_SUBJECTS,
    AnswerState,
    Document,
    DocumentAnswer,
    DocumentContent,
    DocumentFile,
    FigureRef,
    SubjectCase,
)
from exchange_db.records import Violated
from exchange_db.regions import region_of, subtree
from protos.document.v1 import document_pb2

_CONTENT = FieldReader(DocumentContent, "document.content")
_ANSWER = FieldReader(DocumentAnswer, "document.answer")
_CASE = FieldReader(SubjectCase, "document.content.cases")
_FIGURE = FieldReader(FigureRef, "document.content.figures")
_FILES = {name: FieldReader(DocumentFile, f"document.{name}.files") for name in ("content", "answer")}
_LONGEST_ID = 50


def read_document(message: document_pb2.Document) -> Document:
    """Reads one section of a document.

    Raises:
        Violated: a field does not keep the contract; names it.
    """
    issuer_id, document_id = message.key.issuer_id, message.key.document_id
    check_platform(issuer_id, "document.key.issuer_id")
    _check_id(document_id, "document.key.document_id")
    if not document_id:
        raise Violated("FIELD_MISSING", "document.key.document_id")
    section = message.WhichOneof("section")
    if section is None:
        raise Violated("RECORD_MISSING", "document")
    if section == "answer":
        return Document(issuer_id, document_id, answer=read_answer(message.answer))
    content = _read_content(message.content)
    if content.kind in LETTERS and region_of(content.addressee_id) not in subtree(region_of(issuer_id)):
        raise Violated("ADDRESSEE_FORBIDDEN", "document.content.addressee_id", content.addressee_id)
    return Document(issuer_id, document_id, content=content)


def _read_content(message: document_pb2.DocumentContent) -> DocumentContent:
    content: DocumentContent = _CONTENT.read(message)
    check_region(content.region_code, "document.content.region_code")
    _check_id(content.supersedes_id, "document.content.supersedes_id")
    if content.addressee_id:
        check_platform(content.addressee_id, "document.content.addressee_id")
    elif content.kind in LETTERS:
        raise Violated("FIELD_MISSING", "document.content.addressee_id")
    _check_count(message.cases, MAX_SUBJECTS, "document.content.cases")
    _check_count(message.figures, MAX_SUBJECTS, "document.content.figures")
    cases: tuple[SubjectCase, ...] = tuple(map(_CASE.read, message.cases))
    for case in cases:
        check_platform(case.issuer_id, "document.content.cases.issuer_id")
    figures: tuple[FigureRef, ...] = tuple(map(_FIGURE.read, message.figures))
    for figure in figures:
        check_region(figure.region_code, "document.content.figures.region_code")
    return replace(content, cases=cases, figures=figures, files=_read_files(message.files, "content"))


def read_answer(message: document_pb2.DocumentAnswer) -> DocumentAnswer:
    """Reads an answer.

    Raises:
        Violated: a field does not keep the contract.
    """
    answer: DocumentAnswer = _ANSWER.read(message)
    check_platform(answer.answerer_id, "document.answer.answerer_id")
    if not answer.text and answer.state is not AnswerState.RECEIVED:
        raise Violated("FIELD_MISSING", "document.answer.text")
    return replace(answer, files=_read_files(message.files, "answer"))


def _read_files(messages: Any, section: str) -> tuple[DocumentFile, ...]:
    _check_count(messages, MAX_FILES, f"document.{section}.files")
    return tuple(map(_FILES[section].read, messages))


def _check_id(document_id: str, path: str) -> None:
    if len(document_id) > _LONGEST_ID:
        raise Violated("FIELD_INVALID", path, document_id)
    if not document_id.isprintable():
        raise Violated("TEXT_INVALID", path)


def _check_count(items: Sized, most: int, path: str) -> None:
    if len(items) > most:
        raise Violated("FIELD_INVALID", path, f"{len(items)} > {most}")


def document_fields(document: Document) -> dict[str, Any]:
    """Returns what the message of a document is made of."""
    fields: dict[str, Any] = {"key": {"issuer_id": document.issuer_id, "document_id": document.document_id}}
    if document.content is not None:
        fields["content"] = content_fields(document.content)
    if document.answer is not None:
        fields["answer"] = answer_fields(document.answer)
    return fields


def content_fields(content: DocumentContent) -> dict[str, Any]:
    """Returns what the message of a content is made of."""
    return {
        **_CONTENT.written(content),
        "cases": [_CASE.written(case) for case in content.cases],
        "figures": [_FIGURE.written(figure) for figure in content.figures],
        "files": _written_files(content.files, "content"),
    }


def answer_fields(answer: DocumentAnswer) -> dict[str, Any]:
    """Returns what the message of an answer is made of."""
    return {**_ANSWER.written(answer), "files": _written_files(answer.files, "answer")}


def _written_files(files: Iterable[DocumentFile], section: str) -> list[dict[str, Any]]:
    return [_FILES[section].written(file) for file in files]


def files_of(document: Document) -> tuple[int, tuple[DocumentFile, ...]]:
    """Returns the number of the section a record carries, and its files."""
    if document.content is not None:
        return CONTENT, document.content.files
    return ANSWER, document.answer.files if document.answer is not None else ()
