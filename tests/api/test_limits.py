"""One caller can't take what is for all, and who guesses keys is shut out without shutting others out."""

from fastapi import FastAPI
from starlette.testclient import TestClient

from api.limits import FAILURES_A_MINUTE, Buckets, Doors
from api.problem import RefusedError
from sql.pool import Connection
from tests.api.conftest import Ask
from tests.api.test_problems import problem


class Ticks:
    """Seconds that go on when told to."""

    def __init__(self) -> None:
        self.now = 1e6

    def __call__(self) -> float:
        return self.now


def test_a_quota_can_be_used_at_once_and_comes_back_steadily() -> None:
    ticks = Ticks()
    buckets = Buckets(ticks)
    assert [buckets.take("a", 60).remaining for _ in range(60)] == list(range(59, -1, -1))
    for _ in range(3):
        none = buckets.take("a", 60)
        assert (none.remaining, round(none.wait_s, 6), round(none.full_in_s, 6)) == (0, 1, 60)
    assert buckets.take("b", 60).wait_s == 0
    ticks.now += 2.5
    assert [buckets.take("a", 60).wait_s == 0 for _ in range(3)] == [True, True, False]
    ticks.now += 60
    assert buckets.look("a", 60).remaining == 60


def test_over_any_minute_no_more_than_twice_the_quota_goes_through_and_in_the_long_run_the_quota() -> None:
    ticks = Ticks()
    buckets = Buckets(ticks)
    let = []
    for _ in range(6_000):  # ten minutes, ten times a second
        ticks.now += 0.1
        let += [ticks.now] * (buckets.take("a", 120).wait_s == 0)
    assert 10 * 120 <= len(let) <= 11 * 120
    assert max(sum(at < other <= at + 60 for other in let) for at in let) <= 2 * 120


def test_a_key_that_asks_too_often_is_told_when_to_come_back(
    app: FastAPI, ask: Ask, conn: Connection
) -> None:
    ticks = Ticks()
    app.state.doors = Doors(3, ticks)
    busy, other = ask(), ask()
    headers = busy.get("/v1/events").headers
    assert headers["RateLimit-Policy"] == '"key";q=3;w=60'
    assert headers["RateLimit"] == '"key";r=2;t=20'
    assert [busy.get("/v1/events").status_code for _ in range(3)] == [200, 200, 429]
    refused = busy.get("/v1/events")
    problem(refused, 429, "too_many_requests")
    assert refused.headers["Retry-After"] == "20"
    assert refused.headers["RateLimit"] == '"key";r=0;t=60'
    assert other.get("/v1/events").status_code == 200
    assert busy.get("/healthz").status_code == 200
    ticks.now += 20
    assert busy.get("/v1/events").status_code == 200
    prefix = busy.headers["Authorization"].split("_")[1]
    conn.execute("update api_key set requests_a_minute = 120 where prefix = %s", [prefix])
    assert '"key";q=120;w=60' in busy.get("/v1/events").headers["RateLimit-Policy"]


def test_an_address_that_guesses_keys_is_shut_out_but_good_keys_behind_it_go_on(
    app: FastAPI, nobody: TestClient, ask: Ask
) -> None:
    ticks = Ticks()
    app.state.doors = Doors(10_000, ticks)
    good = ask()
    assert good.get("/v1/events").status_code == 200
    guess = {"Authorization": "Bearer hw_00000000_" + "0" * 64}
    statuses = [nobody.get("/v1/events", headers=guess).status_code for _ in range(FAILURES_A_MINUTE + 1)]
    assert statuses == [401] * FAILURES_A_MINUTE + [429]
    late = ask()  # a key that this process has not yet seen
    refused = late.get("/v1/events")
    assert problem(refused, 429, "too_many_requests").cure.startswith("Wait 1 s")
    assert good.get("/v1/events").status_code == 200
    ticks.now += 60
    assert late.get("/v1/events").status_code == 200


def test_what_is_remembered_of_callers_is_bounded(monkeypatch: object) -> None:
    ticks = Ticks()
    doors = Doors(60, ticks)
    for n in range(30_000):
        ticks.now += 0.01
        doors.admit(f"k{n}", None)
        doors.tell(f"10.0.{n // 256}.{n % 256}", n.to_bytes(4, "big"), good=bool(n % 2))
    held = (doors._requests._full_at, doors._failures._full_at, doors._good)
    assert all(0 < len(kept) <= 20_000 for kept in held)
    try:
        for _ in range(61):
            doors.admit("k", None)
    except RefusedError as refused:
        assert refused.status == 429
