"""A district with as many customers as a test asks for, and an operator who tells them of outages."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from service import outage_drafts, outage_notices, outages
from service.outage import Deed, Outage, lock
from service.outage_area import Area
from service.outage_drafts import Draft
from service.tickets import Actor
from sql.pool import Connection, connect
from tests import samples
from tests.samples import NOW

LI = Actor("li (Li Ming)")


def people(
    conn: Connection, count: int, *, dma: str = "D1", first: int = 1, lost_every: int = 10, **values: Any
) -> None:
    """Insert customers C-00001, ... of a district with a service point each; every tenth can't be reached."""
    given = {"language": "zh", "segment": "general", "channel": "email", "manager_id": None} | values
    conn.execute(
        """
        insert into customer (account_no, name, language, segment, channel, manager_id, dma_id, email, phone)
        select 'C-' || lpad(n::text, 6, '0'), '客户' || n, %(language)s, %(segment)s, %(channel)s,
            %(manager_id)s, d.id, case when n %% %(lost_every)s::int > 0 then 'c' || n || '@example.org' end,
            case when n %% %(lost_every)s::int > 0 then '+86 139 ' || n end
        from generate_series(%(first)s::int, %(last)s::int) n, dma d where d.code = %(dma)s""",
        given | {"first": first, "last": first + count - 1, "dma": dma, "lost_every": lost_every},
    )
    conn.execute(
        "insert into service_point (code, account_no, dma_id) select 'sp-' || account_no, account_no, dma_id"
        " from customer where account_no like 'C-%' on conflict do nothing"
    )


@dataclass
class Operator:
    """Enters outages as the API does, and fills the outbox as the notifier does."""

    conn: Connection
    url: str

    def draft(self, **values: Any) -> int:
        given: dict[str, Any] = {
            "kind": "planned",
            "area": Area(("D1",)),
            "starts_at": NOW + timedelta(days=3),
            "expected_end": NOW + timedelta(days=3, hours=6),
            "cause": "valve_work",
        }
        return outage_drafts.create(self.conn, Draft(**(given | values)), Deed(LI, NOW))

    def planned(self, **values: Any) -> int:
        """Announce planned work; return its id."""
        id_ = self.draft(**values)
        outages.announce(self.conn, id_, Deed(LI, NOW))
        return id_

    def burst(self, **values: Any) -> int:
        """Announce an interruption that has begun; return its id."""
        given = {
            "kind": "unplanned",
            "starts_at": NOW,
            "expected_end": NOW + timedelta(hours=4),
            "cause": "main_burst",
        }
        return self.planned(**(given | values))

    def fill(self, *, at: datetime = NOW, batch: int = outage_notices.BATCH, **values: Any) -> int:
        """Work until there is nothing left; return how many pieces that were."""
        done = 0
        with connect(self.url, "notify", autocommit=True) as conn:
            while self.piece(conn, at, batch, **values):
                done += 1
        return done

    @staticmethod
    def piece(conn: Connection, at: datetime, batch: int, **values: Any) -> bool:
        """Do one piece of the filling; return whether there was any."""
        with conn.transaction():
            return outage_notices.fill(conn, at=at, batch=batch, **values)

    def rows(self, columns: str = "account_no, step, state") -> list[tuple[Any, ...]]:
        """Return what customers are sent, in the order it was written."""
        return self.conn.execute(
            f"select {columns} from outbox where kind = 'outage' order by id"  # noqa: S608
        ).fetchall()

    def sent(self) -> None:
        """Let everything that waits have been sent."""
        self.conn.execute("update outbox set state = 'sent', attempts = 1 where state = 'pending'")

    def outage(self, id_: int) -> Outage:
        with self.conn.transaction():
            return lock(self.conn, id_)


@contextmanager
def office(conn: Connection, url: str, count: int = 3) -> Iterator[Operator]:
    """A town whose district D1 has `count` customers beside A-1001."""
    samples.town(conn)
    people(conn, count)
    yield Operator(conn, url)
