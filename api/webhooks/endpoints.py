"""GET and POST /v1/webhooks, and what is done with a subscription."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from api import page
from api.answers import answers, page_of
from api.auth import Caller, needs
from api.fields import Id, instant
from api.page import Filter, Page
from api.problem import RefusedError
from api.rows import filtered, rows
from api.webhooks.schemas import (
    DELIVERY,
    EXAMPLE,
    SECRET,
    ChangedWebhook,
    Delivery,
    DeliveryFilter,
    NewWebhook,
    Redeliver,
    Redelivered,
    Rotate,
    Webhook,
    WebhookSecret,
)
from core.errors import NotFoundError
from core.settings import Settings
from service import addresses, webhooks
from service.utility import utility
from service.webhooks import Wanted
from sql.pool import Connection

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])
Reader = Annotated[Caller, needs("webhooks:read")]
Writer = Annotated[Caller, needs("webhooks:write")]
WebhookId = Annotated[Id, Path(alias="id")]
LAST = 2**63 - 1


def _found(caller: Caller, conn: Connection, id_: int | None, before: int, limit: int) -> list[Webhook]:
    """Return subscriptions that the caller may see; after that the transaction sees what hangs on them."""
    found = filtered(conn, "webhooks.webhooks", id=id_, before=before, limit=limit)
    caller.widen(conn)
    ids = [row["id"] for row in found]
    counts = {row.pop("webhook_id"): row for row in rows(conn, "webhooks.counts", ids=ids)}
    return [Webhook(**row, **counts.get(row["id"], {"waiting": 0, "dead": 0})) for row in found]


def _one(caller: Caller, conn: Connection, id_: int) -> Webhook:
    found = _found(caller, conn, id_, LAST, 1)
    if not found:
        raise NotFoundError(f"There is no subscription {id_}.")
    return found[0]


def _checked(request: Request, url: str) -> str:
    settings: Settings = request.app.state.settings
    return addresses.check(url, private_too=settings.webhook_private)


def _covered(caller: Caller, topics: list[str]) -> list[str]:
    """Refuse topics that the key may not read: a subscription tells no more than its maker may see."""
    for topic in topics:
        if f"{topic}:read" not in caller.key.scopes:
            raise RefusedError(
                403,
                "forbidden",
                f"This key lacks the scope {topic}:read.",
                cure=f"Make one with `headwater key create --scopes webhooks:write,{topic}:read`.",
            )
    return topics


@router.get("", operation_id="listWebhooks", responses=answers(page_of(EXAMPLE, "/v1/webhooks"), paged=True))
def list_webhooks(
    caller: Reader, given: Annotated[Filter, Query()], request: Request, response: Response
) -> Page[Webhook]:
    """List subscriptions, the latest first; a manager's key its owner's."""
    (before,) = page.decode("webhooks", tuple[int], given.cursor, (LAST,))
    with caller.transaction() as conn:
        items = _found(caller, conn, None, before, given.limit + 1)
    return page.build(request, response, "webhooks", items, given.limit, lambda w: (w.id,))


@router.post("", operation_id="createWebhook", responses=answers(SECRET, 409, 413))
def create_webhook(caller: Writer, said: NewWebhook, request: Request) -> WebhookSecret:
    """Subscribe a program to what changes from now on; the secret is shown this once."""
    wanted = Wanted(_checked(request, said.url), _covered(caller, list(said.topics)), said.description)
    with caller.transaction() as conn:
        caller.widen(conn)
        id_, secret = webhooks.create(
            conn, wanted, staff_id=caller.key.staff_id, actor=caller.actor, at=caller.now()
        )
        return WebhookSecret(**_one(caller, conn, id_).model_dump(), secret=secret)


@router.get("/{id}", operation_id="getWebhook", responses=answers(EXAMPLE, 404))
def get_webhook(caller: Reader, id_: WebhookId) -> Webhook:
    """Return one subscription."""
    with caller.transaction() as conn:
        return _one(caller, conn, id_)


@router.patch("/{id}", operation_id="changeWebhook", responses=answers(EXAMPLE, 404, 409, 413))
def change_webhook(caller: Writer, id_: WebhookId, said: ChangedWebhook, request: Request) -> Webhook:
    """Change a subscription, stop it, take it up again; what waits goes to the new address."""
    with caller.transaction() as conn:
        known = _one(caller, conn, id_)
        wanted = Wanted(
            url=known.url if said.url is None else _checked(request, said.url),
            topics=known.topics if said.topics is None else _covered(caller, list(said.topics)),
            description=known.description if said.description is None else said.description,
            active=known.active if said.active is None else said.active,
        )
        webhooks.change(conn, id_, wanted)
        return _one(caller, conn, id_)


@router.delete("/{id}", operation_id="deleteWebhook", responses=answers(EXAMPLE, 404, 409))
def delete_webhook(caller: Writer, id_: WebhookId) -> Webhook:
    """End a subscription; what waits isn't sent any more. Return what it was."""
    with caller.transaction() as conn:
        known = _one(caller, conn, id_)
        webhooks.delete(conn, id_, at=caller.now())
        return known


