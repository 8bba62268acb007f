"""Platforms that sign people on through this hub, and what they were given for whom."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY

from exchange_db.tables.base import METADATA, TIME

#: A platform's software that may ask who somebody is. ``region`` and ``roles`` are the most a person may be for it.
sign_on_clients = Table(
    "sign_on_clients",
    METADATA,
    Column("client_id", Text, primary_key=True),
    Column("platform_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("auth_method", Text, nullable=False),
    Column("secret_digest", LargeBinary),
    Column("jwks", Text, nullable=False, server_default="[]"),
    Column("thumbprint", Text, nullable=False, server_default=""),
    Column("redirect_uris", ARRAY(Text), nullable=False),
    Column("post_logout_uris", ARRAY(Text), nullable=False),
    Column("logout_uri", Text, nullable=False, server_default=""),
    Column("cas_services", ARRAY(Text), nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("region", Integer, nullable=False),
    Column("algorithm", Text, nullable=False, server_default="ES256"),
    Column("needs_pushed", Boolean, nullable=False, server_default="false"),
    Column("audiences", ARRAY(Text), nullable=False),
    Column("made_time", TIME, nullable=False, server_default=func.now()),
    CheckConstraint(
        "auth_method IN ('private_key_jwt', 'client_secret_basic', 'client_secret_post', 'tls_client_auth', 'none')",
        name="auth_method",
    ),
)

#: A request to sign somebody on: handed in beforehand by the platform, or set aside while the person signs in.
sign_on_requests = Table(
    "sign_on_requests",
    METADATA,
    Column("request_digest", LargeBinary, primary_key=True),
    Column("client_id", Text, ForeignKey("sign_on_clients.client_id", ondelete="CASCADE"), nullable=False),
    Column("parameters", Text, nullable=False),
    Column("made_time", TIME, nullable=False),
    Column("end_time", TIME, nullable=False),
)

#: What a platform was told about a person in one session. It is over at ``end_time``; then everything given under it
#: is void. ``identity`` is JSON: what tokens and user information say.
sign_on_grants = Table(
    "sign_on_grants",
    METADATA,
    Column("grant_id", Uuid, primary_key=True),
    Column("client_id", Text, ForeignKey("sign_on_clients.client_id", ondelete="CASCADE"), nullable=False),
    Column("session_id", Uuid, nullable=False, index=True),
    Column("subject", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("identity", Text, nullable=False),
    Column("made_time", TIME, nullable=False),
    Column("end_time", TIME),
)

sign_on_codes = Table(
    "sign_on_codes",
    METADATA,
    Column("code_digest", LargeBinary, primary_key=True),
    Column("grant_id", Uuid, ForeignKey("sign_on_grants.grant_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("redirect_uri", Text, nullable=False),
    Column("challenge", Text, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("end_time", TIME, nullable=False),
    Column("used_time", TIME),
)

#: Access tokens by digest: of an opaque token itself, of the ``jti`` of a delegated one.
sign_on_tokens = Table(
    "sign_on_tokens",
    METADATA,
    Column("token_digest", LargeBinary, primary_key=True),
    Column("grant_id", Uuid, ForeignKey("sign_on_grants.grant_id", ondelete="CASCADE"), index=True),
    Column("client_id", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("thumbprint", Text, nullable=False, server_default=""),
    Column("made_time", TIME, nullable=False),
    Column("end_time", TIME, nullable=False),
)

#: Client assertions that were used; each is good once.
used_tokens = Table(
    "used_tokens",
    METADATA,
    Column("replay_key", LargeBinary, primary_key=True),
    Column("end_time", TIME, nullable=False),
)

#: One-use tickets of the CAS face; one that was used is kept while the session lasts, to end it at the platform.
cas_tickets = Table(
    "cas_tickets",
    METADATA,
    Column("ticket_digest", LargeBinary, primary_key=True),
    Column("ticket", Text, nullable=False, server_default=""),
    Column("client_id", Text, ForeignKey("sign_on_clients.client_id", ondelete="CASCADE"), nullable=False),
    Column("session_id", Uuid, nullable=False, index=True),
    Column("service", Text, nullable=False),
    Column("identity", Text, nullable=False),
    Column("is_renewed", Boolean, nullable=False),
    Column("end_time", TIME, nullable=False),
    Column("used_time", TIME),
)

#: Platforms still to be told that somebody signed off. ``ticket`` is empty for OpenID.
sign_on_logouts = Table(
    "sign_on_logouts",
    METADATA,
    Column("logout_id", BigInteger, Identity(), primary_key=True),
    Column("client_id", Text, ForeignKey("sign_on_clients.client_id", ondelete="CASCADE"), nullable=False),
    Column("address", Text, nullable=False),
    Column("session_id", Uuid, nullable=False),
    Column("subject", Text, nullable=False),
    Column("ticket", Text, nullable=False),
    Column("next_time", TIME, nullable=False),
    Column("try_count", Integer, nullable=False, server_default="0"),
    Column("end_time", TIME, nullable=False),
    Index("ix_sign_on_logouts_next_time", "next_time"),
)

#: Other hubs whose delegated tokens are taken for exchange, and the keys they sign with.
token_issuers = Table(
    "token_issuers",
    METADATA,
    Column("issuer", Text, primary_key=True),
    Column("platform_id", Text, nullable=False, unique=True),
    Column("algorithm", Text, nullable=False),
    Column("jwks", Text, nullable=False),
    Column("made_time", TIME, nullable=False, server_default=func.now()),
)
