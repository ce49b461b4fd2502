"""Programs that are posted to as things change."""
