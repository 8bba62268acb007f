"""A platform that hands in its list of people and looks at every answer as a strict client would."""

import json
from datetime import UTC, datetime
from typing import Any, NamedTuple

from aiohttp import ClientSession

from auth.oidc_provider.clients import new_secret
from exchange_db import people, people_lists
from exchange_db.people import PersonRow
from exchange_db.session import Ledger
from exchange_db.sign_on_records import CasUpstream

PROVINCE = "430000.platform"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
_PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_TYPE = "application/scim+json"


class Said(NamedTuple):
    """What the door answered."""

    status: int
    body: Any
    headers: Any


class Platform:
    """A platform that knows the protocol and trusts nothing: every answer is looked at before it is handed on."""

    def __init__(self, ledger: Ledger, http: ClientSession, base: str, tls: Any, secret: str) -> None:
        self.ledger = ledger
        self.base = base
        self.secret = secret
        self._http = http
        self._tls = tls

    def as_other(self, secret: str) -> "Platform":
        """Returns one with another secret."""
        return Platform(self.ledger, self._http, self.base, self._tls, secret)

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Said:
        """Asks and checks what every answer must be."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {self.secret}", "Content-Type": _TYPE, **headers}
        async with self._http.request(
            method, f"{self.base}{path}", data=data, headers=sent, ssl=self._tls, allow_redirects=False
        ) as answer:
            text = await answer.read()
            if answer.status == 204:
                assert text == b""
                return Said(204, None, answer.headers)
            assert answer.content_type == _TYPE
            assert answer.headers["Cache-Control"] == "no-store"
            told = json.loads(text)
            if answer.status >= 400:
                assert told["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
                assert told["status"] == str(answer.status)
                assert told["detail"]
            return Said(answer.status, told, answer.headers)

    async def add(self, user_name: str, **told: Any) -> Said:
        """Puts somebody on the list."""
        return await self.ask("POST", "/Users", {"schemas": [USER], "userName": user_name, **told})

    async def patch(self, user_id: str, *operations: dict[str, Any]) -> Said:
        """Changes somebody."""
        return await self.ask("PATCH", f"/Users/{user_id}", {"schemas": [_PATCH], "Operations": operations})

    async def person(self, subject: str, issuer_id: str = PROVINCE) -> PersonRow:
        """Returns the person as the hub has them."""
        async with self.ledger.read() as session:
            found = await people.of_identity(session, issuer_id, subject)
        assert found is not None
        return found


def upstream_of(upstream_id: str) -> CasUpstream:
    """Returns the registration of a platform that is never asked anything."""
    return CasUpstream(
        upstream_id=upstream_id,
        name="平台",
        roles=("viewer",),
        addresses=("127.0.0.1:9",),
        base="http://127.0.0.1:9/cas",
    )


async def secret_for(ledger: Ledger, upstream_id: str) -> str:
    """Gives a platform the secret for its list."""
    secret, digest = new_secret()
    async with ledger.write() as session:
        await people_lists.keep_secret(session, upstream_id, digest, datetime.now(UTC))
    return secret
