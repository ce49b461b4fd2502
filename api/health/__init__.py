"""Whether the process is alive, ready, and how it is doing."""
