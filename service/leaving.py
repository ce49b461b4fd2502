"""Somebody leaves: nothing stays with who has gone."""

from dataclasses import dataclass, replace

from core.errors import ConflictError, NotFoundError
from service.employees import an_admin_stays
from service.handover import Handed, Order, hand_over_all
from sql.pool import Connection
from sql.query import Queries

Q = Queries("handover")


@dataclass(frozen=True)
class Left:
    """What was handed over, and what else no longer names who left."""

    handed: Handed
    visits: int
    districts: list[str]
    crews: list[str]
    shifts: int
    keys: int


def leave(conn: Connection, staff_id: int, to_id: int | None, order: Order) -> Left:
    """Hand over everything of somebody who leaves, to one person or by region, and close the accounts.

    Customers, tickets and visits due; districts and crews to the one person, else to nobody; who reported to
    the leaver reports to the superior. ConflictError where the person has left already, or
    nobody can take it, or nobody would be admin any more.
    """
    row = conn.execute(Q["leaver"], {"id": staff_id}).fetchone()
    if row is None:
        raise NotFoundError(f"There is no member of staff {staff_id}.")
    login, _, active, superior_id = row
    if not active:
        raise ConflictError(f"{login} has left already.")
    order = replace(order, because="left")
    visits = conn.execute(Q["visits_due"], {"id": staff_id}).fetchall()[0][0]
    handed = hand_over_all(conn, staff_id, to_id, order, customers=True)
    given = {"id": staff_id, "to_id": to_id, "superior_id": superior_id, "at": order.at}
    conn.execute(Q["leave_visits"], given)
    districts = [row[0] for row in conn.execute(Q["leave_districts"], given)]
    crews = [row[0] for row in conn.execute(Q["leave_crews"], given)]
    shifts = conn.execute(Q["leave_roster"], given).rowcount
    keys = conn.execute(Q["leave_keys"], given).rowcount
    with an_admin_stays(conn):
        for query in (
            "stand_in_no_more",
            "report_to_superior",
            "leave_members",
            "leave_absences",
            "leave_as_deputy",
            "leave_sessions",
            "deactivate",
        ):
            conn.execute(Q[query], given)
    return Left(handed, visits, districts, crews, shifts, keys)
