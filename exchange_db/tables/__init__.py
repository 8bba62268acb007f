"""The ledger's tables, one subject a file; importing this package completes ``METADATA``."""

from exchange_db.tables import cases, components, figures, grids, inbox, ownership, peers, running
from exchange_db.tables.base import METADATA

__all__ = ["METADATA", "cases", "components", "figures", "grids", "inbox", "ownership", "peers", "running"]
