"""DocumentService: takes the principal, hands on, answers.

An answer given here enters the log as a parcel of the caller, by the same check as every other one.
"""

from typing import Any
from uuid import uuid4

from google.protobuf.message import Message

from auth.permissions import visible_regions
from connectors.document_wire import read_document
from connectors.veiling import cover
from connectors.wire import write_parcel
from exchange_db import documents, inbox
from exchange_db.records import Violated
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.documents.desk import refused, require_answerable
from hub.intake.desk import IntakeDesk
from hub.rpc import document_answers, paging
from hub.rpc.calls import principal_of
from hub.veil import Veil
from protos.document.v1 import document_pb2
from protos.document.v1 import document_service_pb2 as service
from protos.document.v1 import document_service_pb2_grpc as service_grpc

_STREAM = "document-answers"


class DocumentServicer(service_grpc.DocumentServiceServicer):
    """Serves the contract of documents.

    Args:
        ledger: the hub's database.
        desk: takes answers in.
        hub_region: region of this hub.
        clock: the hub's clock.
        veil: what neighbours above are shown.
    """

    def __init__(self, ledger: Ledger, desk: IntakeDesk, hub_region: int, clock: Clock, veil: Veil) -> None:
        self._ledger = ledger
        self._desk = desk
        self._hub_region = hub_region
        self._clock = clock
        self._veil = veil

    async def ListDocuments(self, request: service.ListDocumentsRequest, context: Any) -> service.ListDocumentsResponse:
        """Gives one page of a list."""
        size = paging.read_size(request.page.size)
        wanted = document_answers.filter_of(request, visible_regions(principal_of(context), self._hub_region))
        async with self._ledger.read() as session:
            rows = await documents.listing(session, wanted, size + 1)
        response = document_answers.page_response(rows, size)
        self._cover(response)
        return response

    async def GetDocument(self, request: service.GetDocumentRequest, context: Any) -> service.GetDocumentResponse:
        """Gives one document."""
        row = await self._find(request.key)
        response = service.GetDocumentResponse(document=document_answers.view_of(row))
        self._cover(response)
        return response

    async def AnswerDocument(
        self, request: service.AnswerDocumentRequest, context: Any
    ) -> service.AnswerDocumentResponse:
        """Takes an answer."""
        caller = principal_of(context)
        row = await self._find(request.key)
        require_answerable(row, caller.peer_id)
        answer = document_pb2.DocumentAnswer()
        answer.CopyFrom(request.answer)
        answer.answerer_id = caller.peer_id
        answer.revision = answer.revision or (row.answer.revision if row.answer else 0) + 1
        answer.answered_time = answer.answered_time or self._clock()
        document = read_document(document_pb2.Document(key=request.key, answer=answer))
        payload = write_parcel(uuid4(), caller.peer_id, self._clock(), document)
        async with self._ledger.watching() as connection:
            stream = await inbox.open_stream(connection, caller.peer_id, _STREAM)
        receipt = await self._desk.take(caller, stream.stream_id, 0, [payload])
        if receipt.answer.is_blocked:
            raise Violated("PEER_BLOCKED")
        for violation in receipt.answer.violations.values():
            raise refused(violation)
        return service.AnswerDocumentResponse(revision=answer.revision, accepted_time=receipt.accepted_time)

    def _cover(self, message: Message) -> None:
        if self._veil.is_over(principal_of().peer_id):
            cover(message, self._veil.mask, "document")

    async def _find(self, key: document_pb2.DocumentKey) -> documents.DocumentRow:
        visible = visible_regions(principal_of(), self._hub_region)
        name = f"{key.issuer_id}/{key.document_id}"
        try:
            async with self._ledger.read() as session:
                row = await documents.find(session, key.issuer_id, key.document_id, visible)
        except ValueError:
            raise Violated("PLATFORM_ID_INVALID", "key.issuer_id", key.issuer_id) from None
        if row is None:
            raise Violated("DOCUMENT_NOT_FOUND", "key", name)
        return row
