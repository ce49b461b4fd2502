"""What the clock does to outages: planned work begins or is reminded of; a passing promise is asked about.

Only outages that were announced here: nobody was promised anything about an imported one.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from service import outage_notices, outages
from service.outage import Deed, Outage, lock, note, save
from service.tickets import SYSTEM, Actor
from sql.pool import Connection
from sql.query import Queries

Q = Queries("outages")
REMIND = timedelta(hours=12)
"""How long before its start planned work is reminded of, if it was announced twice as long before."""
WARN = timedelta(minutes=30)
"""How long before the promised end the one who answers is asked for news."""
ESCALATE = timedelta(minutes=30)
"""How long after it a superior is told that there were none."""
_LEVELS = (None, "warned", "urged", "escalated")
_ACTOR = Actor(SYSTEM)


@dataclass(frozen=True)
class Watched:
    """What one look did."""

    started: int
    reminded: int
    pressed: int

    def __str__(self) -> str:
        return f"started {self.started}, reminded {self.reminded}, asked for news {self.pressed}"


def watch(conn: Connection, *, at: datetime, remind: timedelta = REMIND) -> Watched:
    """Do what is due; done twice, or by two at once, it is done once."""
    due = {"at": at, "until": at + remind}
    starting = [row[0] for row in conn.execute(Q["starting"], due).fetchall()]
    for outage_id in starting:
        planned = lock(conn, outage_id).starts_at
        outages.start(conn, outage_id, Deed(_ACTOR, at, "as announced"), started_at=planned)
    reminded = [row[0] for row in conn.execute(Q["to_be_reminded"], due).fetchall()]
    for outage_id in reminded:
        _remind(conn, lock(conn, outage_id), at)
    promises = conn.execute(Q["promises"], {"until": at + WARN}).fetchall()
    pressed = [_press(conn, lock(conn, outage_id), at) for (outage_id,) in promises]
    return Watched(len(starting), len(reminded), sum(pressed))


def _remind(conn: Connection, outage: Outage, at: datetime) -> None:
    save(conn, replace(outage, reminded_for=outage.starts_at))
    note(conn, outage, "reminded", Deed(_ACTOR, at))
    outage_notices.write(conn, outage, "reminded", at=at)


def _press(conn: Connection, outage: Outage, at: datetime) -> bool:
    """Ask for news of a promise; each degree once, and after a downtime only the one that holds now."""
    late = at - outage.expected_end
    level = "escalated" if late >= ESCALATE else "urged" if late >= timedelta() else "warned"
    if _LEVELS.index(level) <= _LEVELS.index(outage.pressed):
        return False
    save(conn, replace(outage, pressed=level))
    note(conn, outage, level, Deed(_ACTOR, at), detail={"promised": outage.expected_end.isoformat()})
    answers_id = _staff(conn, "answerer", outage.answers_id, at)
    asked = [answers_id]
    if level == "escalated":
        asked.insert(0, _staff(conn, "superior", answers_id, at))
    key = f"{outage.expected_end:%Y%m%dT%H%M%S}"
    outage_notices.tell_staff(conn, outage, level, staff_ids=asked, at=at, key=key)
    return True


def _staff(conn: Connection, query: str, answers_id: int | None, at: datetime) -> int | None:
    row = conn.execute(Q[query], {"answers_id": answers_id, "at": at}).fetchone()
    return None if row is None else int(row[0])
