"""Keyset pages: a cursor is the place after the last row, so what is inserted meanwhile moves nothing."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.problem import refused_value

Item = TypeVar("Item")
Key = TypeVar("Key", bound=tuple[Any, ...])
Cursor = Annotated[
    str | None, Field(max_length=400, description="Where the page before ended: its `next`. Opaque.")
]
NEWEST: tuple[Any, int] = ("infinity", 0)
"""Where a list begins whose latest rows come first."""


class Page(BaseModel, Generic[Item]):
    """A part of a list, and where it goes on."""

    items: list[Item]
    next: str | None = Field(
        description="Address of the next page, also in the header Link; null on the last."
    )


class Filter(BaseModel):
    """What every list takes; a parameter that it doesn't know is refused, not ignored."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    limit: int = Field(50, ge=1, le=200, description="Most items on a page.")
    cursor: Cursor = None


def encode(kind: str, key: tuple[Any, ...]) -> str:
    """Return the cursor after the row with this key in the list of this kind."""
    return base64.urlsafe_b64encode(msgspec.json.encode((kind, *key))).rstrip(b"=").decode()


def decode(kind: str, form: type[Key], cursor: str | None, first: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the key a cursor stands for, `first` without one; one that isn't ours is refused.

    `form` is the tuple type of the key. A cursor grants nothing: it only says where to go on among the rows
    that the caller may see, so it is checked for its form and not signed.
    """
    if cursor is None:
        return first
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        got_kind, *rest = msgspec.json.decode(raw, type=list[Any])
        key: tuple[Any, ...] = msgspec.convert(tuple(rest), form)
        if got_kind != kind or any(isinstance(part, str) and "\x00" in part for part in key):
            raise ValueError("of another list")
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        raise refused_value(
            "query", "cursor", "Not a cursor of this list: follow `next` as it is, or start without one."
        ) from None
    return key


def build(
    request: Request,
    response: Response,
    kind: str,
    items: Sequence[Item],
    limit: int,
    key: Callable[[Item], tuple[Any, ...]],
) -> Page[Item]:
    """Make a page of up to `limit` of `items`, of which one more than that was asked for."""
    if len(items) <= limit:
        return Page(items=list(items), next=None)
    shown = list(items[:limit])
    following, response.headers["Link"] = link(request, encode(kind, key(shown[-1])))
    return Page(items=shown, next=following)


def link(request: Request, cursor: str, pinned: Mapping[str, datetime] | None = None) -> tuple[str, str]:
    """Return the address of the page at `cursor`, with everything else as it was asked, and the header Link.

    `pinned` parameters take the place of those that were given or left to their default: a period that ends
    `now` would else end later on each page.
    """
    fixed = {name: at.isoformat().replace("+00:00", "Z") for name, at in (pinned or {}).items()}
    given = request.query_params.multi_items()
    fields = request.scope["state"].get("fields")
    if fields is not None:  # taken out of the query before the endpoint saw it
        fixed["fields"] = fields
    kept = [(name, value) for name, value in given if name != "cursor" and name not in fixed]
    following = f"{quote(request.scope['path'])}?{urlencode([*kept, *fixed.items(), ('cursor', cursor)])}"
    return following, f'<{following}>; rel="next"'
