"""One batch, one transaction: readings, quarantine and the notice to detection."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
from psycopg import errors
from psycopg.conninfo import make_conninfo
from psycopg.errors import UniqueViolation

from core.errors import InfrastructureError
from core.words import Reason
from ingest.draft import Refusal
from ingest.intake import Gathering, Intake
from sql.copy import copy_arrival, copy_direct, copy_staged
from sql.pool import Connection, connect
from sql.query import Queries

Q = Queries("ingest")
CONNECT_TIMEOUT_S = 3

PASSING_ERRORS = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    errors.ReadOnlySqlTransaction,
    errors.TransactionRollback,
    InfrastructureError,
)
"""What another attempt may cure: the server is away or full, refuses for now, or picked us as a victim."""
DATA_ERRORS = (
    psycopg.DataError,
    psycopg.IntegrityError,
    ValueError,
    ArithmeticError,
    LookupError,
    TypeError,
)
"""What no other attempt will cure: the store refuses the data, or it brings out a fault of ours."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Stored:
    """What a commit did: the way of the readings, how many were new, everything that was refused."""

    path: str
    inserted: int
    refusals: Sequence[Refusal]


def open_connection(database_url: str) -> Connection:
    """Connect with the ingester's rights; transactions are explicit."""
    return connect(make_conninfo(database_url, connect_timeout=CONNECT_TIMEOUT_S), "ingest", autocommit=True)


def commit(conn: Connection, gathering: Gathering, intake: Intake, *, again: bool = False) -> Stored:
    """Store a batch in one transaction; a second time it changes nothing.

    `again`: the batch may have been committed already, so that what went to quarantine isn't put there twice.
    """
    try:
        with conn.transaction():
            if len(intake.batch):
                copy_direct(conn, intake.batch, intake.stream)
                copy_arrival(conn, intake.batch, len(intake.batch), len(gathering.messages))
            refusals = intake.refusals()
            _quarantine(conn, gathering, refusals, again=again)
        return Stored("direct", len(intake.batch), refusals)
    except UniqueViolation:
        pass
    with conn.transaction():
        inserted, refusals = _store_staged(conn, intake, len(gathering.messages))
        _quarantine(conn, gathering, refusals, again=again)
    return Stored("staging", inserted, refusals)


def store_again(conn: Connection, intake: Intake) -> list[Refusal]:
    """Store what came out of quarantine, in the caller's transaction; return what is refused once more."""
    return _store_staged(conn, intake)[1]


def _store_staged(conn: Connection, intake: Intake, messages: int = 0) -> tuple[int, list[Refusal]]:
    if not len(intake.batch):
        return 0, intake.refusals()
    inserted, conflicting = copy_staged(conn, intake.batch, intake.stream)
    if inserted:
        copy_arrival(conn, intake.batch, inserted, messages)
    return inserted, intake.refusals(conflicting)


def quarantine_whole(conn: Connection, gathering: Gathering, detail: str) -> Stored:
    """Put a batch of one message in quarantine as it is: the store can't take its values."""
    refusals = [Refusal(0, Reason.BAD_VALUE, detail)]
    with conn.transaction():
        _quarantine(conn, gathering, refusals, again=True)
    return Stored("direct", 0, refusals)


def _quarantine(conn: Connection, gathering: Gathering, refusals: Sequence[Refusal], *, again: bool) -> None:
    if not refusals:
        return
    rows = []
    for refusal in refusals:
        message = gathering.messages[refusal.message]
        rows.append(
            {
                "received_at": _EPOCH + timedelta(microseconds=message.received_at),
                "topic": _storable(message.topic),
                "payload": gathering.excerpt(refusal),
                "reason": refusal.reason,
                "detail": _storable(refusal.detail),
                "meter": _storable(gathering.meters[refusal.message]) or None,
                "again": again or message.again,
            }
        )
    with conn.cursor() as cursor:
        cursor.executemany(Q["quarantine"], rows)


def _storable(text: str) -> str:
    """Return `text` as PostgreSQL takes it: without NUL and lone surrogates."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
