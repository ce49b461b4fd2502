"""Health: what comes in and how late, what could not be understood, who is silent, what runs and is sent."""

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Path, Query, Response

from api.access.audit import list_audit
from api.access.schemas import AuditFilter
from api.fields import Id, Name
from api.health import line
from api.health.schemas import IngestSpan
from api.jobs.endpoints import list_jobs, list_runs
from api.jobs.schemas import Job
from api.messages import endpoints as messages
from api.messages.schemas import Channel, MessageFilter, RetryMany, Seen, State
from api.meters.silent import Silence, SilentFilter, list_dmas, list_silent
from api.page import Filter
from api.quarantine import endpoints as quarantine
from api.quarantine.schemas import QuarantineFilter
from core.errors import ConflictError
from core.words import Reason
from service.failures import FAILED
from web.health import bars, hexed
from web.route import PageRoute
from web.view import Fields, View, sees, taken

router = APIRouter(prefix="/health", include_in_schema=False, route_class=PageRoute)
Reader = Annotated[View, sees("jobs:read")]
Watcher = Annotated[View, sees("jobs:read", "metrics:read")]
PayloadId = Annotated[Id, Path(alias="id")]
Typed = Annotated[str, Query(max_length=200)]
MINUTES = 60
DAYS = 7
LONG_QUIET = timedelta(minutes=5)
"""A job runner tells of its jobs each minute: after this one is missed."""
SHOWN_BYTES = 4096
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@router.get("")
def overview(view: Watcher) -> Response:
    """Show how the line is doing, at a glance."""
    span = IngestSpan(minutes=MINUTES, days=DAYS)
    ingest = line.get_ingest(view.caller, span)
    outbox = line.get_outbox(view.caller)
    reasons: dict[str, list[int]] = {}
    today = view.now.astimezone(view.utility.zone).date()
    for day in ingest.quarantine:
        counts = reasons.setdefault(day.reason.value, [0, 0])
        counts[0] += day.payloads if day.day == today else 0
        counts[1] += day.payloads
    jobs = list_jobs(view.caller).items
    return view.page(
        "health.html.jinja",
        ingest=ingest,
        bars=bars(ingest.minutes, view.now, MINUTES),
        reasons=reasons,
        silent=list_dmas(view.caller, Silence()).items,
        jobs=jobs,
        bad=[job for job in jobs if condition(job, view.now) in ("failed", "late")],
        condition=condition,
        runner=any(view.now - job.seen_at < LONG_QUIET for job in jobs),
        outbox=outbox,
    )


def condition(job: Job, now: datetime) -> Literal["ok", "failed", "running", "late", "waiting"]:
    """Return how a job stands."""
    last = job.last_run
    if last and last.ok is False:
        return "failed"
    if job.next_due_at and now - job.next_due_at > LONG_QUIET:
        return "late"
    if last is None:
        return "waiting"
    return "running" if last.finished_at is None else "ok"


@router.get("/quarantine")
def payloads(
    view: Annotated[View, sees("quarantine:read")],
    reason: Typed = "",
    meter: Typed = "",
    since: Typed = "",
    cursor: str | None = None,
) -> Response:
    """Show what could not be understood."""
    given = {"reason": reason, "meter": meter.strip(), "since": view.at(since)}
    asked = taken(
        QuarantineFilter, {name: value for name, value in given.items() if value} | {"cursor": cursor}
    )
    found = quarantine.list_quarantine(view.caller, asked, view.request, Response())
    return view.page(
        "quarantine.html.jinja", found=found, reasons=list(Reason), reason=reason, meter=meter, since=since
    )


@router.post("/quarantine/requeue")
def requeue_many(
    view: Annotated[View, sees("quarantine:write")],
    ids: Annotated[list[Id] | None, Form(alias="id", max_length=200)] = None,
) -> Response:
    """Have the payloads that were ticked decoded again."""
    asked, done = 0, 0
    for id_ in ids or []:
        try:
            quarantine.requeue(view.caller, id_)
            asked += 1
        except ConflictError:
            done += 1
    said = view.say("Asked for another try: %(n)s. Look again in a moment for the result.") % {"n": asked}
    if done:
        said += " " + view.say("Already taken in: %(n)s.") % {"n": done}
    return view.go("/health/quarantine", said if ids else view.say("Nothing was ticked."))


@router.get("/quarantine/{id}")
def payload(view: Annotated[View, sees("quarantine:read")], id_: PayloadId) -> Response:
    """Show one payload as it came, why it is here, and what to do."""
    found = quarantine.get_quarantined(view.caller, id_)
    raw = base64.b64decode(found.payload_base64)
    return view.page(
        "quarantined.html.jinja", q=found, hexed=hexed(raw[:SHOWN_BYTES]), more=len(raw) - SHOWN_BYTES
    )