@router.post("/{id}/rotate", operation_id="rotateWebhook", responses=answers(SECRET, 404, 409, 413))
def rotate_webhook(caller: Writer, id_: WebhookId, said: Rotate | None = None) -> WebhookSecret:
    """Give it a new secret, shown this once; the one before signs as well for a while."""
    overlap = timedelta(hours=(said or Rotate()).overlap_h)
    with caller.transaction() as conn:
        _one(caller, conn, id_)
        secret = webhooks.rotate(conn, id_, overlap=overlap, at=caller.now())
        return WebhookSecret(**_one(caller, conn, id_).model_dump(), secret=secret)


@router.post("/{id}/ping", operation_id="pingWebhook", responses=answers(DELIVERY, 404, 409))
def ping_webhook(caller: Writer, id_: WebhookId) -> Delivery:
    """Post a test of type `ping`, also where it is inactive; the deliveries say what became of it."""
    with caller.transaction() as conn:
        _one(caller, conn, id_)
        made = webhooks.ping(conn, id_, at=caller.now())
        found = rows(conn, "webhooks.deliveries", id=id_, before=made + 1, states=None, limit=1)
        return Delivery(**found[0])


@router.get(
    "/{id}/deliveries",
    operation_id="listDeliveries",
    responses=answers(page_of(DELIVERY, "/v1/webhooks/5/deliveries"), 404, paged=True),
)
def list_deliveries(
    caller: Reader,
    id_: WebhookId,
    given: Annotated[DeliveryFilter, Query()],
    request: Request,
    response: Response,
) -> Page[Delivery]:
    """List what was posted or is to be, the latest first; `state=dead` is the list of dead letters."""
    (before,) = page.decode("deliveries", tuple[int], given.cursor, (LAST,))
    with caller.transaction() as conn:
        _one(caller, conn, id_)
        params = {"id": id_, "before": before, "states": given.state, "limit": given.limit + 1}
        found = [Delivery(**row) for row in filtered(conn, "webhooks.deliveries", **params)]
    return page.build(request, response, "deliveries", found, given.limit, lambda d: (d.id,))


@router.post(
    "/{id}/redeliver", operation_id="redeliver", responses=answers({"redelivered": 2}, 404, 409, 413)
)
def redeliver(caller: Writer, id_: WebhookId, said: Redeliver | None = None) -> Redelivered:
    """Send again what is dead, all or since a time; or one delivery, also one that was sent.

    It keeps its delivery id, by which a receiver that had it knows it.
    """
    asked = said or Redeliver()
    with caller.transaction() as conn:
        since = None if asked.since is None else instant(asked.since, lambda: utility(conn).zone)
        _one(caller, conn, id_)
        count = webhooks.redeliver(
            conn, id_, delivery=asked.delivery, since=since, actor=caller.actor, at=caller.now()
        )
        return Redelivered(redelivered=count)
