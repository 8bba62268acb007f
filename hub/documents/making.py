"""Putting the desk for documents together."""

from collections.abc import Callable

from exchange_db.session import Ledger
from hub.clock import Clock
from hub.documents.desk import DocumentDesk
from hub.evidence.store import EvidenceStore
from hub.settings import Settings


def make_document_desk(
    settings: Settings, ledger: Ledger, clock: Clock, tell: Callable[[], None] | None = None
) -> DocumentDesk:
    """Returns the desk of a hub; ``tell`` wakes apply in this process, where it runs here."""
    evidence = settings.evidence
    return DocumentDesk(
        ledger, settings.hub, settings.documents, EvidenceStore(evidence), clock, settings.figures.zone,
        file_megabytes=evidence.document_megabytes, tell=tell,
    )  # fmt: skip
