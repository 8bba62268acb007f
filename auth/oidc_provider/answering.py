"""How a request to sign somebody on is answered: the answers, and giving a code together with what belongs to it.

Called by ``auth.oidc_provider.authorization``, which decides what the answer is.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from auth.oidc_provider.protocol import ProtocolRefused
from auth.person import Person
from exchange_db import sign_on_grants
from exchange_db.audit import append_all
from exchange_db.audit_records import AuditEntry
from exchange_db.session import HotSession
from exchange_db.sign_on import Client
from exchange_db.sign_on_grants import Code, Grant


class Answered(NamedTuple):
    """The browser goes back to the platform, with a code."""

    location: str


class SignInNeeded(NamedTuple):
    """The browser goes to this hub's own page first, and comes back with ``parked``.

    ``is_forced`` asks the person to prove who they are even when signed on; ``origin`` is where the browser ends up,
    for the page that posts a form on the way.
    """

    parked: str
    is_forced: bool
    max_age: int | None
    acr_values: tuple[str, ...]
    origin: str


class Given(NamedTuple):
    """A code that is given out, with its entry in the audit log."""

    grant: Grant
    code: Code
    moment: datetime
    entry: AuditEntry


#: A request that was set aside: its client, its parameters as JSON, and when.
Kept = tuple[Client, str, datetime]
Asking = Callable[[], Awaitable[Kept | None]]
Giving = Callable[[Given], Awaitable[None]]


class Resuming:
    """A request that was set aside, gone on with in the transaction that opens the session it waited for.

    ``outcome`` is the answer once there is one.

    Args:
        taking: asks for the request.
        resumed: answers it.
        parked: what it was set aside under.
        moment: now.
    """

    def __init__(
        self,
        taking: Callable[[HotSession, str, int], Awaitable[Asking]],
        resumed: Callable[[Kept | None, Person | None, int, Giving], Awaitable[Answered | SignInNeeded]],
        parked: str,
        moment: int,
    ) -> None:
        self._taking = taking
        self._resumed = resumed
        self._parked = parked
        self._moment = moment
        self._asking: Asking | None = None
        self.outcome: Answered | SignInNeeded | ProtocolRefused | None = None

    async def ask(self, session: HotSession) -> None:
        """Asks the ledger for the request; what it says is not waited for."""
        self._asking = await self._taking(session, self._parked, self._moment)

    async def answer(self, session: HotSession, person: Person) -> Sequence[AuditEntry]:
        """Answers it for somebody; returns what is to be recorded. A refusal of it is no reason not to sign on."""
        entries: list[AuditEntry] = []

        async def give(given: Given) -> None:
            await sign_on_grants.give_codes(session, [(given.grant, given.code, given.moment)])
            entries.append(given.entry)

        assert self._asking is not None  # noqa: S101 — asked before
        try:
            self.outcome = await self._resumed(await self._asking(), person, self._moment, give)
        except ProtocolRefused as refused:
            self.outcome = refused
        return entries


async def give_all(session: HotSession, given: Sequence[Given]) -> None:
    """Keeps codes, each with its entry in the audit log."""
    await sign_on_grants.give_codes(session, [(one.grant, one.code, one.moment) for one in given])
    await append_all(session, [one.entry for one in given])
