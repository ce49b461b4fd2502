"""Calendars over HTTP: when is worked, who changed it, and what would be due when."""
