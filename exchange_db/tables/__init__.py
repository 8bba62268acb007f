"""The ledger's tables, one subject a file; importing this package completes ``METADATA``."""

from exchange_db.tables import cases, figures, inbox, peers, running, standards
from exchange_db.tables.base import METADATA

__all__ = ["METADATA", "cases", "figures", "inbox", "peers", "running", "standards"]
