"""GET /v1/jobs."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from api import page
from api.answers import answers, page_of
from api.auth import Caller, needs
from api.fields import Name
from api.jobs.schemas import JOBS, RUN, Job, JobRun, Jobs
from api.page import Filter, Page
from api.rows import rows
from core.errors import NotFoundError

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])
Reader = Annotated[Caller, needs("jobs:read")]


@router.get("", operation_id="listJobs", responses=answers(JOBS))
def list_jobs(caller: Reader) -> Jobs:
    """List what is periodic, with the last run of each and when it is due next."""
    with caller.transaction() as conn:
        found = rows(conn, "jobs")
    return Jobs(
        items=[Job(**row, last_run=None if row["due_at"] is None else JobRun(**row)) for row in found]
    )


@router.get(
    "/{name}/runs",
    operation_id="listJobRuns",
    responses=answers(page_of(RUN, "/v1/jobs/retention/runs"), 404, paged=True),
)
def list_runs(
    caller: Reader,
    name: Annotated[Name, Path(description="Name of the job.")],
    given: Annotated[Filter, Query()],
    request: Request,
    response: Response,
) -> Page[JobRun]:
    """List the runs of a job, the latest first."""
    (before,) = page.decode("runs", tuple[datetime], given.cursor, ("infinity",))
    with caller.transaction() as conn:
        if not rows(conn, "job", job=name):
            raise NotFoundError(f"No job {name}.", cure="GET /v1/jobs lists them.")
        found = rows(conn, "job_runs", job=name, before=before, limit=given.limit + 1)
    runs = [JobRun(**row) for row in found]
    return page.build(request, response, "runs", runs, given.limit, lambda run: (run.due_at,))
