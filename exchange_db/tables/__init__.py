"""The ledger's tables, one subject a file; importing this package completes ``METADATA``."""

from exchange_db.tables import (
    attachments,
    cases,
    components,
    figures,
    grids,
    inbox,
    ownership,
    peers,
    pickups,
    reconciliation,
    running,
    shared_secrets,
    standards,
)
from exchange_db.tables.base import METADATA

__all__ = [
    "METADATA",
    "attachments",
    "cases",
    "components",
    "figures",
    "grids",
    "inbox",
    "ownership",
    "peers",
    "pickups",
    "reconciliation",
    "running",
    "shared_secrets",
    "standards",
]
