"""Backups that are proved by restoring them, restores that catch up with the neighbours, and what may be deleted."""
