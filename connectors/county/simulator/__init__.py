"""Simulated platforms of a city and of two counties, for the demonstration and the end-to-end tests.

They stand in for vendors' case systems, which cannot be had here. They know the hub only through its contracts.
"""
