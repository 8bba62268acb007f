"""Alerts: rules over what the hub sees of itself, who is told and how, and calls to whoever is on duty below."""
