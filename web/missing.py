"""An address that leads nowhere is a page that says so, to a browser; a program is answered by the API."""

from collections.abc import Awaitable, Callable
from typing import cast

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.security import SecurityScopes
from starlette.exceptions import HTTPException

from api.problem import request_id
from core.errors import HeadwaterError
from web.route import AWAY, HEADERS
from web.view import problem_page, reader

Handler = Callable[[Request, Exception], Awaitable[Response]]
OF_PROGRAMS = ("/v1/", "/openapi.json", "/metrics", "/healthz", "/readyz")


def add(app: FastAPI) -> None:
    """Answer a browser's request for an unknown address with a page; all others as before."""
    before = cast(Handler, app.exception_handlers[HTTPException])

    async def handle(request: Request, error: Exception) -> Response:
        if not (
            isinstance(error, HTTPException) and error.status_code in (404, 405) and _of_a_reader(request)
        ):
            return await before(request, error)
        answer = await run_in_threadpool(_page, request, error)
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)
        return answer

    app.add_exception_handler(HTTPException, handle)


def _of_a_reader(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(OF_PROGRAMS)


def _page(request: Request, error: HTTPException) -> Response:
    try:
        reader(request, SecurityScopes())
    except (HeadwaterError, *AWAY):
        pass  # nobody is signed in, or nobody can tell: the page is the same without the rooms
    said = HeadwaterError(f"There is no page {request.url.path[:200]}.")
    return problem_page(request, error.status_code, said, request_id(request))
