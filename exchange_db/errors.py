"""Errors of the ledger."""


class ExchangeDbError(Exception):
    """The ledger could not do what was asked."""

    reason = "DATABASE_UNAVAILABLE"


class LeaseLost(ExchangeDbError):
    """Somebody else has taken over this work; what was under way is rolled back and done by them."""


class SchemaOutdated(ExchangeDbError):
    """A newer software made the database's tables: this one must be brought up to it."""

    def __init__(self, revision: str) -> None:
        super().__init__(f"表结构 {revision} 来自更新的版本，请升级软件。 / A newer software made these tables.")


class EmbeddedServerFailed(ExchangeDbError):
    """The PostgreSQL that ships with Sanji did not start; its log says why."""


class MigrationBlocked(ExchangeDbError):
    """The tables could not be changed, because others hold them or it took too long; nothing was changed."""

    def __init__(self, tries: int, holders: str) -> None:
        super().__init__(
            f"表结构未改动：试了 {tries} 次，表被占用或超时（{holders or '—'}）。请在空闲时重试，或结束这些会话。"
            f" / The tables were not changed: {tries} tries, others hold them or it took too long ({holders or '—'})."
            " Try again when less goes on, or end these sessions."
        )
