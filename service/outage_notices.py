"""Notices: what customers are told at each turn of an outage, and the filling of the outbox with it.

A notice is written with the turn; the outbox is filled afterwards, a batch a transaction, and the account
number up to which it is done is kept with the notice. Whoever is killed in between leaves a whole number of
batches; another goes on there. A later notice takes back what earlier ones have not sent yet before it writes
its own.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec
from psycopg.types.json import Jsonb

from service import outage_area, reach
from service.outage import Outage
from service.outage_facts import OutageFacts, Promise, Supply, outage_document
from service.outbox import BULK, NOBODY, NORMAL, URGENT, Outgoing, enqueue
from service.utility import utility
from sql.pool import Connection
from sql.query import Queries

Q = Queries("outages")
OUTBOX = Queries("outbox")
BATCH = 5_000
QUIET_FROM, QUIET_UNTIL = time(22), time(7)
"""Text messages to general customers wait through the local night: mails don't ring, the others must know."""
NIGHT_TEXTS = ("announced", "started")
"""Turns of an unplanned outage that ring at night all the same, where the water is off before the morning."""
LATER = frozenset({"announced", "reminded", "changed"})
"""What can wait behind everything that is more pressing; the rest is about water that is off, or on again."""


def facts(conn: Connection, outage: Outage, before: Outage | None = None) -> OutageFacts:
    """Return what there is to be told of an outage as it stands; `before` is how it stood until now."""
    served = utility(conn)
    changed = before is not None and any(
        getattr(before, name) != getattr(outage, name) for name in ("starts_at", "expected_end", "end_known")
    )
    return OutageFacts(
        id=outage.id,
        code=outage.code,
        kind=outage.kind,
        cause=outage.cause,
        reason=outage.reason,
        reason_in=outage.reason_in,
        supply=msgspec.convert(outage.supply, list[Supply], strict=False),
        contact=outage.contact,
        starts_at=outage.starts_at,
        started_at=outage.started_at,
        expected_end=outage.expected_end,
        end_known=outage.end_known,
        ended_at=outage.ended_at,
        districts=list(outage_area.of(conn, outage.id).names),
        before=Promise(before.starts_at, before.expected_end, before.end_known)
        if before and changed
        else None,
        utility=served.name,
        timezone=served.zone.key,
    )


def write(conn: Connection, outage: Outage, step: str, *, before: Outage | None = None, at: datetime) -> int:
    """Write the notice of a turn and wake those who fill the outbox; return its id.

    Earlier notices that are not in the outbox yet won't be: this one tells it all.
    """
    conn.execute(Q["supersede_notices"], {"outage_id": outage.id})
    said = Jsonb(outage_document(facts(conn, outage, before)))
    given = {"outage_id": outage.id, "step": step, "said": said, "at": at}
    row = conn.execute(Q["insert_notice"], given).fetchall()[0]
    conn.execute(Q["wake_notices"])
    return int(row[0])


def fill(
    conn: Connection, *, at: datetime, batch: int = BATCH, night_texts: Collection[str] = NIGHT_TEXTS
) -> bool:
    """Do the next piece of work on a notice, a transaction's worth; return whether there was any.

    Each piece holds its notice until the transaction ends, so that of several fillers each has its own.
    """
    row = conn.execute(Q["next_notice"]).fetchone()
    if row is None:
        return False
    id_, outage_id, revision, step, state, kind, starts_at = row
    given = {"id": id_, "outage_id": outage_id, "revision": revision, "step": step, "batch": batch, "at": at}
    if state == "waiting":
        why = f"superseded: notice {revision} of the outage tells what came of it"
        if conn.execute(Q["withdraw"], given | {"why": why}).fetchall()[0][0] < batch:
            for query in ("gather", *(("part",) if revision > 1 else ()), "begin_filling"):
                conn.execute(Q[query], given)
        return True
    morning = _morning(at, utility(conn).zone)
    if kind == "unplanned" and step in night_texts and starts_at < morning:
        morning = at
    more = {"rank": BULK if step in LATER else NORMAL, "morning": morning}
    taken, made = conn.execute(Q["fill"], given | more).fetchall()[0]
    if made:
        conn.execute(OUTBOX["wake_senders"])
    if taken < batch:
        conn.execute(Q["end_filling"], given)
        if revision == 1:
            _tell_managers(conn, outage_id, id_, at)
    return True


def _morning(at: datetime, zone: ZoneInfo) -> datetime:
    """Return when a text message may ring: `at`, or seven o'clock where it is night."""
    local = at.astimezone(zone)
    if QUIET_UNTIL <= local.time() < QUIET_FROM:
        return at
    day = local.date() + timedelta(days=local.time() >= QUIET_FROM)
    return datetime.combine(day, QUIET_UNTIL, zone).astimezone(UTC)


def tell_staff(
    conn: Connection,
    outage: Outage,
    step: str,
    *,
    staff_ids: Sequence[int | None],
    at: datetime,
    key: str = "",
    urgent: bool = True,
) -> None:
    """Write to members of staff about an outage, once a step, `key` and person.

    Nobody to write to, or no address, is a message that is seen among those that failed.
    """
    said = outage_document(facts(conn, outage))
    people: list[int | None] = [id_ for id_ in dict.fromkeys(staff_ids) if id_ is not None]
    for staff_id in people or [None]:
        ways = [] if staff_id is None else reach.of_staff(conn, staff_id, urgent=urgent, at=at)
        name = next((w.name for w in ways), "")
        problem = (
            None if ways else "nobody answers for the outage" if staff_id is None else "no address on record"
        )
        for way in ways or [reach.Way("email", NOBODY, "zh", name)]:
            out = Outgoing(
                kind="outage_staff",
                step=step,
                channel=way.channel,
                recipient=way.recipient,
                language=way.language,
                key=f"outage:{outage.id}:{step}:{key}:staff:{staff_id}:{way.channel}:{way.recipient}",
                message={"said": said, "name": way.name, "state": outage.state},
                rank=URGENT if urgent else NORMAL,
                staff_id=staff_id,
                problem=problem,
            )
            enqueue(conn, out, at=at)


def _tell_managers(conn: Connection, outage_id: int, notice_id: int, at: datetime) -> None:
    """Tell the account managers how many of their customers are concerned, and whom they had better call."""
    said = conn.execute(Q["notice"], {"id": notice_id, "account_no": None}).fetchall()[0][0]
    for staff_id, customers, large, call in conn.execute(
        Q["managers_concerned"], {"outage_id": outage_id}
    ).fetchall():
        for way in reach.of_staff(conn, staff_id, urgent=bool(call), at=at):
            out = Outgoing(
                kind="outage_staff",
                step="concerned",
                channel=way.channel,
                recipient=way.recipient,
                language=way.language,
                key=f"outage:{outage_id}:concerned:staff:{staff_id}:{way.channel}:{way.recipient}",
                message={
                    "said": said,
                    "name": way.name,
                    "customers": customers,
                    "large": large,
                    "call": call,
                },
                rank=NORMAL,
                staff_id=staff_id,
            )
            enqueue(conn, out, at=at)
