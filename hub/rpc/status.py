"""The one table from reasons to gRPC codes, and the rich status every error carries.

Each status has ``google.rpc.ErrorInfo`` (stable reason, domain ``sanji``); when a field is at fault,
``BadRequest`` with its path and the text in English and Chinese; when it is a matter of time, ``RetryInfo``.
"""

from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode

from exchange_db.records import Violation

DOMAIN = "sanji"

_CODES = {
    "CERTIFICATE_UNKNOWN": StatusCode.UNAUTHENTICATED,
    "CERTIFICATE_EXPIRED": StatusCode.UNAUTHENTICATED,
    "TLS_TOO_OLD": StatusCode.UNAUTHENTICATED,
    "PEER_BLOCKED": StatusCode.PERMISSION_DENIED,
    "PEER_WAITING": StatusCode.PERMISSION_DENIED,
    "PEER_ID_MISMATCH": StatusCode.PERMISSION_DENIED,
    "INVITATION_INVALID": StatusCode.PERMISSION_DENIED,
    "ORIGIN_FORBIDDEN": StatusCode.PERMISSION_DENIED,
    "REGION_FORBIDDEN": StatusCode.PERMISSION_DENIED,
    "RIGHT_MISSING": StatusCode.PERMISSION_DENIED,
    "CHECKPOINT_FOREIGN": StatusCode.PERMISSION_DENIED,
    "CHECKPOINT_INCONSISTENT": StatusCode.FAILED_PRECONDITION,
    "CASE_NOT_FOUND": StatusCode.NOT_FOUND,
    "COMPONENT_NOT_FOUND": StatusCode.NOT_FOUND,
    "DOCUMENT_NOT_FOUND": StatusCode.NOT_FOUND,
    "DOCUMENT_UNANSWERABLE": StatusCode.FAILED_PRECONDITION,
    "ROUND_NOT_FOUND": StatusCode.NOT_FOUND,
    "ROUND_CLOSED": StatusCode.FAILED_PRECONDITION,
    "BATCH_UNSIGNED": StatusCode.FAILED_PRECONDITION,
    "BATCH_SIGNATURE_INVALID": StatusCode.FAILED_PRECONDITION,
    "BATCH_SIGNATURE_EXPIRED": StatusCode.FAILED_PRECONDITION,
    "BATCH_KEY_UNKNOWN": StatusCode.FAILED_PRECONDITION,
    "SCHEME_UNKNOWN": StatusCode.NOT_FOUND,
    "RUN_NOT_FOUND": StatusCode.NOT_FOUND,
    "SURVEY_UNKNOWN": StatusCode.NOT_FOUND,
    "SURVEY_CLOSED": StatusCode.FAILED_PRECONDITION,
    "OBJECTION_LATE": StatusCode.FAILED_PRECONDITION,
    "RATE_LIMITED": StatusCode.RESOURCE_EXHAUSTED,
    "RELEASE_NOT_FOUND": StatusCode.NOT_FOUND,
    "CONDITION_UNKNOWN": StatusCode.NOT_FOUND,
    "ATTACHMENT_NOT_FOUND": StatusCode.NOT_FOUND,
    "ATTACHMENT_NOT_FORWARDED": StatusCode.FAILED_PRECONDITION,
    "ATTACHMENT_MISSING": StatusCode.UNAVAILABLE,
    "ATTACHMENT_CORRUPT": StatusCode.UNAVAILABLE,
    "ATTACHMENT_BUSY": StatusCode.UNAVAILABLE,
    "UPLOAD_STALLED": StatusCode.UNAVAILABLE,
    "UPLOADS_UNFINISHED": StatusCode.RESOURCE_EXHAUSTED,
    "STORE_UNAVAILABLE": StatusCode.UNAVAILABLE,
    "CURSOR_AHEAD": StatusCode.OUT_OF_RANGE,
    "STREAM_BUSY": StatusCode.UNAVAILABLE,
    "LINK_PAUSED": StatusCode.UNAVAILABLE,
    "DATABASE_UNAVAILABLE": StatusCode.UNAVAILABLE,
    "INTERNAL": StatusCode.INTERNAL,
}


def code_of(reason: str) -> StatusCode:
    """Returns the gRPC code of a reason; what is not in the table is the caller's mistake."""
    return _CODES.get(reason, StatusCode.INVALID_ARGUMENT)


def status_of(violation: Violation, retry_seconds: int = 0) -> status_pb2.Status:
    """Returns the status that tells a caller what went wrong and what to do; 0 seconds say nothing of when."""
    details = [any_pb2.Any()]
    details[0].Pack(error_details_pb2.ErrorInfo(reason=violation.reason, domain=DOMAIN))
    if violation.field_path:
        bad = error_details_pb2.BadRequest(
            field_violations=[
                error_details_pb2.BadRequest.FieldViolation(
                    field=violation.field_path,
                    description=f"{violation.message} {violation.message_zh}",
                    reason=violation.reason,
                )
            ]
        )
        details.append(any_pb2.Any())
        details[1].Pack(bad)
    if retry_seconds:
        details.append(any_pb2.Any())
        details[-1].Pack(error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=retry_seconds)))
    code: int = code_of(violation.reason).value[0]
    return status_pb2.Status(code=code, message=f"{violation.message} {violation.message_zh}", details=details)
