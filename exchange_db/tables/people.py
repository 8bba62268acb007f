"""People who sign on, what they were granted, their sessions, and the platforms they sign on at."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from exchange_db.tables.base import METADATA, TIME

#: A person is known by who signed them on and that platform's name for them; all else is told about them.
people = Table(
    "people",
    METADATA,
    Column("person_id", Uuid, primary_key=True),
    Column("issuer_id", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("region", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("first_time", TIME, nullable=False),
    Column("last_time", TIME, nullable=False),
    UniqueConstraint("issuer_id", "subject"),
    CheckConstraint("state IN ('waiting', 'admitted', 'blocked')", name="state"),
)

person_grants = Table(
    "person_grants",
    METADATA,
    Column("person_id", Uuid, ForeignKey("people.person_id", ondelete="CASCADE"), primary_key=True),
    Column("role", Text, primary_key=True),
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("granted_by", Text, nullable=False),
    Column("granted_time", TIME, nullable=False),
)

#: ``session_digest`` is the SHA-256 of what the browser holds, so this table signs nobody on. ``upstream_session`` is
#: the ``sid`` or the ticket the platform ends it by; ``hops`` is JSON.
sessions = Table(
    "sessions",
    METADATA,
    Column("session_digest", LargeBinary, primary_key=True),
    Column("session_id", Uuid, nullable=False, unique=True),
    Column("person_id", Uuid, ForeignKey("people.person_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_time", TIME, nullable=False),
    Column("seen_time", TIME, nullable=False),
    Column("end_time", TIME, nullable=False),
    Column("auth_time", TIME, nullable=False),
    Column("acr", Text, nullable=False),
    Column("hops", Text, nullable=False),
    Column("upstream_session", Text, nullable=False),
    Column("id_token", Text, nullable=False),
    Column("client", Text, nullable=False),
    Index("ix_sessions_upstream_session", "upstream_session"),
)

#: A sign-on under way, taken out when the browser comes back with ``state``. ``linked_session`` is the digest of the
#: session it adds an account to, and nothing for a sign-on that opens one.
sign_on_flows = Table(
    "sign_on_flows",
    METADATA,
    Column("state_digest", LargeBinary, primary_key=True),
    Column("upstream_id", Text, nullable=False),
    Column("browser_digest", LargeBinary, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("verifier", Text, nullable=False),
    Column("return_path", Text, nullable=False),
    Column("max_age", Integer),
    Column("acr", Text, nullable=False),
    Column("created_time", TIME, nullable=False),
    Column("end_time", TIME, nullable=False),
    Column("linked_session", LargeBinary),
)

#: Platforms people sign on at; ``profile`` is JSON of ``exchange_db.sign_on_records``.
upstreams = Table(
    "upstreams",
    METADATA,
    Column("upstream_id", Text, primary_key=True),
    Column("profile", Text, nullable=False),
    Column("added_time", TIME, nullable=False),
)

#: Logout tokens that were taken; each is good once.
used_logout_tokens = Table(
    "used_logout_tokens",
    METADATA,
    Column("upstream_id", Text, primary_key=True),
    Column("token_id", Text, primary_key=True),
    Column("end_time", TIME, nullable=False),
)

#: Administrators of this host alone, for when no platform can sign anybody on. ``last_step`` is the last one-time
#: code's number, so that none is good twice.
local_administrators = Table(
    "local_administrators",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("password_hash", Text, nullable=False),
    Column("wrapped_secret", LargeBinary, nullable=False),
    Column("recovery_digests", ARRAY(LargeBinary), nullable=False),
    Column("last_step", BigInteger, nullable=False, server_default="0"),
    Column("state", Text, nullable=False),
    Column("made_time", TIME, nullable=False),
    CheckConstraint("state IN ('active', 'blocked')", name="state"),
)

#: Failed tries by digest of the name that was typed, known or not.
local_attempts = Table(
    "local_attempts",
    METADATA,
    Column("name_digest", LargeBinary, primary_key=True),
    Column("failure_count", Integer, nullable=False),
    Column("failed_time", TIME, nullable=False),
    Column("locked_until_time", TIME),
)

#: What a platform proves itself with when it brings its list of people: the SHA-256 of a secret.
list_secrets = Table(
    "list_secrets",
    METADATA,
    Column("upstream_id", Text, ForeignKey("upstreams.upstream_id", ondelete="CASCADE"), primary_key=True),
    Column("secret_digest", LargeBinary, nullable=False, unique=True),
    Column("made_time", TIME, nullable=False),
)

#: A person as their platform's list has them. ``is_active`` is that list's word; ``is_blocked_by_list`` tells that it
#: was this word which blocked them. An entry that was deleted there stays, ``is_gone``.
listed_people = Table(
    "listed_people",
    METADATA,
    Column("person_id", Uuid, ForeignKey("people.person_id", ondelete="CASCADE"), primary_key=True),
    Column("upstream_id", Text, nullable=False),
    Column("user_name", Text, nullable=False),
    Column("external_id", Text),
    Column("formatted", Text, nullable=False),
    Column("given_name", Text, nullable=False),
    Column("family_name", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("is_blocked_by_list", Boolean, nullable=False),
    Column("is_gone", Boolean, nullable=False),
    Column("made_time", TIME, nullable=False),
    Column("changed_time", TIME, nullable=False),
    Index("ux_listed_people_user_name", "upstream_id", "user_name", unique=True, postgresql_where=text("NOT is_gone")),
    Index(
        "ux_listed_people_external_id", "upstream_id", "external_id", unique=True,
        postgresql_where=text("NOT is_gone AND external_id IS NOT NULL"),
    ),
)  # fmt: skip

#: Accounts that are one person's, as that person proved at both platforms: whoever shares ``group_id``.
person_links = Table(
    "person_links",
    METADATA,
    Column("person_id", Uuid, ForeignKey("people.person_id", ondelete="CASCADE"), primary_key=True),
    Column("group_id", Uuid, nullable=False, index=True),
    Column("linked_time", TIME, nullable=False),
)
