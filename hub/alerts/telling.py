"""Who is to be told of what now: a pure function of alerts, silences, contacts and a moment.

An alert is told once when it has been open and untaken for the minutes of the first level, once more for every further
level nobody reacted on, and once when it closes, to those who were told. What is silenced is told to nobody; when the
silence ends before the alert does, it is told then.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import NamedTuple

from exchange_db.alert_records import Alert, Contact, Severity, Silence
from exchange_db.regions import line_of
from hub.sections.alerts import Channel

#: Contacts by the region of their unit.
Registry = Mapping[int, Sequence[Contact]]
#: Name of the channel for e-mail.
MAIL = "mail"
_WEIGHT = {Severity.NOTICE: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


class Address(NamedTuple):
    """Where something is sent: a channel of the settings, or ``mail`` with an address."""

    channel: str
    address: str = ""

    def __str__(self) -> str:
        return f"{self.channel}|{self.address}"


class Telling(NamedTuple):
    """Something to be told about an alert: it ``opened``, ``escalated`` to a level, or ``closed``."""

    alert: Alert
    event: str
    level: int


def due_level(alert: Alert, minutes: Sequence[float], now: datetime) -> int:
    """Returns the level of contacts that should know of an open alert by now, 0 for none yet.

    Who took an alert on stops it from going higher; a notice never goes higher than the first level.
    """
    if alert.acknowledged_time is not None:
        return alert.told_level
    passed = sum(1 for after in minutes if now - alert.since >= timedelta(minutes=after))
    return min(passed, 1) if alert.severity is Severity.NOTICE else passed


def silence_of(alert: Alert, silences: Iterable[Silence]) -> Silence | None:
    """Returns the silence an alert falls under; a silence of a region reaches what lies below it."""
    return next(
        (
            silence
            for silence in silences
            if silence.region in line_of(alert.region)
            and fnmatchcase(alert.rule, silence.rule)
            and fnmatchcase(alert.subject, silence.subject)
        ),
        None,
    )


def tellings(
    opened: Iterable[Alert],
    closed: Iterable[Alert],
    silences: Collection[Silence],
    minutes: Sequence[float],
    now: datetime,
) -> list[Telling]:
    """Returns what is to be told now.

    Args:
        opened: everything that is open.
        closed: what closed in this look.
        silences: those in force.
        minutes: minutes after which contacts of level 1, 2 and so on are told.
        now: moment of the look.
    """
    found = []
    for alert in opened:
        reached = due_level(alert, minutes, now)
        if reached > alert.told_level and silence_of(alert, silences) is None:
            for level in range(alert.told_level + 1, reached + 1):
                found.append(Telling(alert, "opened" if level == 1 else "escalated", level))
    for alert in closed:
        if alert.told_level and silence_of(alert, silences) is None:
            found.append(Telling(alert, "closed", alert.told_level))
    return found


def addresses_of(
    telling: Telling, contacts: Registry, channels: Mapping[str, Channel], local: datetime, *, has_mail: bool
) -> list[Address]:
    """Returns where something is told: for an end, wherever its beginning was.

    Args:
        telling: what is told.
        contacts: the registry, by region.
        channels: the channels of the settings, by name.
        local: the moment in the hub's zone.
        has_mail: whether there is a mail server.
    """
    alert, level = telling.alert, telling.level
    if telling.event == "closed":
        known = [Address(*text.split("|", 1)) for text in alert.told_to]
        return [one for one in known if one.channel in channels or (one.channel == MAIL and has_mail)]
    found = [
        Address(name)
        for name, channel in channels.items()
        if channel.level == level and _WEIGHT[alert.severity] >= _WEIGHT[channel.least]
    ]
    for contact in answering(alert, level, contacts, local):
        if contact.mail and has_mail:
            found.append(Address(MAIL, contact.mail))
        if contact.robot in channels:
            found.append(Address(contact.robot))
    return list(dict.fromkeys(found))


def answering(alert: Alert, level: int, contacts: Registry, local: datetime) -> list[Contact]:
    """Returns the contacts of a level that an alert concerns: on duty now, or all of them when nobody is."""
    line = line_of(alert.region)
    concerned = [one for region in line for one in contacts.get(region, ()) if one.level == level]
    return [one for one in concerned if is_on_duty(one, local)] or concerned


def registry_of(contacts: Iterable[Contact]) -> Registry:
    """Returns contacts by region."""
    found: dict[int, list[Contact]] = {}
    for contact in contacts:
        found.setdefault(contact.region, []).append(contact)
    return found


def is_on_duty(contact: Contact, local: datetime) -> bool:
    """Tells whether somebody is on duty; hours over midnight belong to the day they begin on."""
    hour = local.hour
    if contact.duty_from < contact.duty_until:
        return str(local.isoweekday()) in contact.duty_days and contact.duty_from <= hour < contact.duty_until
    if hour >= contact.duty_from:
        return str(local.isoweekday()) in contact.duty_days
    yesterday = (local - timedelta(days=1)).isoweekday()
    return hour < contact.duty_until and str(yesterday) in contact.duty_days
