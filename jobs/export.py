"""Write the database, or a part of it, as a dataset folder: in one snapshot, in bounded memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from core.batch import ReadingBatch
from core.errors import BadDataError
from core.words import MeterKind, Sector, Segment
from jobs.dataset import (
    BalanceRow,
    CustomerRow,
    DmaRow,
    MeterRow,
    NodeRow,
    OutageRow,
    PipeRow,
    ReadingWriter,
    StaffRow,
    UtilityRow,
    WeatherRow,
    write_table,
)
from jobs.dataset.writer import Format
from jobs.progress import Advance, Show, silent
from sql.columns import EPOCH_US, array, read
from sql.copy import READING
from sql.pool import Connection
from sql.query import Queries

Q = Queries("registry")
_READINGS_AT_ONCE = 500_000
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Choice:
    """What to export: readings from `start` to before `end`, of the meters and DMAs named; all without."""

    start: datetime | None = None
    end: datetime | None = None
    meters: tuple[str, ...] = ()
    dmas: tuple[str, ...] = ()
    form: Format = "parquet"


@dataclass(frozen=True)
class _Chosen:
    """The master data that go out, and the database's ids of the meters, in order."""

    meters: list[MeterRow]
    ids: np.ndarray[tuple[int], np.dtype[np.int64]]
    customers: list[CustomerRow]
    dmas: list[DmaRow]


