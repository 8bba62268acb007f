"""Records that came back to a restored ledger with masked texts, and their originals, which take their place.

A hub above holds what it was shown. When the origin sends the same record once more, as it wrote it, that is no other
content under a used name: the original goes into the log where the masked one is. Called by ``exchange_db.inbox``.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import Protocol

from exchange_db.session import HotSession, WriteSession


class Original(Protocol):
    """A record that comes in, as ``exchange_db.inbox.Entry``."""

    @property
    def message_key(self) -> bytes:
        """Name of the message."""

    @property
    def facts(self) -> bytes | None:
        """What apply needs to know of it."""

    @property
    def payload(self) -> bytes:
        """Its bytes."""


async def put_in_place(
    session: HotSession | WriteSession, coming: Iterable[Original], known: dict[bytes, bytes]
) -> None:
    """Puts originals in the place of what came back masked, in the log and in ``known`` (message key to bytes)."""
    others = {item.message_key: item for item in coming if known.get(item.message_key, item.payload) != item.payload}
    if not others:
        return
    cursor = await session.driver.execute(
        "SELECT message_key::text, original_sha256 FROM masked_returns WHERE message_key = ANY(%s::uuid[])",
        ([key.hex() for key in others],),
        binary=True,
    )
    for text, digest in await cursor.fetchall():
        key = bytes.fromhex(text.replace("-", ""))
        original = others[key]
        if sha256(original.payload).digest() != digest:
            continue
        await session.driver.execute(
            "UPDATE inbox i SET payload = %s, facts = %s FROM inbox_keys k WHERE k.message_key = %s::uuid"
            " AND i.partition = k.partition AND i.inbox_id = k.inbox_id",
            (original.payload, original.facts, key.hex()),
        )
        await session.driver.execute("DELETE FROM masked_returns WHERE message_key = %s::uuid", (key.hex(),))
        known[key] = original.payload
