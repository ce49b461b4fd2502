"""Events become tickets, tickets become messages that arrive."""
