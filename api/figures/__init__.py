"""Figures: what a month of service was like, and the report of it."""
