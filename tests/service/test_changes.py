"""The log of changes has everything once, and who has read up to a number has missed nothing below it."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

from service import changes
from sql.pool import Connection, connect
from tests.api import town
from tests.api.conftest import NOW
from tests.factories import insert
from tests.waiting import until

WRITERS, EACH = 4, 40


def test_a_watermark_is_safe_while_many_write_and_several_put_in_order(
    conn: Connection, database_url: str
) -> None:
    ticket_id = town.build(conn, NOW).anna.ticket_id
    until(lambda: changes.order(conn) == 0)
    ((start,),) = conn.execute("select newest from change_range()").fetchall()
    done = threading.Event()

    def write(number: int) -> None:
        dice = random.Random(number)  # noqa: S311
        with connect(database_url, "owner") as own:
            for n in range(EACH):
                given = {"at": NOW, "actor": "w", "kind": "noted", "why": f"{number}:{n}"}
                insert(own, "ticket_entry", ticket_id=ticket_id, **given)
                own.execute("select pg_sleep(%s)", [dice.choice([0, 0, 0.02])])
                if dice.random() < 0.1:
                    own.rollback()
                    insert(own, "ticket_entry", ticket_id=ticket_id, **given)
                own.commit()

    def order() -> None:
        with connect(database_url, "api", autocommit=True) as own:
            while not done.is_set():
                changes.order(own)

    def read() -> list[int]:
        found: list[int] = []
        with connect(database_url, "owner", autocommit=True) as own:
            while True:
                last = done.is_set()
                seen = "select seq from change where seq > %s order by seq"
                found += [row[0] for row in own.execute(seen, [found[-1] if found else start])]
                if last:
                    return found

    with ThreadPoolExecutor(WRITERS + 3) as pool:
        reader = pool.submit(read)
        orderers = [pool.submit(order) for _ in range(2)]
        list(pool.map(write, range(WRITERS)))
        query = "select count(*) from change where topic = 'tickets' and seq > %s"
        until(lambda: conn.execute(query, [start]).fetchall() == [(WRITERS * EACH,)])
        done.set()
        for orderer in orderers:
            orderer.result()
        heard = reader.result()
    whole = conn.execute("select seq from change where seq > %s order by seq", [start]).fetchall()
    assert heard == [row[0] for row in whole]
    missing = "select id from ticket_entry where actor = 'w' except select entry_id from change"
    assert conn.execute(missing).fetchall() == []


def test_what_was_there_before_the_log_is_not_news(conn: Connection) -> None:
    """A database that is brought up to date must not tell its whole history."""
    conn.execute("update feed_position set seen = pg_current_snapshot() where consumer = 'changes'")
    assert changes.order(conn) == 0
    assert changes.extent(conn) == changes.Range(0, 0)
