"""My account: how I read, sign in and am reached; who stands in for me; and the link that sets a password."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from api.auth import unsigned
from api.fields import Id
from api.staff.endpoints import change_staff, end_absence, get_staff, plan_absence
from api.staff.schemas import ChangeStaff, NewAbsence
from core.errors import BadDataError, ForbiddenError, HeadwaterError
from service import accounts, invitations
from service.utility import utility
from web.pages import ways
from web.pages.login import local_accounts, set_session
from web.pages.login import open_session as begin
from web.route import PageRoute
from web.tongue import tongue
from web.view import Fields, View, Viewer, filled, language_of, public_page, sees

router = APIRouter(include_in_schema=False, route_class=PageRoute)
Writer = Annotated[View, sees("staff:write")]
Password = Annotated[str, Form(max_length=1000)]


@router.get("/account")
def account(view: Viewer) -> Response:
    """Show the own account."""
    me = get_staff(view.caller, view.me.login)
    with view.caller.transaction() as conn:
        sessions = accounts.sessions(conn, view.me.staff_id, view.me.id_sha256, at=view.now)
    return view.page(
        "account.html.jinja",
        own=me,
        **ways.shown(view, view.me.login),
        sessions=sessions,
        browser=browser,
        passwords=local_accounts(view.request),
        shortest=accounts.SHORTEST,
        today=view.now.astimezone(view.utility.zone).date(),
        later=timedelta(days=1),
    )


@router.post("/account/password")
def change_password(
    view: Viewer, current: Password = "", new: Password = "", again: Password = ""
) -> Response:
    """Set another password; the one before is asked for, and failures count as at the log-in."""
    if not local_accounts(view.request):
        raise ForbiddenError("Passwords are switched off here.", cure="The provider keeps them.")
    with unsigned(view.request) as conn:
        checked = accounts.check_password(conn, view.me.login, current, at=view.now)
    if checked.staff_id is None:
        raise BadDataError("The present password is wrong.", cure="Type it again.")
    _require_same(new, again)
    with unsigned(view.request) as conn:
        accounts.set_password(conn, view.me.login, new, at=view.now, keep=view.me.id_sha256)
    return view.go("/account", view.say("The password is changed. Your other sessions are over."))


@router.post("/account/sessions/end")
def end_session(view: Viewer, session: Annotated[str, Form(max_length=64)] = "") -> Response:
    """End another session of one's own, or all of them."""
    with view.caller.transaction() as conn:
        if session:
            accounts.end_session(conn, view.me.staff_id, session, view.me.id_sha256)
        else:
            accounts.end_others(conn, view.me.staff_id, view.me.id_sha256)
    return view.go("/account#sessions", view.say("Signed out there."))


@router.post("/account/deputy")
def deputy(view: Writer, form: Fields) -> Response:
    """Say who usually stands in."""
    change_staff(view.caller, view.me.login, ChangeStaff(deputy=form.get("deputy", "").strip() or None))
    return view.go("/account#absences", view.say("Saved."))


@router.post("/account/absences")
def away(view: Writer, form: Fields) -> Response:
    """Plan an absence."""
    plan_absence(view.caller, view.me.login, filled(NewAbsence, form))
    return view.go("/account#absences", view.say("The absence is planned."))


@router.post("/account/absences/{id_}/end")
def back(view: Writer, id_: Id) -> Response:
    """End an absence, or call it off."""
    end_absence(view.caller, view.me.login, id_)
    return view.go("/account#absences", view.say("The absence is over."))


@router.get("/password/{token}")
def ask_password(request: Request, token: str) -> Response:
    """Show the form of a link that sets a password."""
    return _password_page(request, token)


@router.post("/password/{token}")
def take_password(request: Request, token: str, new: Password = "", again: Password = "") -> Response:
    """Set the password by a link, and sign its owner in."""
    _require_passwords(request)
    now = request.app.state.clock.now()
    try:
        _require_same(new, again)
        with unsigned(request) as conn:
            found = invitations.accept(conn, token, new, at=now)
            checked = accounts.check_password(conn, found.login, new, at=now)
            cookie = begin(request, conn, checked.staff_id) if checked.staff_id is not None else ""
    except BadDataError as wrong:
        return _password_page(request, token, wrong)
    answer = Response(status_code=303, headers={"Location": "/"})
    set_session(request, answer, cookie)
    return answer


def browser(agent: str) -> str:
    """Return what a browser and its machine are called, as people know them."""
    kinds = (("Edg", "Edge"), ("Firefox", "Firefox"), ("MicroMessenger", "WeChat"), ("Chrome", "Chrome"),
             ("Safari", "Safari"))  # fmt: skip
    machines = (("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"),
                ("Mac OS X", "macOS"), ("Linux", "Linux"))  # fmt: skip
    found = (next((name for sign, name in signs if sign in agent), "") for signs in (kinds, machines))
    return " · ".join(filter(None, found)) or agent[:40]


def _require_passwords(request: Request) -> None:
    """Refuse a link that was made before passwords were switched off."""
    if not local_accounts(request):
        raise ForbiddenError("Passwords are switched off here.", cure="Sign in by the provider.")


def _password_page(request: Request, token: str, wrong: HeadwaterError | None = None) -> Response:
    _require_passwords(request)
    now = request.app.state.clock.now()
    say = tongue(language_of(request)).say
    with unsigned(request) as conn:
        ours = utility(conn)
        found = invitations.whose(conn, token, at=now)
    said = ""
    if wrong:
        said = say("This password can't be taken, or the two differ.")
    return public_page(
        request,
        "password.html.jinja",
        422 if wrong else 200,
        found=found,
        wrong=said,
        shortest=accounts.SHORTEST,
        utility_name=ours.name,
        back=request.url.path,
    )


def _require_same(new: str, again: str) -> None:
    if new != again:
        raise BadDataError("The two new passwords differ.", cure="Type the same twice.")
