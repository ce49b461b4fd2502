"""One file a detector: its parameters and how it asks the window, calls its kernel and words its evidence."""
