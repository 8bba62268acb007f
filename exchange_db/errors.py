"""Errors of the ledger."""


class ExchangeDbError(Exception):
    """The ledger could not do what was asked."""

    reason = "DATABASE_UNAVAILABLE"


class LeaseLost(ExchangeDbError):
    """Somebody else has taken over this work; what was under way is rolled back and done by them."""


class SchemaOutdated(ExchangeDbError):
    """The database's tables are not those of this software. Run `sanji database upgrade`."""


class EmbeddedServerFailed(ExchangeDbError):
    """The PostgreSQL that ships with Sanji did not start; its log says why."""
