"""One module a database engine."""
