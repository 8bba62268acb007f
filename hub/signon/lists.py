"""Lists of people that platforms bring: who is on one, and what its word does, each act with its audit entry.

A platform speaks for its own people alone. Being listed gives no right: who is new waits like whoever signs on first.
A list can keep its people out, at once and with their sessions, and it cannot let anybody in whom this hub keeps out.
Nobody is erased. Called by ``hub.console.views.scim``; shapes are ``hub.signon.scim``.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from auth.oidc_provider.clients import secret_digest
from auth.sessions import is_token
from exchange_db import audit, people, people_lists, sessions, upstreams
from exchange_db.audit_records import AuditEntry, Value, peer_actor
from exchange_db.people_lists import ListedRow
from exchange_db.session import Ledger, WriteSession
from exchange_db.sign_on_records import AnyUpstream
from hub.clock import Clock
from hub.signon.scim import MOST_RESULTS, Entry, ScimRefused, entry_of

#: People on the list of one platform.
MOST_LISTED = 100_000


class ListPage(NamedTuple):
    """Some of a list: the entries from ``start`` (the first is 1), and how many there are."""

    rows: list[ListedRow]
    total: int
    start: int


class ListDesk:
    """The desk at which platforms hand in their lists.

    Args:
        ledger: the hub's database.
        clock: the hub's clock.
        most: people on one list.
    """

    def __init__(self, ledger: Ledger, clock: Clock, *, most: int = MOST_LISTED) -> None:
        self._ledger = ledger
        self._clock = clock
        self._most = most

    async def platform_of(self, secret: str) -> AnyUpstream | None:
        """Returns the platform that holds a secret, as long as it is registered for sign-on."""
        if not is_token(secret):
            return None
        async with self._ledger.read() as session:
            upstream_id = await people_lists.of_secret(session, secret_digest(secret))
            return None if upstream_id is None else await upstreams.find(session, upstream_id)

    async def page(self, upstream: AnyUpstream, wanted: dict[str, str], start: int, count: int) -> ListPage:
        """Returns entries; ``wanted`` is what ``hub.signon.scim.read_filter`` gave."""
        equal: dict[str, str | UUID] = dict(wanted)
        if "id" in wanted:
            equal = {"person_id": _id(wanted["id"]) or UUID(int=0)}
        start, count = max(start, 1), min(max(count, 0), MOST_RESULTS)
        async with self._ledger.read() as session:
            total = await people_lists.count(session, upstream.upstream_id, **equal)
            rows = await people_lists.page(session, upstream.upstream_id, start - 1, count, **equal) if count else []
        return ListPage(rows, total, start)

    async def find(self, upstream: AnyUpstream, entry_id: str) -> ListedRow:
        """Returns one entry.

        Raises:
            ScimRefused: 404.
        """
        async with self._ledger.write() as session:
            return await self._found(session, upstream, entry_id)

    async def add(self, upstream: AnyUpstream, entry: Entry) -> ListedRow:
        """Puts somebody on the list.

        Raises:
            ScimRefused: uniqueness, or tooMany.
        """
        now, upstream_id = self._now(), upstream.upstream_id
        async with self._ledger.write() as session:
            if await people_lists.count(session, upstream_id) >= self._most:
                raise ScimRefused(400, "tooMany")
            person = await people_lists.enlist(
                session, upstream_id, entry.subject, name=entry.name, unit=entry.unit, region=upstream.region, now=now
            )
            was_blocked = await people_lists.was_blocked(session, person.person_id)
            row = ListedRow(
                person.person_id, upstream_id, **entry._asdict(), is_blocked_by_list=was_blocked, is_gone=False,
                made_time=now, changed_time=now,
            )  # fmt: skip
            if not await people_lists.keep(session, row):
                raise ScimRefused(409, "uniqueness", "userName, externalId")
            await self._note(session, row, "person.list", {"state": person.state})
            return await self._settled(session, row)

    async def change(self, upstream: AnyUpstream, entry_id: str, read: Callable[[Entry], Entry]) -> ListedRow:
        """Changes what the list tells about somebody; ``read`` makes the new entry of the one that stands.

        Raises:
            ScimRefused: 404, or what ``read`` raises.
        """
        async with self._ledger.write() as session:
            row = await self._found(session, upstream, entry_id)
            before = entry_of(row)
            entry = read(before)
            if entry == before:
                return row
            changed = [name for name, old, new in zip(Entry._fields, before, entry, strict=True) if old != new]
            row = row._replace(**entry._asdict(), changed_time=self._now())
            await people_lists.change(session, row)
            await people_lists.tell(session, row.person_id, name=entry.name, unit=entry.unit)
            await self._note(session, row, "person.list_change", {"changed": changed, "active": entry.is_active})
            return await self._settled(session, row)

    async def take_off(self, upstream: AnyUpstream, entry_id: str) -> None:
        """Takes somebody off the list: they are kept out and stay known.

        Raises:
            ScimRefused: 404.
        """
        async with self._ledger.write() as session:
            row = await self._found(session, upstream, entry_id)
            row = row._replace(is_gone=True, is_active=False, changed_time=self._now())
            await people_lists.change(session, row)
            await self._note(session, row, "person.unlist", {})
            await self._settled(session, row)

    async def _found(self, session: WriteSession, upstream: AnyUpstream, entry_id: str) -> ListedRow:
        person_id = _id(entry_id)
        row = person_id and await people_lists.find(session, upstream.upstream_id, person_id)
        if not row:
            raise ScimRefused(404)
        return row

    async def _settled(self, session: WriteSession, row: ListedRow) -> ListedRow:
        """Lets the list's word take effect on its person, and ends their sessions when it keeps them out."""
        if not row.is_active:
            # In this order: a sign-on under way holds the person's row, and its session is seen afterwards.
            is_blocked = await people.set_state(session, row.person_id, "blocked")
            ended = await sessions.end_person(session, row.person_id)
            if is_blocked:
                row = row._replace(is_blocked_by_list=True)
                await people_lists.change(session, row)
                await self._note(session, row, "person.block", {"sessions": len(ended)})
        elif row.is_blocked_by_list:
            # Back to where whoever comes first stands: a right that was held before takes another admission.
            await people.set_state(session, row.person_id, "waiting")
            row = row._replace(is_blocked_by_list=False)
            await people_lists.change(session, row)
        return row

    async def _note(self, session: WriteSession, row: ListedRow, action: str, detail: dict[str, Value]) -> None:
        await audit.append(
            session,
            AuditEntry(
                actor=peer_actor(row.upstream_id), action=action, object=str(row.person_id),
                detail={"issuer": row.upstream_id, **detail},
            ),
        )  # fmt: skip

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock() / 1_000_000, UTC)


def _id(text: str) -> UUID | None:
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text.lower() else None
