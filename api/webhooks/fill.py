"""Writes the posts of subscriptions into the outbox, each with the sight of its owner.

It is done here and not by the notifier since what an owner may see is decided for the API's role.
"""

from datetime import datetime

import structlog

from api.keys import SEES_ALL
from service import changes, webhooks
from sql.pool import Connection
from sql.query import Queries

Q, ASK = Queries("webhooks"), Queries("api")["ask_as"]
TIMEOUT = "60s"
log = structlog.get_logger(__name__)


def fill_all(conn: Connection, at: datetime) -> int:
    """Bring every subscription up to the end of the log, a span a transaction; return how many posts it made.

    Any number of processes may: each subscription is one's at a time.
    """
    made = 0
    with conn.transaction():
        conn.execute(ASK, {"sees": "all", "staff": "", "timeout": TIMEOUT})
        behind = [row[0] for row in conn.execute(Q["behind"])]
        newest = changes.extent(conn).newest
    for id_ in behind:
        while (posts := _fill(conn, id_, newest, at)) is not None:
            made += posts
    return made


def _fill(conn: Connection, id_: int, newest: int, at: datetime) -> int | None:
    """Write the posts of one span; None where there is nothing to do, or another process does it."""
    with conn.transaction():
        conn.execute(ASK, {"sees": "all", "staff": "", "timeout": TIMEOUT})
        row = conn.execute(Q["take_position"], {"id": id_}).fetchone()
        if row is None or row[0] >= newest:
            return None
        position, topics, url, staff_id, roles = row
        position = max(position, changes.extent(conn).oldest - 1)
        upto = min(newest, position + changes.SPAN)
        if staff_id is not None and not SEES_ALL & set(roles):
            conn.execute(ASK, {"sees": "own", "staff": str(staff_id), "timeout": TIMEOUT})
        found = changes.read(conn, position, upto, topics)
        conn.execute(ASK, {"sees": "all", "staff": "", "timeout": TIMEOUT})
        return webhooks.fill(conn, id_, found, url, upto=upto, at=at)
