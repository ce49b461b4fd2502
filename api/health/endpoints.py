"""GET /healthz, /readyz and /metrics."""

from typing import Annotated, Any, Literal

import psycopg
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests
from pydantic import BaseModel

from api.answers import Responses, failures
from api.auth import Caller, needs
from api.problem import problem, request_id
from api.rows import rows
from sql import scripts
from sql.pool import Pool

router = APIRouter(tags=["health"])
PATIENCE_S = 2.0


class Health(BaseModel):
    """All is well."""

    status: Literal["ok"]


OK: dict[str, Any] = {"status": "ok"}
GOOD: Responses = {200: {"description": "All is well.", "content": {"application/json": {"example": OK}}}}
TEXT: dict[str, Any] = {
    "schema": {"type": "string"},
    "example": 'headwater_api_requests_total{method="GET",route="/v1/events",status="200"} 12.0\n',
}


@router.get("/healthz", operation_id="healthz", responses={**GOOD, **failures(500)})
def healthz() -> Health:
    """Say that the process is alive and answers; open to all."""
    return Health(status="ok")


@router.get("/readyz", operation_id="readyz", response_model=Health, responses={**GOOD, **failures(500, 503)})
def readyz(request: Request) -> Health | Response:
    """Say whether the database is reachable and its schema is current; open to all."""
    pool: Pool = request.app.state.pool
    try:
        with pool.connection(PATIENCE_S) as conn:
            applied = {row["file"] for row in rows(conn, "applied_migrations")}
    except (psycopg.OperationalError, PoolTimeout, PoolClosed, TooManyRequests):
        return _not_ready(request, "The database can't be reached.", "")
    except psycopg.Error:
        applied = set()
    missing = [file.name for file in scripts.files() if file.name not in applied]
    if missing:
        return _not_ready(
            request, "The database's schema is older than this program.", "Run `headwater migrate`."
        )
    return Health(status="ok")


def _not_ready(request: Request, detail: str, cure: str) -> Response:
    return problem(request_id(request), 503, "not_ready", detail, cure=cure, headers={"Retry-After": "5"})


@router.get(
    "/metrics",
    operation_id="metrics",
    response_class=Response,
    responses={
        **failures(401, 403, 500, 503),
        200: {"description": "As asked.", "content": {"text/plain": TEXT}},
    },
)
def metrics(caller: Annotated[Caller, needs("metrics:read")]) -> Response:
    """Return the counters of this process in Prometheus' text format."""
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)
