"""/v1/crews; and whose hands a ticket is in: POST /v1/tickets/{id}/assign and /dispatch."""

from typing import Annotated

from fastapi import APIRouter, Path

from api.answers import answers
from api.auth import Caller, needs
from api.crews.schemas import (
    CANDIDATE,
    CREW,
    Candidate,
    Candidates,
    Crew,
    Crews,
    Dispatch,
    Dispatched,
    PutCrew,
)
from api.fields import Id, Name
from api.rows import rows
from api.staff.rights import actor, require_desk
from api.staff.schemas import Assign, Assigned
from api.tickets.bodies import Remark
from core.errors import NotFoundError
from service import crews, handover, staff, tickets
from service.tickets import Act
from sql.pool import Connection

router = APIRouter(prefix="/v1", tags=["staff"])
of_tickets = APIRouter(prefix="/v1/tickets/{id}", tags=["tickets"])
Reader = Annotated[Caller, needs("staff:read")]
Writer = Annotated[Caller, needs("staff:write")]
TicketReader = Annotated[Caller, needs("tickets:read")]
TicketWriter = Annotated[Caller, needs("tickets:write")]
TicketId = Annotated[Id, Path(alias="id")]


@router.get("/crews", operation_id="listCrews", responses=answers({"items": [CREW]}))
def list_crews(caller: Reader) -> Crews:
    """List the crews, with their region, skills and where they start from."""
    with caller.transaction() as conn:
        return Crews(items=_crews(conn, None))


@router.get("/crews/{code}", operation_id="getCrew", responses=answers(CREW, 404))
def get_crew(caller: Reader, code: Annotated[Name, Path()]) -> Crew:
    """Return one crew, with its people and hours."""
    with caller.transaction() as conn:
        found = _crews(conn, code)
    if not found:
        raise NotFoundError(f"There is no crew {code!r}.")
    return found[0]


@router.put("/crews/{code}", operation_id="putCrew", responses=answers(CREW, 404, 409, 413))
def put_crew(caller: Writer, code: Annotated[Name, Path()], given: PutCrew) -> Crew:
    """Set a crew up, or change it: what isn't given is as at the start."""
    require_desk(caller)
    with caller.transaction() as conn:
        crews.put(conn, crews.Crew(code, **given.model_dump()))
        return _crews(conn, code)[0]


@of_tickets.get("/crews", operation_id="listCrewsForTicket", responses=answers({"items": [CANDIDATE]}, 404))
def list_candidates(caller: TicketReader, id_: TicketId) -> Candidates:
    """List the crews that may take the site work, the best first: by region, distance and load."""
    with caller.transaction() as conn:
        tickets.lock(conn, id_)  # only what the caller sees
        caller.widen(conn)
        return Candidates(items=[_shown(crew) for crew in crews.candidates(conn, id_, at=caller.now())])


@of_tickets.post(
    "/dispatch",
    operation_id="dispatchCrew",
    responses=answers({"id": 17, "version": 4, "crew": CANDIDATE}, 404, 409, 413),
)
def dispatch(caller: TicketWriter, id_: TicketId, given: Dispatch | None = None) -> Dispatched:
    """Send a crew to the place: the nearest of the region that takes such work, or the one named."""
    wanted = given or Dispatch()
    with caller.transaction() as conn:
        tickets.held(conn, id_, wanted.version)
        caller.widen(conn)
        crew = crews.dispatch(
            conn, id_, crew=wanted.crew, actor=actor(caller), why=wanted.why, at=caller.now()
        )
        return Dispatched(id=id_, version=tickets.lock(conn, id_).version, crew=_shown(crew))


@of_tickets.post(
    "/assign",
    operation_id="assignTicket",
    responses=answers({"id": 17, "assignee": "chen.jing", "version": 4}, 404, 409, 413),
)
def assign(caller: TicketWriter, id_: TicketId, given: Assign) -> Assigned:
    """Give the ticket to somebody, with a hand-over note where somebody had it."""
    with caller.transaction() as conn:
        tickets.lock(conn, id_)  # only what the caller sees
        caller.widen(conn)
        to = staff.id_of(conn, given.to)
        ticket = handover.assign(
            conn, id_, to, note=given.note, actor=actor(caller), at=caller.now(), version=given.version
        )
    return Assigned(id=id_, assignee=given.to, version=ticket.version)


@of_tickets.post(
    "/take-back",
    operation_id="takeTicketBack",
    responses=answers({"id": 17, "assignee": None, "version": 5}, 404, 409, 413),
)
def take_back(caller: TicketWriter, id_: TicketId, given: Remark | None = None) -> Assigned:
    """Undo the caller's own hand-over: the ticket is with whom it was before, or with nobody.

    409 once people have done anything with it since.
    """
    said = given or Remark()
    with caller.transaction() as conn:
        caller.widen(conn)  # what is given away may be out of the caller's sight
        if not handover.handed_over_by(conn, id_, caller.actor):
            caller.narrow(conn)
        act = Act(actor(caller), caller.now(), said.why, said.version)
        ticket = handover.undo(conn, id_, act)
        named = handover.logins(conn, {"assignee_id": ticket.assignee_id})
    return Assigned(id=id_, version=ticket.version, **named)


def _crews(conn: Connection, code: str | None) -> list[Crew]:
    return [Crew(**row) for row in rows(conn, "crews.crews", code=code)]


def _shown(crew: crews.Candidate) -> Candidate:
    return Candidate(
        code=crew.code,
        name=crew.name,
        region=crew.region,
        metres=crew.metres,
        open_tickets=crew.open,
        why=crew.why,
    )
