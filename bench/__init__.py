"""Measurements: each prints what was reached as a ratio to a limit measured in the same run."""
