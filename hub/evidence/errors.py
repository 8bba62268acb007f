"""What can be wrong with the place where evidence is kept."""


class StoreUnavailable(OSError):
    """The store does not answer, is full, or refuses us. What was acknowledged is kept; try again later."""


class NotStored(Exception):
    """The store has no such object, though the ledger says so."""
