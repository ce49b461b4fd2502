"""Who is above somebody: the superior, that one's superior, and so on; who is away is stood in for."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from service import routing
from sql.pool import Connection
from sql.query import Queries

Q = Queries("deadlines")
_DEPUTIES = 5  # a chain of deputies longer than this is a circle


@dataclass(frozen=True)
class Superior:
    """Who is told, None where there is nobody; `why` says how they come to it."""

    staff_id: int | None
    why: str


@dataclass(frozen=True)
class _Person:
    id: int
    name: str
    active: bool
    superior_id: int | None
    deputy_id: int | None
    away: bool

    @property
    def here(self) -> bool:
        return self.active and not self.away


class Superiors:
    """The staff as it stands at one instant."""

    def __init__(self, conn: Connection, at: datetime) -> None:
        self._staff = {row[0]: _Person(*row) for row in conn.execute(Q["staff_above"], {"at": at})}
        self._desk = routing.duty_desk(conn, at)
        self._above = lru_cache(maxsize=None)(self._chain)

    def at_level(self, staff_id: int | None, level: int, *, above: int = 0) -> Superior | None:
        """Return who is `level` steps above, or as far up as it goes; None if that isn't past `above`.

        Where nobody is above at all, it is the duty desk's.
        """
        chain = self._above(staff_id)
        if not chain:
            return self._duty_desk(staff_id) if above == 0 else None
        reached = min(level, len(chain))
        return chain[reached - 1] if reached > above else None

    def _duty_desk(self, staff_id: int | None) -> Superior:
        for person in self._desk:
            if person.id != staff_id:
                return Superior(person.id, f"nobody is above, {person.name} is on the duty desk")
        return Superior(None, "nobody is above, and nobody on the duty desk")

    def _chain(self, staff_id: int | None) -> tuple[Superior, ...]:
        chain: list[Superior] = []
        passed = {staff_id}
        below = self._staff.get(staff_id) if staff_id is not None else None
        person = below
        while person is not None and person.superior_id is not None and person.superior_id not in passed:
            person = self._staff[person.superior_id]
            passed.add(person.id)
            stands_in = person if person.here else self._deputy(person)
            told = {superior.staff_id for superior in chain} | {staff_id}
            if stands_in is not None and stands_in.id not in told:
                whose = below.name if below else ""
                why = f"{stands_in.name} is above {whose}"
                if stands_in is not person:
                    why = f"{stands_in.name} stands in for {person.name}, who is above {whose}"
                chain.append(Superior(stands_in.id, why))
        return tuple(chain)

    def _deputy(self, absent: _Person) -> _Person | None:
        person = absent
        for _ in range(_DEPUTIES):
            if person.deputy_id is None:
                return None
            person = self._staff[person.deputy_id]
            if person.here:
                return person
        return None
