"""DMAs: what their months were like."""
