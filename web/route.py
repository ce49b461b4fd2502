"""What every page has in common: safe headers, no request from another site, and an error that is a page."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
import structlog
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from fastapi.routing import APIRoute
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests
from starlette.exceptions import HTTPException

from api.problem import request_id
from core.errors import BadDataError, ForbiddenError, HeadwaterError

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self' data:; connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-store",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
AWAY = (psycopg.OperationalError, PoolTimeout, PoolClosed, TooManyRequests)

log = structlog.get_logger(__name__)
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class SignedOutError(HeadwaterError):
    """Nobody is signed in, or the session is over."""

    code = "signed_out"
    status = 401


class PageRoute(APIRoute):
    """A route whose answers are for people."""

    def get_route_handler(self) -> Handler:
        """Wrap the handler."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                if request.method not in SAFE:
                    refuse_other_sites(request)
                await _refuse_nul(request)
                answer = await handler(request)
            except SignedOutError:
                answer = sign_in_first(request)
            except (HeadwaterError, RequestValidationError, HTTPException, *AWAY) as error:
                answer = failed(request, error)
            for name, value in HEADERS.items():
                answer.headers.setdefault(name, value)
            return answer

        return handle


async def _refuse_nul(request: Request) -> None:
    """Refuse the one character that the database keeps in no text, wherever it stands in a request."""
    typed: list[object] = list(request.path_params.values())
    typed += [value for _, value in request.query_params.multi_items()]
    if request.method not in SAFE:
        typed += [value for _, value in (await request.form()).multi_items()]
    if any("\x00" in value for value in typed if isinstance(value, str)):
        raise BadDataError("What was typed holds a character that can't be kept.", cure="Type it again.")


def refuse_other_sites(request: Request) -> None:
    """Refuse a request that another site makes with the reader's cookies (CSRF).

    The browser says where a request comes from: `Sec-Fetch-Site`, or in older ones `Origin`; no script can
    set either. Beside it the cookie is SameSite=Lax.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        ours = site in {"same-origin", "none"}
    else:
        origin = request.headers.get("origin", "")
        public = urlsplit(request.app.state.settings.public_url).netloc
        ours = urlsplit(origin).netloc in {request.headers.get("host", ""), public} and origin != "null"
    if not ours:
        log.warning("refused a request of another site", origin=request.headers.get("origin"), site=site)
        raise ForbiddenError("This request came from another site.", cure="Open the page here and try again.")


def sign_in_first(request: Request) -> Response:
    """Send the reader to the log-in, and back after it; what htmx asked for as well."""
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.headers.get("hx-request"):
        here = urlsplit(request.headers.get("hx-current-url", "/"))._replace(scheme="", netloc="").geturl()
    elif request.method not in SAFE:
        here = "/"
    target = "/login" + ("" if here == "/" else f"?next={quote(here, safe='')}")
    if request.headers.get("hx-request"):
        return Response(status_code=200, headers={"HX-Redirect": target})
    return RedirectResponse(target, 303)


def wrong_fields(errors: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return what pydantic finds wrong: field, and what is wrong with it."""
    return [
        (
            ".".join(str(part) for part in error["loc"] if part not in {"body", "query", "path"}),
            str(error.get("ctx", {}).get("error") or error["msg"]),
        )
        for error in errors
    ]


def failed(request: Request, error: Exception) -> Response:
    """Return the page, or for htmx the notice, that says what went wrong and what to do."""
    from web.view import problem_page  # noqa: PLC0415 - it needs the routes' own errors

    match error:
        case HeadwaterError() if error.status < 500 or error.status == 503:
            status, said = error.status, error
        case RequestValidationError():
            status, said = 422, HeadwaterError("Something in the form can't be taken as it is.")
            said.more = {"errors": wrong_fields(error.errors())}
        case HTTPException():
            status, said = error.status_code, HeadwaterError("The request can't be taken as it is.")
        case _ if isinstance(error, AWAY):
            log.warning("unavailable", error=str(error))
            status, said = 503, HeadwaterError("The database is away or busy.", cure="Try again in a moment.")
        case _:
            raise error
    return problem_page(request, status, said, request_id(request))
