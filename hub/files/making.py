"""Putting together what a hub needs for links that go by files."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from auth.batch_keys import read_signing_key
from auth.envelope import MAX_VALIDITY_SECONDS, Sealer
from connectors.transports.file_folders import ARRIVING_SECONDS
from exchange_db.peers import Peer
from exchange_db.session import Ledger
from hub.clock import Clock
from hub.delivery.taking import Take
from hub.federation.file_signing import signed_with
from hub.files.exporting import FileExport
from hub.files.importing import FileImport
from hub.files.work import FileWork
from hub.listener import Listener
from hub.settings import Settings
from hub.veil import Veil


def make_export(settings: Settings, ledger: Ledger, clock: Clock) -> FileExport:
    """Returns what writes the files of a hub.

    Raises:
        SigningKeyUnusable: a key of batches cannot be read or used.
    """
    hub_id, signing = settings.hub.id, partial(signed_with, settings.tls.certificate, settings.tls.key)
    keys = [read_signing_key(path) for path in settings.signing.keys]
    # What is carried takes longer than a call: seals hold as long as they may.
    sealing = Sealer(hub_id, keys, clock, MAX_VALIDITY_SECONDS)
    veil = Veil(hub_id, settings.personal)
    return FileExport(ledger, hub_id, signing, sealing, veil, clock, settings.files.max_bytes)


def make_import(
    settings: Settings, ledger: Ledger, take: Take, clock: Clock, patience_seconds: float = 0.0
) -> FileImport:
    """Returns what takes files for a hub; ``take`` hands batches in, and a file may be arriving for so long.

    Raises:
        OSError: the authority's certificates cannot be read.
    """
    authorities = settings.tls.authority.read_bytes()
    fetches = not settings.listen.public_address
    return FileImport(
        ledger, take, settings.hub.id, authorities, clock, fetches=fetches, patience_seconds=patience_seconds
    )


def file_works(
    settings: Settings, ledger: Ledger, listener: Listener, take: Take, clock: Clock, holder: str
) -> Callable[[Peer], Coroutine[Any, Any, None] | None]:
    """Returns what makes the work of each link that goes by files; none for another.

    Raises:
        SigningKeyUnusable, OSError: see above.
    """
    export = make_export(settings, ledger, clock)
    importing = make_import(settings, ledger, take, clock, ARRIVING_SECONDS)

    def work(peer: Peer) -> Coroutine[Any, Any, None] | None:
        if not peer.has_files:
            return None
        return FileWork(ledger, export, importing, clock, settings.files, holder, peer, listener=listener).run()

    return work
