"""GET /v1/network."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.answers import answers
from api.auth import Caller, needs
from api.network.schemas import NETWORK, Network, NetworkFilter
from api.rows import first, rows
from sql.pool import Connection

router = APIRouter(prefix="/v1/network", tags=["dmas"])
Reader = Annotated[Caller, needs("events:read")]
FRESH = timedelta(days=1)


@router.get("", operation_id="getNetwork", responses=answers(NETWORK))
def get_network(caller: Reader, given: Annotated[NetworkFilter, Query()]) -> Network:
    """Return the map: nodes, pipes, and the meters of districts with the latest pressure at each sensor.

    It comes whole, with an entity tag; ask again with If-None-Match. Meters are those of the DMAs
    that the key sees.
    """
    with caller.transaction() as conn:
        return Network.model_validate(read_network(conn, given.dma, caller.now()))


def read_network(conn: Connection, dma: str | None, now: datetime) -> dict[str, Any]:
    """Return the same as it is read: ten thousand pipes take longer to validate than to draw."""
    around = first(conn, "network.map_extent", code=dma)
    return {
        **(first(conn, "network.map_revision") or {}),
        "nodes": rows(conn, "network.map_nodes"),
        "pipes": rows(conn, "network.map_pipes"),
        "meters": rows(conn, "network.map_meters", code=dma, since=now - FRESH, until=now),
        "extent": around if around and around["left"] is not None else None,
    }
