"""Crews: who goes out, and to which ticket."""
