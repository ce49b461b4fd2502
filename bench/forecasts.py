"""The plain forecast that ours is measured against: the median of the same hour of the last four weeks."""

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from jobs.dataset import open_dataset

#: Every 32nd day of a year: every season, every day of the week; each forecast knows what came before.
WEEKS = tuple(f"{date(2021, 3, 29) + timedelta(days=32 * n)}T00:00:00Z" for n in range(12))
_WEEKS_BACK = 4


def median_forecast(folder: Path, at: str, like: Path, out: Path) -> None:
    """Write a forecast of the same subjects and hours as `like`.

    The hour of the week is local. A subject is a meter, or the DMA whose one inlet it is.
    """
    dataset = open_dataset(folder)
    zone = ZoneInfo(dataset.utility.timezone if dataset.utility else "UTC")
    start = datetime.fromisoformat(at).astimezone(UTC)
    usual = _usual(folder, start, zone)
    subject_of = {
        name: n for n, row in enumerate(dataset.meters) for name in (row.meter, row.dma, row.customer)
    }
    with like.open() as given, out.open("w", newline="") as written:
        writer = csv.writer(written)
        writer.writerow(["subject_kind", "subject", "slot", "volume_l", "low_l", "high_l"])
        for row in csv.DictReader(given):
            local = datetime.fromisoformat(row["slot"]).astimezone(zone)
            volume = usual[subject_of[row["subject"]], local.weekday() * 24 + local.hour]
            writer.writerow([row["subject_kind"], row["subject"], row["slot"], volume, "", ""])


def _usual(
    folder: Path, start: datetime, zone: ZoneInfo
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return (meters, 168) median hourly volumes of the weeks before `start`; hourly mean flows are read."""
    dataset = open_dataset(folder)
    kept: list[list[list[float]]] = [[[] for _ in range(168)] for _ in dataset.meters]
    for batch in dataset.readings(
        start=start - timedelta(weeks=_WEEKS_BACK), end=start + timedelta(seconds=1)
    ):
        for meter, ts, flow in zip(batch.meter_id, batch.ts, batch.flow_lph, strict=True):
            local = datetime.fromtimestamp(int(ts) / 1e6 - 3600, zone)
            if not np.isnan(flow):
                kept[meter][local.weekday() * 24 + local.hour].append(float(flow))
    return np.array([[np.median(hour) if hour else np.nan for hour in meter] for meter in kept])
