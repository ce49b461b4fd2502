"""Every error is a problem document (RFC 9457), and none gives away what is inside."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from core.errors import HeadwaterError, InfrastructureError

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5
TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    409: "Conflict",
    412: "Precondition Failed",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}

log = structlog.get_logger(__name__)


class ProblemError(BaseModel):
    """One thing that is wrong with a request."""

    source: str = Field(alias="in", description="`query`, `path`, `header` or `body`.")
    pointer: str = Field(description="JSON pointer to the value, or `#/` and the name of the parameter.")
    detail: str


class Changed(BaseModel):
    """Who changed it last, when, and what that was."""

    by: str
    at: datetime
    kind: str
    why: str
    version: int = Field(description="The version that it has now.")


class Problem(BaseModel):
    """What went wrong, to what, and what to do (RFC 9457)."""

    type: str = Field(description="`urn:headwater:problem:` and the code.")
    title: str
    status: int
    detail: str = Field(description="What happened, to what.")
    code: str = Field(description="The name of the problem, for programs.")
    cure: str = Field("", description="What to do about it; may be empty.")
    request_id: str = Field(description="Also in the header X-Request-ID, and in our log.")
    errors: list[ProblemError] = Field([], description="The values that were refused.")
    allowed: list[str] = Field([], description="Of a conflict on a ticket: the steps that are allowed now.")
    changed: Changed | None = Field(None, description="Of a version that is not the latest: who changed it.")


class RefusedError(HeadwaterError):
    """A request that is turned away by the transport itself, with headers that say how to do better."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        cure: str = "",
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Mapping[str, str]] = (),
    ) -> None:
        super().__init__(message, cure=cure)
        self.status = status
        self.code = code
        self.headers = headers
        self.errors = errors


def refused_value(where: str, name: str, detail: str) -> RefusedError:
    """Return the 422 for one value that only the endpoint could judge."""
    return RefusedError(
        422,
        "bad_data",
        "The request can't be taken as it is.",
        errors=[{"in": where, "pointer": f"#/{name}", "detail": detail}],
    )


def problem(  # a problem document has this many members
    request_id: str,
    status: int,
    code: str,
    detail: str,
    *,
    cure: str = "",
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> Response:
    """Return the response that carries a problem."""
    content: dict[str, Any] = {
        "type": f"urn:headwater:problem:{code}",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        "code": code,
        "cure": cure,
        "request_id": request_id,
        "errors": list(errors),
        **(more or {}),
    }
    return Response(
        msgspec.json.encode(content), status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {})
    )


def request_id(request: Request) -> str:
    """Return the id that the middleware gave the request."""
    return str(request.scope.get("state", {}).get("request_id", ""))


def _validation_errors(found: RequestValidationError) -> list[dict[str, str]]:
    errors = []
    for error in found.errors():
        where, *path = [str(part) for part in error["loc"]]
        if error["type"] == "json_invalid":
            path = []
        pointer = "#/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in path)
        reason = error.get("ctx", {}).get("error")
        errors.append({"in": where, "pointer": pointer, "detail": str(reason or error["msg"])})
    return errors


def from_error(id_: str, error: Exception) -> Response | None:
    """Return the answer to an error that is known; None for one that is a bug."""
    match error:
        case (
            InfrastructureError()
            | psycopg.OperationalError()
            | PoolTimeout()
            | PoolClosed()
            | TooManyRequests()
        ):
            log.warning("unavailable", error=str(error))
            return problem(
                id_,
                503,
                "unavailable",
                "The database is away or busy.",
                cure=f"Try again in {RETRY_AFTER_S} s.",
                headers={"Retry-After": str(RETRY_AFTER_S)},
            )
        case HeadwaterError() if error.status < 500 or isinstance(error, RefusedError):
            return problem(
                id_,
                error.status,
                error.code,
                error.message,
                cure=error.cure,
                errors=getattr(error, "errors", ()),
                headers=getattr(error, "headers", None),
                more=error.more,
            )
        case RequestValidationError():
            return problem(
                id_,
                422,
                "bad_data",
                "The request can't be taken as it is.",
                errors=_validation_errors(error),
            )
        case HTTPException(status_code=400):
            # So the framework names a body that it can't read at all.
            return problem(
                id_,
                422,
                "bad_data",
                "The request can't be taken as it is.",
                errors=[{"in": "body", "pointer": "#/", "detail": "The body isn't JSON in UTF-8."}],
            )
        case HTTPException():
            title = TITLES.get(error.status_code, "Error")
            code = title.lower().replace(" ", "_")
            return problem(id_, error.status_code, code, f"{title}.", headers=error.headers)
    return None


def add_handlers(app: FastAPI) -> None:
    """Let every error that is raised in a request leave as a problem; bugs go on to the middleware."""

    async def handle(request: Request, error: Exception) -> Response:
        answer = from_error(request_id(request), error)
        if answer is None:
            raise error
        return answer

    for kind in (
        HeadwaterError,
        psycopg.Error,
        PoolTimeout,
        PoolClosed,
        TooManyRequests,
        RequestValidationError,
        HTTPException,
    ):
        app.add_exception_handler(kind, handle)
