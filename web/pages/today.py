"""The first page: what lies on my desk, what is due, what failed."""

from typing import Annotated

from fastapi import APIRouter, Response

from api.tickets.endpoints import list_tickets
from api.tickets.schemas import TicketFilter
from api.visits.endpoints import list_visits
from api.visits.schemas import VisitFilter
from web.route import PageRoute
from web.view import View, sees

router = APIRouter(include_in_schema=False, route_class=PageRoute)
MOST = 50


@router.get("/")
def today(view: Annotated[View, sees("tickets:read")], cursor: str | None = None) -> Response:
    """Show my open tickets by the time that is left, and today's visits."""
    mine = TicketFilter(sort="time_left", assignee=view.me.login, limit=MOST, cursor=cursor)
    tickets = list_tickets(view.caller, mine, view.request, Response())
    day = view.now.astimezone(view.utility.zone).date()
    due = VisitFilter.model_validate(
        {"state": ["due", "overdue", "postponed"], "mine": True, "to": day.isoformat()}
    )
    visits = list_visits(view.caller, due, view.request, Response())
    return view.page("today.html.jinja", tickets=tickets, visits=visits, day=day)
