"""The first page: what lies on my desk, what is due, what failed, what changed while I was away."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response

from api.contact_checks import endpoints as checks
from api.contact_checks.schemas import CheckFilter, Confirm
from api.fields import Id
from api.messages import endpoints as messages
from api.messages.schemas import Message, MessageFilter, Seen
from api.rows import Row, first, rows
from api.tickets.endpoints import list_tickets
from api.tickets.schemas import TicketFilter
from api.visits.endpoints import list_visits
from api.visits.schemas import VisitFilter
from core.errors import NotFoundError
from service import accounts
from web.route import PageRoute
from web.view import View, sees

router = APIRouter(include_in_schema=False, route_class=PageRoute)
MOST, FEW = 50, 8
FAILED_SINCE = timedelta(days=30)
Desk = Literal["mine", "team"]


@router.get("/")
def today(
    view: Annotated[View, sees("tickets:read")], cursor: str | None = None, desk: Desk = "mine"
) -> Response:
    """Show the open tickets by the time that is left, mine or everybody's, and what else waits for me."""
    everybody = view.caller.key.sees_all
    team = desk == "team" and everybody
    whose: dict[str, Any] = {} if team else {"whose": "mine", "snoozed": False}
    given = TicketFilter(sort="time_left", limit=MOST, cursor=cursor, **whose)
    with view.caller.transaction() as conn:
        counts = first(conn, "tickets.desk_counts", now=view.now) if everybody else None
    return view.page(
        "today.html.jinja",
        tickets=list_tickets(view.caller, given, view.request, Response()),
        asleep=_asleep(view),
        desk="team" if team else "mine",
        counts=counts,
        day=view.now.astimezone(view.utility.zone).date(),
        visits=_visits(view) if view.may("visits:read") else [],
        failed=_failed(view, mine=not team) if view.may("messages:read") else [],
        checks=_checks(view) if view.may("customers:read") else [],
        news=_news(view),
    )


@router.post("/today/seen")
def seen(view: Annotated[View, sees("tickets:read")]) -> Response:
    """Note that I have seen what is new."""
    with view.caller.transaction() as conn:
        accounts.looked(conn, view.me.staff_id, at=view.now)
    return view.go("/")


@router.post("/today/messages/{id}/{deed}")
def settle_message(
    view: Annotated[View, sees("messages:write")],
    id_: Annotated[Id, Path(alias="id")],
    deed: Annotated[str, Path()],
    desk: Desk = "mine",
) -> Response:
    """Send a message that failed again, or set it aside."""
    back = "/?desk=team" if desk == "team" else "/"
    if deed == "retry":
        messages.retry(view.caller, id_, Seen())
        return view.go(back, view.say("The message is on its way again."))
    if deed == "dismiss":
        messages.dismiss(view.caller, id_, Seen())
        return view.go(back, view.say("The message is set aside."))
    raise NotFoundError(f"There is no deed {deed!r}.")


@router.post("/today/checks/{id}/confirm")
def confirm(view: Annotated[View, sees("customers:write")], id_: Annotated[Id, Path(alias="id")]) -> Response:
    """Say that the contact data hold."""
    checks.confirm(view.caller, id_, Confirm())
    return view.go("/", view.say("The contact data count as confirmed today."))


def _asleep(view: View) -> int:
    with view.caller.transaction() as conn:
        found = first(conn, "tickets.asleep_count", me=view.me.staff_id, now=view.now)
    return int(found["n"]) if found else 0


def _visits(view: View) -> list[Any]:
    day = view.now.astimezone(view.utility.zone).date()
    due = {"state": ["due", "overdue", "postponed"], "mine": True, "to": day.isoformat(), "limit": FEW}
    return list_visits(view.caller, VisitFilter.model_validate(due), view.request, Response()).items


def _failed(view: View, *, mine: bool) -> list[Message]:
    """Return what failed lately and went by no other way: mine, or everybody's."""
    since = (view.now - FAILED_SINCE).isoformat()
    given = {"state": ["dead", "bounced", "unknown"], "since": since, "mine": mine}
    asked = MessageFilter.model_validate(given)
    found = messages.list_messages(view.caller, asked, view.request, Response()).items
    return [message for message in found if message.passed_to is None][:FEW]


def _checks(view: View) -> list[Any]:
    asked = CheckFilter(manager=view.me.login, limit=FEW)
    return checks.list_checks(view.caller, asked, view.request, Response()).items


def _news(view: View) -> list[Row]:
    """Return what others did on my tickets since I looked; of the last day for who never has."""
    with view.caller.transaction() as conn:
        since = accounts.looked_at(conn, view.me.staff_id) or view.now - timedelta(days=1)
        given = {"me": view.me.staff_id, "actor": view.caller.actor, "since": since, "limit": 2 * FEW}
        return rows(conn, "tickets.news", **given)
