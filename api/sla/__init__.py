"""Service levels over HTTP: what is promised, who changed it, and what would be due when."""
