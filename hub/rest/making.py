"""Putting the REST edge together from the settings."""

from exchange_db.session import Ledger
from hub.clock import Clock
from hub.evaluation.surveying import SurveyDesk
from hub.intake.desk import IntakeDesk
from hub.listener import Listener
from hub.personal.making import make_personal_desk
from hub.rest.exchange import Exchange
from hub.rest.guard import RestGuard
from hub.rest.server import Calls, RestServer
from hub.rest.surveys import SurveyCalls
from hub.settings import Settings
from hub.throttle import throttles
from hub.veil import Veil


def make_rest(
    settings: Settings, ledger: Ledger, listener: Listener, desk: IntakeDesk, clock: Clock, drain_seconds: float
) -> RestServer:
    """Returns the server of a hub; ``drain_seconds`` is how long calls may take to finish when it stops."""
    personal, veil = make_personal_desk(settings, ledger, clock), Veil(settings.hub.id, settings.personal)
    return RestServer(
        RestGuard(ledger, clock, *throttles(settings.limits, clock), settings.hub.id),
        Calls(
            Exchange(ledger, desk, listener, settings.hub.region, clock, personal, veil),
            SurveyCalls(SurveyDesk(ledger, settings, clock)),
        ),
        address=settings.rest.listen,
        certificate=settings.tls.certificate,
        key=settings.tls.key,
        per_address=settings.limits.connections_per_address,
        drain_seconds=drain_seconds,
        shares_port=settings.listen.shares_port,
    )
