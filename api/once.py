"""A deed is done once: the header `Idempotency-Key` (IETF draft idempotency-key-header, revision 7).

The answer is kept in the transaction of the deed itself: a crash leaves both or neither. What was refused did
nothing, is not kept, and may be tried again with the same key.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import Request, Response

from api.problem import RefusedError, refused_value
from sql.pool import Connection
from sql.query import Queries

Q = Queries("access")
METHODS = frozenset({"POST", "PATCH"})
KEPT = timedelta(hours=24)
LONGEST = 255
RETRY_AFTER_S = 1


@dataclass(frozen=True)
class Deed:
    """What is to be done once: the asker's key for it, and a mark of the whole request."""

    key: str
    request_sha256: bytes


def deed(request: Request, body: bytes) -> Deed | None:
    """Return the deed that a request names; None for one that names none, 422 for a key of no good form."""
    given = request.headers.get("idempotency-key")
    if given is None or request.method not in METHODS:
        return None
    key = given.strip().removeprefix('"').removesuffix('"')
    if not 1 <= len(key) <= LONGEST or not key.isascii() or not key.isprintable():
        said = f"Give 1 to {LONGEST} printable ASCII characters, such as a UUID, as they are or in quotes."
        raise refused_value("header", "Idempotency-Key", said)
    parts = (
        request.method.encode(),
        request.scope["path"].encode(),
        request.scope["query_string"],
        request.headers.get("if-match", "").encode("latin-1"),
        body,
    )
    mark = hashlib.sha256()
    for part in parts:
        mark.update(len(part).to_bytes(8, "big") + part)
    return Deed(key, mark.digest())


def perform(
    conn: Connection,
    who: str,
    wanted: Deed,
    now: datetime,
    do: Callable[[], tuple[Response, bytes]],
) -> Response:
    """Return the answer to a deed: of `do`, which works on `conn` and says what to keep, or the one kept.

    RefusedError: 409 while the same is under way, 422 for a key that another request had.
    """
    name = {"caller": who, "key": wanted.key}
    ((mine, _),) = conn.execute(Q["claim_deed"], name).fetchall()
    if not mine:
        raise RefusedError(
            409,
            "conflict",
            "A request with this Idempotency-Key is under way.",
            cure=f"Ask again in {RETRY_AFTER_S} s for its answer.",
            headers={"Retry-After": str(RETRY_AFTER_S)},
        )
    row = conn.execute(Q["deed"], name | {"since": now - KEPT}).fetchone()
    if row is not None:
        request_sha256, status, body = row
        if request_sha256 != wanted.request_sha256:
            said = "Another request had this key in the last 24 hours: choose a new one."
            raise refused_value("header", "Idempotency-Key", said)
        headers = {"Idempotency-Replayed": "true"}
        return Response(body, status, headers, media_type="application/json")
    answer, kept = do()
    given = {"request_sha256": wanted.request_sha256, "at": now, "status": answer.status_code, "body": kept}
    conn.execute(Q["keep_deed"], name | given)
    return answer
