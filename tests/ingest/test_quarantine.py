"""What can't be understood is stored with its reason, acknowledged, and doesn't hold up the line."""

import json

import pytest

from core.words import Reason
from tests.ingest.line import Line, ago, singles
from tests.waiting import until


def body(**values: object) -> bytes:
    return json.dumps({"ts": ago(minutes=1), "register_l": 5.0} | values).encode()


def test_every_reason_once(line: Line) -> None:
    (meter,) = line.meters(1)
    payloads = {
        Reason.MALFORMED: (meter, b"{"),
        Reason.UNKNOWN_METER: ("stranger", body()),
        Reason.WRONG_METER: (meter, body(meter="another")),
        Reason.BAD_VALUE: (meter, body(register_l=-1)),
        Reason.FUTURE_TIMESTAMP: (meter, body(ts=ago(hours=-1))),
        Reason.TOO_OLD: (meter, body(ts="2001-01-01T00:00:00Z")),
        Reason.CONFLICTING_DUPLICATE: (meter, body(ts=ago(hours=1), register_l=2)),
        Reason.UNSUPPORTED: (meter, body(volume=12)),
    }
    assert set(payloads) == set(Reason)
    with line.running():
        line.publish([(meter, body(ts=json.loads(payloads[Reason.CONFLICTING_DUPLICATE][1])["ts"]))])
        until(line.readings)
        line.publish(list(payloads.values()))
        until(lambda: len(line.quarantined()) == len(payloads))
    found = {reason: (kept, payload) for reason, payload, _, kept in line.quarantined()}
    assert found == {reason.value: sent for reason, sent in payloads.items()}
    assert all(detail.count(".") >= 2 for _, _, detail, _ in line.quarantined())
    assert line.readings() == 1


WEIRD = {
    "not UTF-8": b'{"ts":"\xff"}',
    "10 MB": b'{"x":"' + b"x" * 10_000_000 + b'"}',
    "empty": b"",
    "deeply nested": b"[" * 200_000,
    "NaN": b'{"ts":"%s","register_l":NaN}',
    "infinite": b'{"ts":"%s","register_l":1e999}',
    "negative": b'{"ts":"%s","register_l":-1}',
    "1970": b'{"ts":"1970-01-01T00:00:00Z","register_l":1}',
    "2999": b'{"ts":"2999-01-01T00:00:00Z","register_l":1}',
    "yesterday": b'{"ts":"yesterday","register_l":1}',
    "infinity": b'{"ts":"infinity","register_l":1}',
    "-infinity": b'{"ts":"-infinity","register_l":1}',
    "now": b'{"ts":"now","register_l":1}',
    "NUL in a text": b'{"ts":"\\u0000","register_l":1}',
    "lone surrogate": b'{"ts":"\\ud800","register_l":1}',
    "PostgreSQL's COPY mark": b"\\.",
    "far date": b'{"ts":"9999-12-31T23:59:59Z","register_l":1}',
    "huge step": b'{"start":"9999-12-31T23:59:59Z","step_s":2678400,"register_l":[1,2,3]}',
    "names another with a NUL": b'{"meter":"\\u0000","ts":"%s","register_l":1}',
}


def test_what_is_odd_is_stored_whole_and_the_line_goes_on(line: Line) -> None:
    (meter,) = line.meters(1)
    at = ago(minutes=2).encode()
    messages = [(meter, payload.replace(b"%s", at)) for payload in WEIRD.values()]
    with line.running():
        line.publish(messages)
        line.publish(singles([meter], 10))
        until(lambda: line.readings() == 10)
    kept = sorted(payload for _, payload, _, _ in line.quarantined())
    assert kept == sorted(payload for _, payload in messages)
    timed = line.conn.execute("select count(*) from reading where ts in ('infinity', '-infinity')").fetchall()
    assert timed == [(0,)]


def test_flood_of_nonsense_holds_up_nothing(line: Line) -> None:
    (meter,) = line.meters(1)
    with line.running():
        line.publish([(meter, b"nonsense %d" % i) for i in range(3_000)] + singles([meter], 5))
        until(lambda: line.readings() == 5)
    assert len(line.quarantined()) == 3_000


def test_topic_that_no_codec_reads_is_unsupported(line: Line) -> None:
    """The session still has a subscription that the settings no longer have."""
    (meter,) = line.meters(1)
    line.subscribe_session()
    line.publish(singles([meter], 1))
    with line.running_on({f"{line.prefix}-other/+/readings": "native"}):
        until(line.quarantined)
    assert [row[0] for row in line.quarantined()] == [Reason.UNSUPPORTED]


@pytest.mark.parametrize(
    "payload", [b"garbage", b'[{"ts":"%s","register_l":1},{"ts":"yesterday","flow_lph":1}]']
)
def test_redelivered_message_is_in_quarantine_once(line: Line, payload: bytes) -> None:
    """The ingester dies between COMMIT and PUBACK; the broker delivers again."""
    (meter,) = line.meters(1)
    line.subscribe_session()
    message = (meter, payload.replace(b"%s", ago(minutes=1).encode()))
    line.publish([message])
    with line.process("die_after_first_commit") as dying:
        assert dying.wait(60) == -9
    assert len(line.quarantined()) == 1
    with line.running():
        line.settled()
    assert len([row for row in line.quarantined() if row[3] == meter]) == 1
