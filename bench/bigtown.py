"""The town that the benches of the API ask about: 100,000 meters, 100 M readings, 1 M tickets.

`--size 0.1` is a tenth of it. It is simulated, imported and kept in the private server (under
HEADWATER_LOCAL) until it is two weeks old, so that several benches share one. Master data and readings come
from what `headwater simulate` makes; hourly use, events and tickets are drawn in SQL.
`python -m bench.bigtown` makes it; with `--anew` also where it is there.
"""

import argparse
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import msgspec
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from bench.tools import say
from jobs import registry
from jobs.dataset import open_dataset
from jobs.simulate import Plan, simulate
from jobs.stack import stack_session
from jobs.stack.paths import local_dir
from sql.migrate import migrate
from sql.pool import Connection, connect

SIZE = "HEADWATER_BENCH_SIZE"
MADE = 1
"""Raised when what is made changes: a town of another number is made anew."""
HOMES, FIRMS, DAYS = 100_000, 1_000, 42
TICKETS, MANAGERS = 1_000_000, 200
OLDEST = timedelta(days=14)


class Town(msgspec.Struct, frozen=True):
    """What was made: how much of the full size, and the instant up to which there are readings."""

    made: int
    size: float
    end: datetime
    meters: int
    readings: int
    tickets: int


@dataclass(frozen=True)
class Open:
    """The town's database and what is in it."""

    url: str
    town: Town

    @property
    def note(self) -> str:
        """Return what goes with a figure that isn't of the full size."""
        return "" if self.town.size == 1 else f", at size {self.town.size:g}"


def wanted_size() -> float:
    """Return the size that was asked for with --size; 1 unless it was."""
    return float(os.environ.get(SIZE, "1"))


@contextmanager
def bigtown(size: float | None = None, *, anew: bool = False) -> Iterator[Open]:
    """Open the town, migrated; made first where it isn't there, is too old or of another making."""
    size = wanted_size() if size is None else size
    name = f"hw_bigtown_{size:g}".replace(".", "_")
    with stack_session() as stack:
        url = make_conninfo(stack.database_url, dbname=name)
        town = None if anew else _kept(stack.database_url, name)
        if town is None:
            town = _make(stack.database_url, name, url, size)
        else:
            migrate(url)
        yield Open(url, town)


def _kept(admin_url: str, name: str) -> Town | None:
    with psycopg.connect(admin_url, autocommit=True) as admin:
        row = admin.execute(
            "select shobj_description(oid, 'pg_database') from pg_database where datname = %s", [name]
        ).fetchone()
    if row is None or row[0] is None:
        return None
    town = msgspec.json.decode(row[0], type=Town)
    return town if town.made == MADE and datetime.now(UTC) - town.end < OLDEST else None


def _make(admin_url: str, name: str, url: str, size: float) -> Town:
    """Make the database and remember what it is, which says that it is whole."""
    began = time.perf_counter()
    database = sql.Identifier(name)
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(sql.SQL("drop database if exists {} with (force)").format(database))
        admin.execute(sql.SQL("create database {}").format(database))
        say(f"making a town of size {size:g}; it is kept in the database {name}")
        migrate(url)
        with connect(url, "owner", autocommit=True) as conn:
            town = _fill(conn, size)
        note = sql.Literal(msgspec.json.encode(town).decode())
        admin.execute(sql.SQL("comment on database {} is {}").format(database, note))
    say(f"made in {time.perf_counter() - began:.0f} s: {town}")
    return town


def _fill(conn: Connection, size: float) -> Town:
    plan = Plan(round(HOMES * size), round(FIRMS * size), DAYS, first=_today() - timedelta(days=DAYS))
    folder = local_dir() / "bench" / f"bigtown-{size:g}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        with _step("simulating"):
            made = simulate(plan, folder)
        with _step("loading customers and meters"):
            dataset = open_dataset(folder)
            registry.load_registry(conn, dataset, _today())
        with _step(f"loading {made.readings:,} readings"):
            registry.load_readings(conn, dataset)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    end = plan.start.astimezone(UTC) + timedelta(days=DAYS)
    with _step("drawing hourly use"):
        _use(conn, plan.start, end)
    with _step("drawing tickets"):
        tickets = _tickets(conn, round(TICKETS * size), max(5, round(MANAGERS * size)), end)
    with _step("vacuum"):
        conn.execute("vacuum analyze")
    return Town(MADE, size, end, made.meters, made.readings, tickets)


def _today() -> date:
    return datetime.now(UTC).date()


