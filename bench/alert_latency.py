"""From the PUBLISH of the reading that completes a burst to the mail accepted by the SMTP server.

The three roles run as in production, with default settings, while 5,000 other meters report 1,000 readings a
second. The customers have sixteen days of quarter-hours in the store, the last of them the first of a burst;
the reading that ends its second is what is published and timed.
"""

import re
import statistics
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import paho.mqtt.client as mqtt
from aiosmtpd.smtp import SMTP, Envelope, Session
from paho.mqtt.enums import CallbackAPIVersion

from bench.measure import Result
from bench.steady import steady
from jobs.stack import stack_session
from sql.migrate import migrate
from sql.pool import Connection, connect
from tests import factories
from tests.databases import fresh_database
from tests.post_office import PostOffice, open_post_office
from tests.processes import role

NAME = "alert_latency"
BAR_S = 5.0
PROBES, WARM_UP = 210, 10
EVERY_S = 0.5
BACKGROUND_METERS, BACKGROUND_RATE = 5_000, 1_000
DAYS = 16
QUARTER_L = 375.0  # in a quarter of an hour: 1,500 L/h, where the usual is 60 at most
_QUARTER = timedelta(minutes=15)


class Stopwatch(PostOffice):
    """Notes when the mail about each customer was accepted."""

    def __init__(self) -> None:
        super().__init__()
        self.accepted: dict[str, float] = {}
        self.news = threading.Condition()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Accept a mail, and stop the customer's watch."""
        answer = await super().handle_DATA(server, session, envelope)
        now = time.perf_counter()
        account = re.search(r"A-\d+", self.mails[-1]["Subject"])
        with self.news:
            if account is not None:
                self.accepted.setdefault(account[0], now)
            self.news.notify_all()
        return answer

    def wait_for(self, count: int, patience_s: float) -> None:
        """Wait until so many customers' mails have been accepted."""
        with self.news:
            if not self.news.wait_for(lambda: len(self.accepted) >= count, patience_s):
                raise TimeoutError(f"{len(self.accepted)} of {count} mails after {patience_s:g} s")


def run() -> Iterator[Result]:
    """Yield the 99th percentile over 200 customers."""
    prefix = f"bench-{uuid.uuid4().hex[:8]}"
    with ExitStack() as line:
        stack = line.enter_context(stack_session())
        database_url = line.enter_context(fresh_database(stack.database_url))
        migrate(database_url)
        conn = line.enter_context(connect(database_url, "owner", autocommit=True))
        ends = _quarter_before(datetime.now(UTC))
        registers = _prepare(conn, ends)
        watch = Stopwatch()
        env = {
            "HEADWATER_DATABASE_URL": database_url,
            "HEADWATER_MQTT_URL": stack.mqtt_url,
            "HEADWATER_INGEST_CLIENT_ID": prefix,
            "HEADWATER_INGEST_TOPICS": f'{{"{prefix}/+/readings": "native"}}',
            "HEADWATER_SMTP_URL": line.enter_context(open_post_office(watch)).url,
            "HEADWATER_LOG_LEVEL": "WARNING",
        }
        for name in ("ingest", "detect", "notify"):
            line.enter_context(role(name, env))
        line.enter_context(
            steady(stack.mqtt_url, f"{prefix}/b{{}}/readings", BACKGROUND_METERS, BACKGROUND_RATE)
        )
        time.sleep(2 * BACKGROUND_METERS / BACKGROUND_RATE)  # every meter has been heard
        meter = line.enter_context(_Meter(stack.mqtt_url))
        sent: dict[str, float] = {}
        jitter = np.random.default_rng(1)
        stored_before, began = _stored(conn), time.monotonic()
        for probe, register in enumerate(registers):
            if probe == WARM_UP:
                watch.wait_for(WARM_UP, 60)
                stored_before, began = _stored(conn), time.monotonic()
            payload = f'{{"ts":"{ends:%Y-%m-%dT%H:%M:%SZ}","register_l":{register + QUARTER_L}}}'
            sent[f"A-{probe}"] = time.perf_counter()
            meter.publish(f"{prefix}/p{probe}/readings", payload)
            time.sleep(EVERY_S * jitter.uniform(0.2, 1.8))
        rate = (_stored(conn) - stored_before) / (time.monotonic() - began)
        watch.wait_for(PROBES, 120)
        took = sorted(watch.accepted[who] - at for who, at in list(sent.items())[WARM_UP:])
        p99 = took[int(np.ceil(0.99 * len(took))) - 1]
        print(
            f"{rate:.0f} readings/s stored; median {statistics.median(took):.2f} s, max {took[-1]:.2f} s; "
            f"median from storing to {_steps(conn, ends)}",
            file=sys.stderr,
        )
        kept_up = rate >= 0.95 * BACKGROUND_RATE
        yield Result(NAME, round(p99, 3), "s (p99)", None, None, len(took), BAR_S, p99 < BAR_S and kept_up)


