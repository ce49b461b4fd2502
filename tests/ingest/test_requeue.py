"""What an operator asks for again is decoded again, and stored or told why not."""

from core.words import Reason
from tests.ingest.line import Line, singles
from tests.waiting import until


def ask(line: Line) -> None:
    line.conn.execute("update quarantine set requeue_asked_at = now(), requeue_asked_by = 'test'")
    line.conn.execute("notify headwater_requeue")


def state(line: Line) -> list[tuple[object, ...]]:
    return line.conn.execute(
        "select reason, requeue_asked_at is not null, requeued_at is not null from quarantine order by id"
    ).fetchall()


def test_reading_of_a_meter_registered_later_is_stored(line: Line) -> None:
    with line.running():
        line.publish(singles(["late"], 2))
        until(lambda: len(line.quarantined()) == 2)
        line.conn.execute("insert into meter (serial) values ('late')")
        ask(line)
        until(lambda: line.readings() == 2)
        until(lambda: state(line) == [(Reason.UNKNOWN_METER, True, True)] * 2)
    arrived = line.conn.execute("select sum(readings) from arrival").fetchall()
    assert arrived == [(2,)]


def test_what_is_still_wrong_stays_with_a_fresh_detail(line: Line) -> None:
    (meter,) = line.meters(1)
    with line.running():
        line.publish([(meter, b"nonsense")])
        until(line.quarantined)
        ask(line)
        until(lambda: state(line) == [(Reason.MALFORMED, False, False)])
    assert "refused again" in line.quarantined()[0][2]


def test_part_of_a_message_is_stored_and_a_conflict_named(line: Line) -> None:
    (message,) = singles(["late"], 1)
    with line.running():
        line.publish([message, (message[0], message[1].replace(b"1000000.0", b"5.0"))])
        until(lambda: len(line.quarantined()) == 2)
        line.conn.execute("insert into meter (serial) values ('late')")
        ask(line)
        until(lambda: {row[0] for row in state(line)} == {Reason.UNKNOWN_METER, Reason.CONFLICTING_DUPLICATE})
    assert line.readings() == 1
