"""Who a ticket goes to: account manager, deputy, region, DMA manager, duty desk.

Someone who has left or is absent is passed over; of several in a region the one with the fewest open
tickets takes it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sql.pool import Connection
from sql.query import Queries

Q = Queries("service")
RoutedBy = Literal["account_manager", "deputy", "region", "dma_manager", "duty_desk"]
_DEPUTIES = 5  # a chain of deputies longer than this is a circle


@dataclass(frozen=True)
class Person:
    """What routing needs to know of a member of staff."""

    id: int
    name: str
    email: str | None
    active: bool
    deputy_id: int | None
    absent_from: datetime | None
    absent_until: datetime | None

    def here(self, at: datetime) -> bool:
        """Whether the person works for us and isn't absent at `at`."""
        if self.absent_from is None and self.absent_until is None:
            return self.active
        began = self.absent_from is None or self.absent_from <= at
        over = self.absent_until is not None and self.absent_until <= at
        return self.active and (over or not began)


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
        for manager in _people(conn, "account_manager", account_no=account_no):
            if manager.here(at):
                return Route(manager.id, "account_manager", f"{manager.name} is the account manager")
            passed.append(manager.name)
            deputy = _deputy(conn, manager, at)
            if deputy is not None:
                return Route(deputy.id, "deputy", f"{deputy.name} stands in for {manager.name}")
    ways: list[tuple[RoutedBy, str]] = [("region", "region_managers"), ("dma_manager", "dma_manager")]
    if account_no is None:
        ways.reverse()  # a district's own manager comes before the region's
    for by, query in ways:
        for person in _people(conn, query, dma_id=dma_id):
            if person.here(at):
                return Route(person.id, by, _after(f"{person.name} answers for the {_PLACE[by]}", passed))
            passed.append(person.name)
    for person in duty_desk(conn, at):
        return Route(person.id, "duty_desk", _after(f"{person.name} is on the duty desk", passed))
    return Route(None, "duty_desk", _after("nobody is on the duty desk", passed))


def duty_desk(conn: Connection, at: datetime) -> list[Person]:
    """Return who is on the duty desk now: those with an e-mail address first, then the least loaded."""
    return [person for person in _people(conn, "duty_desk") if person.here(at)]


_PLACE: dict[RoutedBy, str] = {"region": "region", "dma_manager": "district"}


def _deputy(conn: Connection, absent: Person, at: datetime) -> Person | None:
    person = absent
    for _ in range(_DEPUTIES):
        if person.deputy_id is None:
            return None
        person = next(iter(_people(conn, "staff_member", id=person.deputy_id)))
        if person.here(at):
            return person
    return None


def _people(conn: Connection, query: str, **params: Any) -> Iterable[Person]:
    return [Person(*row) for row in conn.execute(Q[query], params)]


def _after(why: str, passed: list[str]) -> str:
    return f"{why}; away: {', '.join(passed)}" if passed else why
