"""What every request gets: an id, a time, a line in the log, safe headers, and an answer even to a bug."""

import time
import uuid

import structlog
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import conditional, metrics
from api.problem import problem

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
MOST_BODY_BYTES = 65_536
LONG_BODIES = {"/v1/outages": 4_194_304, "/v1/series": 4_194_304}  # lists of accounts, of meters
SECRET_PATHS = ("/s/", "/password/")
"""Whose paths hold what a stranger could use: they are not logged."""
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})

log = structlog.get_logger(__name__)


class Envelope:
    """The outermost layer around the application."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        begun = time.perf_counter()
        status, size = 0, 0
        most = next((m for p, m in LONG_BODIES.items() if scope["path"].startswith(p)), MOST_BODY_BYTES)

        async def take() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > most:
                raise HTTPException(413)
            return message

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                for name, value in scope["state"].get("headers", {}).items():
                    headers.setdefault(name, value)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if "etag" in headers and headers.get("content-encoding") == "gzip":
                    headers["ETag"] = conditional.encoded(headers["ETag"])
            await send(message)

        try:
            await self.app(scope, take, answer)
        except Exception:
            log.exception("request failed", request_id=request_id, path=_path(scope))
            if status:
                raise  # half an answer is out: only breaking the connection can say that it is not whole
            failed = problem(
                request_id,
                500,
                "internal",
                "Something is broken on our side.",
                cure="Tell us the request id.",
            )
            await failed(scope, receive, answer)
        finally:
            _note(scope, status, time.perf_counter() - begun)
            scope["app"].state.trail.note(scope, status)


def _path(scope: Scope) -> str:
    path: str = scope["path"]
    return next((f"{start}..." for start in SECRET_PATHS if path.startswith(start)), path)


def _note(scope: Scope, status: int, took_s: float) -> None:
    method = scope["method"] if scope["method"] in METHODS else "other"
    route = getattr(scope.get("route"), "path_format", "none")
    metrics.REQUESTS.labels(method, route, status).inc()
    metrics.SECONDS.labels(method, route).observe(took_s)
    write = method not in {"GET", "HEAD", "OPTIONS"}
    (log.info if write else log.debug)(
        "request",
        request_id=scope["state"]["request_id"],
        method=method,
        path=_path(scope),
        status=status,
        took_ms=round(took_s * 1000, 1),
        actor=scope["state"].get("actor"),
    )
