"""Following the events' history: each turn once, whatever commits late or fails."""

import psycopg
import pytest

from core.clock import SetClock
from notify.follow import CONSUMER, Follower
from sql import feed
from sql.pool import Connection, connect
from tests import samples
from tests.samples import NOW


def steps(conn: Connection) -> list[tuple[str, str]]:
    return conn.execute("select step, state from outbox order by id").fetchall()


def test_a_turn_that_commits_late_is_not_passed_over(conn: Connection, database_url: str) -> None:
    samples.town(conn)
    follower = Follower(SetClock(NOW), [])
    with connect(database_url, "owner") as slow, connect(database_url, "notify", autocommit=True) as own:
        early = samples.event(slow)  # open transaction, lower id and older clock
        samples.event(conn, "off_shift")
        assert follower.catch_up(own) == 1
        assert follower.catch_up(own) == 0
        slow.commit()
        assert follower.catch_up(own) == 1
        assert follower.catch_up(own) == 0
    told = conn.execute("select event_id from outbox order by id").fetchall()
    assert told[1] == (early,)


def test_tickets_messages_and_position_stand_or_fall_together(
    conn: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples.town(conn)
    samples.event(conn)
    follower = Follower(SetClock(NOW), [])
    with connect(database_url, "notify", autocommit=True) as own:
        with monkeypatch.context() as broken, pytest.raises(psycopg.OperationalError):
            broken.setattr(feed, "advance", lost)
            follower.catch_up(own)
        assert steps(conn) == []
        assert conn.execute("select count(*) from ticket").fetchall() == [(0,)]
        assert follower.catch_up(own) == 1
    assert steps(conn) == [("opened", "pending")]


def lost(*_: object) -> None:
    raise psycopg.OperationalError("server closed the connection unexpectedly")


def test_while_one_notifier_takes_turns_another_finds_nothing_to_do(
    conn: Connection, database_url: str
) -> None:
    samples.town(conn)
    follower = Follower(SetClock(NOW), [])
    with connect(database_url, "notify") as first, connect(database_url, "notify", autocommit=True) as second:
        follower.catch_up(second)
        samples.event(conn)
        assert feed.lock(first, CONSUMER) is not None
        assert follower.catch_up(second) == 0
        first.rollback()
        assert follower.catch_up(second) == 1


def test_a_turn_of_which_no_ticket_can_be_made_is_seen_and_does_not_keep_the_others(
    conn: Connection, database_url: str
) -> None:
    samples.town(conn)
    conn.execute("delete from sla_policy where code = 'low'")
    samples.event(conn, severity="low")
    samples.event(conn, "off_shift")
    with connect(database_url, "notify", autocommit=True) as own:
        assert Follower(SetClock(NOW), []).catch_up(own) == 2
    assert steps(conn) == [("failed", "dead"), ("opened", "pending")]
    (error,) = conn.execute("select last_error from outbox where step = 'failed'").fetchall()[0]
    assert "sla_policy has no row for low tickets" in error


def test_a_history_read_from_the_beginning_again_tells_nothing_twice(
    conn: Connection, database_url: str
) -> None:
    samples.town(conn)
    event = samples.event(conn)
    follower = Follower(SetClock(NOW), [])
    with connect(database_url, "notify", autocommit=True) as own:
        follower.catch_up(own)
        samples.turn(conn, event, "cleared", cleared_at=NOW)
        follower.catch_up(own)
        conn.execute("delete from feed_position where consumer = %s", (CONSUMER,))
        assert follower.catch_up(own) == 2
    assert [step for step, _ in steps(conn)] == ["opened", "cleared"]
    assert conn.execute("select count(*) from ticket_entry").fetchall() == [(2,)]
