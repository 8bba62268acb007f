"""Hubs that break the contract in one place each; ``BROKEN`` names the checks that must find it."""

from collections.abc import Sequence
from typing import Any

import msgspec

from exchange_db.cases import CaseRow
from exchange_db.facts import facts_of
from exchange_db.keys import case_key
from exchange_db.records import Case, Violated, Violation
from hub.apply.lifecycle import Folded, fold
from hub.rpc.status import status_of
from protos.case.v1 import case_pb2
from protos.exchange.v1 import exchange_service_pb2 as exchange
from protos.exchange.v1 import parcel_pb2, receipt_pb2
from tests.support.builders import an_action
from tests.support.sound_hub import SoundHub, Taken, is_message

_REFUSED = receipt_pb2.OUTCOME_REFUSED
#: Something that makes a record count as one that took effect.
_SOME = (an_action(),)


class AnswersRepeatsAsNew(SoundHub):
    """Acknowledges the same message twice with different answers."""

    def known(self, before: Taken, payload: bytes) -> Taken:
        return super().known(before, payload)._replace(outcome=receipt_pb2.OUTCOME_DURABLE)


class AppliesRepeatsTwice(SoundHub):
    """Answers rightly, but a repeat takes effect again."""

    def known(self, before: Taken, payload: bytes) -> Taken:
        if before.payload == payload:
            sent = parcel_pb2.Parcel.FromString(payload).case
            self.keep_actions(self.cases[case_key(sent.key.issuer_id, sent.key.case_no)], sent)
        return super().known(before, payload)

    def keep_actions(self, kept: case_pb2.Case, sent: case_pb2.Case) -> None:
        kept.actions.extend(sent.actions)


class LosesOrder(SoundHub):
    """Applies the records of a batch from its end."""

    def take_all(self, sender: str, taken: list[Taken], first: int, payloads: Sequence[bytes]) -> list[Taken]:
        if first <= len(taken):
            return super().take_all(sender, taken, first, payloads)
        taken += reversed([self.take(sender, payload) for payload in reversed(payloads)])
        return taken[-len(payloads) :]


class AcceptsLowerRevisions(SoundHub):
    """Lets whatever came last hold."""

    def fold(self, before: CaseRow | None, case_id: bytes, case: Case, origin_id: str) -> Folded:
        if before is not None and case.report is not None:
            before = msgspec.structs.replace(before, report_revision=0)
        return super().fold(before, case_id, case, origin_id)


class AcceptsIllegalSteps(SoundHub):
    """Takes any state after any other."""

    def fold(self, before: CaseRow | None, case_id: bytes, case: Case, origin_id: str) -> Folded:
        try:
            return super().fold(before, case_id, case, origin_id)
        except Violated as violated:
            if before is None or violated.violation.reason not in {"TRANSITION_FORBIDDEN", "CASE_FINAL"}:
                raise
            return Folded(before, (), case.actions or _SOME)


class LetsAnybodyWrite(SoundHub):
    """Does not ask who owns a section."""

    def fold(self, before: CaseRow | None, case_id: bytes, case: Case, origin_id: str) -> Folded:
        try:
            return super().fold(before, case_id, case, origin_id)
        except Violated as violated:
            if violated.violation.reason != "SECTION_FORBIDDEN":
                raise
            opened = before or CaseRow(431221, case_id, case.issuer_id, case.case_no, state=1)
            return Folded(opened, (), case.actions or _SOME)


class ForgetsGuards(SoundHub):
    """Knows the states, but not what a step must bring along."""

    def fold(self, before: CaseRow | None, case_id: bytes, case: Case, origin_id: str) -> Folded:
        return fold(before, case_id, facts_of(case, origin_id), 1)


class RefusesWithoutField(SoundHub):
    """Says why, but not where."""

    def told(self, violation: Violation) -> dict[str, str]:
        return super().told(violation) | {"field_path": ""}


class RefusesInEnglish(SoundHub):
    """Explains itself in one language."""

    def told(self, violation: Violation) -> dict[str, str]:
        return super().told(violation) | {"message_zh": violation.message}


