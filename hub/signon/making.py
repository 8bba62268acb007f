"""Putting the sign-on desk together from the settings. Called by the console and by the commands of the host."""

import logging

from auth.cas_client import CasClient
from auth.egress import Egress
from auth.local_administrators import LocalAdministrators, PasswordDoor
from auth.oidc_client import OidcClient
from auth.sessions import Sessions
from auth.signing_keys import KeyWrap, WrappingKeyInvalid
from auth.tickets import TicketClient
from auth.upstream_client import UpstreamClient
from exchange_db.session import Ledger
from exchange_db.sign_on_records import AnyUpstream, CasUpstream, OidcUpstream
from hub.clock import Clock
from hub.settings import Settings
from hub.signon.desk import SignOnDesk

logger = logging.getLogger(__name__)


def make_desk(settings: Settings, ledger: Ledger, clock: Clock, doors: Sessions) -> SignOnDesk:
    """Returns the sign-on desk of a hub; without a wrapping key it signs no administrators of the host on."""

    def administrators_of() -> LocalAdministrators | None:
        if not settings.console.wrapping_key.exists():
            return None
        try:
            return make_administrators(settings)
        except WrappingKeyInvalid as error:
            logger.warning("no sign-on of this host's administrators: %s", error)
            return None

    return SignOnDesk(ledger, clock, doors, administrators_of, lambda upstream: make_client(upstream, clock))


def make_administrators(settings: Settings) -> LocalAdministrators:
    """Returns the administrators of this host; makes the wrapping key when there is none.

    Raises:
        WrappingKeyInvalid: the wrapping key cannot be used.
    """
    wrap = KeyWrap.of_file(settings.console.wrapping_key)
    return LocalAdministrators(settings.hub.id, settings.hub.region, wrap, PasswordDoor())


def make_client(upstream: AnyUpstream, clock: Clock) -> UpstreamClient:
    """Returns what speaks to a platform."""
    egress = Egress(upstream.addresses, upstream.authority)
    if isinstance(upstream, OidcUpstream):
        return OidcClient(upstream, egress, clock)
    if isinstance(upstream, CasUpstream):
        return CasClient(upstream, egress)
    return TicketClient(upstream, egress, clock)
