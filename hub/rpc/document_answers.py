"""Documents as the contract has them: questions read, answers written."""

from typing import NamedTuple

from connectors.document_wire import answer_fields, content_fields
from exchange_db.document_records import DocumentKind
from exchange_db.documents import DocumentFilter, DocumentRow
from exchange_db.records import Violated
from exchange_db.regions import Regions, parse_region, subtree
from hub.rpc import paging
from protos.document.v1 import document_pb2
from protos.document.v1 import document_service_pb2 as service


class DocumentPlace(NamedTuple):
    """Where a page of documents begins: the last one shown."""

    first_issued_time: paging.Time
    document_key: paging.Key


def filter_of(request: service.ListDocumentsRequest, seen: Regions) -> DocumentFilter:
    """Returns what a list is narrowed to.

    Raises:
        Violated: ARGUMENT_INVALID; names the field.
    """
    region, kind = None, None
    if request.region_code:
        try:
            region = subtree(parse_region(request.region_code))
        except ValueError:
            raise Violated("ARGUMENT_INVALID", "region_code", request.region_code) from None
    if request.kind:
        try:
            kind = DocumentKind(request.kind)
        except ValueError:
            raise Violated("ARGUMENT_INVALID", "kind", request.kind) from None
    after = paging.read_token(request.page.token, DocumentPlace)
    return DocumentFilter(seen, region, kind, request.is_open, after)


def page_response(rows: list[DocumentRow], size: int) -> service.ListDocumentsResponse:
    """Returns one page of rows of which one more than wanted was asked for."""
    shown = rows[:size]
    has_more = len(rows) > size
    token = paging.write_token((shown[-1].first_issued_time, shown[-1].document_key)) if has_more else ""
    return service.ListDocumentsResponse(documents=map(view_of, shown), next_page_token=token)


def view_of(row: DocumentRow) -> service.DocumentView:
    """Returns a document as the contract shows it."""
    view = service.DocumentView(
        key=document_pb2.DocumentKey(issuer_id=row.issuer_id, document_id=row.document_id),
        content=document_pb2.DocumentContent(**content_fields(row.content)),
        superseded_by_id=row.superseded_by_id,
    )
    if row.answer is not None:
        view.answer.CopyFrom(document_pb2.DocumentAnswer(**answer_fields(row.answer)))
    return view
