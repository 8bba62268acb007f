"""Putting the desks and the work of alerts together."""

from exchange_db.session import Ledger
from hub.alerts.channels import ways_of
from hub.alerts.duty import DutyDesk
from hub.alerts.observers import Observers
from hub.alerts.office import AlertOffice
from hub.alerts.sending import NoticeSender
from hub.alerts.watch import AlertWatch
from hub.clock import Clock
from hub.documents.making import make_document_desk
from hub.settings import Settings


def make_watch(settings: Settings, ledger: Ledger, clock: Clock) -> AlertWatch:
    """Returns what looks at a hub."""
    return AlertWatch(ledger, settings, clock, Observers(settings).all())


def make_alerts(settings: Settings, ledger: Ledger, clock: Clock, holder: str) -> AlertOffice:
    """Returns the work of alerts of one process; ``holder`` is its name, the same after a restart."""
    ways = ways_of(settings.alerts, settings.mail, settings.hub.id, clock)
    sender = NoticeSender(ledger, settings.hub.region, settings.alerts, ways, clock)
    watch = make_watch(settings, ledger, clock)
    return AlertOffice(ledger, settings.alerts, watch, sender, list(ways.values()), holder)


def make_duty_desk(settings: Settings, ledger: Ledger, clock: Clock) -> DutyDesk:
    """Returns the desk for duty calls of a hub."""
    return DutyDesk(make_document_desk(settings, ledger, clock), clock, settings.figures.zone)
