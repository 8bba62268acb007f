"""The report of a run: what it says, its signed form, and proving that it was not altered.

The file is JSON: the report as anybody can read it, a signature, and the signer's certificates. What is signed is the
report written with sorted keys, no blanks and UTF-8, after a line that names the purpose: somebody without this program
can do the same. It holds no fractions.
"""

import base64
import binascii
import hashlib
import json
from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct

from auth.signatures import Signed, sign, signer_of, signer_unproved
from conformance.checks import Face, Finding, Verdict
from conformance.running import Cleared
from exchange_db.records import Violated
from protos.case.v1 import case_pb2
from protos.exchange.v1 import exchange_service_pb2, parcel_pb2, receipt_pb2
from protos.federation.v1 import federation_service_pb2

#: What a signature is for, and the form of the report.
PURPOSE: Final = "sanji conformance report 1"
_CONTRACT = (
    case_pb2.DESCRIPTOR,
    exchange_service_pb2.DESCRIPTOR,
    parcel_pb2.DESCRIPTOR,
    receipt_pb2.DESCRIPTOR,
    federation_service_pb2.DESCRIPTOR,
)


class Run(NamedTuple):
    """Who tested whom.

    ``subject_id`` is the side under test, ``caller_id`` whose certificate the kit used; times are aware.
    """

    face: Face
    subject_id: str
    address: str
    caller_id: str
    run: str
    prefix: str
    region_code: str
    begin_time: datetime
    end_time: datetime


class Report(Struct, frozen=True, kw_only=True):
    """Everything a run found. Times are ISO 8601 in UTC; ``counts`` is checks by verdict."""

    kind: str
    face: str
    subject_id: str
    address: str
    caller_id: str
    run: str
    prefix: str
    region_code: str
    begin_time: str
    end_time: str
    kit_version: str
    contract_digest: str
    is_passed: bool
    counts: dict[str, int]
    voided_cases: int
    ended_cases: int
    open_cases: tuple[str, ...]
    findings: tuple[Finding, ...]


class Verified(NamedTuple):
    """A report that is as it was signed; ``is_trusted`` when the signer belongs to an authority that was given."""

    report: Report
    signer_id: str
    is_trusted: bool


class _File(Struct, frozen=True):
    report: dict[str, Any]
    signature: str
    certificates: str


def contract_digest() -> str:
    """Returns the SHA-256 of the contract this kit speaks, in hex."""
    return hashlib.sha256(b"".join(item.serialized_pb for item in _CONTRACT)).hexdigest()


def report_of(run: Run, findings: list[Finding], cleared: Cleared) -> Report:
    """Puts a report together; it is passed when nothing failed and something was tried."""
    counts = Counter(finding.verdict for finding in findings)
    return Report(
        kind=PURPOSE,
        face=run.face,
        subject_id=run.subject_id,
        address=run.address,
        caller_id=run.caller_id,
        run=run.run,
        prefix=run.prefix,
        region_code=run.region_code,
        begin_time=f"{run.begin_time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        end_time=f"{run.end_time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        kit_version=version("sanji"),
        contract_digest=contract_digest(),
        is_passed=not counts[Verdict.FAILED] and bool(counts[Verdict.PASSED]),
        counts={str(verdict): counts[verdict] for verdict in Verdict},
        voided_cases=cleared.voided,
        ended_cases=cleared.ended,
        open_cases=cleared.left,
        findings=tuple(findings),
    )


def write_report(report: Report, certificates: bytes, key: bytes) -> bytes:
    """Returns the signed file.

    Raises:
        ValueError: certificate or key cannot be used for signing.
    """
    values = msgspec.to_builtins(report)
    signed = sign(PURPOSE, _canonical(values), certificates, key)
    file = _File(values, base64.b64encode(signed.signature).decode(), signed.certificates.decode())
    text = json.dumps(msgspec.to_builtins(file), ensure_ascii=False, indent=2)
    return f"{text}\n".encode()


def require_signing(certificates: bytes, key: bytes) -> None:
    """Tries whether a report could be signed, before anything is tested.

    Raises:
        ValueError: certificate or key cannot be used for signing.
    """
    sign(PURPOSE, b"", certificates, key)


def verify_report(content: bytes, authorities: bytes = b"") -> Verified:
    """Reads a signed report and proves that it is as it was signed.

    Args:
        content: the file, from anywhere.
        authorities: PEM of the federation's authorities; without them it is not asked whose the signer is.

    Raises:
        Violated: SIGNATURE_INVALID with what is wrong, or PEER_ID_MISMATCH when the signer's certificate names nobody.
    """
    try:
        file = msgspec.json.decode(content, type=_File)
        report = msgspec.convert(file.report, Report)
        moment = datetime.fromisoformat(report.end_time)
        signature = base64.b64decode(file.signature, validate=True)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, binascii.Error) as error:
        raise Violated("SIGNATURE_INVALID", "report", error) from None
    signed = Signed(_canonical(file.report), signature, file.certificates.encode())
    if report.kind != PURPOSE or moment.tzinfo is None:
        raise Violated("SIGNATURE_INVALID", "report.kind", report.kind)
    if authorities:
        return Verified(report, signer_of(PURPOSE, signed, authorities, moment), is_trusted=True)
    return Verified(report, signer_unproved(PURPOSE, signed), is_trusted=False)


def _canonical(values: dict[str, Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
