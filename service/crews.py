"""Crews that go out: site work goes to the crew of the place.

By region first, up the tree; then by distance to the service point, in the utility's plane coordinates; then
by load. A crew whose working hours are over comes after those that work.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.errors import BadDataError, ConflictError, NotFoundError
from service import calendars, routing, tickets
from service.messages import Step, Telling, tell_all
from service.tickets import Actor, Entry
from sql.pool import Connection
from sql.query import Queries

Q = Queries("crews")


@dataclass(frozen=True)
class Candidate:
    """A crew as seen from a ticket: metres is None without coordinates, regions_up outside of the region."""

    id: int
    code: str
    name: str
    lead_id: int | None
    calendar: str
    region: str | None
    regions_up: int | None
    metres: float | None
    open: int
    weight: float

    @property
    def why(self) -> str:
        """What speaks for it, in words."""
        if self.regions_up is None:
            place = f"of {self.region}, another region" if self.region else "of no region"
        else:
            place = f"of {self.region}" if not self.regions_up else f"of {self.region}, the region above"
        far = "distance unknown" if self.metres is None else f"{self.metres:,.0f} m away"
        return f"{self.name} {place}, {far}, {self.open} open tickets"


@dataclass(frozen=True)
class Crew:
    """A crew as it is set up; `skills` are groups or topics of tickets, none means all."""

    code: str
    name: str
    region: str | None = None
    x: float | None = None
    y: float | None = None
    lead: str | None = None
    phone: str | None = None
    skills: Sequence[str] = ()
    calendar: str = "round_the_clock"
    active: bool = True
    members: Sequence[str] = ()


def candidates(
    conn: Connection, ticket_id: int, *, at: datetime, crew_id: int | None = None
) -> list[Candidate]:
    """Return the crews that may take the ticket's site work, the best first."""
    row = conn.execute(Q["place"], {"ticket_id": ticket_id}).fetchone()
    if row is None:
        raise NotFoundError(f"There is no ticket {ticket_id}.")
    skill, x, y, region_id = row
    given = {"skill": skill, "x": x, "y": y, "region_id": region_id, "crew_id": crew_id}
    found = [Candidate(*crew) for crew in conn.execute(Q["for_place"], given)]
    works = {crew.calendar: _works(conn, crew.calendar, at) for crew in found}
    return sorted(found, key=lambda crew: not works[crew.calendar])


def dispatch(
    conn: Connection,
    ticket_id: int,
    *,
    crew: str | None = None,
    actor: Actor,
    why: str = "",
    at: datetime,
) -> Candidate:
    """Send a crew, the best or the one named by its code; its lead is told, and who had it before.

    ConflictError for a ticket that is over, where the crew has it already, and where no crew fits;
    BadDataError where it is taken from a crew without a reason.
    """
    ticket = tickets.lock(conn, ticket_id)
    if ticket.state not in tickets.OPEN_STATES:
        raise tickets.refusal(conn, ticket, f"Ticket {ticket_id} is {ticket.state}: nobody is sent out.")
    had_id, had, had_lead = conn.execute(Q["ticket"], {"ticket_id": ticket_id}).fetchall()[0]
    chosen = _chosen(conn, ticket_id, crew, at)
    if chosen.id == had_id:
        raise ConflictError(f"{chosen.name} has ticket {ticket_id} already.", cure="Name another crew.")
    if had_id is not None and not why.strip():
        raise BadDataError(f"Ticket {ticket_id} is with crew {had}.", cure="Say why another is sent.")
    given = {"ticket_id": ticket_id, "crew_id": chosen.id, "at": at}
    ((version,),) = conn.execute(Q["send"], given).fetchall()
    lead = _who_leads(conn, chosen, at)
    detail = {"crew": chosen.code, "was": had, "metres": chosen.metres, "open": chosen.open, "note": why}
    told = "" if lead else "; nobody of the crew is here to be told"
    said = (
        f"{chosen.why}{'' if crew is None else f'; chosen by {actor.name}'}{told}{f': {why}' if why else ''}"
    )
    tickets.note(conn, ticket_id, Entry("dispatched", said, detail), at=at, actor=actor.name)
    key, tellings = f"dispatched:{version}", []
    if lead is not None and lead != actor.staff_id:
        tellings.append(Telling(ticket_id, Step("dispatched", key, why=why), to=lead))
    if had_lead is not None and had_lead not in {lead, actor.staff_id}:
        tellings.append(Telling(ticket_id, Step("called_back", f"{key}:back", why=why), to=had_lead))
    tell_all(conn, tellings, at=at)
    return chosen


def put(conn: Connection, crew: Crew) -> int:
    """Set a crew up, or change it; return its id. BadDataError for a region, calendar or person unknown."""
    if (crew.x is None) != (crew.y is None):
        raise BadDataError("A place has two coordinates.", cure="Give x and y, or neither.")
    if (
        crew.region is not None
        and not conn.execute(routing.Q["region_by_code"], {"code": crew.region}).fetchone()
    ):
        raise BadDataError(f"There is no region {crew.region!r}.")
    wanted = sorted({*crew.members, *([crew.lead] if crew.lead else [])})
    ids: dict[str, int] = dict(conn.execute(Q["logins"], {"logins": wanted}).fetchall())
    if unknown := [login for login in wanted if login not in ids]:
        raise BadDataError(f"Nobody who works here has the login {', '.join(unknown)}.")
    calendars.load(conn, crew.calendar)
    ((crew_id,),) = conn.execute(Q["put_crew"], vars(crew) | {"skills": list(crew.skills)}).fetchall()
    members = {"crew_id": crew_id, "ids": [ids[login] for login in wanted]}
    conn.execute(Q["drop_members"], members)
    conn.execute(Q["add_members"], members)
    return int(crew_id)


def _chosen(conn: Connection, ticket_id: int, code: str | None, at: datetime) -> Candidate:
    crew_id = None
    if code is not None:
        row = conn.execute(Q["by_code"], {"code": code}).fetchone()
        if row is None:
            raise NotFoundError(f"There is no crew {code!r}.")
        crew_id, active = row
        if not active:
            raise ConflictError(f"Crew {code} is not active.", cure="Name another crew.")
    found = candidates(conn, ticket_id, at=at, crew_id=crew_id)
    if not found:
        what = "takes tickets of this kind" if code is None else f"like {code} takes tickets of this kind"
        raise ConflictError(f"No active crew {what}.", cure="Name a crew, or widen a crew's skills.")
    return found[0]


def _who_leads(conn: Connection, crew: Candidate, at: datetime) -> int | None:
    """Return the lead, or who stands in for an absent one, or a member who is here."""
    members = [row[0] for row in conn.execute(Q["members"], {"crew_id": crew.id})]
    for staff_id in [crew.lead_id, *members]:
        if staff_id is None:
            continue
        person = routing.stand_in(conn, staff_id, at)
        if person is not None:
            return person.id
    return None


def _works(conn: Connection, calendar: str, at: datetime) -> bool:
    return calendars.load(conn, calendar).worked(at, at + timedelta(minutes=1)) > 0
