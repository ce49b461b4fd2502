"""GET /v1/network."""

from datetime import timedelta
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Response

from api.answers import answers
from api.auth import Caller, needs
from api.network.schemas import NETWORK, Network, NetworkFilter
from api.rows import first, rows

router = APIRouter(prefix="/v1/network", tags=["dmas"])
Reader = Annotated[Caller, needs("events:read")]
FRESH = timedelta(days=1)


@router.get("", operation_id="getNetwork", response_model=Network, responses=answers(NETWORK))
def get_network(caller: Reader, given: Annotated[NetworkFilter, Query()]) -> Response:
    """Return the map: nodes, pipes, and the meters of districts with the latest pressure at each sensor.

    It comes whole, with an entity tag; ask again with If-None-Match. Meters are those of the DMAs
    that the key sees.
    """
    with caller.transaction() as conn:
        around = first(conn, "network.map_extent", code=given.dma)
        period = {"since": caller.now() - FRESH, "until": caller.now()}
        found = {
            **(first(conn, "network.map_revision") or {}),
            "nodes": rows(conn, "network.map_nodes"),
            "pipes": rows(conn, "network.map_pipes"),
            "meters": rows(conn, "network.map_meters", code=given.dma, **period),
            "extent": around if around and around["left"] is not None else None,
        }
    # As it was found, for it is large: a model of each of 100,000 nodes takes half a gigabyte for a moment.
    return Response(msgspec.json.encode(found), media_type="application/json")
