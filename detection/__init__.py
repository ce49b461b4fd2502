"""Readings become intervals, intervals become events."""
