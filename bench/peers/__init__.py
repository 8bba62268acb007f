"""Other people's tools, timed on the same rows; each script runs in an environment of its own."""
