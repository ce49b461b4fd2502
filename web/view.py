"""What a page has in hand: who reads it, what they may see, and the templates in their language.

A page is a function of a `View`:

    @router.get("/tickets/{id}")
    def ticket(view: Annotated[View, sees("tickets:read")], id_: TicketId) -> Response:
        return view.page("ticket.html.jinja", ticket=get_ticket(view.caller, id_))

It asks the API's own functions with `view.caller`, so it shows what the API would, and no more.
"""

import base64
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property, partial
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Depends, Request, Security
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.security import SecurityScopes
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from pydantic import BaseModel, ValidationError

from api.auth import CHECKOUT_TIMEOUT_S, Caller
from api.keys import KeyScope
from api.rows import Row, rows
from core.clock import Clock
from core.errors import BadDataError, ForbiddenError, HeadwaterError
from service import accounts
from service.accounts import Session
from service.failures import SECRET
from service.utility import Utility, utility
from sql.pool import Pool
from web.assets import asset
from web.labels import label
from web.rights import principal
from web.route import SignedOutError, wrong_fields
from web.told import told
from web.tongue import LANGUAGES, chosen, filters, iso, tongue

COOKIE = "hw_session"
FLASH = "hw_flash"
LANGUAGE = "hw_language"
Body = TypeVar("Body", bound=BaseModel)


@dataclass(frozen=True)
class View:
    """Who reads, in which language and zone, and what they may do."""

    request: Request
    caller: Caller
    me: Session
    utility: Utility
    language: str

    @property
    def now(self) -> datetime:
        """The present instant."""
        return self.caller.now()

    def may(self, scope: KeyScope) -> bool:
        """Whether the reader may do what the scope stands for; the API's functions don't ask again."""
        key = self.caller.key
        return scope in key.scopes and (key.may_write or not scope.endswith(":write"))

    def need(self, scope: KeyScope) -> None:
        """Refuse a reader who may not."""
        if not self.may(scope):
            raise ForbiddenError("Your role doesn't allow that.", cure="Ask an administrator.")

    @cached_property
    def colleagues(self) -> list[Row]:
        """Who works here: login, name and roles."""
        with self.caller.transaction() as conn:
            return rows(conn, "staff.colleagues")

    @cached_property
    def districts(self) -> list[Row]:
        """The DMAs: code and name."""
        with self.caller.transaction() as conn:
            return rows(conn, "network.districts")

    def at(self, typed: str) -> str | None:
        """Return the utility's time that somebody typed as the API takes it."""
        try:
            moment = datetime.fromisoformat(typed)
        except ValueError:
            return typed or None
        return (moment if moment.tzinfo else moment.replace(tzinfo=self.utility.zone)).isoformat()

    def say(self, source: str) -> str:
        """Return a text in the reader's language."""
        return tongue(self.language).say(source)

    def label(self, kind: str, code: str | None) -> str:
        """Return what a code is called in the reader's language."""
        return self.say(label(kind, code))

    def page(self, template: str, status: int = 200, /, **values: Any) -> HTMLResponse:
        """Return a template filled in; what was said on the way here (`go`) is shown once."""
        flash = _flash(self.request)
        shown = render(self.language, template, self._own() | {"flash": flash} | values)
        answer = HTMLResponse(shown, status)
        if flash:
            answer.delete_cookie(FLASH, path="/")
        return answer

    def go(self, url: str, said: str = "", *, undo: str = "", tone: str = "good") -> Response:
        """Go on to another page, which says what was done; a form sent to `undo` takes it back.

        `tone` is `warn` where a part of it could not be done.
        """
        answer = RedirectResponse(url, 303)
        if said:
            kept = base64.urlsafe_b64encode(
                msgspec.json.encode({"said": said, "undo": undo, "tone": tone})
            ).decode()
            answer.set_cookie(FLASH, kept, max_age=60, httponly=True, samesite="lax", path="/")
        return answer

    def _own(self) -> dict[str, Any]:
        return {
            "view": self,
            "me": self.me,
            "may": self.may,
            "utility": self.utility,
            "zone": self.utility.zone,
            "now": self.now,
            "path": self.request.url.path,
            "never_again": SECRET,
        }


