"""The check every record passes before it is appended: contract, sender's rights, clock.

Pure: the same bytes from the same sender at the same time get the same answer. Called by ``hub.intake.desk``.
"""

from typing import Protocol

from auth.permissions import require_component_region, require_document_region, require_origin, require_region
from auth.principal import Principal
from connectors.wire import origin_of, read_parcel
from exchange_db.canary_records import CanaryRecord
from exchange_db.document_records import Document
from exchange_db.evaluation_shapes import EvaluationRecord
from exchange_db.facts import pack_facts
from exchange_db.inbox import Entry, Refusal
from exchange_db.keys import canary_key, case_key, component_key, document_key, evaluation_key, message_key, sheet_key
from exchange_db.moments import moments_of
from exchange_db.records import Assignment, Case, CodeKind, Component, FigureSheet, Report, Violated
from exchange_db.regions import format_region, region_of, subtree

#: Most microseconds a sender's clock may be ahead.
MAX_AHEAD = 300 * 1_000_000

#: Origins and regions a gate remembers as allowed.
_REMEMBERED = 10_000


class ClassFault(Protocol):
    """Why a class is refused: a reason of ``exchange_db.reasons`` and the value for its text."""

    @property
    def reason(self) -> str:
        """The reason."""

    @property
    def value(self) -> str:
        """The class, and what was probably meant."""


class ClassCheck(Protocol):
    """Tells what is wrong with a class, ``None`` if nothing is."""

    def __call__(
        self, standard_ref: str, kind: CodeKind, code: str, region: int, moment: int, *, is_entering: bool
    ) -> ClassFault | None:
        """``moment``: when the class was chosen. ``is_entering``: it comes from the platform itself, not from a hub."""


class Gate:
    """The check for what one neighbour sends; remembers the origins and regions it has let through.

    Args:
        sender: the neighbour.
        hub_region: region of this hub.
        check_class: looks classes up; ``None`` takes them unseen.
    """

    def __init__(self, sender: Principal, hub_region: int, check_class: ClassCheck | None = None) -> None:
        self._sender = sender
        self._hub_region = hub_region
        self._check_class = check_class
        self._is_platform = sender.kind == "platform"
        self._origins: set[str] = set()
        self._regions: set[int] = set()

    def check(self, payload: bytes, now: int) -> Entry | Refusal:
        """Decides about one parcel.

        Args:
            payload: a serialized Parcel, from outside.
            now: this hub's clock, microseconds since 1970.

        Returns:
            The entry to append, or the refusal with its reason and the original bytes.
        """
        try:
            parcel = read_parcel(payload)
            if parcel.origin_id not in self._origins:
                self._admit_origin(parcel.origin_id)
            latest = now + MAX_AHEAD
            record = parcel.record
            facts = None
            if isinstance(record, Case):
                facts = pack_facts(record, parcel.origin_id, parcel.created_time)
                key = case_key(record.issuer_id, record.case_no)
                _require_past(record, latest, now)
                if record.report:
                    region = int(record.report.region_code)
                    if region not in self._regions:
                        self._admit_region(region, "case.report.region_code")
                else:
                    region = region_of(record.issuer_id)
                if self._check_class is not None:
                    moment = record.report.reported_time if record.report else parcel.created_time
                    self._require_class(record.report, region, moment, "case.report.class_code")
                    self._require_class(record.assignment, region, moment, "case.assignment.class_code")
            elif isinstance(record, Component):
                key = component_key(record.owner_id, record.component_id)
                region = int(record.region_code)
                _require_writer(record.owner_id, parcel.origin_id, "component.owner_id")
                require_component_region(self._sender, region, "component.region_code", self._hub_region)
                self._require_class(record, region, parcel.created_time, "component.class_code")
            else:
                key, region = self._admit_other(record, parcel.origin_id, latest, now)
            # After the record: a client makes this time from those in there, and its user knows only them.
            if parcel.created_time > latest:
                raise _ahead("created_time", parcel.created_time, now)
        except Violated as refused:
            return Refusal(refused.violation, origin_of(payload), payload)
        return Entry(message_key(parcel.origin_id, parcel.message_id), parcel.kind, key, region, facts, payload)

    def _require_class(
        self, section: Report | Assignment | Component | None, region: int, moment: int, path: str
    ) -> None:
        if section is None or self._check_class is None:
            return
        fault = self._check_class(
            section.standard_ref, section.class_kind, section.class_code, region, moment, is_entering=self._is_platform
        )
        if fault is not None:
            raise Violated(fault.reason, path, fault.value)

    def _admit_document(self, document: Document, origin_id: str, latest: int, now: int) -> int:
        """Checks that a section of a document was written by its owner, and returns the region it stands under."""
        content, answer = document.content, document.answer
        if answer is not None:
            _require_writer(answer.answerer_id, origin_id, "document.answer.answerer_id")
            if answer.answered_time > latest:
                raise _ahead("document.answer.answered_time", answer.answered_time, now)
        if content is None:
            return region_of(document.issuer_id)
        _require_writer(document.issuer_id, origin_id, "document.key.issuer_id")
        region = int(content.region_code)
        require_document_region(self._sender, region, "document.content.region_code", self._hub_region)
        if content.issued_time > latest:
            raise _ahead("document.content.issued_time", content.issued_time, now)
        return region

    def _admit_other(
        self, record: Document | EvaluationRecord | FigureSheet | CanaryRecord, origin_id: str, latest: int, now: int
    ) -> tuple[bytes, int]:
        """Checks what is neither a case nor a component, and returns its key and the region it stands under."""
        if isinstance(record, Document):
            region = self._admit_document(record, origin_id, latest, now)
            return document_key(record.issuer_id, record.document_id), region
        if isinstance(record, EvaluationRecord):
            self._admit_evaluation(record, origin_id, latest, now)
            key = evaluation_key(record.reporter_id, record.region, record.kind, record.scheme_id, record.period)
            return key, record.region
        if isinstance(record, CanaryRecord):
            self._admit_canary(record, origin_id, latest, now)
            key = canary_key(record.sender_id, record.receiver_id, record.sent_time)
            return key, region_of(record.sender_id)
        _require_writer(record.reporter_id, origin_id, "figure_sheet.reporter_id")
        self._admit_region(record.region, "figure_sheet.region_code")
        return sheet_key(record.reporter_id, record.region, record.month), record.region

    def _admit_canary(self, record: CanaryRecord, origin_id: str, latest: int, now: int) -> None:
        """Checks that a canary was written by who must have, and comes from its hand: it goes over one link only."""
        _require_writer(record.writer_id, origin_id, "origin_id")
        _require_writer(self._sender.peer_id, origin_id, "origin_id")
        for name in ("sent_time", "answered_time"):
            if getattr(record, name) > latest:
                raise _ahead(f"canary.{name}", getattr(record, name), now)

    def _admit_evaluation(self, record: EvaluationRecord, origin_id: str, latest: int, now: int) -> None:
        """Checks that values were written by who is evaluated, and a result by somebody at or above the region."""
        _require_writer(record.reporter_id, origin_id, "evaluation.reporter_id")
        self._admit_region(record.region, "evaluation.region_code")
        if record.region not in subtree(region_of(record.reporter_id)):
            raise Violated("REGION_FORBIDDEN", "evaluation.region_code", format_region(record.region))
        if record.made_time > latest:
            raise _ahead("evaluation.made_time", record.made_time, now)

    def _admit_origin(self, origin_id: str) -> None:
        require_origin(self._sender, origin_id, self._hub_region)
        if len(self._origins) < _REMEMBERED:
            self._origins.add(origin_id)

    def _admit_region(self, region: int, path: str) -> None:
        require_region(self._sender, region, path, self._hub_region)
        if len(self._regions) < _REMEMBERED:
            self._regions.add(region)


