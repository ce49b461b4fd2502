"""Quarantine: what could not be understood, and another try at it."""
