"""What it turned out to be, what is known to help, and what comes back."""
