"""What platforms were given for people: requests, grants, codes, access tokens, and who must be told of a sign-off.

A grant holds while it has not ended and the session it was made in lasts; that is asked with every use, so nothing
here outlives a sign-off. Codes and tokens are kept as digests. Called by ``auth.oidc_provider`` and
``auth.cas_server``.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from exchange_db.session import HotSession, ReadSession, WriteSession
from exchange_db.sign_on import Client

_ALIVE = "g.end_time IS NULL AND EXISTS (SELECT FROM sessions s WHERE s.session_id = g.session_id)"
_GIVE = (
    "WITH g AS (INSERT INTO sign_on_grants (grant_id, client_id, session_id, subject, scopes, identity, made_time)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING grant_id)"
    " INSERT INTO sign_on_codes (code_digest, grant_id, redirect_uri, challenge, nonce, end_time)"
    " SELECT %s, grant_id, %s, %s, %s, %s FROM g"
)
_GRANT = "g.grant_id, g.client_id, g.session_id, g.subject, g.scopes, g.identity"
_CLIENT = ", ".join(f"c.{name}" for name in Client._fields)
_KEEP_OF_CLIENT = (
    "WITH c AS (SELECT * FROM sign_on_clients WHERE client_id = %s),"  # noqa: S608 — constants
    " r AS (INSERT INTO sign_on_requests (request_digest, client_id, parameters, made_time, end_time)"
    " SELECT %s, client_id, %s, %s, %s FROM c WHERE %s = ANY (redirect_uris) AND NOT needs_pushed)"
    f" SELECT {_CLIENT} FROM c"
)
_TAKE_OF_CLIENT = (
    "WITH r AS (DELETE FROM sign_on_requests WHERE request_digest = %s AND client_id = %s"  # noqa: S608 — constants
    f" RETURNING parameters, end_time) SELECT {_CLIENT}, (SELECT parameters FROM r WHERE end_time > %s)"
    " FROM sign_on_clients c WHERE c.client_id = %s"
)
_TAKE_WITH_CLIENT = (
    "WITH r AS (DELETE FROM sign_on_requests WHERE request_digest = %s RETURNING *)"  # noqa: S608 — constants
    f" SELECT {_CLIENT}, r.parameters, r.made_time FROM r JOIN sign_on_clients c USING (client_id)"
    " WHERE r.end_time > %s"
)


class Grant(NamedTuple):
    """What a platform was told about a person; ``identity`` is JSON."""

    grant_id: UUID
    client_id: str
    session_id: UUID
    subject: str
    scopes: list[str]
    identity: str


class Code(NamedTuple):
    """A code as it was given out, by its digest."""

    code_digest: bytes
    redirect_uri: str
    challenge: str
    nonce: str
    end_time: datetime


class Redeemable(NamedTuple):
    """A code somebody presents, and the grant behind it."""

    code: Code
    used_time: datetime | None
    is_alive: bool
    grant: Grant


class Token(NamedTuple):
    """An access token. ``grant_id`` is ``None`` when it was made from another hub's."""

    token_digest: bytes
    grant_id: UUID | None
    client_id: str
    audience: str
    thumbprint: str
    made_time: datetime
    end_time: datetime


