"""Water plans: how they stand, what is proposed, and files of them."""
