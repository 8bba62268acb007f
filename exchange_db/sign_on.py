"""Platforms that may sign people on through this hub, and the hubs whose delegated tokens are taken.

Called by ``auth.oidc_provider``, ``auth.cas_server`` and ``sanji sign-on``.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from exchange_db.session import HotSession, ReadSession, WriteSession
from exchange_db.tables.sign_on import sign_on_clients, token_issuers


class Client(NamedTuple):
    """A registered platform's software.

    ``auth_method`` is how it proves itself at the token endpoint, by the names of OpenID Connect Registration.
    ``jwks`` is JSON, a list of public keys. ``audiences`` are the platforms it may have tokens exchanged for.
    """

    client_id: str
    platform_id: str
    name: str
    auth_method: str
    region: int
    secret_digest: bytes | None = None
    jwks: str = "[]"
    thumbprint: str = ""
    redirect_uris: Sequence[str] = ()
    post_logout_uris: Sequence[str] = ()
    logout_uri: str = ""
    cas_services: Sequence[str] = ()
    scopes: Sequence[str] = ("openid", "profile")
    roles: Sequence[str] = ()
    algorithm: str = "ES256"
    needs_pushed: bool = False
    audiences: Sequence[str] = ()

    @property
    def public_keys(self) -> list[dict[str, Any]]:
        """What it signs its assertions with."""
        keys: list[dict[str, Any]] = json.loads(self.jwks)
        return keys


class TokenIssuer(NamedTuple):
    """Another hub: what it calls itself in tokens, which platform it is, and how it signs."""

    issuer: str
    platform_id: str
    algorithm: str
    jwks: str

    @property
    def public_keys(self) -> list[dict[str, Any]]:
        """What it signs with."""
        keys: list[dict[str, Any]] = json.loads(self.jwks)
        return keys


_CLIENT = [sign_on_clients.c[name] for name in Client._fields]
_CLIENTS = f"SELECT {', '.join(Client._fields)} FROM sign_on_clients"  # noqa: S608 — constants
_ISSUER = [token_issuers.c[name] for name in TokenIssuer._fields]


async def add(session: WriteSession, client: Client) -> bool:
    """Registers a platform's software; tells whether its id was free."""
    statement = upsert(sign_on_clients).values(_values(client)).on_conflict_do_nothing()
    return (await session.execute(statement.returning(sign_on_clients.c.client_id))).first() is not None


async def find(session: HotSession | ReadSession, client_id: str) -> Client | None:
    """Returns a client by its id."""
    cursor = await session.driver.execute(f"{_CLIENTS} WHERE client_id = %s", (client_id,))
    row = await cursor.fetchone()
    return Client(*row) if row else None


async def of_service(session: HotSession | ReadSession, service: str) -> Client | None:
    """Returns the client that registered exactly this CAS service address."""
    cursor = await session.driver.execute(
        f"{_CLIENTS} WHERE %s = ANY (cas_services) ORDER BY client_id LIMIT 1", (service,)
    )
    row = await cursor.fetchone()
    return Client(*row) if row else None


async def of_platform(session: ReadSession, platform_id: str) -> list[Client]:
    """Returns the clients of a platform."""
    chosen = select(*_CLIENT).where(sign_on_clients.c.platform_id == platform_id)
    return [Client(*row) for row in await session.execute(chosen.order_by(sign_on_clients.c.client_id))]


async def listing(session: ReadSession) -> list[Client]:
    """Returns every client by its id."""
    return [Client(*row) for row in await session.execute(select(*_CLIENT).order_by(sign_on_clients.c.client_id))]


async def remove(session: WriteSession, client_id: str) -> bool:
    """Removes a client with all it was given; tells whether there was one."""
    result = await session.execute(delete(sign_on_clients).where(sign_on_clients.c.client_id == client_id))
    return bool(result.rowcount)


async def set_secret(session: WriteSession, client_id: str, secret_digest: bytes) -> bool:
    """Gives a client another secret; tells whether it is one that has any. The earlier one ends at once."""
    chosen = (sign_on_clients.c.client_id == client_id) & sign_on_clients.c.secret_digest.is_not(None)
    result = await session.execute(update(sign_on_clients).where(chosen).values(secret_digest=secret_digest))
    return bool(result.rowcount)


async def set_keys(session: WriteSession, client_id: str, jwks: str) -> bool:
    """Gives a client other public keys; tells whether it is one that signs its assertions."""
    chosen = (sign_on_clients.c.client_id == client_id) & (sign_on_clients.c.auth_method == "private_key_jwt")
    return bool((await session.execute(update(sign_on_clients).where(chosen).values(jwks=jwks))).rowcount)


async def keep_issuer(session: WriteSession, issuer: TokenIssuer) -> None:
    """Takes a hub, or its new keys."""
    values = issuer._asdict()
    statement = upsert(token_issuers).values(values)
    await session.execute(statement.on_conflict_do_update(index_elements=["issuer"], set_=values))


async def issuers(session: ReadSession) -> list[TokenIssuer]:
    """Returns the hubs whose delegated tokens are taken."""
    return [TokenIssuer(*row) for row in await session.execute(select(*_ISSUER).order_by(token_issuers.c.issuer))]


async def remove_issuer(session: WriteSession, issuer: str) -> bool:
    """Takes no more tokens of a hub; tells whether any were taken."""
    return bool((await session.execute(delete(token_issuers).where(token_issuers.c.issuer == issuer))).rowcount)


async def use(session: WriteSession, replay_key: bytes, end_time: datetime) -> bool:
    """Uses a token up that is good once; tells whether it was fresh."""
    cursor = await session.driver.execute(
        "INSERT INTO used_tokens (replay_key, end_time) VALUES (%s, %s) ON CONFLICT DO NOTHING", (replay_key, end_time)
    )
    return cursor.rowcount == 1


def _values(client: Client) -> dict[str, Any]:
    lists = ("redirect_uris", "post_logout_uris", "cas_services", "scopes", "roles", "audiences")
    return {**client._asdict(), **{name: list(getattr(client, name)) for name in lists}}