def _require_writer(writer_id: str, origin_id: str, path: str) -> None:
    """Checks that a record that belongs to one platform alone was written by it."""
    if writer_id != origin_id:
        raise Violated("ORIGIN_FORBIDDEN", path, writer_id)


def _require_past(case: Case, latest: int, now: int) -> None:
    """Refuses what has happened after ``latest``: only deadlines and agreed ends lie ahead of the clock."""
    report, assignment, handling, verdict = case.report, case.assignment, case.handling, case.verdict
    # Spelt out, because intake does this for every record, and a loop takes three times as long.
    if (
        (
            report
            and (
                report.reported_time > latest
                or report.found_time > latest
                or report.accepted_time > latest
                or report.verified_time > latest
                or report.filed_time > latest
            )
        )
        or (
            assignment
            and (
                assignment.dispatched_time > latest
                or assignment.suspended_time > latest
                or assignment.acted_time > latest
            )
        )
        or (
            handling
            and (
                handling.received_time > latest
                or handling.dispatched_on_time > latest
                or handling.disposed_time > latest
                or handling.close_requested_time > latest
                or handling.local_checked_time > latest
                or handling.acted_time > latest
            )
        )
        or (
            verdict
            and (
                verdict.check_sent_time > latest
                or verdict.check_answered_time > latest
                or verdict.closed_time > latest
                or verdict.acted_time > latest
            )
        )
    ):
        raise _first_ahead(case, latest, now)
    for action in case.actions:
        if action.action_time > latest:
            raise _ahead("case.actions.action_time", action.action_time, now)


def _first_ahead(case: Case, latest: int, now: int) -> Violated:
    return next(
        _ahead(f"case.{name}.{field}", moment, now)
        for name in ("report", "assignment", "handling", "verdict")
        if (section := getattr(case, name))
        for field in moments_of(type(section))
        if (moment := getattr(section, field)) > latest
    )


def _ahead(path: str, moment: int, now: int) -> Violated:
    return Violated("CLOCK_SKEW", path, (moment - now) // 1_000_000)
