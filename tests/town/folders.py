"""Small dataset folders to begin with."""

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.batch import ReadingBatch

METERS = (
    "meter,kind,customer,dma,q3_lph,interval_s\nm1,customer,c1,d1,2500,3600\nm2,customer,c2,d1,2500,3600\n"
)
READINGS = (
    "meter,ts,register_l,flags,received_at\n"
    "m1,2026-01-01T00:00:00Z,10,,2026-01-01T00:00:05Z\n"
    "m2,2026-01-01T08:00:10+08:00,20.5,leak;low_battery,2026-01-01T03:00:00Z\n"
    "m1,2026-01-01T01:00:00Z,11,,\n"
)
CUSTOMERS = "customer,name,sector,manager,dma\nc1,王敏,residential,wang,d1\nc2,云河厂,industrial,wang,d1\n"
DMAS = "dma,name,region,night_start,min_pressure_kpa\nd1,河东,东区,01:30,200\n"


def folder(path: Path, **files: str | bytes) -> Path:
    """Write a folder of two meters and three readings; `files` replace or add files by stem."""
    path.mkdir(exist_ok=True)
    content = {"meters": METERS, "readings": READINGS, "customers": CUSTOMERS, "dmas": DMAS} | files
    for stem, text in content.items():
        if text:
            data = text if isinstance(text, bytes) else text.encode()
            (path / f"{stem}.csv").write_bytes(data)
    return path


def batch(meter_id: ArrayLike, ts_s: ArrayLike, **columns: ArrayLike) -> ReadingBatch:
    """Build a batch; times in seconds since 1970, missing columns empty, received_at = ts."""
    n = np.size(meter_id)
    ts = (np.array(ts_s) * 1e6).astype(np.int64)
    received = (np.array(columns.pop("received_s", ts_s)) * 1e6).astype(np.int64)

    def value(name: str) -> NDArray[np.float64]:
        return np.array(columns.get(name, [np.nan] * n), np.float64)

    return ReadingBatch(
        meter_id=np.array(meter_id, np.int32),
        ts=ts,
        register_l=value("register_l"),
        flow_lph=value("flow_lph"),
        pressure_kpa=value("pressure_kpa"),
        temperature_c=value("temperature_c"),
        battery_v=value("battery_v"),
        flags=np.array(columns.get("flags", [0] * n), np.int32),
        received_at=received,
    )
