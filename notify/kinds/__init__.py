"""One file a kind of message: it turns the facts of an outbox row into a letter."""
