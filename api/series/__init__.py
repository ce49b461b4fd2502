"""Series of many meters at once: readings and use, raw or by hour, day and month, in four forms."""
