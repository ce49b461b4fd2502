"""Where an outage is: districts, and service points named one by one or by an uploaded list."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import BadDataError
from sql.pool import Connection
from sql.query import Queries

Q = Queries("outages")
_CELL = re.compile(r"[,;\t]")


@dataclass(frozen=True)
class Area:
    """Districts by code, and a list: a line each with an account number or the code of a service point.

    What follows a comma, semicolon or tab in a line is not read, so that a list may be a table.
    """

    dmas: Sequence[str] = ()
    listed: str = ""


NOWHERE = Area()


@dataclass(frozen=True)
class Unread:
    """A line of the list that names nothing we know."""

    line: int
    value: str
    why: str


def put(conn: Connection, outage_id: int, area: Area) -> list[Unread]:
    """Let the outage have this area and no other; return the lines of the list that could not be taken.

    Raises BadDataError for a district that isn't there.
    """
    found = conn.execute(Q["known_dmas"], {"codes": list(area.dmas)}).fetchall()
    unknown = sorted(code for code, id_ in found if id_ is None)
    if unknown:
        raise BadDataError(f"There is no DMA {', '.join(unknown)}.", cure="GET /v1/dmas lists them.")
    lines = _lines(area.listed)
    given = {"lines": [line for line, _ in lines], "values": [value for _, value in lines]}
    points, unread = set(), []
    for line, value, point_id, is_customer in conn.execute(Q["points_of_list"], given):
        if point_id is not None:
            points.add(int(point_id))
        else:
            why = "customer without a service point" if is_customer else "no such account or service point"
            unread.append(Unread(line, value, why))
    for name, ids in (("dmas", sorted({id_ for _, id_ in found})), ("points", sorted(points))):
        conn.execute(Q[f"forget_{name}"], {"outage_id": outage_id, "ids": ids})
        conn.execute(Q[f"put_{name}"], {"outage_id": outage_id, "ids": ids})
    return unread


def _lines(listed: str) -> list[tuple[int, str]]:
    cells = (
        _CELL.split(line, maxsplit=1)[0].strip().strip('"').strip()
        for line in listed.lstrip("\ufeff").splitlines()
    )
    return [(n, cell) for n, cell in enumerate(cells, 1) if cell]


@dataclass(frozen=True)
class Placed:
    """The area as it stands: districts by code and name, how many service points, and which (a digest)."""

    codes: Sequence[str]
    names: Sequence[str]
    points: int
    digest: str

    def summary(self) -> dict[str, object]:
        """Return what an entry says of it."""
        return {"dmas": list(self.codes), "service_points": self.points}


def of(conn: Connection, outage_id: int) -> Placed:
    """Return where the outage is."""
    return Placed(*conn.execute(Q["outage_area"], {"id": outage_id}).fetchall()[0])


def is_somewhere(conn: Connection, outage_id: int) -> bool:
    """Whether it concerns any customer."""
    return conn.execute(Q["concerns_anybody"], {"id": outage_id}).fetchone() is not None


def concerns(conn: Connection, outage_id: int, account_no: str) -> bool:
    """Whether it concerns this customer."""
    return conn.execute(Q["is_concerned"], {"id": outage_id, "account_no": account_no}).fetchone() is not None
