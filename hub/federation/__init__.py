"""Neighbours: joining them, reaching them, signs of life."""
