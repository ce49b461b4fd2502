"""Signing in and out, and the choice of language and light."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from core.clock import Clock
from service import accounts
from service.utility import utility
from web.route import PageRoute
from web.tongue import LANGUAGES, tongue
from web.view import COOKIE, LANGUAGE, Viewer, language_of, public_page, unsigned

router = APIRouter(include_in_schema=False, route_class=PageRoute)
YEAR_S = 365 * 86_400
THEMES = ("auto", "light", "dark")


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
    clock: Clock = request.app.state.clock
    now, words = clock.now(), tongue(language_of(request))
    with unsigned(request) as conn:
        checked = accounts.check_password(conn, login.strip(), password, at=now)
        zone = utility(conn).zone
        token = ""
        if checked.staff_id is not None:
            agent = request.headers.get("user-agent", "")
            address = request.client.host if request.client else ""
            token = accounts.open_session(conn, checked.staff_id, at=now, agent=agent, address=address)
    if not token:
        wrong = words.say("Login or password is wrong.")
        if checked.locked_until:
            until = words.clock(checked.locked_until, zone)
            wrong = words.say("Too many failures. This account is locked until %(until)s.") % {"until": until}
        return _page(request, next, status=401, wrong=wrong, login=login)
    answer = RedirectResponse(local(next), 303)
    set_session(request, answer, token)
    return answer


def set_session(request: Request, answer: Response, token: str) -> None:
    """Give the browser its session: out of reach of scripts and other sites, over TLS where we have it."""
    secure = str(request.app.state.settings.public_url).startswith("https:")
    answer.set_cookie(
        COOKIE,
        token,
        max_age=int(accounts.LIFE.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=secure,
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


def _page(request: Request, next_: str, status: int = 200, wrong: str = "", login: str = "") -> Response:
    with unsigned(request) as conn:
        name = utility(conn).name
    return public_page(
        request, "login.html.jinja", status, next=local(next_), wrong=wrong, login=login, utility_name=name
    )
