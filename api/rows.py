"""Run a named query and get its rows by column name: of `api.sql`, or `room.name` of another file."""

from typing import Any

from psycopg.rows import dict_row

from sql.pool import Connection
from sql.query import Queries

Q = Queries("api")
Row = dict[str, Any]


def _text(name: str) -> bytes:
    room, _, query = name.rpartition(".")
    return Queries(room or "api")[query]


def rows(conn: Connection, name: str, **values: Any) -> list[Row]:
    """Return every row."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_text(name), values).fetchall()


def filtered(conn: Connection, name: str, **values: Any) -> list[Row]:
    """Return every row of a list, planned for these values: which filters are set decides the index."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_text(name), values, prepare=False).fetchall()


def found_by(conn: Connection, name: str, detector: str | None) -> list[int] | None:
    """Return the ids of what a detector found; None where none is asked for, or it found a great many."""
    found = first(conn, name, detector=detector) if detector else None
    return found["ids"] if found else None


def first(conn: Connection, name: str, **values: Any) -> Row | None:
    """Return the first row, or None."""
    found = rows(conn, name, **values)
    return found[0] if found else None
