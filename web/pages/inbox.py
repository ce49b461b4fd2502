"""Tickets as a list, and what somebody brings to the desk."""

from typing import Annotated, get_args

from fastapi import APIRouter, Query, Request, Response

from api.tickets.bodies import NewTicket
from api.tickets.endpoints import list_tickets, open_ticket
from api.tickets.schemas import UNFINISHED, State, TicketFilter, Topic
from web.route import PageRoute
from web.view import Fields, View, sees, taken

router = APIRouter(prefix="/tickets", include_in_schema=False, route_class=PageRoute)
Reader = Annotated[View, sees("tickets:read")]
Writer = Annotated[View, sees("tickets:write")]
FILTERS = (
    "q",
    "whose",
    "state",
    "group",
    "dma",
    "segment",
    "overdue",
    "urgent",
    "waiting",
    "snoozed",
    "sort",
)
GROUPS = ("leak", "network", "pressure", "industrial", "plan", "device", "welfare", "profile")
SEGMENTS = ("large", "special", "vulnerable", "general")
CHANNELS = ("hotline", "counter", "web", "message", "mail")
"""By which somebody comes to the desk."""


def wanted(request: Request) -> dict[str, str]:
    """Return the filters that are set; a filter left empty is none."""
    given = {name: request.query_params.get(name, "").strip() for name in FILTERS}
    return {name: value for name, value in given.items() if value}


@router.get("")
def inbox(view: Reader, cursor: Annotated[str | None, Query(max_length=400)] = None) -> Response:
    """Show the tickets that fit; unless asked otherwise the open ones by the time that is left."""
    asked = {"sort": "time_left", **wanted(view.request)}
    given = {**asked, "state": [asked["state"]] if "state" in asked else None, "cursor": cursor}
    if given["state"] and asked["state"] not in UNFINISHED:
        given["sort"] = "newest"  # no time is left to what is done
    found = list_tickets(view.caller, taken(TicketFilter, given), view.request, Response())
    return view.page(
        "inbox.html.jinja",
        found=found,
        asked=dict.fromkeys(FILTERS, "") | asked | {"sort": given["sort"]},
        filtered=bool(wanted(view.request).keys() - {"sort"}),
        states=get_args(State),
        groups=GROUPS,
        segments=SEGMENTS,
        back=f"{view.request.url.path}?{view.request.url.query}",
    )


@router.get("/new")
def blank(view: Writer, account_no: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Show the form for what somebody brings to the desk."""
    return _form(view, {"account_no": account_no, "source": "hotline"})


@router.post("/new")
def take_in(view: Writer, form: Fields) -> Response:
    """Take it in; says whether a ticket was opened or an open one took it in."""
    given = {name: value.strip() for name, value in form.items() if value.strip()}
    reporter = {part: given.pop(f"reporter_{part}", "") for part in ("name", "phone", "email")}
    made = open_ticket(view.caller, taken(NewTicket, {**given, "reporter": reporter}))
    said = {
        "opened": view.say("Opened. Whoever looks after it is told."),
        "joined": view.say("This ticket was open about the same matter: it took it in."),
    }
    return view.go(f"/tickets/{made.ticket.id}", said[made.how])


def _form(view: View, typed: dict[str, str]) -> Response:
    return view.page("ticket_new.html.jinja", typed=typed, channels=CHANNELS, topics=get_args(Topic))
