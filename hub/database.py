"""Which server the ledger is on: the embedded one, started and started again, or one of the operator's own.

Called by ``hub.bootstrap`` and ``hub.cli``.
"""

import asyncio
import logging
from contextlib import AsyncExitStack

from exchange_db.embedded import EmbeddedServer
from exchange_db.errors import EmbeddedServerFailed
from exchange_db.replica import ReplicaLedger
from exchange_db.session import Ledger
from hub.settings import Settings

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 2.0


def open_database(settings: Settings, stack: AsyncExitStack) -> str:
    """Returns the URL of the ledger; starts the embedded server when no other is named.

    Raises:
        EmbeddedServerFailed: the embedded server did not start.
    """
    return database_url(settings, open_server(settings, stack))


def open_server(settings: Settings, stack: AsyncExitStack) -> EmbeddedServer | None:
    """Starts the embedded server, unless a server of one's own is named.

    Raises:
        EmbeddedServerFailed: it did not start.
    """
    if settings.database.url is not None:
        return None
    return stack.enter_context(EmbeddedServer(settings.database.folder))


def database_url(settings: Settings, embedded: EmbeddedServer | None) -> str:
    """Returns the URL of the ledger, on the embedded server or on the one named."""
    if embedded is not None:
        return embedded.ensure_database(settings.database.name)
    assert settings.database.url is not None  # noqa: S101 — open_server gives a server when there is none
    return settings.database.url.get_secret_value()


def reading_ledger(settings: Settings, ledger: Ledger) -> Ledger:
    """Returns what pages read from: the replica where one is named, else the ledger itself.

    Whoever asks closes it, if it is another than ``ledger``.
    """
    replica = settings.database.replica
    return ledger if replica is None else ReplicaLedger(ledger, replica.get_secret_value())


async def keep_up(server: EmbeddedServer) -> None:
    """Starts the embedded server again whenever it has ended; a server of one's own has somebody who does."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        try:
            if await asyncio.to_thread(server.revive):
                logger.warning("the embedded server had ended and was started again")
        except EmbeddedServerFailed as error:
            logger.warning("the embedded server does not start: %s", error)
