"""From PUBLISH to a committed row, and nothing else."""

import json

from tests.ingest.line import Line, ago, singles
from tests.waiting import until


def test_reading_is_stored_with_both_clocks_and_all_values(line: Line) -> None:
    (meter,) = line.meters(1)
    at = ago(minutes=1)
    body = {"ts": at, "register_l": 123456.7, "flow_lph": 12.5, "pressure_kpa": 310.25}
    body |= {"temperature_c": 11.5, "battery_v": 3.5, "flags": ["leak", "tamper"]}
    with line.running():
        line.publish([(meter, json.dumps(body).encode())])
        until(line.readings)
    rows = line.conn.execute(
        "select ts, register_l, flow_lph, pressure_kpa, temperature_c, battery_v, flags,"
        " received_at between now() - interval '1 minute' and now() from reading"
    ).fetchall()
    assert rows[0][0].strftime("%Y-%m-%dT%H:%M:%SZ") == at
    assert rows[0][1:] == (123456.7, 12.5, 310.25, 11.5, 3.5, 1 | 8, True)


def test_all_three_forms_store_the_same(line: Line) -> None:
    one, many, series = line.meters(3)
    times = [ago(hours=h) for h in (3, 2, 1)]
    points = [{"ts": at, "register_l": i + 0.5} for i, at in enumerate(times)]
    with line.running():
        line.publish([(one, json.dumps(point).encode()) for point in points])
        line.publish([(many, json.dumps(points).encode())])
        columns = {"start": times[0], "step_s": 3600, "register_l": [0.5, 1.5, 2.5]}
        line.publish([(series, json.dumps(columns).encode())])
        until(lambda: line.readings() == 9)
    rows = line.conn.execute(
        "select ts, array_agg(register_l) from reading group by ts order by ts"
    ).fetchall()
    assert [values for _, values in rows] == [[0.5] * 3, [1.5] * 3, [2.5] * 3]
    assert not line.quarantined()


def test_the_same_message_twice_is_one_row(line: Line) -> None:
    (meter,) = line.meters(1)
    message = (meter, f'{{"ts":"{ago(minutes=5)}","register_l":7,"flow_lph":0.1}}'.encode())
    with line.running():
        line.publish([message, message])
        until(line.readings)
        line.publish([message])
        line.settled()
    assert line.readings() == 1
    assert [row for row in line.quarantined() if row[3] == meter] == []


def test_the_good_part_of_a_batch_is_stored_and_the_rest_quarantined(line: Line) -> None:
    (meter,) = line.meters(1)
    body = [
        {"ts": ago(minutes=3), "register_l": 1.0},
        {"ts": ago(minutes=2), "register_l": -1.0},
        {"ts": "yesterday", "register_l": 2.0},
        {"ts": ago(minutes=1), "register_l": 3.0},
    ]
    with line.running():
        line.publish([(meter, json.dumps(body).encode())])
        until(lambda: len(line.quarantined()) == 2)
    assert line.readings() == 2
    kept = {reason: json.loads(payload) for reason, payload, _, _ in line.quarantined()}
    assert kept == {"bad_value": [body[1]], "malformed": [body[2]]}


def test_commit_leaves_an_arrival_that_says_which_meters_from_when_to_when(line: Line) -> None:
    meters = line.meters(2)
    first, last = ago(hours=2), ago(hours=1)
    points = json.dumps([{"ts": at, "register_l": 1} for at in (last, first)]).encode()
    line.conn.execute("listen headwater_reading")
    with line.running():
        line.publish([(meter, points) for meter in meters])
        until(lambda: line.readings() == 4)
    rows = line.conn.execute(
        "select unnest(meter_ids), unnest(ts_min), unnest(ts_max), readings from arrival"
    ).fetchall()
    assert {row[0] for row in rows} == set(range(1, 3))
    assert {f"{ts:%Y-%m-%dT%H:%M:%SZ}" for row in rows for ts in row[1:3]} == {first, last}
    assert sum({row[3] for row in rows}) in {2, 4}
    assert [notice.channel for notice in line.conn.notifies(timeout=5, stop_after=1)] == ["headwater_reading"]


def test_new_meter_works_as_soon_as_it_is_registered(line: Line) -> None:
    with line.running():
        (meter,) = line.meters(1)
        line.publish(singles([meter], 1))
        until(line.readings)
    assert not line.quarantined()


def test_backlog_of_the_broker_is_stored_at_start(line: Line) -> None:
    meters = line.meters(50)
    line.subscribe_session()
    line.publish(singles(meters, 30_000))
    with line.running(ingest_receive_maximum=500):
        until(lambda: line.readings() == 30_000, 60)


def test_restart_takes_nothing_twice(line: Line) -> None:
    meters = line.meters(1)
    with line.running():
        line.publish(singles(meters, 3))
        until(lambda: line.readings() == 3)
    with line.running():
        line.settled()
    arrivals = line.conn.execute("select sum(readings) from arrival").fetchall()
    assert line.readings() == arrivals[0][0] == 3
