"""Interruptions of the supply over HTTP."""
