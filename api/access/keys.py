"""GET and POST /v1/keys, the end of one, and a new secret for one."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from api import keys, page
from api.access.schemas import KEY, MADE, KeyEntry, MadeKey, NewKey, Rotate
from api.answers import answers, page_of
from api.auth import Caller, needs
from api.fields import Name, instant
from api.page import Filter, Page
from api.rows import Row, filtered, first
from service.utility import utility
from sql.pool import Connection

router = APIRouter(prefix="/v1/keys", tags=["access"])
Reader = Annotated[Caller, needs("keys:read")]
Writer = Annotated[Caller, needs("keys:write")]
Prefix = Annotated[Name, Path(description="The eight characters after `hw_`.")]
NEWEST = ("infinity", "")


@router.get("", operation_id="listKeys", responses=answers(page_of(KEY, "/v1/keys"), paged=True))
def list_keys(
    caller: Reader, given: Annotated[Filter, Query()], request: Request, response: Response
) -> Page[KeyEntry]:
    """List keys without their secrets, the latest made first: one's own, for an admin everybody's."""
    at, prefix = page.decode("keys", tuple[datetime, str], given.cursor, NEWEST)
    own = None if caller.key.is_admin else caller.key.staff_id
    with caller.transaction() as conn:
        place = {"at": at, "prefix": prefix, "staff_id": own, "limit": given.limit + 1}
        found = [KeyEntry(**row) for row in filtered(conn, "access.keys", **place)]
    return page.build(request, response, "keys", found, given.limit, lambda k: (k.created_at, k.prefix))


@router.post("", operation_id="createKey", responses=answers(MADE, 409, 413))
def create_key(caller: Writer, given: NewKey) -> MadeKey:
    """Make a key, shown this once. Nobody gives scopes that they don't have, nor a longer life.

    Keys of other people, of nobody, and limits are for an admin to give.
    """
    with caller.transaction() as conn:
        ends = None if given.expires_at is None else instant(given.expires_at, lambda: utility(conn).zone)
        key = keys.create(
            conn,
            given.name,
            given.scopes,
            caller.now(),
            login=given.staff,
            expires_at=ends,
            requests_a_minute=given.requests_a_minute,
            by=caller.key,
        )
        return MadeKey(**_entry(conn, key.split("_")[1]), key=key)


@router.delete("/{prefix}", operation_id="revokeKey", responses=answers(KEY, 404, 409))
def revoke_key(caller: Writer, prefix: Prefix) -> KeyEntry:
    """Refuse a key from now on, with both its secrets; one's own, for an admin everybody's."""
    with caller.transaction() as conn:
        keys.revoke(conn, prefix, caller.now(), by=caller.key)
        return KeyEntry(**_entry(conn, prefix))


@router.post("/{prefix}/rotate", operation_id="rotateKey", responses=answers(MADE, 404, 409, 413))
def rotate_key(caller: Writer, prefix: Prefix, given: Rotate | None = None) -> MadeKey:
    """Give a key a new secret, shown this once; the old one is good for a while. 409 if it is over."""
    grace = timedelta(hours=(given or Rotate()).grace_h)
    with caller.transaction() as conn:
        key, _ = keys.rotate(conn, prefix, grace, caller.now(), by=caller.key)
        return MadeKey(**_entry(conn, prefix), key=key)


def _entry(conn: Connection, prefix: str) -> Row:
    found = first(conn, "access.key", prefix=prefix)
    assert found is not None  # noqa: S101 - held by this transaction
    return found
