"""POST /v1/tickets/{id}/...: the steps that people take; each answers with the ticket as it stands then.

A step that the state doesn't allow, or that comes after somebody else's (`version`), is 409: it says who
changed the ticket, when, and what is allowed now.
"""

from datetime import datetime
from typing import Annotated, TypedDict

from fastapi import APIRouter, Path

from api.answers import answers
from api.auth import Caller, needs
from api.fields import Id, instant
from api.tickets.bodies import (
    Letter,
    Merge,
    Note,
    Reason,
    Relation,
    Remark,
    Resolve,
    SetPriority,
    Snooze,
)
from api.tickets.detail import detail
from api.tickets.schemas import DETAIL, TicketDetail
from core.errors import ForbiddenError
from service import handling, merging, snoozes, surveys, tickets, writing
from service.tickets import Act, Actor
from service.utility import utility

router = APIRouter(prefix="/v1/tickets/{id}", tags=["tickets"])
Writer = Annotated[Caller, needs("tickets:write")]
TicketId = Annotated[Id, Path(alias="id")]
STEP = answers(DETAIL, 404, 409, 413)


class _Said(TypedDict):
    actor: Actor
    at: datetime
    why: str
    version: int | None


def _said(caller: Caller, given: Remark | Reason | Resolve | SetPriority | Merge) -> _Said:
    actor = Actor(caller.actor, caller.key.staff_id)
    return {"actor": actor, "at": caller.now(), "why": given.why, "version": given.version}


def _act(caller: Caller, given: Note | Relation) -> Act:
    return Act(Actor(caller.actor, caller.key.staff_id), caller.now(), given.why)


@router.post("/acknowledge", operation_id="acknowledgeTicket", responses=STEP)
def acknowledge(caller: Writer, id_: TicketId, given: Remark | None = None) -> TicketDetail:
    """Take a ticket on: somebody looks after it now."""
    with caller.transaction() as conn:
        tickets.acknowledge(conn, id_, **_said(caller, given or Remark()))
        return detail(conn, id_)


@router.post("/respond", operation_id="respondToTicket", responses=STEP)
def respond(caller: Writer, id_: TicketId, given: Reason) -> TicketDetail:
    """Say what will be done first; this keeps the response deadline."""
    with caller.transaction() as conn:
        tickets.respond(conn, id_, **_said(caller, given))
        return detail(conn, id_)


@router.post("/resolve", operation_id="resolveTicket", responses=STEP)
def resolve(caller: Writer, id_: TicketId, given: Resolve) -> TicketDetail:
    """Say that it is done, what it was and what was done; this keeps the resolution deadline."""
    with caller.transaction() as conn:
        cause = {"cause": given.cause, "cause_code": given.cause_code}
        tickets.resolve(conn, id_, **cause, **_said(caller, given))
        surveys.on_resolved(conn, id_, at=caller.now())
        return detail(conn, id_)


@router.post("/confirm", operation_id="confirmTicket", responses=STEP)
def confirm(caller: Writer, id_: TicketId, given: Remark | None = None) -> TicketDetail:
    """Say that the customer agrees that it is settled."""
    with caller.transaction() as conn:
        tickets.confirm(conn, id_, **_said(caller, given or Remark()))
        return detail(conn, id_)


@router.post("/reopen", operation_id="reopenTicket", responses=STEP)
def reopen(caller: Writer, id_: TicketId, given: Reason) -> TicketDetail:
    """Open a settled ticket again, with new deadlines."""
    with caller.transaction() as conn:
        tickets.reopen(conn, id_, **_said(caller, given))
        return detail(conn, id_)


@router.post("/undo", operation_id="undoStep", responses=STEP)
def undo(caller: Writer, id_: TicketId, given: Reason) -> TicketDetail:
    """Take the last step back: an acknowledgement, response, resolution or confirmation made by mistake."""
    with caller.transaction() as conn:
        handling.undo(conn, id_, Act(**_said(caller, given)))
        return detail(conn, id_)


@router.post("/priority", operation_id="setPriority", responses=STEP)
def priority(caller: Writer, id_: TicketId, given: SetPriority) -> TicketDetail:
    """Set another priority; a higher one brings the deadlines nearer, a lower one puts them off."""
    with caller.transaction() as conn:
        handling.set_priority(conn, id_, given.priority, Act(**_said(caller, given)))
        return detail(conn, id_)