def reader(request: Request, scopes: SecurityScopes) -> View:
    """Return the view of who is signed in; sends others to the log-in, refuses who may not see it."""
    token = request.cookies.get(COOKIE, "")
    pool: Pool = request.app.state.pool
    clock: Clock = request.app.state.clock
    now = clock.now()
    if not token:
        raise SignedOutError("Nobody is signed in.")
    with pool.connection(CHECKOUT_TIMEOUT_S) as conn:
        me = accounts.session(conn, token, at=now)
        ours = utility(conn)
    if me is None:
        raise SignedOutError("The session is over.")
    request.state.actor = me.login
    view = View(request, Caller(principal(me), pool, clock), me, ours, me.language)
    request.state.view = view
    for scope in scopes.scopes:
        view.need(scope)  # type: ignore[arg-type]
    return view


def sees(*scopes: KeyScope) -> Any:
    """Return the dependency that admits readers who may do all of these."""
    return Security(reader, scopes=list(scopes))


Viewer = Annotated[View, Depends(reader)]


async def _fields(request: Request) -> dict[str, str]:
    async with request.form(max_files=0) as form:
        return {name: str(value) for name, value in form.items()}


Fields = Annotated[dict[str, str], Depends(_fields)]
"""The fields of a form, whatever they are called."""


def filled(model: type[Body], form: Mapping[str, str], *, numbers: Collection[str] = ("version",)) -> Body:
    """Return a form as the body that the API takes; fields left empty are left out.

    Raises BadDataError, which names what is wrong.
    """
    given = {
        name: int(value) if name in numbers and value.isdecimal() else value
        for name, value in form.items()
        if value.strip() and name in model.model_fields
    }
    return taken(model, given)


def taken(model: type[Body], given: Mapping[str, object]) -> Body:
    """Return what was given as the body that the API takes; BadDataError names what is wrong."""
    try:
        return model.model_validate(given)
    except ValidationError as problem:
        wrong = {"errors": wrong_fields(problem.errors())}
        raise BadDataError("The form can't be taken as it is.", more=wrong) from None


def language_of(request: Request) -> str:
    """Return the language of somebody who is not signed in: as chosen before, else as the browser asks."""
    kept = request.cookies.get(LANGUAGE, "")
    return kept if kept in LANGUAGES else chosen(request.headers.get("accept-language", ""))


def public_page(request: Request, template: str, status: int = 200, /, **values: Any) -> HTMLResponse:
    """Return a page for somebody who is not signed in."""
    return HTMLResponse(render(language_of(request), template, {"flash": None} | values), status)


def problem_page(request: Request, status: int, error: HeadwaterError, request_id: str) -> Response:
    """Return the page for an error; for htmx the notice alone, put where notices stand."""
    view: View | None = getattr(request.state, "view", None)
    values = {"status": status, "error": error, "request_id": request_id}
    if request.headers.get("hx-request"):
        language = view.language if view else language_of(request)
        more = view._own() if view else {}
        shown = render(language, "notice.html.jinja", more | values)
        return HTMLResponse(
            shown,
            status,
            headers={"HX-Retarget": "#notices", "HX-Reswap": "innerHTML", "HX-Reselect": "unset"},
        )
    if view:
        return view.page("problem.html.jinja", status, **values)
    return public_page(request, "problem.html.jinja", status, view=None, **values)


def render(language: str, template: str, values: Mapping[str, Any]) -> str:
    """Return a template in a language."""
    return _pages(language).get_template(template).render(values)


@cache
def _pages(language: str) -> Environment:
    words = tongue(language)
    pages = Environment(
        loader=PackageLoader("web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    pages.install_gettext_callables(words.say, words.count, newstyle=True)  # type: ignore[attr-defined]
    pages.filters.update(filters(words), iso=iso, told=partial(told, language))
    pages.globals.update(
        asset=asset,
        words=words,
        language=language,
        label=lambda kind, code: words.say(label(kind, code)),
        classes=lambda *names: Markup(" ").join(name for name in names if name),
    )
    return pages


def _flash(request: Request) -> dict[str, str] | None:
    kept = request.cookies.get(FLASH, "")
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(kept), type=dict[str, str]) if kept else None
    except (ValueError, msgspec.MsgspecError):
        return None
