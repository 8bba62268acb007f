"""Scores from figures: schemes as data, runs that can be repeated, field inspections, checked self-evaluations."""
