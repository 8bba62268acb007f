"""Sensitive operations by two people: proposing with a dry run, deciding, executing once, watching, aborting."""
