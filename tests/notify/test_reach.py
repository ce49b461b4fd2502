"""When a message reaches a member of staff, and by which way: quiet hours, digests, storms."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from core.clock import SetClock
from notify.channels import Message
from notify.words import Words
from notify.writer import Writer
from service import bundles, messages, opening, reach
from service.messages import Step
from service.outbox import Outgoing, enqueue
from service.reach import after_quiet, next_at
from sql.pool import Connection
from tests import factories, samples
from tests.samples import NOW

ZONES = [ZoneInfo(name) for name in ("Asia/Shanghai", "Europe/Berlin", "America/St_Johns", "UTC")]
HOURS = st.times().map(lambda t: t.replace(second=0, microsecond=0))
INSTANTS = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
WRITER = Writer(Words("https://water.example"))


def quiet(at: datetime, start: time, end: time, zone: ZoneInfo) -> bool:
    """Say minute by minute, from the definition."""
    clock = at.astimezone(zone).time()
    return start <= clock < end if start < end else clock >= start or clock < end


@given(INSTANTS, HOURS, HOURS, st.sampled_from(ZONES))
def test_nothing_goes_out_in_quiet_hours_and_nothing_waits_longer_than_they_last(
    at: datetime, start: time, end: time, zone: ZoneInfo
) -> None:
    due = after_quiet(at, start, end, zone)
    if start == end or not quiet(at, start, end, zone):
        assert due == at
        return
    assert at < due <= at + timedelta(hours=25)
    assert due.astimezone(zone).time() == end or due.astimezone(zone).time() > end  # an hour that is skipped
    minutes = (due - at) // timedelta(minutes=1)
    assert all(quiet(at + timedelta(minutes=n), start, end, zone) for n in range(0, minutes, 17))


@given(INSTANTS, HOURS, st.sampled_from(ZONES))
def test_the_next_time_of_day_is_ahead_and_within_a_day(at: datetime, hour: time, zone: ZoneInfo) -> None:
    due = next_at(at, hour, zone)
    assert at < due <= at + timedelta(hours=25)


def ticket_of(conn: Connection, detector: str = "continuous_flow") -> tuple[int, int]:
    event = samples.event(conn, detector)
    return opening.open_from_event(conn, event, at=NOW).ticket_id, event


def tell(conn: Connection, ticket: int, event: int, key: str, at: datetime = NOW) -> None:
    messages.tell(conn, ticket, Step("worse", key, event), at=at)


def test_what_is_not_urgent_waits_for_the_end_of_the_quiet_hours_and_what_is_urgent_does_not(
    conn: Connection,
) -> None:
    samples.town(conn)
    ticket, event = ticket_of(conn)
    conn.execute("update staff set quiet_from = '09:00', quiet_until = '11:15'")  # it is half past nine
    tell(conn, ticket, event, "one")
    conn.execute("update ticket set urgent = true")
    tell(conn, ticket, event, "two")
    rows = conn.execute("select state, not_before from outbox order by id").fetchall()
    assert rows == [("pending", datetime(2026, 11, 21, 3, 15, tzinfo=UTC)), ("pending", NOW)]


def test_at_night_the_text_of_a_main_burst_rings_on_duty_and_another_waits_until_seven(
    conn: Connection,
) -> None:
    town = samples.town(conn)
    conn.execute("update staff set quiet_from = '22:00', quiet_until = '07:00', digest_at = '08:00'")
    for staff_id in (town.manager_id, town.deputy_id, town.desk_id):
        factories.insert(conn, "staff_channel", staff_id=staff_id, channel="sms", address=f"139{staff_id}")
    night = NOW.replace(hour=17, minute=30)
    for detector, of in [("main_burst", {"account_no": None, "meter_id": None}), ("low_battery", {})]:
        event = samples.event(conn, detector, **of)
        ticket = opening.open_from_event(conn, event, at=night).ticket_id
        messages.tell(conn, ticket, Step("opened", "night", event), at=night)
    rows = conn.execute(
        "select rank, channel, state, not_before from outbox where dedupe_key like '%:night:%'"
    ).fetchall()
    eight = NOW.replace(day=22, hour=0, minute=0)
    assert rows == [(0, "sms", "pending", night), (1, "sms", "held", eight)]
    conn.execute("update staff set digest_at = null")
    messages.tell(conn, ticket, Step("worse", "again", event), at=night)
    due = conn.execute("select state, not_before from outbox where dedupe_key like '%:again:%'").fetchall()
    assert due == [("pending", NOW.replace(hour=23, minute=0))]


def test_a_digest_lists_what_came_since_the_last_and_none_is_lost(conn: Connection) -> None:
    samples.town(conn)
    ticket, event = ticket_of(conn)
    conn.execute("update staff set digest_at = '17:00'")
    for number in range(4):
        tell(conn, ticket, event, f"k{number}", NOW + timedelta(minutes=number))
        tell(conn, ticket, event, f"k{number}", NOW + timedelta(minutes=number))
    assert conn.execute("select state, held_for, count(*) from outbox group by 1, 2").fetchall() == [
        ("held", "digest", 4)
    ]
    assert bundles.gather(conn, at=NOW + timedelta(hours=7)) == 0
    five = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
    assert bundles.gather(conn, at=five) == 1
    assert bundles.gather(conn, at=five) == 0
    ((digest, state, step),) = conn.execute(
        "select id, state, step from outbox where kind = 'digest'"
    ).fetchall()
    assert (state, step) == ("pending", "digest")
    bundled = conn.execute("select distinct state, bundled_in from outbox where kind <> 'digest'").fetchall()
    assert bundled == [("bundled", digest)]
    letter = WRITER.letter(conn, claimed(conn, digest))
    assert letter.subject == "每日摘要：4 条消息"
    assert letter.text.count(f"https://water.example/tickets/{ticket}") == 4
    assert letter.html.count(f'href="https://water.example/tickets/{ticket}"') == 4


def test_a_single_message_of_a_digest_goes_out_as_it_is(conn: Connection) -> None:
    samples.town(conn)
    ticket, event = ticket_of(conn)
    conn.execute("update staff set digest_at = '17:00'")
    tell(conn, ticket, event, "only")
    assert bundles.gather(conn, at=NOW + timedelta(days=1)) == 1
    assert conn.execute("select kind, state from outbox").fetchall() == [("ticket", "pending")]


def test_a_storm_in_a_district_is_a_few_messages_and_one_that_lists_the_rest(conn: Connection) -> None:
    town = samples.town(conn)
    ticket, event = ticket_of(conn)
    for number in range(30):
        tell(conn, ticket, event, f"k{number}", NOW + timedelta(seconds=10 * number))
    states = dict(conn.execute("select state, count(*) from outbox group by state").fetchall())
    assert states == {"pending": reach.STORM_MESSAGES, "held": 25}
    held = conn.execute("select distinct not_before from outbox where state = 'held'").fetchall()
    assert held == [(NOW + timedelta(seconds=50 + reach.STORM_S),)]
    assert bundles.gather(conn, at=held[0][0]) == 1
    ((digest,),) = conn.execute("select id from outbox where kind = 'digest'").fetchall()
    assert WRITER.letter(conn, claimed(conn, digest)).subject == "滨江三区短时间内又有 25 条消息"
    conn.execute("update ticket set urgent = true where id = %s", [ticket])
    tell(conn, ticket, event, "urgent", NOW + timedelta(seconds=301))
    last = "select state from outbox order by id desc limit 1"
    assert conn.execute(last).fetchall() == [("pending",)]
    assert town.manager_id


def test_a_person_s_own_channels_and_what_is_added_for_what_is_urgent(conn: Connection) -> None:
    town = samples.town(conn)
    staff = town.manager_id

    def ways(*, urgent: bool) -> list[tuple[str, str]]:
        return [(w.channel, w.recipient) for w in reach.of_staff(conn, staff, urgent=urgent, at=NOW)]

    mail = ("email", "wangli@utility.example")
    assert ways(urgent=False) == [mail]
    factories.insert(conn, "staff_channel", staff_id=staff, channel="sms", address="139", uses="urgent")
    assert ways(urgent=False) == [mail]
    assert ways(urgent=True) == [mail, ("sms", "139")]
    factories.insert(conn, "staff_channel", staff_id=staff, channel="wecom", address="http://r/1", uses="all")
    assert ways(urgent=False) == [("wecom", "http://r/1")]
    assert ways(urgent=True) == [("sms", "139"), ("wecom", "http://r/1")]


def test_keys_are_masked_and_open_addresses_are_not() -> None:
    url = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-7aaa-4bc4-97a0-0ec2f1fa5aaa"
    assert reach.masked("wecom", url) == "https://qyapi.weixin.qq.com/…5aaa"
    assert reach.masked("apprise", "tgram://12345:secret/chat") == "tgram://…/…chat"
    assert (
        reach.masked("webhook", "https://user:pass@hooks.example/abcdefgh") == "https://hooks.example/…efgh"
    )
    assert reach.masked("email", "a@b.example") == "a@b.example"


def claimed(conn: Connection, outbox_id: int) -> Message:
    row = conn.execute(
        "select id, ticket_id, event_id, step, recipient, language, message, 1, created_at, kind from outbox"
        " where id = %s",
        [outbox_id],
    ).fetchall()[0]
    return Message(*row)


def test_a_digest_goes_by_the_clock_that_is_handed_in(conn: Connection) -> None:
    town = samples.town(conn)
    conn.execute("update staff set digest_at = '08:30'")
    out = Outgoing("case", "opened", "email", "x@utility.example", "zh", "k", {}, staff_id=town.manager_id)
    enqueue(conn, out, at=SetClock(NOW).now())
    due = conn.execute("select not_before from outbox").fetchall()
    assert due == [(datetime(2026, 11, 22, 0, 30, tzinfo=UTC),)]  # tomorrow: today's has been
