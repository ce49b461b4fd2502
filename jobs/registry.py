"""Load a dataset folder into the database: who is served, where, by which meter; and the readings in bulk.

Loading is an upsert: what a folder says is set, what it leaves empty stays as it is, and loading the same
folder again changes nothing. A change to a customer is kept in customer_change like any other.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from psycopg.errors import UniqueViolation

from core.batch import ReadingBatch
from core.errors import BadDataError
from core.words import Reason
from ingest.checks import first_of_each
from jobs.dataset import CustomerRow, Dataset, DmaRow, MeterRow, StaffRow
from jobs.dataset.readings import instant
from jobs.dataset.refused import Report, refusals
from jobs.progress import Advance, quiet
from service import balances, employees
from service.balances import Balance, Taken
from service.employees import Employee
from sql.copy import copy_arrival, copy_direct, copy_staged
from sql.pool import Connection
from sql.query import Queries

Q = Queries("registry")


@dataclass(frozen=True)
class Loaded:
    """Rows that loading the readings stored, and what it refused; the rest was known already."""

    read: int
    stored: int
    report: Report

    @property
    def refused(self) -> int:
        """How many readings were not taken."""
        return self.report.counts.total()


def load_registry(conn: Connection, dataset: Dataset, today: date) -> dict[str, int]:
    """Load the master data in one transaction; return how many rows were new or changed, by table.

    Water plans are written for the months of the readings and for the month of `today`.
    """
    dmas = dataset.dmas or _bare_dmas(dataset)
    customers = dataset.customers or _bare_customers(dataset)
    changed: dict[str, int] = {}
    with conn.transaction():
        if dataset.utility:
            changed["utility"] = _each(conn, "upsert_utility", [asdict(dataset.utility)])
        regions = {row.region for row in dataset.staff if row.region} | {
            row.region for row in dmas if row.region
        }
        changed["region"] = _each(conn, "add_region", ({"region": r} for r in sorted(regions)))
        changed["staff"] = add_staff(conn, dataset.staff)
        if not dataset.staff:
            logins = sorted({row.manager for row in customers if row.manager})
            changed["staff"] = _each(conn, "add_bare_staff", ({"login": login} for login in logins))
        changed["dma"] = _each(conn, "upsert_dma", map(asdict, dmas))
        why = {"why": f"import of {dataset.folder.resolve().name}"}
        changed["customer"] = _each(conn, "upsert_customer", (asdict(row) | why for row in customers))
        changed |= _load_meters(conn, dataset.meters)
        plans = _plans(customers, _months(dataset, today))
        changed["water_plan"] = _each(conn, "upsert_plan", plans)
        changed["outage"] = _each(conn, "upsert_outage", map(asdict, dataset.outages))
        changed |= _load_network(conn, dataset)
        changed["weather"] = _each(conn, "upsert_weather", map(asdict, dataset.weather))
    return changed


def load_balances(conn: Connection, dataset: Dataset, at: datetime) -> Taken:
    """Load what billing says of customers, as PUT /v1/balances does: all of it or nothing.

    BadDataError where a customer isn't there.
    """
    given = [Balance(row.customer, row.balance, row.as_of) for row in dataset.balances]
    with conn.transaction():
        taken = balances.put(conn, given, by=f"import of {dataset.folder.resolve().name}", at=at)
        if taken.unknown:
            raise BadDataError(
                f"{len(taken.unknown)} customers of balances aren't there, {taken.unknown[0]} the first.",
                cure="Add them to customers.",
            )
    return taken


def _load_network(conn: Connection, dataset: Dataset) -> dict[str, int]:
    changed = {
        "node": _each(conn, "upsert_node", map(asdict, dataset.nodes)),
        "pipe": _each(conn, "upsert_pipe", map(asdict, dataset.pipes)),
        "network": _each(conn, "upsert_model", [{"inp": dataset.model}] if dataset.model else []),
    }
    if any(changed.values()):
        conn.execute(Q["revise_network"])
    return changed


def add_staff(conn: Connection, staff: Sequence[StaffRow]) -> int:
    """Write staff and their superiors and deputies; return how many rows were new or changed."""
    regions = sorted({row.region for row in staff if row.region})
    _each(conn, "add_region", ({"region": region} for region in regions))
    return employees.put(conn, [Employee(**(asdict(row) | {"roles": _roles(row)})) for row in staff])


def staff_without_mail(conn: Connection) -> list[str]:
    """Return the logins of staff that no mail can reach."""
    return [str(login) for (login,) in conn.execute(Q["staff_without_mail"]).fetchall()]


def load_readings(conn: Connection, dataset: Dataset, advance: Advance = quiet) -> Loaded:
    """Copy the readings in batches, a transaction each, with the arrivals that detection follows.

    Readings that are there already are left as they are: the first word on an instant stands.
    """
    found: dict[str, int] = dict(conn.execute(Q["meter_ids"], {"serials": dataset.serials}).fetchall())
    missing = [serial for serial in dataset.serials if serial not in found]
    if missing:
        raise BadDataError(
            f"{len(missing)} meters are not in the database, {missing[0]} the first.",
            cure="Load the master data before the readings.",
        )
    ids = np.array([found[serial] for serial in dataset.serials], np.int32)
    report = Report(dataset.readings_file)
    read = stored = 0
    for batch in dataset.readings():
        lines = np.arange(len(batch)) + read + report.first_line
        good = np.ones(len(batch), bool)
        for column, reason, where in refusals(batch):
            report.add(batch, lines, where, column, reason)
            good &= ~where
        if good.any():
            with conn.transaction():
                stored += _store(conn, batch.take(good), lines[good], ids, report)
        read += len(batch)
        advance(len(batch))
    return Loaded(read, stored, report)


def _store(
    conn: Connection, batch: ReadingBatch, lines: NDArray[np.int64], ids: NDArray[np.int32], report: Report
) -> int:
    """Store a batch, by (meter, ts) and the first received of equal keys only; return how many were new."""
    named = ReadingBatch(**(vars(batch) | {"meter_id": ids[batch.meter_id]}))
    by_received = np.argsort(named.received_at, kind="stable")
    named, lines = named.take(by_received), lines[by_received]
    order, clashing = first_of_each(named)
    keep = np.arange(len(named)) if order is None else order
    unique = named.take(keep)
    try:
        with conn.transaction():
            copy_direct(conn, unique)
        stored = len(unique)
    except UniqueViolation:
        stored, differing = copy_staged(conn, unique)
        clashing = np.concatenate([clashing, keep[differing]])
    if stored:
        copy_arrival(conn, unique, stored)
    where = np.zeros(len(named), bool)
    where[clashing] = True
    report.add(named, lines, where, "ts", Reason.CONFLICTING_DUPLICATE)
    return stored


def _each(conn: Connection, query: str, rows: Iterable[Mapping[str, Any]]) -> int:
    with conn.cursor() as cursor:
        cursor.executemany(Q[query], list(rows))
        return max(cursor.rowcount, 0)


def _roles(row: StaffRow) -> list[str]:
    return [role.strip() for role in row.roles.split(";") if role.strip()]


def _bare_dmas(dataset: Dataset) -> list[DmaRow]:
    codes = {c for row in dataset.meters for c in (row.dma, row.from_dma) if c}
    codes |= {row.dma for row in dataset.customers if row.dma} | {row.dma for row in dataset.outages}
    return [DmaRow(code) for code in sorted(codes)]


def _bare_customers(dataset: Dataset) -> list[CustomerRow]:
    dma = {row.customer: row.dma for row in dataset.meters if row.customer}
    return [CustomerRow(account, dma=dma[account]) for account in sorted(dma)]


def _load_meters(conn: Connection, meters: Sequence[MeterRow]) -> dict[str, int]:
    rows = [asdict(row) | {"active": row.removed_at is None} for row in meters]
    installed = [row | {"point": point} for row, point in zip(rows, _points(meters), strict=True) if point]
    first_of_point = {row["point"]: row for row in reversed(installed)}
    changed = {
        "service_point": _each(conn, "upsert_service_point", first_of_point.values()),
        "meter": _each(conn, "upsert_meter", rows),
    }
    corrected = _each(conn, "correct_installation", installed)
    ended = _each(conn, "end_installation", [row for row in installed if row["installed_at"]])
    changed["meter_installation"] = corrected + ended + _each(conn, "add_installation", installed)
    return changed


def _points(meters: Sequence[MeterRow]) -> list[str | None]:
    """Return the service point of each meter: a customer's meters that follow one another share one."""
    point: dict[str, str] = {}
    with_customer = sorted((row for row in meters if row.customer), key=_by_customer)
    for customer, rows in groupby(with_customer, key=lambda row: row.customer):
        free: dict[str, datetime] = {}  # place -> when its last meter went
        for row in rows:
            place = next((p for p, at in free.items() if row.installed_at and at <= row.installed_at), None)
            if place is None:
                place = f"{customer}/{row.meter}"
            else:
                free.pop(place)
            if row.removed_at:
                free[place] = row.removed_at
            point[row.meter] = place
    return [point.get(row.meter) for row in meters]


def _by_customer(row: MeterRow) -> tuple[str, float, str]:
    return row.customer or "", row.installed_at.timestamp() if row.installed_at else 0.0, row.meter


def _months(dataset: Dataset, today: date) -> list[date]:
    zone = ZoneInfo(dataset.utility.timezone if dataset.utility else "UTC")
    months = {today.replace(day=1)}
    if dataset.extent.rows:
        first, last = (
            instant(at).astimezone(zone).date() for at in (dataset.extent.first, dataset.extent.last)
        )
        months |= {
            date(n // 12, n % 12 + 1, 1)
            for n in range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
        }
    return sorted(months)


def _plans(customers: Sequence[CustomerRow], months: Sequence[date]) -> list[dict[str, Any]]:
    return [
        {"customer": row.customer, "month": month, "plan_m3": row.plan_m3_month}
        for row in customers
        if row.plan_m3_month is not None
        for month in months
    ]
