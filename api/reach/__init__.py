"""How a member of staff is reached: channels, quiet hours, digest."""
