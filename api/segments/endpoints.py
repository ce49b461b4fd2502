"""/v1/segments: who is what and why, what would change, whom nobody looks after, and the rules."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from api import page
from api.answers import also_csv, answers, page_of
from api.auth import Caller, needs
from api.fields import Name
from api.meters.formats import csv_response, rows_csv
from api.page import Page
from api.rows import filtered, first, rows
from api.segments.schemas import (
    CHANGE,
    POLICY,
    PROPOSAL,
    RULE,
    SAID,
    SUMS,
    UNMANAGED,
    Change,
    ChangeFilter,
    ChangePolicy,
    ChangeRule,
    Policy,
    Proposal,
    Rule,
    Rules,
    SaidSegment,
    SaySegment,
    Segments,
    SegmentSum,
    Unmanaged,
    UnmanagedFilter,
)
from api.staff.rights import require_desk
from core.words import Sector, Segment
from service import segments
from sql.pool import Connection

router = APIRouter(prefix="/v1", tags=["segments"])
Reader = Annotated[Caller, needs("customers:read")]
Writer = Annotated[Caller, needs("customers:write")]
HIGH_VALUE = ["large", "special"]
CSV_MOST = 100_000
LONG = "120s"
"""How long a proposal or its application may take: every customer is judged."""


@router.get("/segments", operation_id="getSegments", responses=answers(SUMS))
def get_segments(caller: Reader) -> Segments:
    """Return how many customers each segment has and what they use, as summed up by the last run."""
    require_desk(caller)
    with caller.transaction() as conn:
        found = rows(conn, "segments.latest")
    return Segments(month=found[0]["month"] if found else None, items=[SegmentSum(**row) for row in found])


@router.post("/segments/propose", operation_id="proposeSegments", responses=answers(PROPOSAL, 409))
def propose(caller: Writer) -> Proposal:
    """Work out who would change, without changing anybody; GET /v1/segments/changes lists them."""
    require_desk(caller)
    with caller.transaction(LONG) as conn:
        return Proposal(**_shown(segments.propose(conn, at=caller.now())))


@router.post("/segments/apply", operation_id="applySegments", responses=answers(PROPOSAL, 409))
def apply(caller: Writer) -> Proposal:
    """Apply what is proposed for the running month; the job does both on the third of each month."""
    require_desk(caller)
    with caller.transaction(LONG) as conn:
        return Proposal(**_shown(segments.apply(conn, by=caller.actor, at=caller.now())))


@router.get(
    "/segments/changes",
    operation_id="listSegmentChanges",
    responses=also_csv(
        answers(page_of(CHANGE, "/v1/segments/changes"), paged=True),
        "".join(rows_csv(tuple(Change.model_fields), [CHANGE])),
    ),
    response_model=Page[Change],
)
def list_changes(
    caller: Reader, given: Annotated[ChangeFilter, Query()], request: Request, response: Response
) -> Any:
    """List who changed, or would change, in a month, with the numbers; `format=csv` for all at once."""
    after, after_id = page.decode("segment-changes", tuple[str, int], given.cursor, ("", 0))
    csv = given.format == "csv"
    with caller.transaction() as conn:
        month = given.month or segments.month_of(conn, caller.now())
        found = filtered(
            conn,
            "segments.changes",
            month=month,
            after=after,
            after_id=after_id,
            becomes=given.becomes,
            applied=given.applied,
            limit=CSV_MOST if csv else given.limit + 1,
        )
    if csv:
        return csv_response(f"segment-changes-{month:%Y-%m}", rows_csv(tuple(Change.model_fields), found))
    ids = {row["account_no"]: row["id"] for row in found}
    items = [Change(**row) for row in found]
    return page.build(
        request, response, "segment-changes", items, given.limit, lambda c: (c.account_no, ids[c.account_no])
    )


@router.get(
    "/segments/unmanaged",
    operation_id="listUnmanaged",
    responses=also_csv(
        answers(page_of(UNMANAGED, "/v1/segments/unmanaged"), paged=True),
        "".join(rows_csv(tuple(Unmanaged.model_fields), [UNMANAGED])),
    ),
    response_model=Page[Unmanaged],
)
def list_unmanaged(
    caller: Reader, given: Annotated[UnmanagedFilter, Query()], request: Request, response: Response
) -> Any:
    """List high-value customers without an account manager who works here, those who use most first."""
    m3, account_no = page.decode("unmanaged", tuple[float, str], given.cursor, ("infinity", ""))
    csv = given.format == "csv"
    with caller.transaction() as conn:
        month = segments.month_of(conn, caller.now())
        found = filtered(
            conn,
            "segments.unmanaged",
            segments=list(given.segment or HIGH_VALUE),
            since=segments.since(month),
            month=month,
            m3=m3,
            account_no=account_no,
            limit=CSV_MOST if csv else given.limit + 1,
        )
    if csv:
        return csv_response("unmanaged", rows_csv(tuple(Unmanaged.model_fields), found))
    items = [Unmanaged(**row) for row in found]
    return page.build(
        request, response, "unmanaged", items, given.limit, lambda c: (c.volume_m3, c.account_no)
    )


@router.get("/segments/policy", operation_id="getSegmentPolicy", responses=answers(POLICY))
def get_policy(caller: Reader) -> Policy:
    """Return who is large, special or vulnerable."""
    with caller.transaction() as conn:
        return Policy(**asdict(segments.policy(conn)))


@router.patch("/segments/policy", operation_id="changeSegmentPolicy", responses=answers(POLICY, 409, 413))
def change_policy(caller: Writer, given: ChangePolicy) -> Policy:
    """Change who is large, special or vulnerable; it holds from the next proposal on."""
    require_desk(caller)
    changes = given.model_dump(exclude={"version"}, exclude_none=True)
    with caller.transaction() as conn:
        new = segments.set_policy(conn, changes, actor=caller.actor, version=given.version)
    return Policy(**asdict(new))


@router.get("/segments/rules", operation_id="listSegmentRules", responses=answers({"items": [RULE]}))
def list_rules(caller: Reader) -> Rules:
    """List what follows from each segment in each sector: priority, visits, channel."""
    with caller.transaction() as conn:
        return Rules(items=[Rule(**asdict(rule)) for rule in segments.rules(conn)])


@router.patch(
    "/segments/rules/{segment}/{sector}",
    operation_id="changeSegmentRule",
    responses=answers(RULE, 404, 409, 413),
)
def change_rule(caller: Writer, segment: Segment, sector: Sector, given: ChangeRule) -> Rule:
    """Change what follows from a segment in a sector; it holds from the next finding on."""
    require_desk(caller)
    changes = given.model_dump(exclude={"version"}, exclude_unset=True)
    with caller.transaction() as conn:
        new = segments.set_rule(conn, segment, sector, changes, actor=caller.actor, version=given.version)
    return Rule(**asdict(new))


@router.put(
    "/customers/{account_no:path}/segment",
    operation_id="saySegment",
    responses=answers(SAID, 404, 409, 413),
)
def say(caller: Writer, account_no: Annotated[Name, Path()], given: SaySegment) -> SaidSegment:
    """Say what a customer is: a person's word stands until it is handed back to the rule."""
    with caller.transaction() as conn:
        segments.say(
            conn,
            account_no,
            given.segment,
            actor=caller.actor,
            why=given.why,
            at=caller.now(),
            version=given.version,
        )
        return _said(conn, account_no)


def _said(conn: Connection, account_no: str) -> SaidSegment:
    found = first(conn, "customer", account_no=account_no)
    assert found is not None  # noqa: S101 - just changed
    return SaidSegment(**{name: found[name] for name in SaidSegment.model_fields})


def _shown(made: segments.Proposal) -> dict[str, Any]:
    return {"month": made.month, "customers": made.customers, "moved": [asdict(move) for move in made.moved]}
