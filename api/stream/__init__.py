"""What changes, as it changes."""
