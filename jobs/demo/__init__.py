"""`headwater demo`: real and simulated readings through the real line, scored; see docs/demo.md."""
