"""One root for every error Headwater raises on purpose.

Infrastructure errors are retried, bad data is quarantined or refused, a bug is loud. A message says what
happened, to what, and what to do.
"""

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any


class HeadwaterError(Exception):
    """Root. `code` names the problem for programs, `status` is its HTTP status at the API.

    `more` goes with the problem document: what a program can act on.
    """

    code = "error"
    status = 500

    def __init__(self, message: str, *, cure: str = "", more: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{message} {cure}".strip())
        self.message = message
        self.cure = cure
        self.more = dict(more or {})


class SettingsError(HeadwaterError):
    """A setting is missing or wrong; refused at start."""

    code = "settings"


class InfrastructureError(HeadwaterError):
    """A server we need is away; retried with back-off."""

    code = "unavailable"
    status = 503


class BadDataError(HeadwaterError):
    """Input that can't be taken as it is."""

    code = "bad_data"
    status = 422


class NotFoundError(HeadwaterError):
    """What was asked for isn't there, or the asker may not see it."""

    code = "not_found"
    status = 404


class ConflictError(HeadwaterError):
    """The thing is no longer in the state that the request assumes."""

    code = "conflict"
    status = 409


class TooManyError(HeadwaterError):
    """Asked too often; `headers` say when it may be asked again."""

    code = "too_many_requests"
    status = 429

    def __init__(self, message: str, *, wait: timedelta) -> None:
        wait_s = max(1, math.ceil(wait.total_seconds()))
        super().__init__(message, cure=f"Try again in {wait_s} s.")
        self.headers = {"Retry-After": str(wait_s)}


class StaleError(ConflictError):
    """It has another version than the asker saw; `changed` in `more` says who changed it last."""


def changed(by: str, at: object, version: int, kind: str = "changed", why: str = "") -> dict[str, Any]:
    """Return what a StaleError carries: who made it the version that it is now, and when."""
    return {"changed": {"by": by, "at": at, "kind": kind, "why": why, "version": version}}


class ForbiddenError(HeadwaterError):
    """The asker is known but may not do this."""

    code = "forbidden"
    status = 403
