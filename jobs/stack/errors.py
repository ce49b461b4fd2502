"""The one error of set-up and the private servers. Standard library only."""

from core.errors import HeadwaterError


class StackError(HeadwaterError):
    """Cannot go on; the message says what happened, to what, and what to do. Shown without a traceback."""

    code = "stack"
