"""Records that travel between platforms, as frozen structs with their limits.

Shapes follow ``protos/``; ``connectors.wire`` converts. Times are ``int`` microseconds since 1970, 0 for "not known".
"""

from enum import IntEnum
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct

from exchange_db.attachment_records import AttachmentRef
from exchange_db.canary_records import CanaryRecord
from exchange_db.document_records import Document
from exchange_db.evaluation_shapes import EvaluationRecord
from exchange_db.figure_records import COUNTERS as COUNTERS  # noqa: PLC0414 — handed on
from exchange_db.figure_records import FIRST_COUNTERS as FIRST_COUNTERS  # noqa: PLC0414 — handed on
from exchange_db.figure_records import Counts as Counts  # noqa: PLC0414 — handed on
from exchange_db.figure_records import FigureCell as FigureCell  # noqa: PLC0414 — handed on
from exchange_db.figure_records import FigureSheet as FigureSheet  # noqa: PLC0414 — handed on
from exchange_db.reasons import REASONS

Text20 = Annotated[str, Meta(max_length=20)]
Text40 = Annotated[str, Meta(max_length=40)]
Text60 = Annotated[str, Meta(max_length=60)]
Text64 = Annotated[str, Meta(max_length=64)]
Text100 = Annotated[str, Meta(max_length=100)]
Text400 = Annotated[str, Meta(max_length=400)]
Text1000 = Annotated[str, Meta(max_length=1000)]
Text4000 = Annotated[str, Meta(max_length=4000)]
Name40 = Annotated[str, Meta(min_length=1, max_length=40)]
PlatformId = Annotated[str, Meta(min_length=8, max_length=64)]
Revision = Annotated[int, Meta(ge=1, le=2_147_483_647)]
Round = Annotated[int, Meta(ge=0, le=99)]
#: Microseconds since 1970-01-01T00:00:00Z, up to the year 2200; 0 for none.
Time = Annotated[int, Meta(ge=0, le=7_258_118_400_000_000)]
#: A time that is always known, from 1990 on: seconds or milliseconds taken for microseconds would lie in January 1970.
KnownTime = Annotated[int, Meta(ge=631_152_000_000_000, le=7_258_118_400_000_000)]
#: Most letters of a value that a refusal repeats.
_SHOWN_LETTERS = 160


class Violation(Struct, frozen=True, gc=False):
    """Why one record was refused: a reason of ``exchange_db.reasons``, the field at fault and the two texts."""

    reason: str
    field_path: str
    message: str
    message_zh: str


class Refused(NamedTuple):
    """A parcel that a neighbour refused or put into quarantine, by its number on the link."""

    sequence: int
    violation: Violation


def printable(text: str) -> str:
    """Returns a text of unknown origin in a form that can be stored and shown: control characters become �."""
    return text if text.isprintable() else "".join(letter if letter.isprintable() else "�" for letter in text)


class Violated(Exception):
    """A record breaks a rule; carries the violation."""

    def __init__(self, reason: str, field_path: str = "", value: object = "") -> None:
        texts = REASONS[reason]
        shown = printable(str(value)[:_SHOWN_LETTERS])
        self.violation = Violation(
            reason, field_path, texts.english.format(value=shown), texts.chinese.format(value=shown)
        )
        super().__init__(f"{reason} {field_path}: {self.violation.message}")


class RecordKind(IntEnum):
    """What a parcel carries; the numbers are stored."""

    CASE = 1
    COMPONENT = 2
    FIGURE_SHEET = 3
    DOCUMENT = 4
    EVALUATION = 5
    CANARY = 6


class ReportState(IntEnum):
    """How far the report has come (2.2 of the domain notes: 上报, 核实, 不立案, 立案)."""

    REPORTED = 1
    VERIFYING = 2
    NOT_ACCEPTED = 3
    FILED = 4


class AssignmentState(IntEnum):
    """What the dispatching authority decided (待派遣, 已派遣, 挂账, 作废, 退回受理, 合并)."""

    PENDING = 1
    DISPATCHED = 2
    SUSPENDED = 3
    VOID = 4
    SENT_BACK = 5
    MERGED = 6