def export(conn: Connection, folder: Path, choice: Choice, show: Show = silent) -> dict[str, int]:
    """Write the folder; return how many rows each file has. `show` says how many meter-days are done.

    The connection is used for one transaction of its own. Raises BadDataError where the folder is in use or
    a meter or DMA that is named isn't there.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadDataError(f"{folder} is in use.", cure="Name a folder that is empty or not there yet.")
    with conn.transaction():
        conn.execute(Q["one_snapshot"])
        chosen = _choose(conn, choice)
        start, end = _period(conn, choice)
        folder.mkdir(parents=True, exist_ok=True)
        written = _write_tables(conn, folder, chosen, start, end)
        total, rows = _meter_days(chosen, start, end), 0
        with (
            ReadingWriter(folder, [row.meter for row in chosen.meters], choice.form) as writer,
            show("meter-days", total) as advance,
        ):
            for batch in _readings(conn, chosen, start, end, advance):
                writer.write(batch)
                rows += len(batch)
    return written | {"readings": rows}


def _choose(conn: Connection, choice: Choice) -> _Chosen:
    meters, ids = [], []
    for id_, serial, kind, *rest in conn.execute(Q["export_meters"]).fetchall():
        ids.append(id_)
        meters.append(MeterRow(serial, MeterKind(kind), *rest))
    dmas = [DmaRow(*row) for row in conn.execute(Q["export_dmas"]).fetchall()]
    customers = [
        CustomerRow(account, name, Sector(sector), Segment(segment), *rest)
        for account, name, sector, segment, *rest in conn.execute(Q["export_customers"]).fetchall()
    ]
    _require("meter", choice.meters, [row.meter for row in meters])
    _require("DMA", choice.dmas, [row.dma for row in dmas])
    if not meters:
        raise BadDataError("There are no meters to export.", cure="`headwater import` loads some.")
    if not choice.meters and not choice.dmas:
        return _Chosen(meters, np.array(ids, np.int64), customers, dmas)
    kept = [
        (row, id_)
        for row, id_ in zip(meters, ids, strict=True)
        if row.meter in choice.meters or row.dma in choice.dmas or row.from_dma in choice.dmas
    ]
    accounts = {row.customer for row, _ in kept}
    customers = [row for row in customers if row.customer in accounts]
    codes = {code for row, _ in kept for code in (row.dma, row.from_dma)} | {row.dma for row in customers}
    return _Chosen(
        [row for row, _ in kept],
        np.array([id_ for _, id_ in kept], np.int64),
        customers,
        [row for row in dmas if row.dma in codes or row.dma in choice.dmas],
    )


def _require(what: str, named: Sequence[str], known: Sequence[str]) -> None:
    missing = sorted(set(named) - set(known))
    if missing:
        raise BadDataError(f"There is no {what} {', '.join(missing)}.", cure="Check the spelling.")


def _period(conn: Connection, choice: Choice) -> tuple[datetime, datetime]:
    ((first, last),) = conn.execute(Q["export_extent"]).fetchall()
    start = choice.start or first or EARLIEST
    return start, max(choice.end or last or start, start)


def _write_tables(
    conn: Connection, folder: Path, chosen: _Chosen, start: datetime, end: datetime
) -> dict[str, int]:
    codes = {row.dma for row in chosen.dmas}
    outages = [OutageRow(*row) for row in conn.execute(Q["export_outages"]).fetchall()]
    pipes = [PipeRow(*row) for row in conn.execute(Q["export_pipes"]).fetchall()]
    nodes = [NodeRow(*row) for row in conn.execute(Q["export_nodes"]).fetchall()]
    if nodes:  # what refers to the map must find its node there
        named = {n for row in pipes for n in (row.node1, row.node2)} | {
            r.node for r in chosen.meters if r.node
        }
        nodes += [NodeRow(name) for name in sorted(named - {row.node for row in nodes})]
    period = {"start": start, "end": end}
    accounts = {row.customer for row in chosen.customers}
    tables: dict[str, Sequence[Any]] = {
        "utility": [UtilityRow(*row) for row in conn.execute(Q["export_utility"]).fetchall()],
        "staff": [StaffRow(*row) for row in conn.execute(Q["export_staff"]).fetchall()],
        "dmas": chosen.dmas,
        "customers": chosen.customers,
        "balances": [
            row
            for row in (BalanceRow(*found) for found in conn.execute(Q["export_balances"]).fetchall())
            if row.customer in accounts
        ],
        "meters": chosen.meters,
        "outages": [row for row in outages if row.dma in codes and _overlaps(row, start, end)],
        "weather": [WeatherRow(*row) for row in conn.execute(Q["export_weather"], period).fetchall()],
        "nodes": nodes,
        "pipes": pipes,
    }
    for name, rows in tables.items():
        write_table(folder, name, rows)
    model = conn.execute(Q["export_model"]).fetchone()
    if model is not None and model[0]:
        (folder / "network.inp").write_bytes(str(model[0]).encode())
    return {name: len(rows) for name, rows in tables.items() if rows}


def _overlaps(row: OutageRow, start: datetime, end: datetime) -> bool:
    return row.start < end and (row.end or row.expected_end) >= start


def _meter_days(chosen: _Chosen, start: datetime, end: datetime) -> int:
    return round((end - start) / timedelta(days=1) * len(chosen.ids))


def _readings(
    conn: Connection, chosen: _Chosen, start: datetime, end: datetime, advance: Advance
) -> Iterator[ReadingBatch]:
    """Yield the readings span by span, each in order of time."""
    a_day = sum(86_400 / row.interval_s for row in chosen.meters)
    span = timedelta(days=min(max(_READINGS_AT_ONCE / a_day, 1 / 24), 28))
    order = np.argsort(chosen.ids)
    while start < end:
        stop = min(start + span, end)
        params = {"start": start, "end": stop, "meter_ids": array(chosen.ids)}
        found = read(conn, Q["export_readings"], params, READING)
        if len(found):
            position = order[np.searchsorted(chosen.ids[order], found["meter_id"])]
            columns = {
                name: found[name].astype(np.float64) for name in READING if READING[name].startswith(">f")
            }
            batch = ReadingBatch(
                meter_id=position.astype(np.int32),
                ts=found["ts"].astype(np.int64) + EPOCH_US,
                flags=found["flags"].astype(np.int32),
                received_at=found["received_at"].astype(np.int64) + EPOCH_US,
                **columns,
            )
            yield batch.take(np.lexsort((batch.meter_id, batch.ts)))
        advance(_meter_days(chosen, start, stop))
        start = stop
