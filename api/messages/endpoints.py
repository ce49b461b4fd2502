"""GET /v1/messages, and what is done about those that did not arrive."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from api import page
from api.answers import answers, page_of
from api.auth import Caller, needs
from api.fields import Id, instant
from api.messages.schemas import (
    DETAIL,
    EXAMPLE,
    Message,
    MessageDetail,
    MessageFilter,
    Retried,
    RetryMany,
    Seen,
    shaped,
)
from api.page import Page
from api.problem import refused_value
from api.rows import filtered, first, rows
from core.errors import NotFoundError
from service import failures
from service.failures import Which
from service.tickets import Actor
from service.utility import utility
from sql.pool import Connection

router = APIRouter(prefix="/v1/messages", tags=["messages"])
Reader = Annotated[Caller, needs("messages:read")]
Writer = Annotated[Caller, needs("messages:write")]
MessageId = Annotated[Id, Path(alias="id")]
NEWEST = (2**63 - 1,)


def _detail(conn: Connection, id_: int) -> MessageDetail:
    found = first(conn, "messages.message", id=id_)
    if found is None:
        raise NotFoundError(f"There is no message {id_}.")
    return MessageDetail.model_validate({**shaped(found), "log": rows(conn, "messages.receipts", id=id_)})


@router.get("", operation_id="listMessages", responses=answers(page_of(EXAMPLE, "/v1/messages"), paged=True))
def list_messages(
    caller: Reader, given: Annotated[MessageFilter, Query()], request: Request, response: Response
) -> Page[Message]:
    """List messages, the latest written first."""
    (id_,) = page.decode("messages", tuple[int], given.cursor, NEWEST)
    if given.mine and caller.key.staff_id is None:
        raise refused_value("query", "mine", "This key belongs to nobody: give `account_no` or `ticket`.")
    with caller.transaction() as conn:
        since, until = (w and instant(w, lambda: utility(conn).zone) for w in (given.since, given.until))
        found = filtered(
            conn,
            "messages.messages",
            id=id_,
            states=given.state,
            channel=given.channel,
            kind=given.kind,
            ticket=given.ticket,
            account_no=given.account_no,
            bundled_in=given.bundled_in,
            since=since,
            until=until,
            dma=given.dma,
            mine=caller.key.staff_id if given.mine else None,
            limit=given.limit + 1,
        )
    items = [Message(**shaped(row)) for row in found]
    return page.build(request, response, "messages", items, given.limit, lambda m: (m.id,))


@router.get("/{id}", operation_id="getMessage", responses=answers(DETAIL, 404))
def get_message(caller: Reader, id_: MessageId) -> MessageDetail:
    """Return one message with every attempt, in the other end's words."""
    with caller.transaction() as conn:
        return _detail(conn, id_)


@router.post("/retry", operation_id="retryMessages", responses=answers({"retried": 12}, 409, 413))
def retry_many(caller: Writer, said: RetryMany) -> Retried:
    """Send again what failed, each to the address that is on record now."""
    with caller.transaction() as conn:
        since = None if said.since is None else instant(said.since, lambda: utility(conn).zone)
        which = Which(said.state, said.channel, said.kind, since)
        return Retried(
            retried=failures.retry_all(conn, which, actor=_actor(caller), why=said.why, at=caller.now())
        )


@router.post("/{id}/retry", operation_id="retryMessage", responses=answers(DETAIL, 404, 409, 413))
def retry(caller: Writer, id_: MessageId, said: Seen | None = None) -> MessageDetail:
    """Send a message again, to the address that is on record now; 409 unless it failed."""
    with caller.transaction() as conn:
        _detail(conn, id_)
        failures.retry(conn, id_, actor=_actor(caller), why=said.why if said else "", at=caller.now())
        return _detail(conn, id_)


@router.post("/{id}/dismiss", operation_id="dismissMessage", responses=answers(DETAIL, 404, 409, 413))
def dismiss(caller: Writer, id_: MessageId, said: Seen | None = None) -> MessageDetail:
    """Say that a message that failed needs no more doing; 409 unless it failed."""
    with caller.transaction() as conn:
        _detail(conn, id_)
        failures.dismiss(conn, id_, actor=_actor(caller), why=said.why if said else "", at=caller.now())
        return _detail(conn, id_)


def _actor(caller: Caller) -> Actor:
    return Actor(caller.actor, caller.key.staff_id)
