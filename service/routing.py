"""Who a ticket goes to: account manager, deputy, region, DMA manager, duty desk.

Someone who has left or is absent is passed over; of several in a region the one with the lightest load takes
it. The duty desk is whoever is on the roster now, then who always is.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sql.pool import Connection
from sql.query import Queries

Q = Queries("staff")
RoutedBy = Literal["account_manager", "deputy", "region", "dma_manager", "duty_desk"]
_DEPUTIES = 5  # a chain of deputies longer than this is a circle


@dataclass(frozen=True)
class Person:
    """What routing needs to know of a member of staff; who is `away` without an end is so for good."""

    id: int
    name: str
    email: str | None
    active: bool
    deputy_id: int | None
    away: bool
    away_until: datetime | None

    @property
    def here(self) -> bool:
        """Whether the person works for us and isn't absent."""
        return self.active and not self.away


@dataclass(frozen=True)
class Route:
    """Who takes the ticket, how that came about, and who was passed over; nobody at all is possible."""

    staff_id: int | None
    by: RoutedBy
    why: str


def find(conn: Connection, account_no: str | None, dma_id: int | None, at: datetime) -> Route:
    """Return who takes a ticket of this customer, or of this district where there is no customer."""
    passed: list[str] = []
    if account_no is not None:
        for manager in _people(conn, "account_manager", at, account_no=account_no):
            if manager.here:
                return Route(manager.id, "account_manager", f"{manager.name} is the account manager")
            passed.append(manager.name)
            deputy = _deputy(conn, manager, at)
            if deputy is not None:
                return Route(deputy.id, "deputy", f"{deputy.name} stands in for {manager.name}")
    ways: list[tuple[RoutedBy, str]] = [("region", "region_managers"), ("dma_manager", "dma_manager")]
    if account_no is None:
        ways.reverse()  # a district's own manager comes before the region's
    for by, query in ways:
        for person in _people(conn, query, at, dma_id=dma_id):
            if person.here:
                return Route(person.id, by, _after(f"{person.name} answers for the {_PLACE[by]}", passed))
            passed.append(person.name)
    for person in duty_desk(conn, at):
        return Route(person.id, "duty_desk", _after(f"{person.name} is on the duty desk", passed))
    return Route(None, "duty_desk", _after("nobody is on the duty desk", passed))


def duty_desk(conn: Connection, at: datetime) -> list[Person]:
    """Return who is on the duty desk: the roster's first, then with an address, by load."""
    return [person for person in _people(conn, "duty_desk", at) if person.here]


def stand_in(conn: Connection, staff_id: int, at: datetime) -> Person | None:
    """Return the person, or who stands in for an absent one; None where nobody does."""
    for person in _people(conn, "staff_member", at, id=staff_id):
        return person if person.here else _deputy(conn, person, at)
    return None


_PLACE: dict[RoutedBy, str] = {"region": "region", "dma_manager": "district"}


def _deputy(conn: Connection, absent: Person, at: datetime) -> Person | None:
    person = absent
    for _ in range(_DEPUTIES):
        if person.deputy_id is None:
            return None
        person = next(iter(_people(conn, "staff_member", at, id=person.deputy_id)))
        if person.here:
            return person
    return None


def _people(conn: Connection, query: str, at: datetime, **params: Any) -> list[Person]:
    return [Person(*row) for row in conn.execute(Q[query], params | {"at": at})]


def _after(why: str, passed: list[str]) -> str:
    return f"{why}; away: {', '.join(dict.fromkeys(passed))}" if passed else why
