"""Contact data that somebody is to verify."""
