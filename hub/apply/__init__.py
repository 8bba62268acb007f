"""Step 2: the one place where state changes."""