class _Meter:
    """Publishes one reading at a time."""

    def __init__(self, url: str) -> None:
        host, port = url.removeprefix("mqtt://").rsplit(":", 1)
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.connect(host, int(port))

    def __enter__(self) -> "_Meter":
        self._client.loop_start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: str) -> None:
        self._client.publish(topic, payload, qos=1).wait_for_publish(30)


def _quarter_before(now: datetime) -> datetime:
    return now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)


def _prepare(conn: Connection, ends: datetime) -> list[float]:
    """Make the town and its history up to a quarter before `ends`; return the last registers, litres."""
    conn.execute("insert into utility (name, timezone, price_m3) values ('Bench', 'Asia/Shanghai', 3.4)")
    conn.execute(
        "insert into meter (serial, interval_s, q3_lph, resolution_l) "
        "select 'b' || n, 900, 2500, 1 from generate_series(0, %s) n",
        (BACKGROUND_METERS - 1,),
    )
    manager = factories.staff(conn, "bench", name="王丽")
    conn.execute(
        "insert into customer (account_no, name, address, manager_id) "
        "select 'A-' || n, '客户' || n, '江南大道 ' || n || ' 号', %s from generate_series(0, %s) n",
        (manager, PROBES - 1),
    )
    conn.execute(
        "insert into service_point (code, account_no) select 's' || account_no, account_no from customer"
    )
    conn.execute(
        "insert into meter (serial, interval_s, q3_lph, resolution_l) "
        "select 'p' || n, 900, 2500, 1 from generate_series(0, %s) n",
        (PROBES - 1,),
    )
    conn.execute(
        "insert into meter_installation (meter_id, service_point_id) "
        "select m.id, s.id from meter m join service_point s on s.code = 'sA-' || substr(m.serial, 2) "
        "where m.serial like 'p%'"
    )
    ids: dict[str, int] = dict(conn.execute("select serial, id from meter where serial like 'p%'").fetchall())
    random = np.random.default_rng(0)
    quarters = DAYS * 96
    last: list[float] = []
    with conn.cursor().copy("copy reading (meter_id, ts, register_l) from stdin") as copy:
        for probe in range(PROBES):
            used = np.where(random.random(quarters) < 0.4, random.uniform(0, 15, quarters), 0.0)
            used[-1] = QUARTER_L
            register = np.cumsum(used)
            for quarter in range(quarters):
                row: tuple[Any, ...] = (ids[f"p{probe}"], ends - (quarters - quarter) * _QUARTER)
                copy.write_row((*row, float(register[quarter])))
            last.append(float(register[-1]))
    return last


def _steps(conn: Connection, ends: datetime) -> str:
    """Return where the time goes: medians from the reading's receipt to each later step, seconds."""
    row = conn.execute(
        """
        select percentile_cont(0.5) within group (order by extract(epoch from n.at - r.received_at)),
            percentile_cont(0.5) within group (order by extract(epoch from o.created_at - r.received_at)),
            percentile_cont(0.5) within group (order by extract(epoch from d.at - r.received_at))
        from event e join event_entry n on n.event_id = e.id and n.kind = 'opened'
        join outbox o on o.event_id = e.id join delivery d on d.outbox_id = o.id
        join reading r on r.meter_id = e.meter_id and r.ts = %s""",
        (ends,),
    ).fetchall()[0]
    return "event {:.2f}, outbox {:.2f}, receipt {:.2f} s".format(*row)


def _stored(conn: Connection) -> int:
    return int(conn.execute("select coalesce(sum(readings), 0) from arrival").fetchall()[0][0])
