"""Periodic work and what became of it."""
