"""Questions people put together themselves over facts of cases: live from the ledger, or from an archive of files."""
