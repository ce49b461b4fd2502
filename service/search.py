"""Who is meant? Customers by name, account number, address, phone, e-mail or meter, typed as it may be."""

from typing import Any

from psycopg.rows import dict_row

from sql.pool import Connection
from sql.query import Queries

Q = Queries("profiles")
MOST = 50


def search(conn: Connection, asked: str, limit: int = MOST) -> list[dict[str, Any]]:
    """Return up to `limit` customers that the asker of this transaction sees, the likeliest first.

    `matched` says what fits (account_no, meter, phone, email, name, address, name and address, similar name),
    `value` how it is written there, `score` how well, from 0 to 1.
    """
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(Q["search"], {"asked": asked, "limit": limit}).fetchall()