@router.post("/merge", operation_id="mergeTicket", responses=STEP)
def merge(caller: Writer, id_: TicketId, given: Merge) -> TicketDetail:
    """Merge a duplicate into the ticket that goes on, where replies and findings go from now on."""
    with caller.transaction() as conn:
        merging.merge(
            conn, id_, given.into, Act(**_said(caller, given)), across_customers=given.across_customers
        )
        return detail(conn, id_)


@router.post("/unmerge", operation_id="unmergeTicket", responses=STEP)
def unmerge(caller: Writer, id_: TicketId, given: Reason) -> TicketDetail:
    """Take a merger back: the ticket goes on by itself, as it was."""
    with caller.transaction() as conn:
        merging.unmerge(conn, id_, Act(**_said(caller, given)))
        return detail(conn, id_)


@router.post("/notes", operation_id="noteOnTicket", responses=STEP)
def notes(caller: Writer, id_: TicketId, given: Note) -> TicketDetail:
    """Put a remark on record."""
    with caller.transaction() as conn:
        handling.remark(conn, id_, _act(caller, given))
        return detail(conn, id_)


@router.post("/letters", operation_id="writeToCustomer", responses=STEP)
def letters(caller: Writer, id_: TicketId, given: Letter) -> TicketDetail:
    """Write to the ticket's customer, by the way on record; 409 where these very words were sent before."""
    with caller.transaction() as conn:
        act = Act(Actor(caller.actor, caller.key.staff_id), caller.now(), given.text)
        writing.write(conn, id_, given.subject, given.text, act)
        return detail(conn, id_)


@router.post("/relate", operation_id="relateTickets", responses=STEP)
def relate(caller: Writer, id_: TicketId, given: Relation) -> TicketDetail:
    """Say that two tickets belong together, and why; on both."""
    with caller.transaction() as conn:
        merging.relate(conn, id_, given.ticket, _act(caller, given))
        return detail(conn, id_)


@router.post("/unrelate", operation_id="unrelateTickets", responses=STEP)
def unrelate(caller: Writer, id_: TicketId, given: Relation) -> TicketDetail:
    """Say that two tickets don't belong together after all."""
    with caller.transaction() as conn:
        merging.unrelate(conn, id_, given.ticket, _act(caller, given))
        return detail(conn, id_)


@router.post("/pause", operation_id="pauseTicket", responses=STEP)
def pause(caller: Writer, id_: TicketId, given: Reason) -> TicketDetail:
    """Say that it waits for the customer, and for what: its clock stands still."""
    with caller.transaction() as conn:
        handling.pause(conn, id_, Act(**_said(caller, given)))
        return detail(conn, id_)


@router.post("/resume", operation_id="resumeTicket", responses=STEP)
def resume(caller: Writer, id_: TicketId, given: Remark | None = None) -> TicketDetail:
    """Let its clock go on: what was left before a deadline is left of it now."""
    with caller.transaction() as conn:
        handling.resume(conn, id_, Act(**_said(caller, given or Remark())))
        return detail(conn, id_)


@router.post("/snooze", operation_id="snoozeTicket", responses=STEP)
def snooze(caller: Writer, id_: TicketId, given: Snooze) -> TicketDetail:
    """Put a ticket off: the own list leaves it out (`snoozed=false`) until then; no deadline moves.

    It is back before that when its next deadline passes, when it becomes urgent, or when somebody else adds
    to its history. An urgent or overdue one can't wait: 409.
    """
    with caller.transaction() as conn:
        until = instant(given.until, lambda: utility(conn).zone)
        snoozes.snooze(conn, id_, until, _own(caller))
        return detail(conn, id_)


@router.post("/wake", operation_id="wakeTicket", responses=STEP)
def wake(caller: Writer, id_: TicketId) -> TicketDetail:
    """Take a ticket that was put off back onto the own list."""
    with caller.transaction() as conn:
        snoozes.wake(conn, id_, _own(caller))
        return detail(conn, id_)


def _own(caller: Caller) -> Act:
    if caller.key.staff_id is None:
        raise ForbiddenError(
            "This key belongs to nobody, who has no list of their own.",
            cure="Use the key of a member of staff.",
        )
    return Act(Actor(caller.actor, caller.key.staff_id), caller.now())