class SinksBatches(SoundHub):
    """Refuses a whole batch for one bad record."""

    def take_all(self, sender: str, taken: list[Taken], first: int, payloads: Sequence[bytes]) -> list[Taken]:
        if first > len(taken) and not all(self.check(sender, payload) is None for payload in payloads):
            faults = [fault for payload in payloads if (fault := self.check(sender, payload)) is not None]
            taken += [Taken(payload, _REFUSED, faults[0]) for payload in payloads]
            return taken[-len(payloads) :]
        return super().take_all(sender, taken, first, payloads)


class MiscountsReceipts(SoundHub):
    """Is one off in the numbers of its business receipts."""

    def receipt(self, sequence: int, taken: Taken) -> receipt_pb2.Receipt:
        return super().receipt(max(sequence - 1, 0), taken)


class MiscountsVerdicts(SoundHub):
    """Counts verdicts from the beginning of the batch, from 0."""

    def take_batch(self, sender: str, taken: list[Taken], batch: parcel_pb2.Batch) -> exchange.BatchVerdict:
        verdict = super().take_batch(sender, taken, batch)
        for item in verdict.verdicts:
            item.sequence -= batch.first_sequence
        return verdict


class SettlesWithGaps(SoundHub):
    """Leaves a number out of its receipts."""

    def receipts(self, taken: list[Taken], after: int) -> exchange.ReceiptRange:
        found = super().receipts(taken, after)
        found.first_sequence = min(found.first_sequence + 1, found.last_sequence)
        return found


class TakesLongTexts(SoundHub):
    """Has no limit for a description."""

    def take(self, sender: str, payload: bytes) -> Taken:
        if is_message(payload) and 4_000 < len(parcel_pb2.Parcel.FromString(payload).case.report.description) < 9_999:
            return Taken(payload, receipt_pb2.OUTCOME_DURABLE, Violation("", "", "", ""))
        return super().take(sender, payload)


class RefusesNewFields(SoundHub):
    """Drops a record that has a field it does not know."""

    def check(self, sender: str, payload: bytes) -> Violation | None:
        if b"\xd2\x05\x03new" in payload and b"case" not in payload and is_message(payload):
            parcel = parcel_pb2.Parcel.FromString(payload)
            if parcel.HasField("case"):
                return Violated("UNREADABLE").violation
        return super().check(sender, payload)


class EndsWithWrongCodes(SoundHub):
    """Ends every call that is at fault as if it were its own fault."""

    async def refuse(self, context: Any, violated: Violated) -> None:
        status = status_of(Violated("INTERNAL", value="7").violation)
        assert status.details
        from grpc_status import rpc_status

        await context.abort_with_status(rpc_status.to_status(status))


class LetsEverybodyIn(SoundHub):
    """Asks nobody for a certificate, so that an expired one does as well."""

    asks_for_certificates = False

    async def caller(self, context: Any) -> str:
        return "431221.platform"


class BelievesTheAuthority(SoundHub):
    """Lets in whomever the authority has certified, registered or not."""

    def is_registered(self, certificate: bytes) -> bool:
        return True


class SwallowsGaps(SoundHub):
    """Takes what comes behind a gap."""

    def take_batch(self, sender: str, taken: list[Taken], batch: parcel_pb2.Batch) -> exchange.BatchVerdict:
        first, batch.first_sequence = batch.first_sequence, min(batch.first_sequence, len(taken) + 1)
        verdict = super().take_batch(sender, taken, batch)
        verdict.first_sequence = first
        return verdict


class ReusesNumbers(SoundHub):
    """Takes other bytes under a number that was used as a repeat."""

    def repeated(self, before: Taken, payload: bytes) -> Taken:
        return super().repeated(before, before.payload)


class ReusesMessageIds(SoundHub):
    """Takes a message id for the message, whatever it carries."""

    def known(self, before: Taken, payload: bytes) -> Taken:
        return super().known(before, before.payload)


class TakesSmallMessages(SoundHub):
    """Takes a quarter of what the contract allows."""

    max_bytes = 1024 * 1024


class DemandsWithoutLooking(SoundHub):
    """Says that batches must be signed, and looks at no signature."""

    def require_signed(self, sender: str, stream: str, batch: parcel_pb2.Batch) -> None:
        return


