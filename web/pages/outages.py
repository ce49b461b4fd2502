"""Outages: planned, previewed, announced, extended, restored; and what the public may read of them."""

from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Path, Request, Response

from api.auth import unsigned
from api.fields import Id, Name
from api.outages import endpoints as outages
from api.outages import schemas
from api.outages.schemas import OutageFilter
from api.rows import rows
from core.errors import NotFoundError
from service.utility import utility
from web.route import PageRoute
from web.view import Fields, View, language_of, public_page, sees, taken

router = APIRouter(include_in_schema=False, route_class=PageRoute)
Reader = Annotated[View, sees("outages:read")]
Writer = Annotated[View, sees("outages:write")]
OutageId = Annotated[Id, Path(alias="id")]
TIMES = ("starts_at", "expected_end", "started_at", "ended_at")
STEPS: dict[str, tuple[Any, Any]] = {
    "announce": (outages.announce, schemas.Announce),
    "change": (outages.change, schemas.Change),
    "start": (outages.start, schemas.Start),
    "extend": (outages.extend, schemas.Extend),
    "restore": (outages.restore, schemas.Restore),
    "cancel": (outages.cancel, schemas.Cancel),
}
ASKS = {outages.announce, outages.change}
"""The steps that also want the request."""
CAUSES = get_args(schemas.Cause)


def _(source: str) -> str:
    return source


DONE = {
    "announce": _("Announced. The notices are on their way."),
    "change": _("Changed; who is concerned is told."),
    "start": _("Noted that the water is off."),
    "extend": _("The new promise is on its way to the customers."),
    "restore": _("Noted that the water is back; the customers are told."),
    "cancel": _("Called off."),
}


@router.get("/outages")
def listed(
    view: Reader,
    when: Literal["", "current", "planned", "past"] = "",
    cursor: str | None = None,
) -> Response:
    """Show the outages, the latest to begin first."""
    given = OutageFilter(when=when or None, cursor=cursor)
    found = outages.list_outages(view.caller, given, view.request, Response())
    return view.page("outages.html.jinja", outages=found, when=when)


@router.get("/outages/new")
def blank(view: Writer, event: int | None = None) -> Response:
    """Show the form of a new outage."""
    return view.page("outage_new.html.jinja", causes=CAUSES, event=event)


@router.post("/outages")
def create(view: Writer, form: Fields) -> Response:
    """Draft an outage: nobody is told yet."""
    given = _said(view, form) | {"kind": form.get("kind", "planned")}
    if form.get("event", "").isdecimal():
        given["event_id"] = int(form["event"])
    made = outages.create_outage(view.caller, taken(schemas.NewOutage, given), view.request)
    return view.go(f"/outages/{made.id}", view.say("Drafted. Nobody has been told yet."))


@router.get("/outages/{id}")
def outage(view: Reader, id_: OutageId) -> Response:
    """Show one outage: of a draft also whom it concerns and what they will read."""
    found = outages.get_outage(view.caller, id_)
    ahead = found.state in ("draft", "announced")
    preview = outages.preview_outage(view.caller, id_, view.request) if ahead else None
    calls = outages.list_calls(view.caller, id_).items if found.state != "draft" else []
    return view.page("outage.html.jinja", o=found, preview=preview, calls=calls, causes=CAUSES)


@router.post("/outages/{id}/calls")
def called(view: Annotated[View, sees("outages:write")], id_: OutageId, form: Fields) -> Response:
    """Note what a customer said who was called."""
    given = {name: form.get(name, "") for name in ("account_no", "answer")}
    outages.note_call(view.caller, id_, taken(schemas.Call, given))
    return view.go(f"/outages/{id_}", view.say("Noted."))


@router.post("/outages/{id}/{step}")
def act(view: Writer, id_: OutageId, step: Annotated[str, Path()], form: Fields) -> Response:
    """Take a step."""
    if step not in STEPS:
        raise NotFoundError(f"There is no step {step!r}.")
    call, model = STEPS[step]
    given = {name: value for name, value in _said(view, form).items() if name in model.model_fields}
    if step == "extend":
        given.setdefault("expected_end", None)
    wants = (view.request,) if call in ASKS else ()
    call(view.caller, id_, taken(model, given), *wants)
    return view.go(f"/outages/{id_}", view.say(DONE[step]))


def _said(view: View, form: dict[str, str]) -> dict[str, Any]:
    """Return the fields of a form as the API takes them; empty ones are left out."""
    given: dict[str, Any] = {name: value.strip() for name, value in form.items() if value.strip()}
    for name in TIMES:
        if name in given:
            given[name] = view.at(given[name])
    if "version" in given and given["version"].isdecimal():
        given["version"] = int(given["version"])
    if "dmas" in given:
        given["dmas"] = [code.strip() for code in given["dmas"].replace("，", ",").split(",") if code.strip()]
    if "supply" in given:
        given["supply"] = [{"place": line.strip()} for line in given["supply"].splitlines() if line.strip()]
    if "reason_en" in given:
        given["reason_in"] = {"en": given.pop("reason_en")}
    given["override"] = "override" in given
    for name in ("kind", "event"):
        given.pop(name, None)
    return (
        given if given["override"] else {name: value for name, value in given.items() if name != "override"}
    )


@router.get("/status")
def status(request: Request) -> Response:
    """Show anybody where the water is off, why, and until when."""
    return _status(request, None)


@router.get("/status/{dma}")
def status_of(request: Request, dma: Annotated[Name, Path()]) -> Response:
    """Show the same of one district."""
    return _status(request, dma)


def _status(request: Request, dma: str | None) -> Response:
    now = request.app.state.clock.now()
    with unsigned(request) as conn:
        ours = utility(conn)
        known = rows(conn, "outages.public_dmas")
        if dma is not None and dma not in {row["code"] for row in known}:
            raise NotFoundError(f"There is no district {dma!r}.")
        found = rows(conn, "outages.public", dma=dma, now=now)
    page = public_page(
        request,
        "status.html.jinja",
        outages=found,
        dmas=known,
        dma=dma,
        name=ours.name,
        zone=ours.zone,
        now=now,
        phone=request.app.state.settings.service_phone,
        back=request.url.path,
        spoken=language_of(request),
    )
    page.headers["Cache-Control"] = "public, max-age=60"
    return page
