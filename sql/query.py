"""Named queries: SQL stands in `sql/queries/*.sql`, Python calls it by name.

A file holds queries under headings `-- name: open_event`. Parameters are psycopg's `%(name)s`. A heading may
go on with `seq: table, table`, the tables that the query is meant to read whole; the plan test refuses a
sequential scan of any other.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

_HEADING = re.compile(r"^-- name: (?P<name>\w+)(?: seq: (?P<seq>[\w, ]+))?$", re.MULTILINE)


@dataclass(frozen=True)
class Query:
    """One named query."""

    name: str
    text: bytes
    seq: frozenset[str]


@cache
def _read(room: str) -> dict[str, Query]:
    source = resources.files("sql").joinpath("queries", f"{room}.sql").read_text("utf-8")
    headings = list(_HEADING.finditer(source))
    ends = [h.start() for h in headings[1:]] + [len(source)]
    queries = {}
    for heading, end in zip(headings, ends, strict=True):
        name, seq = heading["name"], heading["seq"] or ""
        if name in queries:
            raise ValueError(f"sql/queries/{room}.sql: {name} stands twice")
        text = source[heading.end() : end].strip().rstrip(";")
        queries[name] = Query(name, text.encode(), frozenset(t.strip() for t in seq.split(",") if t.strip()))
    return queries


class Queries:
    """The queries of one room: `Queries("detect")["open_event"]` is the text to execute."""

    def __init__(self, room: str) -> None:
        self.room = room

    def __getitem__(self, name: str) -> bytes:
        try:
            return _read(self.room)[name].text
        except KeyError:
            raise KeyError(f"no query {name!r} in sql/queries/{self.room}.sql") from None

    def all(self) -> dict[str, Query]:
        """Return every query of the room by name."""
        return dict(_read(self.room))


def rooms() -> list[str]:
    """Return the names of all query files."""
    folder = resources.files("sql").joinpath("queries")
    return sorted(f.name.removesuffix(".sql") for f in folder.iterdir() if f.name.endswith(".sql"))
