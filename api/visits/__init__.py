"""Visits: the list, the agenda, the outcome."""
