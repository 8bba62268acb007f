"""Putting the canary desk together."""

from exchange_db.session import Ledger
from hub.canaries.desk import CanaryDesk
from hub.clock import Clock
from hub.delivery.dialling import Dialler
from hub.intake.desk import IntakeDesk
from hub.intake.own import OwnStream
from hub.settings import Settings

#: Name of the stream canaries enter the log in.
STREAM = "canaries"


def make_canary_desk(ledger: Ledger, settings: Settings, clock: Clock, desk: IntakeDesk) -> CanaryDesk:
    """Returns what sends and answers canaries, over an intake desk that runs."""
    hub, tls = settings.hub, settings.tls
    dialler = Dialler(tls.authority, tls.certificate, tls.key, clock)
    return CanaryDesk(ledger, hub.id, OwnStream(ledger, desk, hub.id, hub.region, STREAM).submit, dialler.target, clock)
