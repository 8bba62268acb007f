"""Links that go by files: writing them, taking them, and the work that does both for a running hub."""
