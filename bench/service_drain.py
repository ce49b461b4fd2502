"""How fast one notifier empties the outbox into a local SMTP server, and what a kill -9 leaves behind.

The server keeps a book of the Message-IDs it accepted and does nothing else; it runs in this process, the
notifier in its own. 10,000 plain notices to customers, then tickets with a chart each; then 10,000 notices
while the notifier is killed at random moments, with the outbox held against the server's book.
"""

import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

from bench.measure import Result
from jobs.stack import stack_session
from service import cases, messages, opening
from service.cases import Case
from service.messages import Step
from service.tickets import Actor
from sql.migrate import migrate
from sql.pool import Connection, connect
from tests import samples
from tests.databases import fresh_database
from tests.processes import role
from tests.smtp_sink import Sink, open_sink

NAME = "service_drain"
BAR_PER_S = 200.0
NOTICES, CHARTS, KILLS = 10_000, 300, 8
PATIENCE_S = 300.0
_COPIES = """
insert into outbox (kind, step, channel, recipient, language, dedupe_key, message, rank, ticket_id, event_id,
    account_no, staff_id, not_before, created_at)
select kind, step, 'email', 'c' || n || '@example.org', language, %(name)s || n, message, %(rank)s, ticket_id,
    event_id, account_no, case when %(staff)s then staff_id end, now(), now()
from outbox, generate_series(1, %(count)s) n where id = %(id)s
"""


def run() -> Iterator[Result]:
    """Yield the notices a second, the tickets with charts a second, and what was sent twice under kill -9."""
    with ExitStack() as line:
        stack = line.enter_context(stack_session())
        database_url = line.enter_context(fresh_database(stack.database_url))
        migrate(database_url)
        conn = line.enter_context(connect(database_url, "owner", autocommit=True))
        plain, charted = _originals(conn)
        sink = line.enter_context(open_sink())
        env = {
            "HEADWATER_DATABASE_URL": database_url,
            "HEADWATER_SMTP_URL": sink.url,
            "HEADWATER_LOG_LEVEL": "ERROR",
            "HEADWATER_NOTIFY_EVERY_S": "0.2",
        }
        with role("notify", env):
            _fill(conn, "warm", plain, 200, staff=False)
            _drained(conn)
            notices_s = _drain_s(conn, "notice", plain, NOTICES, staff=False)
            size = len(sink.content)
            charts_s = _drain_s(conn, "chart", charted, CHARTS, staff=True)
        capacity = _capacity(sink)
        print(f"the server alone takes {capacity:.0f} mails of {size} bytes a second", file=sys.stderr)
        rate = NOTICES / notices_s
        yield Result(NAME, round(rate), "messages/s", None, None, NOTICES, BAR_PER_S, rate >= BAR_PER_S)
        rate = CHARTS / charts_s
        yield Result(f"{NAME}_charts", round(rate, 1), "messages/s", None, None, CHARTS, 0.0, True)
        yield _killed(conn, sink, env, plain)


def _originals(conn: Connection) -> tuple[int, int]:
    """Make a notice without a chart and a ticket with one; return their outbox ids."""
    town = samples.town(conn)
    samples.usage(conn, town.meter_id)
    at = datetime.now(UTC)
    actor = Actor("desk", town.desk_id)
    case = Case("hotline", "outage", "计划停水", "明日 8:00-16:00 更换干管，请提前储水。", "A-1001")
    cases.open_case(conn, case, actor=actor, at=at)
    event = samples.event(conn)
    ticket = opening.open_from_event(conn, event, at=at).ticket_id
    messages.tell(conn, ticket, Step("opened", "opened", event), at=at)
    conn.execute("update outbox set state = 'sent'")
    query = "select kind, min(id) from outbox where channel = 'email' group by kind"
    ids: dict[str, int] = dict(conn.execute(query).fetchall())
    return ids["case"], ids["ticket"]


def _fill(conn: Connection, name: str, original: int, count: int, *, staff: bool) -> None:
    params = {"name": name, "id": original, "count": count, "staff": staff, "rank": 1 if staff else 2}
    conn.execute(_COPIES, params)


def _drained(conn: Connection) -> None:
    until = time.monotonic() + PATIENCE_S
    while conn.execute("select 1 from outbox where state = 'pending' limit 1").fetchall():
        if time.monotonic() > until:
            raise TimeoutError("the outbox did not empty")
        time.sleep(0.05)


def _drain_s(conn: Connection, name: str, original: int, count: int, *, staff: bool) -> float:
    """Return the seconds from the commit of so many rows to the last receipt."""
    _fill(conn, name, original, count, staff=staff)
    began = time.perf_counter()
    _drained(conn)
    return time.perf_counter() - began


def _capacity(sink: Sink, count: int = 2_000, senders: int = 4) -> float:
    """Return the mails a second that the server takes from senders that do nothing but send."""
    content = re.sub(rb"\r\n\.\r\n$", b"\r\n", sink.content)
    program = (
        "import smtplib, sys; content = sys.stdin.buffer.read()\n"
        f"with smtplib.SMTP('127.0.0.1', {sink.port}) as smtp:\n"
        f"    for _ in range({count // senders}): smtp.sendmail('a@example.org', 'b@example.org', content)\n"
    )
    began = time.perf_counter()
    running = [
        subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE) for _ in range(senders)
    ]
    for one in running:
        one.communicate(content)
    return count / (time.perf_counter() - began)


def _killed(conn: Connection, sink: Sink, env: dict[str, str], original: int) -> Result:
    """Kill the notifier in the middle of 10,000 notices; return how many arrived twice, or not as stated."""
    sink.book.clear()
    conn.execute("delete from delivery")
    conn.execute("delete from outbox where dedupe_key like 'notice%%' or dedupe_key like 'warm%%'")
    _fill(conn, "killed", original, NOTICES, staff=False)
    moments = random.Random(1)  # noqa: S311 - moments, not secrets
    for number in range(1, KILLS + 1):
        with role("notify", env) as notifier:
            wanted = NOTICES * number // (KILLS + 2)
            while len(sink.book) < wanted:
                time.sleep(0.001)
            time.sleep(moments.uniform(0, 0.02))
            notifier.kill()
    conn.execute(
        "update outbox set not_before = now() where state = 'pending'"
    )  # the leases of the killed end
    with role("notify", env):
        _drained(conn)
    arrived = Counter(name.split("@")[0].removeprefix("outbox.").split(".")[0] for name in sink.book)
    states: dict[str, str] = dict(
        conn.execute("select id::text, state from outbox where dedupe_key like 'killed%%'").fetchall()
    )
    twice = sum(count > 1 for count in arrived.values())
    lost = sum(state == "sent" and name not in arrived for name, state in states.items())
    unsaid = sum(state not in ("sent", "unknown") for state in states.values())
    unknown = Counter(states.values())["unknown"]
    print(
        f"{KILLS} kills: {Counter(states.values())}, {len(arrived)} in the server's book; "
        f"of the unknown {sum(n in arrived for n, s in states.items() if s == 'unknown')} had arrived",
        file=sys.stderr,
    )
    bad = twice + lost + unsaid
    bounded = unknown <= KILLS * 4
    return Result(
        f"{NAME}_killed", bad, "messages twice or lost", None, None, NOTICES, 0.0, bad == 0 and bounded
    )
