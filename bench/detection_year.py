"""`headwater backtest` of a 5-minute year of 4.6 million rows: a labelled network, else a made one."""

import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from bench.measure import Result
from bench.tools import data_dir, say, timed
from core.batch import ReadingBatch
from core.words import MeterKind
from jobs.dataset import DmaRow, MeterRow, ReadingWriter, UtilityRow, write_table

NAME = "detection_year"
SET = "battledim2018"
BAR_S, BAR_MB = 120.0, 4096.0
_INLETS, _SENSORS, _STEPS = 3, 41, 105_120
_T0 = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp())


def run() -> Iterator[Result]:
    data = data_dir()
    with tempfile.TemporaryDirectory() as folder:
        if data is not None and (data / SET).is_dir():
            dataset = data / SET
        else:
            dataset = Path(folder) / "year"
            _make(dataset)
        out = Path(folder) / "events.csv"
        command = [sys.executable, "-m", "jobs", "backtest", str(dataset), "--out", str(out)]
        took, peak_mb, said = timed(command)
    say(said.strip())
    yield Result(NAME, round(took, 1), "s", None, None, 1, BAR_S, took <= BAR_S)
    yield Result(f"{NAME}_memory", round(peak_mb), "MB", None, None, 1, BAR_MB, peak_mb <= BAR_MB)


def _make(folder: Path) -> None:
    """Write a district with inlets and pressure sensors that read every five minutes for a year."""
    folder.mkdir()
    meters = [MeterRow(f"in{n}", MeterKind.DMA_INLET, dma="D", interval_s=300) for n in range(_INLETS)]
    meters += [MeterRow(f"p{n}", MeterKind.PRESSURE, dma="D", interval_s=300) for n in range(_SENSORS)]
    write_table(folder, "utility", [UtilityRow("Made", "UTC", "CY")])
    write_table(folder, "dmas", [DmaRow("D", min_pressure_kpa=196)])
    write_table(folder, "meters", meters)
    rng = np.random.default_rng(1)
    n, day = len(meters), 288
    with ReadingWriter(folder, [row.meter for row in meters]) as writer:
        for first in range(0, _STEPS, day):
            at = (first + np.arange(min(day, _STEPS - first))) % day
            draw = 60_000 * (1 + 0.5 * np.sin((at - 90) / day * 2 * np.pi))[:, None]
            leak = 5_000 if first > _STEPS // 2 else 0
            values = np.empty((len(at), n))
            values[:, :_INLETS] = draw + leak + rng.normal(0, 1_500, (len(at), _INLETS))
            values[:, _INLETS:] = 400 - draw / 1_000 + rng.normal(0, 0.5, (len(at), _SENSORS))
            flow = np.broadcast_to(np.arange(n) < _INLETS, values.shape)
            writer.write(_batch(values, flow, first))


def _batch(values: np.ndarray, flow: np.ndarray, first: int) -> ReadingBatch:
    steps, n = values.shape
    ts = np.repeat((_T0 + (first + np.arange(steps)) * 300) * 1_000_000, n)
    nan = np.full(steps * n, np.nan)
    return ReadingBatch(
        meter_id=np.tile(np.arange(n, dtype=np.int32), steps),
        ts=ts,
        register_l=nan,
        flow_lph=np.where(flow, values, np.nan).reshape(-1),
        pressure_kpa=np.where(flow, np.nan, values).reshape(-1),
        temperature_c=nan,
        battery_v=nan,
        flags=np.zeros(steps * n, np.int32),
        received_at=ts,
    )
