"""GET /v1/health/ingest and /v1/health/outbox: how the line is doing, for the operations room."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from api.answers import answers
from api.auth import Caller, needs
from api.fields import midnight
from api.health.schemas import (
    INGEST,
    OUTBOX,
    Backlog,
    ChannelHealth,
    IngestHealth,
    IngestSpan,
    Minute,
    OutboxHealth,
    QuarantineDay,
)
from api.rows import rows
from service.utility import utility

router = APIRouter(prefix="/v1/health", tags=["health"])
Reader = Annotated[Caller, needs("metrics:read")]


@router.get("/ingest", operation_id="getIngestHealth", responses=answers(INGEST))
def get_ingest(caller: Reader, given: Annotated[IngestSpan, Query()]) -> IngestHealth:
    """Return what arrives and how late, what waits for detection and notices, and quarantine by day."""
    at = caller.now()
    since = at - timedelta(minutes=given.minutes)
    with caller.transaction() as conn:
        zone = utility(conn).zone
        first = midnight(at.astimezone(zone).date() - timedelta(days=given.days - 1), zone)
        minutes = rows(conn, "health.ingest_minutes", since=since, at=at)
        (lag,) = rows(conn, "health.ingest_lag", since=since, at=at)
        (last,) = rows(conn, "health.ingest_last", at=at)
        backlogs = rows(conn, "health.backlogs")
        quarantined = rows(conn, "health.quarantined", since=first, zone=zone.key)
    return IngestHealth(
        at=at,
        readings_per_s=round(sum(row["readings"] for row in minutes) / (60 * given.minutes), 3),
        messages_per_s=round(sum(row["messages"] for row in minutes) / (60 * given.minutes), 3),
        last_at=last["last_at"],
        lag_p50_s=lag["p50_s"],
        lag_p99_s=lag["p99_s"],
        minutes=[Minute(**row) for row in minutes],
        backlogs=[
            Backlog(
                **row,
                backlog_s=max(0.0, (at - row["waiting_since"]).total_seconds())
                if row["waiting_since"]
                else 0.0,
            )
            for row in backlogs
        ],
        quarantine=[QuarantineDay(**row) for row in quarantined],
    )


@router.get("/outbox", operation_id="getOutboxHealth", responses=answers(OUTBOX))
def get_outbox(caller: Reader) -> OutboxHealth:
    """Return what waits to be sent and what failed, by channel, with the oldest."""
    at = caller.now()
    with caller.transaction() as conn:
        found = rows(conn, "health.outbox", at=at)
    return OutboxHealth(at=at, items=[ChannelHealth(**row) for row in found])
