"""GET /v1/stream."""

import re
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from api import keys
from api.answers import Responses, failures
from api.auth import Caller, autocommitted, needs
from api.problem import RefusedError, refused_value
from api.stream.hub import Again, Hub
from service.changes import TOPICS, Topic

router = APIRouter(prefix="/v1/stream", tags=["stream"])
Reader = Annotated[Caller, needs("stream:read")]
LAST = 2**63 - 1
EXAMPLE = """\
retry: 3000
event: ready
id: 40
data: {"topics":["tickets"]}

event: ticket.acknowledge
id: 41
data: {"sequence":41,"type":"ticket.acknowledge","at":"2026-11-21T08:05:00+00:00","actor":"li.wei","why":"",\
"from_state":"open","to_state":"acknowledged","detail":{},"ticket":{"id":17,"state":"acknowledged"}}

: alive

"""
ANSWERS: Responses = {
    200: {
        "description": "Server-sent events, until one side ends it.",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": EXAMPLE}},
    },
    **failures(401, 403, 422, 500, 503),
}


class StreamFilter(BaseModel):
    """What of."""

    model_config = ConfigDict(extra="forbid")

    topics: list[Topic] | None = Field(
        None, max_length=len(TOPICS), description="One or several; all that the key may read unless said."
    )
    after: int | None = Field(
        None,
        ge=0,
        le=LAST,
        description="Go on after this position; 0: as far back as there is. The header Last-Event-ID goes"
        " before it; without either, from now on.",
    )


def allowed(caller: Caller, topics: list[Topic] | None) -> list[Topic]:
    """Return the topics that are meant; RefusedError (403) for one that the caller's scopes don't cover."""
    may_read = [topic for topic in TOPICS if f"{topic}:read" in caller.key.scopes]
    for topic in topics or ():
        if topic not in may_read:
            raise RefusedError(
                403,
                "forbidden",
                f"This key lacks the scope {topic}:read.",
                cure=f"Make one with `headwater key create --scopes stream:read,{topic}:read`.",
            )
    if not may_read:
        raise RefusedError(
            403,
            "forbidden",
            "This key may stream, but read nothing that is streamed.",
            cure="Make one with the scopes of the topics, such as `stream:read,tickets:read`.",
        )
    return topics or may_read


def position(last_event_id: str | None, after: int | None) -> int | None:
    """Return where to go on: what a reconnecting browser says goes before what its address says."""
    if not last_event_id:
        return after
    if re.fullmatch(r"[0-9]{1,18}", last_event_id, re.ASCII) is None:
        raise refused_value("header", "Last-Event-ID", "Not a position: send the `id` of a message as it is.")
    return int(last_event_id)


def _again(request: Request, caller: Caller) -> Again:
    token = request.headers["Authorization"].partition(" ")[2].strip()

    def prove() -> Caller | None:
        with autocommitted(caller.pool) as conn:
            key = keys.verify(conn, token, caller.now())
        return None if key is None else Caller(key, caller.pool, caller.clock)

    return prove


@router.get("", operation_id="stream", response_class=StreamingResponse, responses=ANSWERS)
async def stream(
    caller: Reader,
    given: Annotated[StreamFilter, Query()],
    request: Request,
    last_event_id: Annotated[
        str | None, Header(alias="Last-Event-ID", description="The `id` of the last message you have.")
    ] = None,
) -> StreamingResponse:
    """Send what changes as it changes (server-sent events); what a break kept from you comes after it."""
    hub: Hub = request.app.state.hub
    topics = allowed(caller, given.topics)
    return await hub.open(caller, topics, position(last_event_id, given.after), _again(request, caller))
