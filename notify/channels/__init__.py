"""One file a way to deliver a message."""
