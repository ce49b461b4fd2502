"""One ticket: what was found, what to do next, what was said; and the steps that people take."""

from datetime import timedelta
from functools import cache
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel

from api.causes.endpoints import list_causes
from api.causes.schemas import CauseFilter
from api.crews import endpoints as hands
from api.crews.schemas import Dispatch
from api.events import endpoints as events
from api.events.schemas import GiveVerdict, UndoVerdict
from api.fields import Id
from api.staff.schemas import Assign
from api.tickets import bodies, steps
from api.tickets.endpoints import get_ticket
from api.tickets.schemas import TicketDetail
from core.errors import NotFoundError
from notify.render import Advice, Renderer
from notify.words import Words, spoken
from service import messages
from service.facts import Facts
from web.route import PageRoute
from web.view import Fields, View, filled, sees

router = APIRouter(prefix="/tickets", include_in_schema=False, route_class=PageRoute)
Reader = Annotated[View, sees("tickets:read")]
Writer = Annotated[View, sees("tickets:write")]
TicketId = Annotated[Id, Path(alias="id")]
NEXT = ("acknowledge", "respond", "resolve", "confirm", "resume")
"""The steps that may be the one obvious button, the first that is allowed."""
STEPS: dict[str, tuple[Any, type[BaseModel]]] = {
    "acknowledge": (steps.acknowledge, bodies.Remark),
    "respond": (steps.respond, bodies.Reason),
    "resolve": (steps.resolve, bodies.Resolve),
    "confirm": (steps.confirm, bodies.Remark),
    "reopen": (steps.reopen, bodies.Reason),
    "undo": (steps.undo, bodies.Reason),
    "pause": (steps.pause, bodies.Reason),
    "resume": (steps.resume, bodies.Remark),
    "priority": (steps.priority, bodies.SetPriority),
    "merge": (steps.merge, bodies.Merge),
    "unmerge": (steps.unmerge, bodies.Reason),
    "notes": (steps.notes, bodies.Note),
    "relate": (steps.relate, bodies.Relation),
    "unrelate": (steps.unrelate, bodies.Relation),
    "letters": (steps.letters, bodies.Letter),
    "assign": (hands.assign, Assign),
    "dispatch": (hands.dispatch, Dispatch),
}
NUMBERS = ("version", "into", "ticket")


@router.get("/{id}")
def ticket(view: Reader, id_: TicketId) -> Response:
    """Show a ticket whole."""
    found = get_ticket(view.caller, id_)
    advice, theirs = _advice(view, found)
    following = next((step for step in NEXT if step in found.allowed), None)
    causes = list_causes(view.caller, CauseFilter(active=True)).items if "resolve" in found.allowed else []
    verdicts = {}
    if view.may("events:read"):
        verdicts = {event.id: events.get_event(view.caller, event.id).verdict for event in found.events[:5]}
    today = view.now.astimezone(view.utility.zone).date()
    return view.page(
        "ticket.html.jinja",
        back_30=today - timedelta(days=30),
        back_year=today - timedelta(days=365),
        ticket=found,
        advice=advice,
        theirs=theirs,
        following=following,
        causes=causes,
        crews=hands.list_crews(view.caller).items if view.may("tickets:write") else [],
        verdicts=verdicts,
    )


@router.post("/{id}/verdict/{event}")
def judge(view: Annotated[View, sees("events:write")], id_: TicketId, event: Id, form: Fields) -> Response:
    """Say that a finding is confirmed, or that it is normal, and for how long."""
    events.judge(view.caller, event, filled(GiveVerdict, form))
    return view.go(f"/tickets/{id_}", view.say("Noted."), undo=f"/tickets/{id_}/verdict/{event}/undo")


@router.post("/{id}/verdict/{event}/undo")
def unjudge(view: Annotated[View, sees("events:write")], id_: TicketId, event: Id) -> Response:
    """Take a verdict back."""
    events.undo(view.caller, event, UndoVerdict(why=""))
    return view.go(f"/tickets/{id_}", view.say("Taken back."))


@router.post("/{id}/{step}")
def act(view: Writer, id_: TicketId, step: Annotated[str, Path()], form: Fields) -> Response:
    """Take a step."""
    if step not in STEPS:
        raise NotFoundError(f"There is no step {step!r}.")
    call, model = STEPS[step]
    call(view.caller, id_, filled(model, form, numbers=NUMBERS))
    return view.go(f"/tickets/{id_}", view.say(DONE[step]))


def _(source: str) -> str:
    return source


DONE = {
    "acknowledge": _("You look after this ticket now."),
    "respond": _("The response is on record."),
    "resolve": _("Resolved. The customer will be asked whether it is."),
    "confirm": _("Confirmed and closed."),
    "reopen": _("Open again, with new deadlines."),
    "undo": _("The last step is taken back."),
    "pause": _("The clock stands still until the customer answers."),
    "resume": _("The clock goes on."),
    "priority": _("The priority is changed."),
    "merge": _("Merged."),
    "unmerge": _("The ticket goes on by itself."),
    "notes": _("Noted."),
    "relate": _("The two belong together now."),
    "unrelate": _("They don't belong together any more."),
    "letters": _("On its way to the customer. The receipt will stand under Messages."),
    "assign": _("Handed over."),
    "dispatch": _("The crew is told."),
}


def _advice(view: View, found: TicketDetail) -> tuple[Advice | None, Advice | None]:
    """Return the advice in the reader's language and in the customer's; None without an event."""
    if not found.events:
        return None, None
    with view.caller.transaction() as conn:
        about = messages.about(conn, found.id)
    if not isinstance(about, Facts):
        return None, None
    renderer = _renderer(str(view.request.app.state.settings.public_url))
    theirs = spoken(about.customer.language) if about.customer else view.language
    return renderer.advice(about, view.language), renderer.advice(about, theirs)


@cache
def _renderer(public_url: str) -> Renderer:
    return Renderer(Words(public_url))
