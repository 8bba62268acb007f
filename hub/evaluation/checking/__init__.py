"""The check of self-evaluations: tables as people fill them in are read, recomputed, and every disagreement is told."""