class HandlingState(IntEnum):
    """How far the handling platform has come (接收, 派发, 结案申请, 退单, 确认结案)."""

    RECEIVED = 1
    DISPATCHED_ON = 2
    CLOSE_REQUESTED = 3
    RETURNED = 4
    CLOSE_CONFIRMED = 5


class CheckState(IntEnum):
    """Where the check stands (核查中, 核查不通过, 结案)."""

    CHECKING = 1
    FAILED = 2
    CLOSED = 3


class RequestKind(IntEnum):
    """What a handling platform may ask of the authority (延期, 挂账, 申诉)."""

    EXTENSION = 1
    SUSPENSION = 2
    APPEAL = 3


class CodeKind(IntEnum):
    """Component (部件) or event (事件)."""

    COMPONENT = 1
    EVENT = 2


class Crs(IntEnum):
    """Coordinate reference systems a position may name; NONE stands for "no position"."""

    NONE = 0
    CGCS2000 = 1
    WGS84 = 2
    GCJ02 = 3
    BD09 = 4
    LOCAL = 5


class ComponentState(IntEnum):
    """Condition of a component (完好, 破损, 丢失, 废弃, 移除)."""

    SOUND = 1
    BROKEN = 2
    LOST = 3
    ABANDONED = 4
    REMOVED = 5


class CaseLink(Struct, frozen=True, array_like=True, gc=False):
    """Another case, by its key."""

    issuer_id: PlatformId
    case_no: Annotated[str, Meta(min_length=1, max_length=64)]


class Request(Struct, frozen=True, array_like=True, gc=False):
    """What the handling platform asks of the authority."""

    kind: RequestKind
    request_time: KnownTime
    reason: Annotated[str, Meta(min_length=1, max_length=400)]


class Decision(Struct, frozen=True, array_like=True, gc=False):
    """The authority's answer to a request; posts that approved, never names."""

    kind: RequestKind
    request_time: KnownTime
    is_granted: bool = False
    approver_ref: Text100 = ""
    second_approver_ref: Text100 = ""
    reason: Text400 = ""


class Milestone(Struct, frozen=True, array_like=True, gc=False):
    """One step of a limit with several."""

    name: Name40
    deadline_time: KnownTime
    reached_time: Time = 0


class Report(Struct, frozen=True, array_like=True, gc=False):
    """What was found, where and when; owned by the platform that reported it."""

    revision: Revision
    state: ReportState
    region_code: str
    standard_ref: Name40
    class_kind: CodeKind
    class_code: Annotated[str, Meta(min_length=1, max_length=20)]
    source_code: Name40
    authority_id: PlatformId
    reported_time: KnownTime
    area_code: Annotated[str, Meta(max_length=12)] = ""
    filing_condition_no: Annotated[int, Meta(ge=0, le=999)] = 0
    component_id: Annotated[str, Meta(max_length=32)] = ""
    source_original: Text60 = ""
    channel_ticket_no: Text64 = ""
    description: Text4000 = ""
    crs: Crs = Crs.NONE
    x: float = 0.0
    y: float = 0.0
    address: Text400 = ""
    grid_code: Text20 = ""
    duty_grid_code: Text40 = ""
    campaign: Text60 = ""
    is_self_handled: bool = False
    found_time: Time = 0
    accepted_time: Time = 0
    verified_time: Time = 0
    filed_time: Time = 0
    collector_ref: Text64 = ""
    class_original: Text64 = ""
    continues: CaseLink | None = None


class Assignment(Struct, frozen=True, array_like=True, gc=False):
    """Who must do what until when; owned by the dispatching authority."""

    revision: Revision
    state: AssignmentState
    standard_ref: Name40
    class_kind: CodeKind
    class_code: Annotated[str, Meta(min_length=1, max_length=20)]
    handler_id: Text64 = ""
    unit_code: Text40 = ""
    unit_name: Text100 = ""
    limit_value: Annotated[int, Meta(ge=0, le=100_000)] = 0
    limit_unit: Annotated[int, Meta(ge=0, le=5)] = 0
    original_deadline_time: Time = 0
    deadline_time: Time = 0
    dispatched_time: Time = 0
    extension_count: Annotated[int, Meta(ge=0, le=99)] = 0
    dispatch_count: Annotated[int, Meta(ge=0, le=999)] = 0
    is_supervised: bool = False
    supervision_deadline_time: Time = 0
    suspended_time: Time = 0
    suspended_until_time: Time = 0
    reason: Text400 = ""
    check_levels: Annotated[int, Meta(ge=0, le=2)] = 0
    return_count: Annotated[int, Meta(ge=0, le=99)] = 0
    is_ruled: bool = False
    resumed_deadline_time: Time = 0
    acted_time: Time = 0
    class_original: Text64 = ""
    decision: Decision | None = None
    duplicate_of: CaseLink | None = None
    milestones: tuple[Milestone, ...] = ()


