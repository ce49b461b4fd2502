"""The network: its map, and what its sensors say."""
