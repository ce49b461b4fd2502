"""A simulated town: homes, firms, districts, pressure, and faults with labels; seeded, reproducible."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.batch import ReadingBatch
from jobs.dataset import ReadingWriter, write_table
from jobs.dataset.order import sorted_parts
from jobs.dataset.readings import micros
from jobs.dataset.writer import Format
from jobs.progress import Advance, quiet
from jobs.simulate import faults as fault_lines
from jobs.simulate import homes, network, sites, telemetry
from jobs.simulate.plan import Plan
from jobs.simulate.pulses import Floats
from jobs.simulate.town import Town, build

BLOCK = 250  # homes generated at once: bounds the memory

__all__ = ["Made", "Plan", "simulate"]


@dataclass(frozen=True)
class Made:
    """What was written."""

    folder: Path
    meters: int
    readings: int
    labels: int


def simulate(plan: Plan, folder: Path, *, form: Format = "parquet", progress: Advance = quiet) -> Made:
    """Write the town of `plan` to `folder`; `progress` is told of homes as they are done."""
    folder.mkdir(parents=True, exist_ok=True)
    town = build(plan)
    for name, rows in (
        ("utility", [town.utility]), ("staff", town.staff), ("dmas", town.dmas),
        ("customers", town.customers), ("meters", town.meters),
    ):  # fmt: skip
        write_table(folder, name, rows)
    site_use, calendar = sites.use(plan, town.sites)
    faults = fault_lines.draw(plan, town, calendar)
    write_table(folder, "labels", faults.labels)
    for other in ("readings.csv", "readings.parquet"):
        (folder / other).unlink(missing_ok=True)
    low, high = micros(plan.start), micros(plan.start) + (plan.days + 2) * 86_400 * telemetry.US
    written = 0
    with ReadingWriter(folder, town.serials, form) as writer:
        for batch in sorted_parts(_generate(plan, town, site_use, faults, progress), low, high):
            writer.write(batch)
            written += len(batch)
    return Made(folder, len(town.meters), written, len(faults.labels))


def _generate(
    plan: Plan, town: Town, site_use: Floats, faults: fault_lines.Faults, progress: Advance
) -> Iterator[ReadingBatch]:
    """Yield the readings kind by kind; the order of received_at is made afterwards."""
    total, home_count, dma_count = len(town.meters), len(town.persons), len(town.dmas)
    resolution = np.array([meter.resolution_l or 1.0 for meter in town.meters])
    used = np.zeros((dma_count, plan.bins))
    habits = telemetry.Habits()
    for block, first in enumerate(range(0, home_count, BLOCK)):
        mine = np.arange(first, min(first + BLOCK, home_count), dtype=np.int32)
        litres = homes.use(plan, block, town.persons[mine]) + faults.litres(first, len(mine), plan.bins)
        np.add.at(used, town.dma_of_customer[mine], litres)
        rng = plan.rng("telemetry", block)
        yield telemetry.registers(plan, rng, litres, mine, resolution[mine], plan.interval_s, habits)
        progress(len(mine))
    firms = np.arange(home_count, home_count + len(town.sites), dtype=np.int32)
    if len(firms):
        litres = site_use + faults.litres(home_count, len(firms), plan.bins)
        np.add.at(used, town.dma_of_customer[firms], litres)
        rng = plan.rng("telemetry sites")
        yield telemetry.registers(plan, rng, litres, firms, resolution[firms], plan.interval_s, habits)
    wired = telemetry.Habits(off_clock=0.0, gap=0.1, late=0.1)
    inlets = np.arange(firms.size + home_count, total, dtype=np.int32)[:dma_count]
    inflow = network.inflow(plan, town, used)
    yield telemetry.registers(plan, plan.rng("inlets"), inflow, inlets, resolution[inlets], 900, wired)
    sensors = np.arange(int(inlets[-1]) + 1, total, dtype=np.int32)
    kpa = network.pressure(plan, town, inflow, faults)
    yield telemetry.pressures(plan, plan.rng("sensors"), kpa, sensors, 900, wired)
