"""The provider put together: its desks over one ledger and one ring of keys. Served by the console."""

from typing import NamedTuple, Self

from auth.cas_server import CasDesk
from auth.oidc_provider.authorization import AuthorizationDesk
from auth.oidc_provider.clients import ClientDesk
from auth.oidc_provider.exchange import ExchangeDesk
from auth.oidc_provider.key_ring import KeyRing
from auth.oidc_provider.logout import LogoutDesk
from auth.oidc_provider.protocol import ProviderTerms
from auth.oidc_provider.tokens import TokenDesk
from auth.signing_keys import KeyWrap
from exchange_db.session import Ledger


class Provider(NamedTuple):
    """Every desk of the provider."""

    terms: ProviderTerms
    keys: KeyRing
    clients: ClientDesk
    authorization: AuthorizationDesk
    tokens: TokenDesk
    exchange: ExchangeDesk
    logout: LogoutDesk
    cas: CasDesk

    @classmethod
    def over(cls, ledger: Ledger, wrap: KeyWrap, terms: ProviderTerms) -> Self:
        """Returns the provider of a hub."""
        keys = KeyRing(ledger, wrap, terms.issuer)
        tokens = TokenDesk(ledger, keys, terms)
        return cls(
            terms,
            keys,
            ClientDesk(ledger, terms.issuer),
            AuthorizationDesk(ledger, keys, terms),
            tokens,
            ExchangeDesk(ledger, keys, tokens, terms),
            LogoutDesk(ledger, keys, terms),
            CasDesk(ledger, terms),
        )
