"""Segments: who is large, special, vulnerable or general, and what follows from it."""
