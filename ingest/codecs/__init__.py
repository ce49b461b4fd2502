"""One file a payload convention."""
