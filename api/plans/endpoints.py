"""GET /v1/plans, a plan of one customer, proposals, and files of plans."""

import csv
import io
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from api import page
from api.answers import answers, page_of
from api.auth import Caller, needs
from api.fields import Name
from api.page import Page
from api.plans.schemas import (
    EXAMPLE,
    PROPOSAL,
    Accept,
    Decide,
    Decided,
    Import,
    Imported,
    Month,
    Plan,
    PlanFilter,
    Proposal,
    ProposalFilter,
    SetPlan,
)
from api.rows import filtered
from service import water_plans
from service.months import add_months
from service.water_plans import COLUMNS, explained, month_of
from sql.pool import Connection
from sql.query import Queries

router = APIRouter(prefix="/v1/plans", tags=["plans"])
Q = Queries("plans")
Reader = Annotated[Caller, needs("plans:read")]
Writer = Annotated[Caller, needs("plans:write")]
CSV: dict[str, Any] = {
    "text/csv": {
        "schema": {"type": "string"},
        "example": "account_no,month,plan_m3\r\n10023417,2026-12,1900\r\n",
    }
}


@router.get("", operation_id="listPlans", responses=answers(page_of(EXAMPLE, "/v1/plans"), paged=True))
def list_plans(
    caller: Reader, given: Annotated[PlanFilter, Query()], request: Request, response: Response
) -> Page[Plan]:
    """List the plans of a month by account number, and how they stand."""
    (after,) = page.decode("plans", tuple[str], given.cursor, ("",))
    with caller.transaction() as conn:
        found = filtered(
            conn,
            "plans.plans",
            month=given.month or month_of(caller.now(), conn),
            after=after,
            account_no=given.account_no,
            manager=given.manager,
            standing=given.standing,
            limit=given.limit + 1,
        )
    items = [Plan(**row) for row in found]
    return page.build(request, response, "plans", items, given.limit, lambda p: (p.account_no,))


@router.get(
    "/proposals",
    operation_id="listPlanProposals",
    responses=answers(page_of(PROPOSAL, "/v1/plans/proposals"), paged=True),
)
def list_proposals(
    caller: Reader, given: Annotated[ProposalFilter, Query()], request: Request, response: Response
) -> Page[Proposal]:
    """List what is proposed for a month, with its band and what it rests on."""
    (after,) = page.decode("proposals", tuple[str], given.cursor, ("",))
    with caller.transaction() as conn:
        found = filtered(
            conn,
            "plans.proposals",
            month=given.month or add_months(month_of(caller.now(), conn), 1),
            after=after,
            state=given.state,
            manager=given.manager,
            limit=given.limit + 1,
        )
    items = [
        Proposal(**row, **{lang: explained(row["basis"], row["facts"], lang) for lang in ("zh", "en")})
        for row in found
    ]
    return page.build(request, response, "proposals", items, given.limit, lambda p: (p.account_no,))


@router.post(
    "/proposals/accept", operation_id="acceptPlanProposals", responses=answers({"count": 214}, 409, 413)
)
def accept(caller: Writer, said: Accept) -> Decided:
    """Agree to proposals: they become the month's plans. What has been decided already stays."""
    with caller.transaction() as conn:
        count = water_plans.accept(conn, said.month, said.accounts, actor=caller.actor, at=caller.now())
        return Decided(count=count)


@router.post(
    "/proposals/decline", operation_id="declinePlanProposals", responses=answers({"count": 1}, 409, 413)
)
def decline(caller: Writer, said: Decide) -> Decided:
    """Decline proposals; a plan can still be set by hand."""
    with caller.transaction() as conn:
        count = water_plans.decline(conn, said.month, said.accounts, actor=caller.actor, at=caller.now())
        return Decided(count=count)


@router.post(
    "/import", operation_id="importPlans", responses=answers({"lines": 214, "changed": 17}, 409, 413)
)
def import_plans(caller: Writer, said: Import) -> Imported:
    """Take in a file of plans, whole or not at all; every faulty line is named."""
    with caller.transaction() as conn:
        lines, changed = water_plans.take(conn, said.csv, actor=caller.actor, why=said.why, at=caller.now())
        return Imported(lines=lines, changed=changed)


@router.get(
    "/export",
    operation_id="exportPlans",
    response_class=Response,
    responses={**answers(""), 200: {"description": "The file.", "content": CSV}},
)
def export_plans(
    caller: Reader,
    month: Annotated[Month | None, Query(description="The running month unless given.")] = None,
) -> Response:
    """Return the plans of a month as a file that import takes."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    with caller.transaction() as conn:
        writer.writerows(conn.execute(Q["plans_csv"], {"month": month or month_of(caller.now(), conn)}))
    return Response(text.getvalue(), media_type="text/csv")


@router.put("/{month}/{account_no:path}", operation_id="setPlan", responses=answers(EXAMPLE, 404, 409, 413))
def set_plan(
    caller: Writer, month: Annotated[Month, Path()], account_no: Annotated[Name, Path()], said: SetPlan
) -> Plan:
    """Set the plan of one customer and month; the notices of a changed plan begin anew."""
    with caller.transaction() as conn:
        water_plans.put(
            conn,
            account_no,
            month,
            said.plan_m3,
            said.why,
            actor=caller.actor,
            at=caller.now(),
            version=said.version,
        )
        return Plan(**_one(conn, month, account_no))


def _one(conn: Connection, month: date, account_no: str) -> dict[str, Any]:
    rest = {"after": "", "manager": None, "standing": None, "limit": 1}
    (found,) = filtered(conn, "plans.plans", month=month, account_no=account_no, **rest)
    return found
