"""What changes, told to the pages that are open: the stream of the API for who is signed in."""

from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse

from api.auth import CHECKOUT_TIMEOUT_S, Caller
from api.stream.endpoints import position
from api.stream.hub import Again, Hub
from service import accounts
from service.changes import Topic
from web.rights import principal
from web.route import PageRoute
from web.view import COOKIE, View, sees

router = APIRouter(include_in_schema=False, route_class=PageRoute)
TOPICS: tuple[Topic, ...] = ("tickets", "messages")
"""What the pages with lists show."""


@router.get("/live")
async def live(
    view: Annotated[View, sees("tickets:read", "messages:read")],
    request: Request,
    last_event_id: Annotated[str | None, Header(alias="Last-Event-ID")] = None,
) -> StreamingResponse:
    """Send what changes of what the reader may see, until the session is over."""
    hub: Hub = request.app.state.hub
    return await hub.open(view.caller, TOPICS, position(last_event_id, None), _again(request, view.caller))


def _again(request: Request, caller: Caller) -> Again:
    token = request.cookies.get(COOKIE, "")

    def prove() -> Caller | None:
        with caller.pool.connection(CHECKOUT_TIMEOUT_S) as conn:
            me = accounts.session(conn, token, at=caller.now())
            conn.rollback()  # an open page is no sign of life: the session's idle time goes on
        return None if me is None else Caller(principal(me), caller.pool, caller.clock)

    return prove
