"""Events: what the detectors found."""
