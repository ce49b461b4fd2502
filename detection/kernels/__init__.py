"""Detectors as pure numpy functions on (meters, slots) arrays."""