class Handling(Struct, frozen=True, array_like=True, gc=False):
    """The handling platform's own account of its work."""

    revision: Revision
    state: HandlingState
    round: Annotated[int, Meta(ge=1, le=99)] = 1
    local_case_no: Text64 = ""
    local_unit_code: Text40 = ""
    local_unit_name: Text100 = ""
    received_time: Time = 0
    dispatched_on_time: Time = 0
    disposed_time: Time = 0
    close_requested_time: Time = 0
    result: Text4000 = ""
    reason: Text400 = ""
    local_checked_time: Time = 0
    acted_time: Time = 0
    request: Request | None = None


class CheckVerdict(Struct, frozen=True, array_like=True, gc=False):
    """The authority's judgement on the work."""

    revision: Revision
    state: CheckState
    round: Annotated[int, Meta(ge=1, le=99)] = 1
    check_sent_time: Time = 0
    check_answered_time: Time = 0
    closed_time: Time = 0
    closing_kind: Annotated[int, Meta(ge=0, le=4)] = 0
    reason: Text400 = ""
    satisfaction_score: Annotated[int, Meta(ge=-100, le=100)] = 0
    has_satisfaction: bool = False
    acted_time: Time = 0
    appeal_decision: Decision | None = None


class Action(Struct, frozen=True, array_like=True, gc=False):
    """One line of the story; united by ``action_id``, never changed."""

    action_id: str
    kind: Name40
    platform_id: PlatformId
    action_time: KnownTime
    actor_ref: Text100 = ""
    opinion: Text1000 = ""


class Case(Struct, frozen=True, gc=False):
    """The sections of a case that one parcel carries; ``None`` for those it does not."""

    issuer_id: str
    case_no: str
    report: Report | None = None
    assignment: Assignment | None = None
    handling: Handling | None = None
    verdict: CheckVerdict | None = None
    actions: tuple[Action, ...] = ()
    attachments: tuple[AttachmentRef, ...] = ()


class Component(Struct, frozen=True, array_like=True, gc=False):
    """A component (部件), whole; owned by the platform that keeps it. For ``id_scheme`` see ``component_ids``."""

    revision: Revision
    component_id: Annotated[str, Meta(min_length=1, max_length=32)]
    owner_id: PlatformId
    standard_ref: Name40
    class_kind: CodeKind
    class_code: Annotated[str, Meta(min_length=1, max_length=20)]
    name: Annotated[str, Meta(min_length=1, max_length=60)]
    region_code: str
    state: ComponentState
    area_code: Annotated[str, Meta(max_length=12)] = ""
    grid_code: Text20 = ""
    crs: Crs = Crs.NONE
    x: float = 0.0
    y: float = 0.0
    accuracy_class: Annotated[str, Meta(max_length=1)] = ""
    supervisor_code: Text40 = ""
    supervisor_name: Text100 = ""
    proprietor_code: Text40 = ""
    proprietor_name: Text100 = ""
    maintainer_code: Text40 = ""
    maintainer_name: Text100 = ""
    initial_time: Time = 0
    changed_time: Time = 0
    data_source: Text60 = ""
    note: Text1000 = ""
    id_scheme: Text40 = ""


Record = Case | Component | FigureSheet | Document | EvaluationRecord | CanaryRecord


class Parcel(Struct, frozen=True, gc=False):
    """Envelope of one record; ``message_id`` is 16 bytes, ``payload`` the exact bytes sent, forwarded unchanged."""

    message_id: bytes
    origin_id: str
    created_time: int
    kind: RecordKind
    record: Record
    payload: bytes
