"""Settings of programs: the keys they come with, and the subscriptions that post to them."""

from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Form, Response

from api.access import keys
from api.access.schemas import MadeKey, NewKey, Rotate
from api.fields import Id, Name
from api.keys import SCOPES
from api.page import Filter
from api.webhooks import endpoints as webhooks
from api.webhooks.schemas import ChangedWebhook, NewWebhook, WebhookSecret
from core.errors import NotFoundError
from web.route import PageRoute
from web.view import Fields, View, sees, taken

router = APIRouter(include_in_schema=False, route_class=PageRoute)
KeyReader = Annotated[View, sees("keys:read")]
KeyWriter = Annotated[View, sees("keys:write")]
HookReader = Annotated[View, sees("webhooks:read")]
HookWriter = Annotated[View, sees("webhooks:write")]
TOPICS = ("events", "tickets", "outages")
Several = Annotated[list[str] | None, Form()]


@router.get("/settings/keys")
def all_keys(view: KeyReader, cursor: str | None = None) -> Response:
    """Show the keys, without their secrets."""
    return _keys(view, None, cursor)


@router.post("/settings/keys")
def make_key(view: KeyWriter, form: Fields, scopes: Several = None) -> Response:
    """Make a key, and show it this once."""
    names = ("name", "staff", "expires_at")
    given = {name: form[name].strip() for name in names if form.get(name, "").strip()}
    return _keys(view, keys.create_key(view.caller, taken(NewKey, given | {"scopes": scopes or []})))


@router.post("/settings/keys/{prefix}/rotate")
def rotate_key(view: KeyWriter, prefix: Name, form: Fields) -> Response:
    """Give a key a new secret, shown this once; the old one is good for a day."""
    return _keys(view, keys.rotate_key(view.caller, prefix, Rotate()))


@router.post("/settings/keys/{prefix}/revoke")
def revoke_key(view: KeyWriter, prefix: Name) -> Response:
    """Refuse a key from now on."""
    keys.revoke_key(view.caller, prefix)
    return view.go("/settings/keys", view.say("The key is refused from now on."))


@router.get("/settings/webhooks")
def all_webhooks(view: HookReader, cursor: str | None = None) -> Response:
    """Show the subscriptions."""
    return _webhooks(view, None, cursor)


@router.post("/settings/webhooks")
def make_webhook(view: HookWriter, form: Fields, topics: Several = None) -> Response:
    """Subscribe a program, and show the secret this once."""
    given = {"url": form.get("url", "").strip(), "description": form.get("description", "")}
    said = taken(NewWebhook, given | {"topics": topics or []})
    return _webhooks(view, webhooks.create_webhook(view.caller, said, view.request))


@router.post("/settings/webhooks/{id_}/{step}")
def step(view: HookWriter, id_: Id, step: Name) -> Response:
    """Test a subscription, stop it, take it up, send dead letters again, give it a new secret, or end it."""
    match step:
        case "test":
            webhooks.ping_webhook(view.caller, id_)
        case "stop" | "resume":
            said = ChangedWebhook(active=step == "resume")
            webhooks.change_webhook(view.caller, id_, said, view.request)
        case "again":
            webhooks.redeliver(view.caller, id_)
        case "rotate":
            return _webhooks(view, webhooks.rotate_webhook(view.caller, id_))
        case "end":
            webhooks.delete_webhook(view.caller, id_)
        case _:
            raise NotFoundError(f"A subscription knows no {step!r}.")
    return view.go("/settings/webhooks", view.say("Done."))


def _keys(view: View, made: MadeKey | None, cursor: str | None = None) -> Response:
    found = keys.list_keys(view.caller, Filter(cursor=cursor), view.request, Response())
    own = (scope for scope in SCOPES if scope in view.caller.key.scopes)
    by_noun = [list(those) for _, those in groupby(own, lambda scope: scope.partition(":")[0])]
    return view.page("settings_keys.html.jinja", found=found, made=made, scopes=by_noun)


def _webhooks(view: View, made: WebhookSecret | None, cursor: str | None = None) -> Response:
    found = webhooks.list_webhooks(view.caller, Filter(cursor=cursor), view.request, Response())
    return view.page("settings_webhooks.html.jinja", found=found, made=made, topics=TOPICS)
