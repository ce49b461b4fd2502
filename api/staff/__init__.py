"""Staff: who is there, how much lies on whose desk, who stands in, who is on duty."""
