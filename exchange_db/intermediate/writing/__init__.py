"""Writing into a partner's database: batches guarded by revision, in one transaction with how far they reach."""
