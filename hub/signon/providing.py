"""Putting the provider together from the settings. Called by the wiring and by ``sanji sign-on``."""

import logging
import ssl

from auth.oidc_provider.protocol import ProviderTerms
from auth.oidc_provider.provider import Provider
from auth.signing_keys import KeyWrap, WrappingKeyInvalid
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.settings import Settings
from hub.signon.sign_off_notices import SignOffTeller

logger = logging.getLogger(__name__)


def make_provider(settings: Settings, ledger: Ledger) -> Provider | None:
    """Returns the provider of a hub; ``None`` when it has no address of its own, or its keys cannot be opened."""
    if not settings.console.origin:
        return None
    try:
        wrap = KeyWrap.of_file(settings.console.wrapping_key)
    except WrappingKeyInvalid as error:
        logger.warning("this hub signs nobody on for other platforms: %s", error)
        return None
    return Provider.over(ledger, wrap, ProviderTerms(settings.console.origin, settings.hub.id, settings.hub.region))


def make_teller(settings: Settings, provider: Provider, clock: Clock) -> SignOffTeller:
    """Returns what tells platforms of a sign-off; they show a certificate of the federation or a public one."""
    trust = ssl.create_default_context()
    if settings.tls.authority.exists():
        trust.load_verify_locations(settings.tls.authority)
    return SignOffTeller(provider.logout, clock, trust)
