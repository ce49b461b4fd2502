"""What is periodic about water plans: how the month will end, what is told, and next month's proposals."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time

import numpy as np
from numpy.typing import NDArray

from detection.detectors.plan_overrun import LEAST_SHARE
from detection.detectors.usual import DAYS
from detection.kernels.month_end import month_end
from detection.kernels.weekly import daily_means, level_error, newest_level, weekly_profile
from detection.timetable import Timetable
from jobs.job import Run
from service import water_plans
from service.months import add_months
from service.utility import Utility, utility
from sql.columns import read
from sql.pool import Connection
from sql.query import Queries

Q = Queries("plans")
BATCH = 2_000
#: So much of the five weeks must be known for a forecast, hours.
_LEAST_H = 14 * 24
_HOURS = {"seat": ">i8", "hour": ">i8", "volume_l": ">f8", "known": ">i4"}

Doubles = NDArray[np.float64]


def outlook(run: Run) -> str:
    """Forecast how the month ends for everybody with a plan, then tell what is due; a transaction a batch."""
    home = utility(run.conn)
    month = water_plans.month_of(run.now, run.conn)
    made, after = 0, ""
    while True:
        given = {"month": month, "after": after, "limit": BATCH}
        accounts = [row[0] for row in run.conn.execute(Q["planned_accounts"], given)]
        if not accounts:
            break
        with run.conn.transaction():
            forecast(run.conn, accounts, month, home, run.now)
        made, after = made + len(accounts), accounts[-1]
    with run.conn.transaction():
        told = water_plans.notify(run.conn, run.settings.plan_notice_sectors, at=run.now)
    return f"{made} plans, {told.plans} told: managers {told.managers}, customers {told.customers} messages"


def propose(run: Run) -> str:
    """Propose next month's plans."""
    month = add_months(water_plans.month_of(run.now, run.conn), 1)
    return f"{water_plans.propose(run.conn, month, at=run.now)} plans proposed for {month:%Y-%m}"


def forecast(
    conn: Connection, accounts: Sequence[str], month: date, home: Utility, at: datetime
) -> tuple[Doubles, Doubles]:
    """Store and return the use so far, (accounts,), and (low, middle, high) of the month's end, m3.

    NaN where less than two of the last five weeks are known. As the detector plan_overrun reckons: hours that
    aren't known, or are estimated, count as nothing in the use so far.
    """
    timetable = Timetable(home.zone.key, home.country)
    now = int(at.timestamp()) // 3600
    first, end = (int(_start(m, home).timestamp()) // 3600 for m in (month, add_months(month, 1)))
    today = timetable.day_start(int(at.timestamp())) // 3600
    lo = min(first, today - DAYS * 24)
    volume, known = _hours(conn, accounts, lo, now)
    how = timetable.hour_of_week(lo, end)
    learned = slice(today - DAYS * 24 - lo, today - lo)
    past, covered = volume[:, learned], known[:, learned]
    profile = weekly_profile(past, covered, how[learned])
    residual = past - profile[:, how[learned]]
    covered = covered & ~np.isnan(residual)
    daily = daily_means(residual, covered)
    level = np.nan_to_num(newest_level(daily))[:, None]
    mean = 24 * np.maximum(np.nan_to_num(np.nanmean(_or_nan(profile), axis=1)) + level[:, 0], 0)
    sigma = 24 * level_error(daily).astype(np.float64)
    sigma = np.where(np.isnan(sigma), mean, np.maximum(sigma, LEAST_SHARE * mean))
    used = np.where(known, volume, 0)[:, first - lo :].sum(axis=1, dtype=np.float64)
    rest = np.nan_to_num(profile[:, how[now - lo :]] + level).sum(axis=1, dtype=np.float64)
    ends = month_end(used, rest, sigma, np.full(len(used), (end - now) / 24))
    ends = np.where(covered.sum(axis=1) >= _LEAST_H, ends, np.nan) / 1000
    conn.execute(
        Q["put_forecasts"],
        {
            "accounts": list(accounts),
            "month": month,
            "at": at,
            "used_m3": (used / 1000).tolist(),
            **{f"{name}_m3": ends[i].tolist() for i, name in enumerate(("low", "forecast", "high"))},
        },
    )
    return used / 1000, ends


def _or_nan(profile: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the profile with zeros where nothing is known of a row, so that its mean is quietly one."""
    return np.where(np.isnan(profile).all(axis=1, keepdims=True), np.float32(0), profile)


def _hours(
    conn: Connection, accounts: Sequence[str], lo: int, hi: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return litres by account and hour of [lo, hi), and which of them are known and not estimated."""
    given = {
        "accounts": list(accounts),
        "from": datetime.fromtimestamp(lo * 3600, UTC),
        "until": datetime.fromtimestamp(hi * 3600, UTC),
    }
    rows = read(conn, Q["planned_hours"], given, _HOURS)
    volume = np.zeros((len(accounts), hi - lo), np.float32)
    known = np.zeros((len(accounts), hi - lo), bool)
    at = rows["seat"].astype(np.int64) - 1, rows["hour"].astype(np.int64) - lo
    volume[at] = rows["volume_l"]
    known[at] = rows["known"] == 1
    return volume, known


def _start(month: date, home: Utility) -> datetime:
    return datetime.combine(month, time(), home.zone)
