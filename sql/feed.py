"""Follow what other processes commit, missing nothing.

A feed is a table with an `xid` column that defaults to `pg_current_xact_id()`. A consumer's position is the
snapshot it last looked with: a row is new to it when its transaction was not visible then and is now. A
batch that commits late, whatever its clock or identity values, is simply new at the next look; and no other
transaction that happens to be open holds the feed back.
"""

from sql.pool import Connection
from sql.query import Queries

Q = Queries("feed")


def lock(conn: Connection, consumer: str) -> str | None:
    """Take the consumer's position for this transaction; None if another replica holds it.

    A new consumer starts with nothing seen.
    """
    conn.execute(Q["start_position"], {"consumer": consumer})
    row = conn.execute(Q["lock_position"], {"consumer": consumer}).fetchone()
    return None if row is None else str(row[0])


def snapshot(conn: Connection) -> str:
    """Return the snapshot of the current statement (of the transaction, if it is repeatable read)."""
    return str(conn.execute(Q["snapshot"]).fetchall()[0][0])


def advance(conn: Connection, consumer: str, seen: str) -> None:
    """Move the consumer's position to the snapshot `seen`; takes effect with the transaction."""
    conn.execute(Q["advance"], {"consumer": consumer, "seen": seen})
