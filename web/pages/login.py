"""Signing in and out, and the choice of language and light."""

from typing import Annotated
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from api.auth import unsigned
from core.clock import Clock
from core.errors import ForbiddenError, HeadwaterError, NotFoundError
from core.settings import Settings
from service import accounts
from service.utility import utility
from sql.pool import Connection
from web import oidc
from web.route import PageRoute
from web.tongue import LANGUAGES, tongue
from web.view import COOKIE, LANGUAGE, Viewer, language_of, public_page

log = structlog.get_logger(__name__)
router = APIRouter(include_in_schema=False, route_class=PageRoute)
YEAR_S = 365 * 86_400
THEMES = ("auto", "light", "dark")
TRIP = "hw_trip"
TRIP_S = 600


def local(url: str) -> str:
    """Return the address if it is one of ours, else the first page."""
    parts = urlsplit(url)
    fine = (
        url.startswith("/") and not url.startswith(("//", "/\\")) and not parts.netloc and url.isprintable()
    )
    return url if fine else "/"


@router.get("/login")
def ask(request: Request, next: str = "/") -> Response:
    """Show the log-in."""
    return _page(request, next)


@router.post("/login")
def take(
    request: Request,
    login: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
    next: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """Sign in, or say why not."""
    if not local_accounts(request):
        raise ForbiddenError("Passwords are switched off here.", cure="Sign in by the provider.")
    clock: Clock = request.app.state.clock
    now, words = clock.now(), tongue(language_of(request))
    with unsigned(request) as conn:
        checked = accounts.check_password(conn, login.strip(), password, at=now)
        zone = utility(conn).zone
        token = ""
        if checked.staff_id is not None:
            token = open_session(request, conn, checked.staff_id)
    if not token:
        wrong = words.say("Login or password is wrong.")
        if checked.locked_until:
            until = words.clock(checked.locked_until, zone)
            wrong = words.say("Too many failures. This account is locked until %(until)s.") % {"until": until}
        return _page(request, next, status=401, wrong=wrong, login=login)
    answer = RedirectResponse(local(next), 303)
    set_session(request, answer, token)
    return answer


@router.get("/login/oidc")
def leave_for_provider(request: Request, next: Annotated[str, Query(max_length=2000)] = "/") -> Response:
    """Go to the provider to sign in."""
    provider, clock = _provider(request), request.app.state.clock
    going = oidc.trip(local(next))
    try:
        answer = RedirectResponse(provider.address(going, clock.now()), 303)
    except HeadwaterError as problem:
        return _not_by_provider(request, going.next, problem)
    answer.set_cookie(
        TRIP,
        going.packed(),
        max_age=TRIP_S,
        httponly=True,
        samesite="lax",
        secure=_tls(request),
        path="/login",
    )
    return answer


@router.get("/login/oidc/back")
def back_from_provider(request: Request) -> Response:
    """Take who comes back from the provider in, or say why not."""
    provider, clock = _provider(request), request.app.state.clock
    going = oidc.unpacked(request.cookies.get(TRIP, ""))
    try:
        if going is None:
            raise ForbiddenError("The log-in took too long, or began in another browser.")
        who = provider.identity(going, request.query_params, clock.now())
        with unsigned(request) as conn:
            staff_id = accounts.by_identity(conn, who.subject, who.email)
            token = "" if staff_id is None else open_session(request, conn, staff_id)
        answer = RedirectResponse(going.next, 303) if token else _unknown(request, who.email)
    except HeadwaterError as problem:
        answer = _not_by_provider(request, going.next if going else "/", problem)
        token = ""
    if token:
        set_session(request, answer, token)
    answer.delete_cookie(TRIP, path="/login")
    return answer


def open_session(request: Request, conn: Connection, staff_id: int) -> str:
    """Open a session for who sent the request; return what its cookie holds."""
    clock: Clock = request.app.state.clock
    agent = request.headers.get("user-agent", "")
    address = request.client.host if request.client else ""
    return accounts.open_session(conn, staff_id, at=clock.now(), agent=agent, address=address)


def local_accounts(request: Request) -> bool:
    """Whether passwords of our own are taken: where there is no provider, always."""
    settings: Settings = request.app.state.settings
    return settings.takes_passwords


def set_session(request: Request, answer: Response, token: str) -> None:
    """Give the browser its session: out of reach of scripts and other sites, over TLS where we have it."""
    answer.set_cookie(
        COOKIE,
        token,
        max_age=int(accounts.LIFE.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=_tls(request),
        path="/",
    )


@router.post("/logout")
def leave(request: Request) -> Response:
    """Sign out."""
    token = request.cookies.get(COOKIE, "")
    if token:
        with unsigned(request) as conn:
            accounts.close_session(conn, token)
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE, path="/")
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


@router.post("/preferences")
def prefer(
    view: Viewer,
    language: Annotated[str | None, Form()] = None,
    theme: Annotated[str | None, Form()] = None,
    back: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """Read in another language, or in another light, from now on."""
    with view.caller.transaction() as conn:
        accounts.prefer(
            conn,
            view.me.staff_id,
            language=language if language in LANGUAGES else None,
            theme=theme if theme in THEMES else None,
        )
    return view.go(local(back))


@router.post("/language")
def choose(
    request: Request,
    language: Annotated[str, Form()],
    back: Annotated[str, Form(max_length=2000)] = "/login",
) -> Response:
    """Remember the language of somebody who is not signed in."""
    answer = RedirectResponse(local(back), 303)
    if language in LANGUAGES:
        answer.set_cookie(LANGUAGE, language, max_age=YEAR_S, samesite="lax", path="/")
    return answer


def _tls(request: Request) -> bool:
    return str(request.app.state.settings.public_url).startswith("https:")


def _provider(request: Request) -> oidc.Provider:
    """Return the provider, one for the life of the process: it keeps what it has read."""
    state = request.app.state
    if not state.settings.oidc_issuer:
        raise NotFoundError("There is no OpenID provider here.", cure="Sign in with a password.")
    if not hasattr(state, "provider"):
        state.provider = oidc.Provider(state.settings)
    found: oidc.Provider = state.provider
    return found


def _not_by_provider(request: Request, next_: str, problem: HeadwaterError) -> Response:
    log.warning("no log-in by the provider", why=str(problem))
    say = tongue(language_of(request)).say
    away = problem.status >= 500
    wrong = (
        say("The provider can't be reached. Try again in a moment.")
        if away
        else say("Signing in by the provider did not work. Try again.")
    )
    return _page(request, next_, status=503 if away else 403, wrong=wrong)


def _unknown(request: Request, email: str | None) -> Response:
    with unsigned(request) as conn:
        name = utility(conn).name
    return public_page(request, "login_unknown.html.jinja", 403, email=email or "", utility_name=name)


def _page(request: Request, next_: str, status: int = 200, wrong: str = "", login: str = "") -> Response:
    settings: Settings = request.app.state.settings
    with unsigned(request) as conn:
        name = utility(conn).name
    return public_page(
        request,
        "login.html.jinja",
        status,
        next=local(next_),
        wrong=wrong,
        login=login,
        utility_name=name,
        provider=bool(settings.oidc_issuer),
        provider_label=settings.oidc_label,
        passwords=local_accounts(request),
    )
