"""Settings of the audit log and of approvals; ``hub.settings`` takes them in."""

from typing import Annotated, Literal

from pydantic import Field

from auth.approvals import Operation
from hub.sections.base import Section


class AuditPart(Section):
    """The log of administrative acts, its checkpoints, and neighbours as its witnesses."""

    algorithm: Literal["SM3", "SHA-256"] = Field(
        default="SM3", description="Hash of the log; settled with its first entry and never changed"
    )
    checkpoint_seconds: Annotated[float, Field(gt=0)] = Field(
        default=60.0, description="Time between checkpoints; 1,000 entries make one at once"
    )
    late_minutes: Annotated[float, Field(gt=0)] = Field(
        default=30.0,
        description="After this long without a neighbour's signature an alarm is raised;"
        " half as long a log that did not grow is not shown again",
    )
    silent_minutes: Annotated[float, Field(gt=0)] = Field(
        default=120.0,
        description="After this long without a checkpoint of a neighbour that showed some before an alarm is raised",
    )
    starts_unfit: bool = Field(
        default=False, description="Start although the log does not fit its last checkpoint; it is told and recorded"
    )


class ApprovalsPart(Section):
    """What needs a proposal and a second person, and who on this machine may be one."""

    required: tuple[Operation, ...] = Field(
        default=tuple(Operation), description="Operations that need a second person; empty lets one person act alone"
    )
    valid_hours: Annotated[float, Field(gt=0, le=8_760)] = Field(
        default=72.0, description="Hours until a proposal expires that was not executed"
    )
    host_users: tuple[str, ...] = Field(
        default=(), description="Users of this machine that may propose and approve; empty for whoever reads the keys"
    )
    same_person: tuple[tuple[str, ...], ...] = Field(
        default=(), description="Names of one person: [[`host:zhang`, `person:local/zhang3`]]"
    )
