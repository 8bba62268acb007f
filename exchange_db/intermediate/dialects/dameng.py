"""达梦 DM8, which speaks like Oracle: its tables and statements only. **Untested**, like ``oracle``."""

from exchange_db.intermediate.dialects.oracle import OracleDialect


class DamengDialect(OracleDialect):
    """The SQL of 达梦."""

    name = "dameng"
