"""REST for other programs: one folder a noun."""