class WritesParcelsAnew(SoundHub):
    """Passes on what it has understood, not what came."""

    def given(self, payload: bytes) -> bytes:
        parcel = parcel_pb2.Parcel.FromString(payload)
        parcel.DiscardUnknownFields()
        return parcel.SerializeToString(deterministic=True)


class ForgetsWords(SoundHub):
    """Keeps half of a description."""

    def apply(self, payload: bytes, case: Any, origin_id: str) -> tuple[receipt_pb2.BusinessState.ValueType, Violation]:
        parcel = parcel_pb2.Parcel.FromString(payload)
        parcel.case.report.grid_code = ""
        has_report = case.report is not None
        return super().apply(parcel.SerializeToString() if has_report else payload, case, origin_id)


class ForgetsToStop(SoundHub):
    """Never ends a call for a batch beyond the limits."""

    async def Push(self, request_iterator: Any, context: Any) -> None:  # type: ignore[override]
        try:
            await super()._push(await self.caller(context), context)
        except Violated as violated:
            if violated.violation.reason != "BATCH_TOO_LARGE":
                await self.refuse(context, violated)


_FIELDS = {"contract.required-place", "contract.enum-crs", "contract.long-description", "dirty.no-crs"}
_NUMBERS = {"receipts.numbers", "idempotency.number-reused"}
_STATES = {"steps.undispatched", "steps.step-back", "steps.unchecked", "steps.final", "receipts.held-and-on"}
_OWNERS = {"steps.foreign-report", "steps.foreign-assignment", "steps.foreign-handling", "steps.foreign-action"}
_GUARDS = {"steps.dispute", "steps.suspension", "steps.extension", "steps.confirmed-early"}
_STRANGERS = {"certificates.unregistered", "certificates.other-name"}
_SIZES = {"contract.batch-2001", "contract.batch-empty"}
_CODES = {
    "contract.sequence-zero", "contract.stream-name", "contract.not-opened", "contract.request-id",
    "contract.wait-limit", "contract.unknown-case", "ordering.cursor-ahead",
}  # fmt: skip

#: Each broken peer and the checks that find it: all of them, of those that are made of every peer or named here.
BROKEN: dict[type[SoundHub], set[str]] = {
    AnswersRepeatsAsNew: {"idempotency.same-message", "idempotency.other-stream", "receipts.waiting"},
    AppliesRepeatsTwice: {"idempotency.one-effect"},
    LosesOrder: {"ordering.story", "receipts.business"},
    AcceptsLowerRevisions: {"ordering.lower-revision", "ordering.same-revision", "receipts.business"},
    AcceptsIllegalSteps: _STATES,
    LetsAnybodyWrite: _OWNERS | {"receipts.business"},
    ForgetsGuards: _GUARDS,
    RefusesWithoutField: _FIELDS | _OWNERS | _STATES | {"receipts.business"},
    RefusesInEnglish: {"contract.required-place", "dirty.no-crs", "receipts.business"},
    SinksBatches: {"receipts.one-bad", "receipts.numbers"},
    MiscountsReceipts: {"receipts.business"},
    MiscountsVerdicts: _FIELDS | _NUMBERS,
    SettlesWithGaps: {"receipts.business", "receipts.receipts-after"},
    TakesLongTexts: {"contract.long-description"},
    RefusesNewFields: {"contract.unknown-field", "ordering.pulled"},
    EndsWithWrongCodes: _CODES | _SIZES | _STRANGERS,
    ForgetsToStop: _SIZES,
    LetsEverybodyIn: _STRANGERS | {"certificates.expired", "certificates.none", "certificates.stranger"},
    BelievesTheAuthority: _STRANGERS,
    SwallowsGaps: {"ordering.gap"},
    ReusesNumbers: {"idempotency.number-reused"},
    ReusesMessageIds: {"idempotency.id-reused"},
    TakesSmallMessages: {"contract.message-4mib"},
    DemandsWithoutLooking: {"signatures.unsigned", "signatures.altered"},
    WritesParcelsAnew: {"ordering.pulled"},
    ForgetsWords: {"contract.whole"},
}
