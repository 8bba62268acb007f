"""One look at a hub: what is seen goes through the rules, and what follows for people is kept for sending.

Alerts, their story and the notices about them are one transaction, so an alert is told once whichever process looks.
The looks of several processes wait for each other. Called by ``hub.alerts.office``.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import uuid4
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from exchange_db import alert_notices, alerts, contacts
from exchange_db.alert_notices import Notice
from exchange_db.alert_records import Alert, AlertEvent, AlertState, Phase
from exchange_db.regions import subtree
from exchange_db.session import Ledger, WriteSession
from hub.alerts.machine import Change, step
from hub.alerts.observers import Observation, Observer
from hub.alerts.rules import Rule, rules_in_force
from hub.alerts.telling import Address, Telling, addresses_of, registry_of, silence_of, tellings
from hub.alerts.wording import Letterhead, Words, summary_of, texts_of, words_of
from hub.clock import Clock
from hub.settings import Settings

logger = logging.getLogger(__name__)

_Key = tuple[int, str, str]


class Looked(NamedTuple):
    """What a look came to: alerts opened and closed, notices kept for sending."""

    opened_count: int
    closed_count: int
    notice_count: int


class _Turn(NamedTuple):
    """What the rules made of what was seen."""

    states: list[AlertState]
    opened: list[Alert]
    closed: list[_Key]


class AlertWatch:
    """Looks.

    Args:
        ledger: the hub's database.
        settings: all settings of the hub.
        clock: the hub's clock.
        observers: what looks at the hub.
    """

    def __init__(self, ledger: Ledger, settings: Settings, clock: Clock, observers: Sequence[Observer]) -> None:
        self._ledger = ledger
        self._hub = settings.hub
        self._part = settings.alerts
        self._has_mail = bool(settings.mail.host)
        self._page = f"{settings.console.origin}/alerts" if settings.console.origin else ""
        self._zone = ZoneInfo(settings.figures.zone)
        self._clock = clock
        self._observers = observers

    async def run(self) -> Looked:
        """Looks once."""
        now = datetime.fromtimestamp(self._clock() / 1_000_000, UTC)
        seen, measures = await self._look(now)
        region, here = self._hub.region, subtree(self._hub.region)
        async with self._ledger.write() as session:
            before = await alerts.look(session, region, now)
            rules = rules_in_force(await alerts.rule_changes(session, region))
            states = await alerts.states(session, here)
            turn = self._turn(rules, states, seen, measures, now)
            await alerts.save_states(session, turn.states)
            await alerts.open_new(session, turn.opened)
            closed = await self._close(session, turn, states, now)
            await alerts.note(session, (AlertEvent(one.region, one.alert_id, "opened", now) for one in turn.opened))
            told = await self._told(session, closed, now)
            is_late = before is not None and now - before > timedelta(minutes=self._part.gap_minutes)
            notices = self._notices(told, now, at_most=1 if is_late else self._part.together)
            await alert_notices.put(session, notices)
        return Looked(len(turn.opened), len(closed), len(notices))

    async def _look(self, now: datetime) -> tuple[list[Observation], set[str]]:
        """Returns what is seen, and the measures of which nothing is missing."""
        seen: list[Observation] = []
        measures: set[str] = set()
        for observer in self._observers:
            try:
                async with self._ledger.read() as session:
                    seen += await observer.look(session, now)
            except Exception:
                # What cannot be looked at stays as it was last seen; whatever else is wrong must be told all the same.
                logger.exception("alerts: %s cannot be looked at", ", ".join(observer.measures))
            else:
                measures.update(observer.measures)
        return seen, measures

    def _turn(
        self,
        rules: Mapping[str, Rule],
        states: Mapping[_Key, AlertState],
        seen: Iterable[Observation],
        measures: set[str],
        now: datetime,
    ) -> _Turn:
        turn, met = _Turn([], [], []), set[_Key]()
        by_measure: dict[str, list[Observation]] = {}
        for one in seen:
            by_measure.setdefault(one.measure, []).append(one)
        for rule in rules.values():
            for one in by_measure.get(rule.measure, ()) if rule.is_on else ():
                key = (self._region_of(one), rule.name, one.subject)
                met.add(key)
                if key in states or rule.is_raised_by(one.value):
                    self._step(turn, rule, states.get(key), key, one, now)
        for key, state in states.items():
            rule_in_force = rules.get(key[1])
            if key not in met and (rule_in_force is None or not rule_in_force.is_on):
                # A rule that is gone or off has no alerts.
                self._step(turn, rule_in_force or _gone(key[1], rules), state, key, None, now)
            elif key not in met and rule_in_force is not None and rule_in_force.measure in measures:
                self._step(turn, rule_in_force, state, key, None, now)
        return turn

    def _step(
        self, turn: _Turn, rule: Rule, state: AlertState | None, key: _Key, one: Observation | None, now: datetime
    ) -> None:
        region, name, subject = key
        before = state or AlertState(region=region, rule=name, subject=subject, since_time=now)
        after, change = step(rule, before, one.value if one else None, now, uuid4())
        # While it stays open a state changes only when it gets better or worse again: not at every look.
        if state is None or after.phase != Phase.OPEN or after != before:
            turn.states.append(after)
        if change is Change.OPENED and one is not None and after.alert_id is not None:
            text, text_en = texts_of(rule, one.subject, one.value, one.detail)
            turn.opened.append(
                Alert(
                    region=region, alert_id=after.alert_id, rule=name, subject=subject, since=now,
                    severity=rule.severity, text=text, text_en=text_en,
                )
            )  # fmt: skip
        if change is Change.CLOSED:
            turn.closed.append(key)

    def _region_of(self, one: Observation) -> int:
        """Returns the region an alert belongs to: what lies above this hub or beside it is the hub's own affair."""
        return one.region if one.region in subtree(self._hub.region) else self._hub.region

    async def _close(
        self, session: WriteSession, turn: _Turn, states: Mapping[_Key, AlertState], now: datetime
    ) -> list[Alert]:
        here = subtree(self._hub.region)
        ended = {number for key in turn.closed if (number := states[key].alert_id) is not None}
        closed = [one for one in await alerts.open_alerts(session, here) if one.alert_id in ended] if ended else []
        await alerts.close(session, [(one.region, one.alert_id) for one in closed], now)
        await alerts.note(session, (AlertEvent(one.region, one.alert_id, "closed", now) for one in closed))
        return closed

    async def _told(
        self, session: WriteSession, closed: Sequence[Alert], now: datetime
    ) -> list[tuple[Telling, list[Address]]]:
        """Returns what is to be told to whom, and notes that it is."""
        here, local = subtree(self._hub.region), now.astimezone(self._zone)
        opened, silences = await alerts.open_alerts(session, here), await alerts.silences(session, here, now)
        due = tellings(opened, closed, silences, self._part.escalation_minutes, now)
        known = registry_of(await contacts.listing(session, here)) if due else {}
        found, after, events = [], dict[_Key, Alert](), list[AlertEvent]()
        for telling in due:
            alert = telling.alert
            where = addresses_of(telling, known, self._part.channels, local, has_mail=self._has_mail)
            found.append((telling, where))
            if telling.event == "closed":
                continue
            key = (alert.region, alert.rule, alert.subject)
            told_to = dict.fromkeys((*after.get(key, alert).told_to, *map(str, where)))
            after[key] = replace(alert, told_level=telling.level, told_to=tuple(told_to))
            if telling.event == "escalated":
                events.append(AlertEvent(alert.region, alert.alert_id, "escalated", now, level=telling.level))
        for alert in opened:
            if (silence := silence_of(alert, silences)) is not None and not alert.told_level:
                told = AlertEvent(alert.region, alert.alert_id, "silenced", now, silence.made_by, silence.reason)
                events.append(told)
        await alerts.tell(session, after.values())
        await alerts.note(session, events)
        return found

    def _notices(self, told: Iterable[tuple[Telling, list[Address]]], now: datetime, *, at_most: int) -> list[Notice]:
        """Returns what is sent: one notice an event and address, or one summary where there would be too many."""
        by_address: dict[Address, list[Telling]] = {}
        for telling, where in told:
            for address in where:
                by_address.setdefault(address, []).append(telling)
        head = Letterhead(f"{self._hub.name} {self._hub.id}", self._page, now.astimezone(self._zone))
        return [
            self.notice(words, address, now)
            for address, events in by_address.items()
            for words in (
                [summary_of(events, address, head)]
                if len(events) > at_most
                else [words_of(one, head) for one in events]
            )
        ]

    def notice(self, words: Words, address: Address, now: datetime, *, is_test: bool = False) -> Notice:
        """Returns a notice of these words to an address."""
        return Notice(
            region=self._hub.region, event_id=words.event_id, channel=address.channel, address=address.address,
            title=words.title, body=words.body, severity=words.severity, made_time=now, due_time=now, is_test=is_test,
        )  # fmt: skip


def _gone(name: str, rules: Mapping[str, Rule]) -> Rule:
    """Returns a rule in the name of one that is shipped no more; of its subjects nothing is seen, so all close."""
    return replace(next(iter(rules.values())), name=name)
