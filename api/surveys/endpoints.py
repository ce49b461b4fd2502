"""What customers answered about a ticket, and answers that were given to staff."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request
from psycopg.rows import dict_row
from pydantic import BaseModel, ConfigDict, Field

from api.answers import answers
from api.auth import Caller, needs
from api.fields import Id, Text
from api.rows import first
from api.tickets.schemas import Body
from core.errors import NotFoundError
from core.settings import Settings
from service import surveys
from service.findings import Desk
from service.surveys import REMARK_MOST, Answer
from service.tickets import Actor
from sql.pool import Connection
from sql.query import Queries

Q = Queries("surveys")
router = APIRouter(prefix="/v1/tickets", tags=["tickets"])
TicketId = Annotated[Id, Path(alias="id")]


class Answered(Body):
    """What the customer said to a member of staff."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"channel": "hotline", "satisfied": True, "score": 5, "remark": "Quick and friendly."}
            ]
        }
    )

    channel: Literal["hotline", "counter", "visit"] = Field(description="Where it was said.")
    satisfied: bool = Field(description="False opens the ticket again, with a higher priority.")
    score: int | None = Field(None, ge=1, le=5, description="From 1, very bad, to 5, very good.")
    remark: Text = Field("", max_length=REMARK_MOST, description="In the customer's words.")


class Survey(BaseModel):
    """One question to the customer, about one resolution."""

    round: int = Field(description="1 for the first resolution that was asked about, 2 for the next.")
    channel: Literal["link", "hotline", "counter", "visit"]
    sent_at: datetime
    expires_at: datetime
    answered_at: datetime | None
    satisfied: bool | None
    score: int | None
    remark: str | None
    recorded_by: str | None = Field(description="Who took the answer down; null where the customer did.")
    resolved_by: str | None = Field(description="Login of who had resolved the ticket.")


class Surveys(BaseModel):
    """Every question about a ticket, the first one first."""

    items: list[Survey]


EXAMPLE: dict[str, Any] = {
    "items": [
        {
            "round": 1,
            "channel": "link",
            "sent_at": "2026-11-22T09:30:00Z",
            "expires_at": "2026-12-06T09:30:00Z",
            "answered_at": "2026-11-22T11:02:10Z",
            "satisfied": False,
            "score": 2,
            "remark": "还在漏水",
            "recorded_by": None,
            "resolved_by": "li.wei",
        }
    ]
}


def _surveys(conn: Connection, id_: int) -> Surveys:
    with conn.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(Q["ticket_surveys"], {"ticket_id": id_}).fetchall()
    return Surveys.model_validate({"items": found})


@router.get("/{id}/surveys", operation_id="listSurveys", responses=answers(EXAMPLE, 404))
def list_surveys(caller: Annotated[Caller, needs("tickets:read")], id_: TicketId) -> Surveys:
    """List what the customer was asked about a ticket's resolutions, and the answers."""
    with caller.transaction() as conn:
        if first(conn, "tickets.one", id=id_) is None:
            raise NotFoundError(f"There is no ticket {id_}.")
        return _surveys(conn, id_)


@router.post("/{id}/survey", operation_id="recordSurvey", responses=answers(EXAMPLE, 404, 409, 413))
def record_survey(
    caller: Annotated[Caller, needs("tickets:write")], id_: TicketId, said: Answered, request: Request
) -> Surveys:
    """Take down what the customer said when called back; 409 before a resolution, and for a second answer."""
    settings: Settings = request.app.state.settings
    desk = Desk(webhooks=[settings.webhook_url] if settings.webhook_url else [])
    answer = Answer(said.satisfied, said.score, said.remark)
    actor = Actor(caller.actor, caller.key.staff_id)
    with caller.transaction() as conn:
        surveys.record(conn, id_, answer, said.channel, actor=actor, at=caller.now(), desk=desk)
        return _surveys(conn, id_)
