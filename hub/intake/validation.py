"""The check every record passes before it is appended: contract, sender's rights, clock.

Pure: the same bytes from the same sender at the same time get the same answer. Called by ``hub.intake.desk``.
"""

from typing import Protocol

from auth.permissions import require_component_region, require_origin, require_region
from auth.principal import Principal
from connectors.wire import origin_of, read_parcel
from exchange_db.facts import pack_facts
from exchange_db.inbox import Entry, Refusal
from exchange_db.keys import case_key, component_key, message_key, sheet_key
from exchange_db.moments import moments_of
from exchange_db.records import Assignment, Case, CodeKind, Component, Report, Violated
from exchange_db.regions import region_of

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
                key = sheet_key(record.reporter_id, record.region, record.month)
                region = record.region
                _require_writer(record.reporter_id, parcel.origin_id, "figure_sheet.reporter_id")
                self._admit_region(region, "figure_sheet.region_code")
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
