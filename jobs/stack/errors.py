"""The one error of set-up and the private servers. Standard library only."""


class StackError(Exception):
    """Cannot go on; the message says what happened, to what, and what to do. Shown without a traceback."""
