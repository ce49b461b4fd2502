"""The schedule, the composition root and the `headwater` command."""
