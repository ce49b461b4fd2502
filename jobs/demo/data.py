"""The demo's dataset folder: the simulated town and the ten real districts, ending now."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from shutil import copyfile
from zoneinfo import ZoneInfo

import numpy as np

from core.batch import ReadingBatch
from jobs.dataset import Dataset, ReadingWriter, open_dataset, write_table
from jobs.dataset.order import sorted_parts
from jobs.dataset.readings import micros
from jobs.demo import districts
from jobs.simulate import Plan, simulate


@dataclass(frozen=True)
class Scale:
    """How much the demo shows: `days` until now."""

    homes: int = 300
    factories: int = 12
    days: int = 42
    seed: int = 7
    with_districts: bool = True


def make(folder: Path, scale: Scale, now: datetime, cache: Path) -> Dataset:
    """Write the dataset to `folder` and open it; readings end before `now`, its last local day is today's."""
    zone = Plan().tz
    first = now.astimezone(ZoneInfo(zone)).date() - timedelta(days=scale.days)
    plan = Plan(scale.homes, scale.factories, scale.days + 1, scale.seed, first)
    town_folder = folder / "town"
    simulate(plan, town_folder)
    town = open_dataset(town_folder)
    inflow = districts.load(cache) if scale.with_districts else None
    dmas, meters = districts.rows(inflow) if inflow else ([], [])
    for name, table in (
        ("utility", [town.utility]), ("staff", town.staff), ("dmas", town.dmas + dmas),
        ("customers", town.customers), ("meters", town.meters + meters),
    ):  # fmt: skip
        write_table(folder, name, table)
    copyfile(town_folder / "labels.csv", folder / "labels.csv")
    end = micros(now)

    def everything() -> Iterator[ReadingBatch]:
        yield from town.readings(end=now)
        if inflow:
            ids = np.arange(len(town.meters), len(town.meters) + len(meters), dtype=np.int32)
            real = districts.readings(inflow, first, plan.days, zone, ids)
            yield real.take(real.ts < end)

    with ReadingWriter(folder, town.serials + [meter.meter for meter in meters]) as writer:
        for batch in sorted_parts(everything(), micros(plan.start), end):
            writer.write(batch)
    return open_dataset(folder)
