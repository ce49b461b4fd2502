"""Meters: the device, what it said, and the use made of it."""
