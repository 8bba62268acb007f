"""Alerts, silences and contacts as frozen structs. Times are aware UTC."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct


class Severity(StrEnum):
    """How much an alert asks of people, least first."""

    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"


class Phase(StrEnum):
    """How a rule sees one subject: well, bad but not for long enough, bad."""

    CALM = "calm"
    PENDING = "pending"
    OPEN = "open"


class AlertState(Struct, frozen=True, kw_only=True):
    """How a rule sees one subject.

    Args:
        region, rule, subject: which.
        phase: as it stands.
        since_time: since when it is in this phase.
        better_time: while open, since when it has been well without a break; ``None`` while it is not.
        closed_time: when it last closed, as long as that is remembered.
        reopenings: how often in a row it opened again soon after it had closed.
        alert_id: the alert that is open.
    """

    region: int
    rule: str
    subject: str
    phase: Phase = Phase.CALM
    since_time: datetime
    better_time: datetime | None = None
    closed_time: datetime | None = None
    reopenings: int = 0
    alert_id: UUID | None = None

    @property
    def key(self) -> tuple[int, str, str]:
        """Region, rule and subject."""
        return self.region, self.rule, self.subject


class Alert(Struct, frozen=True, kw_only=True):
    """An alert as it stands: open while ``closed_time`` is ``None``.

    Args:
        region: region of what it is about.
        alert_id: its number.
        rule: name of the rule that opened it.
        subject: what it is about: a neighbour, a job, a folder, a document.
        since: when it opened.
        severity: of the rule at that moment.
        text, text_en: what is wrong, in words, as it was when it opened.
        closed_time: when it closed by itself.
        acknowledged_time, acknowledged_by: who took it on and when.
        told_level: level of contacts that was told of it; 0 for nobody yet.
        told_to: who was told, as ``channel|address``.
    """

    region: int
    alert_id: UUID
    rule: str
    subject: str
    since: datetime
    severity: Severity
    text: str
    text_en: str
    closed_time: datetime | None = None
    acknowledged_time: datetime | None = None
    acknowledged_by: str = ""
    told_level: int = 0
    told_to: tuple[str, ...] = ()


class AlertEvent(Struct, frozen=True):
    """A line of an alert's story: opened, acknowledged, escalated (``level`` contacts told), silenced or closed."""

    region: int
    alert_id: UUID
    event: str
    event_time: datetime
    actor: str = ""
    note: str = ""
    level: int = 0


class Silence(Struct, frozen=True, kw_only=True):
    """Alerts of which nobody is told until a time; patterns are shell patterns (``*``, ``431221.*``)."""

    region: int
    silence_id: UUID
    rule: str
    subject: str
    until_time: datetime
    reason: str
    made_by: str
    made_time: datetime
    ended_time: datetime | None = None


class ContactRole(StrEnum):
    """What somebody is in their unit (D52): 分管领导, 专干, 值班员."""

    LEADER = "leader"
    OFFICER = "officer"
    DUTY = "duty"


class Contact(Struct, frozen=True, kw_only=True):
    """Somebody to turn to.

    Args:
        region: region of the unit.
        contact_id: number of the entry.
        name: the person.
        unit: their unit.
        role: what they are there.
        level: 1 is told first; the next level when nobody took an alert on.
        phone, mail: as people write them; "" for none.
        robot: name of a channel of the settings, a group's robot; "" for none.
        duty_days: days of the week on duty, 1 for Monday to 7 for Sunday, as "12345".
        duty_from, duty_until: hours of the day on duty, in the hub's zone; 0 and 24 for all day, 18 and 8 for a night.
    """

    region: int
    contact_id: UUID
    name: str
    unit: str = ""
    role: ContactRole = ContactRole.OFFICER
    level: int = 1
    phone: str = ""
    mail: str = ""
    robot: str = ""
    duty_days: str = "1234567"
    duty_from: int = 0
    duty_until: int = 24