@router.post("/quarantine/{id}/requeue")
def requeue(view: Annotated[View, sees("quarantine:write")], id_: PayloadId) -> Response:
    """Have one payload decoded again."""
    quarantine.requeue(view.caller, id_)
    return view.go(f"/health/quarantine/{id_}", view.say("Asked for another try."))


@router.get("/silent")
def silent(
    view: Annotated[View, sees("jobs:read", "readings:read")], dma: Typed = "", cursor: str | None = None
) -> Response:
    """Show from which meters nothing comes, by district."""
    given = SilentFilter(dma=dma or None, cursor=cursor)
    found = list_silent(view.caller, given, view.request, Response())
    return view.page("silent.html.jinja", dmas=list_dmas(view.caller, Silence()).items, found=found, dma=dma)


@router.get("/silent.csv")
def silent_table(view: Annotated[View, sees("jobs:read", "readings:read")], dma: Typed = "") -> Response:
    """Return the same for a spreadsheet."""
    given = SilentFilter(dma=dma or None, format="csv")
    return list_silent(view.caller, given, view.request, Response())  # type: ignore[no-any-return]


@router.get("/jobs/{name}")
def job(view: Reader, name: Annotated[Name, Path()], cursor: str | None = None) -> Response:
    """Show the runs of a job."""
    runs = list_runs(view.caller, name, Filter(cursor=cursor), view.request, Response())
    one = next(job for job in list_jobs(view.caller).items if job.name == name)
    return view.page("job.html.jinja", job=one, runs=runs, condition=condition(one, view.now))


@router.get("/messages")
def sent(
    view: Annotated[View, sees("jobs:read", "messages:read")],
    state: State | Literal["", "failed"] = "failed",
    channel: Channel | Literal[""] = "",
    cursor: str | None = None,
) -> Response:
    """Show the outbox: what did not arrive, unless asked otherwise."""
    states = list(FAILED) if state == "failed" else [state] if state else None
    given = taken(
        MessageFilter,
        {"cursor": cursor}
        | ({"state": states} if states else {})
        | ({"channel": channel} if channel else {}),
    )
    found = messages.list_messages(view.caller, given, view.request, Response())
    outbox = line.get_outbox(view.caller).items
    return view.page(
        "outbox.html.jinja", found=found, outbox=outbox, state=state, channel=channel, failed=FAILED
    )


@router.post("/messages/retry")
def retry_many(view: Annotated[View, sees("jobs:read", "messages:write")], form: Fields) -> Response:
    """Send again what failed by a channel."""
    given = {"channel": form["channel"]} if form.get("channel") else {}
    said = messages.retry_many(view.caller, taken(RetryMany, given | {"why": form.get("why", "")}))
    return view.go("/health/messages", view.say("Sent again: %(n)s.") % {"n": said.retried})


@router.get("/messages/{id}")
def message(view: Annotated[View, sees("jobs:read", "messages:read")], id_: PayloadId) -> Response:
    """Show one message and every attempt, in the other end's words."""
    found = messages.get_message(view.caller, id_)
    return view.page("message.html.jinja", m=found, failed=FAILED)


@router.post("/messages/{id}/{step}")
def settle(
    view: Annotated[View, sees("jobs:read", "messages:write")],
    id_: PayloadId,
    step: Literal["retry", "dismiss"],
    form: Fields,
) -> Response:
    """Send a message again, or set it aside."""
    said = taken(Seen, {"why": form.get("why", "")})
    if step == "retry":
        messages.retry(view.caller, id_, said)
        return view.go("/health/messages", view.say("On its way again."))
    messages.dismiss(view.caller, id_, said)
    return view.go("/health/messages", view.say("Set aside."))


@dataclass(frozen=True)
class AuditAsked:
    """Which lines of the audit log, as it was typed."""

    actor: Typed = ""
    subject_kind: Typed = ""
    subject: Typed = ""
    method: Typed = ""
    since: Typed = ""
    until: Typed = ""

    def given(self, view: View, **more: str | None) -> AuditFilter:
        """Return it as the API takes it."""
        typed = {name: value.strip() for name, value in vars(self).items()}
        typed |= {"since": view.at(typed["since"]), "until": view.at(typed["until"])}
        return taken(AuditFilter, {name: value for name, value in typed.items() if value} | more)


@router.get("/audit")
def audit(
    view: Annotated[View, sees("audit:read")],
    asked: Annotated[AuditAsked, Depends()],
    cursor: str | None = None,
) -> Response:
    """Show who read and changed what."""
    found = list_audit(view.caller, asked.given(view, cursor=cursor), view.request, Response())
    return view.page("audit.html.jinja", found=found, asked=vars(asked), methods=METHODS)


@router.get("/audit.csv")
def audit_table(
    view: Annotated[View, sees("audit:read")], asked: Annotated[AuditAsked, Depends()]
) -> Response:
    """Return the same for a spreadsheet."""
    given = asked.given(view, format="csv")
    return list_audit(view.caller, given, view.request, Response())  # type: ignore[no-any-return]
