"""Everything about a customer, by the API in the town of its benches, at 10 requests/s."""

from collections.abc import Iterator
from datetime import UTC, datetime
from statistics import median

from api import keys
from bench.bigtown import bigtown
from bench.measure import Result
from bench.pace import Client, paced
from bench.served import served
from service import usage_days
from service.utility import utility
from sql.pool import connect

NAME = "api_profile"
PER_S = 10
SECONDS = 60
BAR_MS = 60.0
SOME = "select account_no from customer where hashtext(account_no) % 40 = 0 order by account_no limit 2000"


def run() -> Iterator[Result]:
    """Yield the 99th percentile of the answer times in milliseconds, each of another customer."""
    with bigtown() as town, connect(town.url, "owner", autocommit=True) as conn:
        key = keys.create(conn, NAME, ["customers:read"], datetime.now(UTC), requests_a_minute=100_000)
        zone = utility(conn).zone
        for since, until in usage_days.wanted(conn, zone, town.town.end):  # as a job does every night
            usage_days.make(conn, zone, since, until)
        conn.execute("vacuum analyze usage_daily")
        accounts = [account for (account,) in conn.execute(SOME)]
        with served(town.url) as api:
            client = Client(api.address, key)

            def ask(number: int) -> None:
                client.get(f"/v1/customers/{accounts[number * 7 % len(accounts)]}")

            paced(ask, PER_S, range(-10 * PER_S, 0))
            times = sorted(paced(ask, PER_S, range(PER_S * SECONDS)))
        p99 = times[int(len(times) * 0.99)]
        unit = f"ms p99 (median {median(times):.1f}){town.note}"
        yield Result(NAME, round(p99, 1), unit, None, None, len(times), BAR_MS, p99 < BAR_MS)