@contextmanager
def _step(what: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    say(f"  {what}: {time.perf_counter() - began:.0f} s")


def _use(conn: Connection, start: datetime, end: datetime) -> None:
    """Hours in the order in which a detector writes them: all meters of an hour, hour after hour."""
    conn.execute("set work_mem = '256MB'")
    day = start
    while day < end:
        conn.execute(
            "insert into usage_hourly (meter_id, slot, volume_l, quality)"
            " select m.id, t, floor((random() ^ 3) * 80), (random() < 0.01)::int"
            " from generate_series(%(day)s::timestamptz, %(end)s - interval '1 hour', '1 hour') t,"
            " (select id from meter where kind = 'customer' order by id) m",
            {"day": day, "end": min(day + timedelta(days=1), end)},
        )
        day += timedelta(days=1)


def _tickets(conn: Connection, count: int, managers: int, end: datetime) -> int:
    """Two years of tickets, the last of them in work: six in ten of an event, each with what was done."""
    values = {"n": count, "end": end, "managers": managers}
    conn.execute(
        "insert into staff (login, name, email, roles, superior_id)"
        " select 'm' || n, 'Manager ' || n, 'm' || n || '@utility.example', '{manager}',"
        " (select id from staff where 'operations' = any (roles) limit 1)"
        " from generate_series(1, %(managers)s) n",
        values,
    )
    conn.execute("set session_replication_role = replica")  # no triggers, no checks: this is only the scene
    conn.execute(
        "update customer set manager_id ="
        " (select id from staff where login = 'm' || (1 + dma_id %% %(managers)s))",
        values,
    )
    conn.execute(_DRAWN, values)
    conn.execute(_EVENTS)
    conn.execute("insert into ticket_event (event_id, ticket_id) select id, id from event")
    conn.execute(_ENTRIES)
    conn.execute("select setval(pg_get_serial_sequence('event', 'id'), (select max(id) from event))")
    conn.execute("set session_replication_role = origin")
    return count


_DRAWN = """
insert into ticket (state, priority, urgent, sla, account_no, dma_id, grp, assignee_id, routed_by, opened_at,
    response_due, resolution_due, acknowledged_at, responded_at, resolved_at, resolved_by, confirmed_at,
    subject, look_at)
select state, case when n % 20 = 0 then 'urgent' else 'normal' end, n % 20 = 0,
    case when n % 20 = 0 then 'green_channel' else 'normal' end, account_no, dma_id,
    (array['leak', 'leak', 'leak', 'device', 'industrial', 'welfare'])[1 + n % 6], manager_id,
    'account_manager', opened, opened + interval '72 h', opened + interval '240 h',
    case when state <> 'open' then opened + interval '2 h' end,
    case when state in ('responded', 'resolved', 'confirmed') then opened + interval '9 h' end,
    case when state in ('resolved', 'confirmed') then opened + interval '60 h' end,
    case when state in ('resolved', 'confirmed') then manager_id end,
    case when state = 'confirmed' then opened + interval '90 h' end,
    'Ticket ' || n, case when state in ('open', 'acknowledged', 'responded') then opened + interval '54 h' end
from (select n, at as opened,
        case when age > interval '10 days' then 'confirmed'
            else (array['open', 'acknowledged', 'responded', 'resolved', 'confirmed'])[1 + n % 5]
        end as state,
        (hashint8(n) & 2147483647) % (select count(*) from customer) + 1 as who
    from generate_series(1, %(n)s::bigint) n,
        lateral (select (1 - n::float8 / %(n)s) * interval '730 days' as age) a,
        lateral (select %(end)s::timestamptz - age as at) b) t
join (select account_no, dma_id, manager_id, row_number() over (order by account_no) as who from customer) c
    using (who)
order by n
""".replace(" % ", " %% ")
_EVENTS = """
insert into event (id, grp, subject_kind, subject, epoch, detectors, meter_id, account_no, dma_id, onset,
    detected_at, last_seen, cleared_at, severity, magnitude, unit, loss_m3, money, evidence)
overriding system value
select t.id, t.grp, 'meter', m.serial, t.id, '{continuous_flow}', m.id, t.account_no, t.dma_id,
    t.opened_at - interval '1 day', t.opened_at, t.opened_at + interval '5 h', t.resolved_at, 'medium', 12.5,
    'L/h', 1.5, 6.2, '{"continuous_flow": {"rate_lph": 12.5}}'
from ticket t
join lateral (select m.id, m.serial from service_point p
    join meter_installation i on i.service_point_id = p.id
    join meter m on m.id = i.meter_id where p.account_no = t.account_no limit 1) m on true
where t.id % 10 < 6
order by t.id
"""
_ENTRIES = """
insert into ticket_entry (ticket_id, at, actor, kind, from_state, to_state, why)
select id, at, actor, kind, before, after, '' from ticket t,
    lateral (values (t.opened_at, 'system', 'opened', null, 'open'),
        (t.acknowledged_at, 'm1', 'acknowledged', 'open', 'acknowledged'),
        (t.responded_at, 'm1', 'responded', 'acknowledged', 'responded'),
        (t.resolved_at, 'm1', 'resolved', 'responded', 'resolved'),
        (t.confirmed_at, 'customer', 'confirmed', 'resolved', 'confirmed')) e (at, actor, kind, before, after)
where e.at is not null
order by id, at
"""


def main() -> None:
    """Make the town and say what it is."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.bigtown", description="The town of the API's benches."
    )
    parser.add_argument("--size", type=float, default=wanted_size(), help="part of the full size")
    parser.add_argument("--anew", action="store_true", help="even where it is there")
    given = parser.parse_args()
    with bigtown(given.size, anew=given.anew) as opened:
        say(f"{opened.town}")


if __name__ == "__main__":
    main()