def digest_of(secret: str) -> bytes:
    """Returns what the ledger knows a code, a token or a request by; all of them are long random texts."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


async def keep_request(
    session: HotSession | WriteSession,
    request_digest: bytes,
    client_id: str,
    parameters: str,
    now: datetime,
    end_time: datetime,
) -> None:
    """Keeps a request for a while."""
    await session.driver.execute(
        "INSERT INTO sign_on_requests (request_digest, client_id, parameters, made_time, end_time)"
        " VALUES (%s, %s, %s, %s, %s)",
        (request_digest, client_id, parameters, now, end_time),
    )


async def keep_of_client(
    session: HotSession | WriteSession,
    request_digest: bytes,
    client_id: str,
    redirect_uri: str,
    parameters: str,
    now: datetime,
    end_time: datetime,
) -> Client | None:
    """Returns a client, and keeps a request of it that names a registered address and need not be pushed."""
    values = (client_id, request_digest, parameters, now, end_time, redirect_uri)
    row = await (await session.driver.execute(_KEEP_OF_CLIENT, values)).fetchone()
    return Client(*row) if row else None


async def take_request(
    session: HotSession | WriteSession, request_digest: bytes, now: datetime
) -> tuple[str, str, datetime] | None:
    """Takes a request out; it is good once. Returns its client, parameters, and when it was made."""
    cursor = await session.driver.execute(
        "DELETE FROM sign_on_requests WHERE request_digest = %s RETURNING client_id, parameters, made_time, end_time",
        (request_digest,),
    )
    row = await cursor.fetchone()
    return (row[0], row[1], row[2]) if row and row[3] > now else None


async def take_of_client(
    session: HotSession | WriteSession, request_digest: bytes, client_id: str, now: datetime
) -> tuple[Client | None, str | None]:
    """Returns a client, and the parameters of the request it handed in beforehand, which is taken out."""
    row = await (await session.driver.execute(_TAKE_OF_CLIENT, (request_digest, client_id, now, client_id))).fetchone()
    return (Client(*row[:-1]), row[-1]) if row else (None, None)


async def taking_with_client(
    session: HotSession | WriteSession, request_digest: bytes, now: datetime
) -> Callable[[], Awaitable[tuple[Client, str, datetime] | None]]:
    """Asks for a request together with its client, which takes it out, and does not wait for the answer.

    Returns:
        What waits for it: client, parameters, and when the request was made.
    """
    cursor = await session.driver.execute(_TAKE_WITH_CLIENT, (request_digest, now))

    async def answer() -> tuple[Client, str, datetime] | None:
        row = await cursor.fetchone()
        return (Client(*row[:-2]), row[-2], row[-1]) if row else None

    return answer


async def give_codes(session: HotSession | WriteSession, given: Sequence[tuple[Grant, Code, datetime]]) -> None:
    """Keeps grants, each with the code for it and the time it is made."""
    values = [(*grant, now, *code) for grant, code, now in given]
    if len(values) == 1:
        await session.driver.execute(_GIVE, values[0])
        return
    async with session.driver.cursor() as cursor:
        await cursor.executemany(_GIVE, values)


async def lock_code(session: HotSession | WriteSession, code_digest: bytes) -> Redeemable | None:
    """Returns a code; whoever else presents the same one waits until this transaction ends."""
    cursor = await session.driver.execute(
        f"SELECT c.code_digest, c.redirect_uri, c.challenge, c.nonce, c.end_time, c.used_time, {_ALIVE}, {_GRANT}"  # noqa: S608 — constants
        " FROM sign_on_codes c JOIN sign_on_grants g USING (grant_id) WHERE c.code_digest = %s FOR UPDATE OF c",
        (code_digest,),
    )
    row = await cursor.fetchone()
    return Redeemable(Code(*row[:5]), row[5], row[6], Grant(*row[7:])) if row else None


async def use_code(session: HotSession | WriteSession, code_digest: bytes, now: datetime) -> None:
    """Uses a locked code up."""
    await session.driver.execute("UPDATE sign_on_codes SET used_time = %s WHERE code_digest = %s", (now, code_digest))


async def end_grant(session: HotSession | WriteSession, grant_id: UUID, now: datetime) -> None:
    """Ends a grant, and with it every token given under it."""
    await session.driver.execute(
        "UPDATE sign_on_grants SET end_time = %s WHERE grant_id = %s AND end_time IS NULL", (now, grant_id)
    )


async def keep_token(session: HotSession | WriteSession, token: Token) -> None:
    """Keeps an access token."""
    await session.driver.execute(
        "INSERT INTO sign_on_tokens (token_digest, grant_id, client_id, audience, thumbprint, made_time, end_time)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        token,
    )


async def find_token(
    session: ReadSession | HotSession, token_digest: bytes, now: datetime
) -> tuple[Token, Grant | None] | None:
    """Returns a token that holds now, with its grant."""
    cursor = await session.driver.execute(
        f"SELECT t.token_digest, t.grant_id, t.client_id, t.audience, t.thumbprint, t.made_time, t.end_time, {_GRANT}"  # noqa: S608 — constants
        " FROM sign_on_tokens t LEFT JOIN sign_on_grants g USING (grant_id)"
        f" WHERE t.token_digest = %s AND t.end_time > %s AND (t.grant_id IS NULL OR {_ALIVE})",
        (token_digest, now),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    return Token(*row[:7]), Grant(*row[7:]) if row[7] is not None else None


async def revoke_token(session: WriteSession, token_digest: bytes, client_id: str) -> bool:
    """Takes a token back that this client was given; tells whether there was one."""
    cursor = await session.driver.execute(
        "DELETE FROM sign_on_tokens WHERE token_digest = %s AND client_id = %s", (token_digest, client_id)
    )
    return cursor.rowcount == 1


async def forget(session: WriteSession, now: datetime, grants_before: datetime) -> int:
    """Removes what is over, grants only when they ended before ``grants_before``; returns how many rows."""
    count = 0
    for table in ("sign_on_requests", "sign_on_tokens", "used_tokens", "sign_on_logouts"):
        count += (await session.driver.execute(f"DELETE FROM {table} WHERE end_time <= %s", (now,))).rowcount  # noqa: S608 — constants
    cursor = await session.driver.execute("DELETE FROM sign_on_grants WHERE end_time <= %s", (grants_before,))
    count += cursor.rowcount
    cursor = await session.driver.execute(
        "DELETE FROM cas_tickets t WHERE t.end_time <= %s AND (t.used_time IS NULL"
        " OR NOT EXISTS (SELECT FROM sessions s WHERE s.session_id = t.session_id))",
        (grants_before,),
    )
    return count + cursor.rowcount
