"""What is said of periodic work."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field


class JobRun(BaseModel):
    """One run."""

    due_at: datetime = Field(description="The instant it was due, which names the run.")
    started_at: datetime
    finished_at: datetime | None = Field(description="Null while it runs, or if its worker died.")
    ok: bool | None
    detail: str = Field(description="What was done, or the error.")
    attempts: int
    worker: str = Field(description="Host and process.")


class Job(BaseModel):
    """A periodic piece of work."""

    name: str
    about: str
    cron: str
    zone: str = Field(description="The zone that cron is meant in.")
    next_due_at: datetime | None
    seen_at: datetime = Field(description="When a job runner last told of it: long ago means none is there.")
    last_run: JobRun | None


class Jobs(BaseModel):
    """Every job."""

    items: list[Job]


RUN: dict[str, Any] = {
    "due_at": "2026-11-21T19:17:00Z",
    "started_at": "2026-11-21T19:17:00Z",
    "finished_at": "2026-11-21T19:17:02Z",
    "ok": True,
    "detail": "3 chunks dropped",
    "attempts": 1,
    "worker": "ops-1:4711",
}
JOBS: dict[str, Any] = {
    "items": [
        {
            "name": "retention",
            "about": "Drops readings that are older than the retention",
            "cron": "17 3 * * *",
            "zone": "UTC",
            "next_due_at": "2026-11-22T03:17:00Z",
            "seen_at": "2026-11-21T20:04:20Z",
            "last_run": RUN,
        }
    ]
}
