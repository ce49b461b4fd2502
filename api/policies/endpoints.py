"""GET and POST /v1/policies, a preview of one, and its end."""

from threading import Lock
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from api import page
from api.answers import answers, page_of
from api.auth import Caller, needs
from api.fields import Id, instant
from api.page import Page
from api.policies.schemas import (
    EXAMPLE,
    PREVIEW,
    End,
    NewPolicy,
    Policy,
    PolicyFilter,
    PreviewAnswer,
    PreviewEvent,
    PreviewRequest,
    PreviewWeek,
    Proposal,
)
from api.rows import filtered, first
from core.errors import ConflictError, ForbiddenError, NotFoundError
from core.words import Scope
from service import policies
from service.policies import Draft, Preview, Rules
from service.utility import utility
from sql.pool import Connection

router = APIRouter(prefix="/v1/policies", tags=["policies"])
Reader = Annotated[Caller, needs("policies:read")]
Writer = Annotated[Caller, needs("policies:write")]
PolicyId = Annotated[Id, Path(alias="id")]
MOST = 200
LAST = 2**63 - 1
_previewing = Lock()


@router.get("", operation_id="listPolicies", responses=answers(page_of(EXAMPLE, "/v1/policies"), paged=True))
def list_policies(
    caller: Reader, given: Annotated[PolicyFilter, Query()], request: Request, response: Response
) -> Page[Policy]:
    """List policies, the latest saved first."""
    (id_,) = page.decode("policies", tuple[int], given.cursor, (LAST,))
    with caller.transaction() as conn:
        found = filtered(
            conn,
            "policies",
            id=id_,
            detector=given.detector,
            scope=given.scope,
            scope_key=given.scope_key,
            exempt=given.exempt,
            at=caller.now() if given.valid else None,
            limit=given.limit + 1,
        )
    items = [Policy(**row) for row in found]
    return page.build(request, response, "policies", items, given.limit, lambda p: (p.id,))


@router.get("/{id}", operation_id="getPolicy", responses=answers(EXAMPLE, 404))
def get_policy(caller: Reader, id_: PolicyId) -> Policy:
    """Return one policy: what it says, who set it, who ended it."""
    with caller.transaction() as conn:
        return _one(conn, id_)


@router.post("", operation_id="createPolicy", responses=answers(EXAMPLE, 409, 413))
def create_policy(caller: Writer, given: NewPolicy, request: Request) -> Policy:
    """Save a policy, for detection to take up in half a minute; 409 where the same one holds."""
    rules: Rules = request.app.state.rules
    with caller.transaction() as conn:
        limits = {"valid_from": given.valid_from, "valid_until": given.valid_until}
        draft = _draft(
            caller,
            given,
            **{k: v and instant(v, lambda: utility(conn).zone) for k, v in limits.items()},
            why=given.why,
        )
        rules.check(draft)
        return _one(conn, policies.create(conn, draft, caller.actor, caller.now()))


@router.post("/preview", operation_id="previewPolicy", responses=answers(PREVIEW, 409, 413))
def preview_policy(caller: Writer, given: PreviewRequest, request: Request) -> PreviewAnswer:
    """Say what a policy would have raised in the last days, and what was raised without; saves nothing.

    One preview is worked out at a time: 409 while another is.
    """
    rules: Rules = request.app.state.rules
    draft = _draft(caller, given)
    rules.check(draft)
    with caller.transaction() as conn:
        policies.require_subject(conn, draft)
    if not _previewing.acquire(blocking=False):
        raise ConflictError("Another preview is being worked out.", cure="Try again in some seconds.")
    try:
        return _answer(rules.preview(draft, given.days, caller.now()))
    finally:
        _previewing.release()


@router.post("/{id}/end", operation_id="endPolicy", responses=answers(EXAMPLE, 404, 409, 413))
def end_policy(caller: Writer, id_: PolicyId, given: End) -> Policy:
    """Let a policy hold no longer; refused with 409 if it has ended. What it said stays on record."""
    with caller.transaction() as conn:
        found = _one(conn, id_)
        _require_own(caller, found.scope)
        policies.end(conn, id_, caller.actor, given.why, caller.now())
        return _one(conn, id_)


def _one(conn: Connection, id_: int) -> Policy:
    found = first(conn, "policy", id=id_)
    if found is None:
        raise NotFoundError(f"There is no policy {id_}.")
    return Policy(**found)


def _draft(caller: Caller, given: Proposal, **more: object) -> Draft:
    _require_own(caller, given.scope)
    said = given.model_dump(include=set(Proposal.model_fields))
    return Draft(**(said | {"scope": str(given.scope)} | more))


def _require_own(caller: Caller, scope: str) -> None:
    """Refuse what concerns more than one customer to those who see their own only."""
    if not caller.key.sees_all and scope not in {Scope.CUSTOMER, Scope.METER}:
        raise ForbiddenError(
            f"A policy of scope {scope} concerns other managers' customers.",
            cure="Choose scope customer or meter, or ask operations.",
        )


def _answer(found: Preview) -> PreviewAnswer:
    gone, new = found.only(with_draft=False), found.only(with_draft=True)
    return PreviewAnswer(
        group=found.group,
        start=found.start,
        end=found.end,
        meters=found.meters,
        without=len(found.without),
        with_draft=len(found.with_draft),
        weeks=[PreviewWeek(**vars(week)) for week in found.weeks],
        subjects=sorted({event.subject for event in [*gone, *new]})[:MOST],
        gone=[PreviewEvent(**vars(event)) for event in gone[:MOST]],
        new=[PreviewEvent(**vars(event)) for event in new[:MOST]],
    )
