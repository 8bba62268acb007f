"""Step 1 of a record's way: checking it against the contract and appending it to the log."""
