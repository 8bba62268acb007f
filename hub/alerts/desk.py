"""What people do about alerts: take them on, silence, change rules and contacts, try a channel.

Every act stands in the audit log, in its own transaction. Called by the console and the command line.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import msgspec

from exchange_db import alert_notices, alerts, contacts
from exchange_db.alert_notices import Notice
from exchange_db.alert_records import Alert, AlertEvent, Contact, Silence
from exchange_db.audit_records import Value
from exchange_db.records import Violated, printable
from exchange_db.regions import Regions, format_region, spans_of, subtree
from exchange_db.session import Ledger
from hub.alerts.rules import Rule, changed, rules_in_force, shipped_rules
from hub.alerts.telling import MAIL
from hub.alerts.wording import Letterhead, trial_of
from hub.clock import Clock
from hub.recording import recorded
from hub.settings import Settings

_MAIL = re.compile(r"[^\s@<>|\"]{1,64}@[A-Za-z0-9.-]{1,190}\Z")
_LONGEST_SILENCE = timedelta(days=366)
#: Longest texts of a contact.
_LIMITS = {"name": 40, "unit": 100, "phone": 40, "mail": 254, "robot": 40}


class AlertDesk:
    """The desk.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        clock: the hub's clock.
    """

    def __init__(self, ledger: Ledger, settings: Settings, clock: Clock) -> None:
        self._ledger = ledger
        self._hub = settings.hub
        self._zone = ZoneInfo(settings.figures.zone)
        self._origin = settings.console.origin
        self._clock = clock
        self.channels = (*settings.alerts.channels, *([MAIL] if settings.mail.host else []))

    def now(self) -> datetime:
        """Returns the moment it is."""
        return datetime.fromtimestamp(self._clock() / 1_000_000, UTC)

    async def open(self, regions: Regions, limit: int) -> list[Alert]:
        """Returns what is wrong now."""
        async with self._ledger.read() as session:
            return await alerts.open_alerts(session, regions, limit)

    async def history(self, regions: Regions, limit: int, before: datetime | None = None) -> list[Alert]:
        """Returns alerts that are open or were, the newest first."""
        async with self._ledger.read() as session:
            return await alerts.history(session, regions, limit, before)

    async def stories(self, found: list[Alert]) -> dict[UUID, list[AlertEvent]]:
        """Returns what happened to some alerts."""
        told: dict[UUID, list[AlertEvent]] = {}
        async with self._ledger.read() as session:
            for region in {one.region for one in found}:
                told |= await alerts.story(session, region, [one.alert_id for one in found if one.region == region])
        return told

    async def acknowledge(self, alert_id: UUID, regions: Regions, by: str, note: str = "") -> Alert:
        """Notes that somebody takes an alert on; nobody further is told of it.

        Raises:
            Violated: ALERT_UNKNOWN, ALERT_TAKEN (by somebody else) or ALERT_OVER.
        """
        async with recorded(self._ledger, "alert.acknowledge", str(alert_id), detail={"note": note}) as act:
            alert = await alerts.find(act.session, alert_id, regions, for_update=True)
            if alert is None:
                raise Violated("ALERT_UNKNOWN", "alert", alert_id)
            if alert.closed_time is not None:
                raise Violated("ALERT_OVER", "alert", alert.subject)
            if alert.acknowledged_time is not None:
                raise Violated("ALERT_TAKEN", "alert", alert.acknowledged_by)
            now = self.now()
            await alerts.acknowledge(act.session, alert, by, now)
            event = AlertEvent(alert.region, alert_id, "acknowledged", now, by, printable(note)[:200])
            await alerts.note(act.session, [event])
            act.detail |= {"rule": alert.rule, "subject": alert.subject}
        return alert

    async def silence(
        self, rule: str, subject: str, hours: float, reason: str, by: str, region: int | None = None
    ) -> Silence:
        """Tells nobody of some alerts for some hours; they open and close all the same.

        Args:
            rule: shell pattern of rules.
            subject: shell pattern of what alerts are about.
            hours: for how long.
            reason: why.
            by: who says so.
            region: for alerts of this region and below; ``None`` for all of the hub.

        Raises:
            Violated: FIELD_MISSING (a reason is needed) or SILENCE_INVALID.
        """
        now, place = self.now(), self._hub.region if region is None else region
        if not reason.strip():
            raise Violated("FIELD_MISSING", "reason")
        if not (hours > 0 and timedelta(hours=min(hours, 9_999)) <= _LONGEST_SILENCE):
            raise Violated("SILENCE_INVALID", "hours", f"{hours:g}")
        if not (rule.strip() and subject.strip()) or len(rule) > 60 or len(subject) > 200:
            raise Violated("SILENCE_INVALID", "subject", subject[:60])
        silence = Silence(
            region=place, silence_id=uuid4(), rule=rule.strip(), subject=subject.strip(), reason=reason.strip()[:200],
            until_time=now + timedelta(hours=hours), made_by=by, made_time=now,
        )  # fmt: skip
        detail: dict[str, Value] = {"rule": silence.rule, "subject": silence.subject, "reason": silence.reason}
        detail["until"] = silence.until_time.isoformat(timespec="seconds")
        async with recorded(self._ledger, "alert.silence", str(silence.silence_id), region=place, detail=detail) as act:
            await alerts.add_silence(act.session, silence)
        return silence

    async def silences(self, regions: Regions) -> list[Silence]:
        """Returns the silences in force."""
        async with self._ledger.read() as session:
            return await alerts.silences(session, regions, self.now())

    async def end_silence(self, silence_id: UUID, regions: Regions) -> None:
        """Ends a silence before its time.

        Raises:
            Violated: SILENCE_UNKNOWN.
        """
        async with recorded(self._ledger, "alert.unsilence", str(silence_id)) as act:
            if not await alerts.end_silence(act.session, silence_id, regions, self.now()):
                raise Violated("SILENCE_UNKNOWN", "silence", silence_id)

    async def rules(self) -> dict[str, Rule]:
        """Returns the rules in force, by name."""
        async with self._ledger.read() as session:
            return rules_in_force(await alerts.rule_changes(session, self._hub.region))

    async def change_rule(self, name: str, changes: Mapping[str, Any], by: str) -> Rule:
        """Changes a rule for this hub, or with no changes brings it back to what is shipped.

        Raises:
            Violated: ALERT_RULE_UNKNOWN or ALERT_RULE_INVALID.
        """
        shipped = shipped_rules().get(name)
        if shipped is None:
            raise Violated("ALERT_RULE_UNKNOWN", "rule", name[:60])
        rule = changed(shipped, changes)
        kept = {field: value for field, value in changes.items() if getattr(shipped, field) != value}
        told: dict[str, Value] = {"changes": msgspec.json.encode(kept).decode()}
        async with recorded(self._ledger, "alert.rule", name, region=self._hub.region, detail=told) as act:
            await alerts.change_rule(act.session, self._hub.region, name, kept, by, self.now())
        return rule

    async def contacts(self, regions: Regions) -> list[Contact]:
        """Returns the registry of contacts."""
        async with self._ledger.read() as session:
            return await contacts.listing(session, regions)

    async def keep_contact(self, contact: Contact, regions: Regions, by: str) -> None:
        """Enters a contact or changes one.

        Raises:
            Violated: CONTACT_INVALID names the field; REGION_FORBIDDEN.
        """
        require_contact(contact, self.channels)
        if not any(contact.region in span for span in spans_of(regions)):
            raise Violated("REGION_FORBIDDEN", "region", format_region(contact.region))
        # The audit log is shown to others: it names the entry and the unit, not the person's number or address.
        detail: dict[str, Value] = {"unit": contact.unit, "role": str(contact.role), "level": contact.level}
        name = str(contact.contact_id)
        async with recorded(self._ledger, "contact.keep", name, region=contact.region, detail=detail) as act:
            await contacts.keep(act.session, contact, by, self.now())

    async def remove_contact(self, contact_id: UUID, regions: Regions) -> None:
        """Takes a contact out.

        Raises:
            Violated: CONTACT_UNKNOWN.
        """
        async with recorded(self._ledger, "contact.remove", str(contact_id)) as act:
            contact = await contacts.find(act.session, contact_id, regions)
            if contact is None:
                raise Violated("CONTACT_UNKNOWN", "contact", contact_id)
            await contacts.remove(act.session, contact)
            act.detail |= {"unit": contact.unit}

    async def notices(self, limit: int) -> list[Notice]:
        """Returns the newest notices."""
        async with self._ledger.read() as session:
            return await alert_notices.recent(session, subtree(self._hub.region), limit)

    async def try_channel(self, channel: str, address: str, by: str) -> Notice:
        """Sends a test message.

        Raises:
            Violated: CHANNEL_UNKNOWN or CONTACT_INVALID (mail needs an address).
        """
        if channel not in self.channels:
            raise Violated("CHANNEL_UNKNOWN", "channel", channel[:40])
        if (channel == MAIL) != bool(address) or (address and not _MAIL.match(address)):
            raise Violated("CONTACT_INVALID", "address", address[:60])
        now = self.now()
        head = Letterhead(
            f"{self._hub.name} {self._hub.id}",
            f"{self._origin}/alerts" if self._origin else "",
            now.astimezone(self._zone),
        )
        words = trial_of(by, uuid4(), head)
        notice = Notice(
            region=self._hub.region, event_id=words.event_id, channel=channel, address=address, title=words.title,
            body=words.body, severity=words.severity, made_time=now, due_time=now, is_test=True,
        )  # fmt: skip
        async with recorded(self._ledger, "alert.test", channel, region=self._hub.region) as act:
            await alert_notices.put(act.session, [notice])
        return notice


def require_contact(contact: Contact, channels: tuple[str, ...]) -> None:
    """Checks that people can work with a contact.

    Raises:
        Violated: FIELD_MISSING or CONTACT_INVALID, names the field.
    """
    if not contact.name.strip():
        raise Violated("FIELD_MISSING", "name")
    for field, most in _LIMITS.items():
        text = getattr(contact, field)
        if len(text) > most or text != printable(text) or "\n" in text:
            raise Violated("CONTACT_INVALID", field, printable(text)[:60])
    if contact.mail and not _MAIL.match(contact.mail):
        raise Violated("CONTACT_INVALID", "mail", contact.mail)
    if contact.robot and (contact.robot not in channels or contact.robot == MAIL):
        raise Violated("CHANNEL_UNKNOWN", "robot", contact.robot)
    days = contact.duty_days
    if not days or set(days) - set("1234567") or len(set(days)) != len(days):
        raise Violated("CONTACT_INVALID", "duty_days", days[:20])
    for field, first, last in (("level", 1, 9), ("duty_from", 0, 23), ("duty_until", 1, 24)):
        if not first <= getattr(contact, field) <= last:
            raise Violated("CONTACT_INVALID", field, getattr(contact, field))
