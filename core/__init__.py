"""Units, clock, settings, errors, logging and metrics: what every room shares, without any I/O."""
