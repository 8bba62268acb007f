"""Sections of the settings that have modules of their own; ``hub.settings`` puts them together."""
