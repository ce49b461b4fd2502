"""What goes wrong, and the labels that say so."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from jobs.simulate.plan import BIN_S, DAY_S, Plan
from jobs.simulate.pulses import Floats
from jobs.simulate.town import MIN_PRESSURE_KPA, Town

Span = tuple[int, int]


@dataclass(frozen=True)
class Label:
    """A fault that was put in: a row of labels.csv. `detectors` are those that should see it, `;` between."""

    fault: str
    kind: str
    subject_kind: str
    subject: str
    start: datetime
    end: datetime
    size: float
    unit: str
    detectors: str


@dataclass(frozen=True)
class Faults:
    """Water and pressure that the faults change, and their labels.

    `flows` holds (meter position, first bin, end bin, litres an hour), `drops` (DMA position, first bin, end
    bin, kPa that the pressure falls below the service minimum).
    """

    labels: list[Label]
    flows: list[tuple[int, int, int, float]]
    drops: list[tuple[int, int, int, float]]

    def litres(self, first: int, count: int, bins: int) -> Floats:
        """Return litres per (meter, bin) that the faults add to the meters `first` to `first + count`."""
        added = np.zeros((count, bins))
        for meter, start, end, flow_lph in self.flows:
            if first <= meter < first + count:
                added[meter - first, start:end] += flow_lph * BIN_S / 3600
        return added


def draw(plan: Plan, town: Town, calendar: NDArray[np.bool_]) -> Faults:
    """Draw faults after the learning period, one a subject; `calendar` (sites, bins) says who works when."""
    rng = plan.rng("faults")
    homes, serials = len(town.persons), town.serials
    found = Faults([], [], [])
    leaks, bursts = max(1, round(homes * 0.047)), max(1, round(homes * 0.02))
    chosen = rng.permutation(homes)[: leaks + bursts]
    for home in chosen[:leaks]:
        size = round(float(np.exp(rng.uniform(np.log(4.5), np.log(60)))), 1)
        start, end = _span(rng, plan, (36, 240))
        if rng.random() < 0.3:  # nobody has repaired it yet
            end = plan.bins
        _flow(found, plan, serials, int(home), (start, end), size, "leak", "continuous_flow")
    for home in chosen[leaks:]:
        size = float(round(rng.uniform(600, 1_600)))
        _flow(found, plan, serials, int(home), _span(rng, plan, (2, 9)), size, "burst", "burst")
    _low_pressure(rng, plan, town, found)
    _off_shift(rng, plan, town, calendar, found)
    ordered = sorted(found.labels, key=lambda label: (label.start, label.subject))
    labels = [Label(f"fault-{n:03d}", *_rest(label)) for n, label in enumerate(ordered, 1)]
    return Faults(labels, found.flows, found.drops)


def _rest(label: Label) -> tuple[str, str, str, datetime, datetime, float, str, str]:
    return (
        label.kind, label.subject_kind, label.subject, label.start, label.end, label.size, label.unit,
        label.detectors,
    )  # fmt: skip


def _span(rng: np.random.Generator, plan: Plan, hours: tuple[float, float]) -> Span:
    """Draw first and end bin of a fault: after the learning period, over before the last day."""
    length = int(rng.uniform(*hours) * 3600) // BIN_S
    first, last = plan.learn_days * DAY_S // BIN_S, plan.bins - DAY_S // BIN_S
    length = min(length, (last - first) // 2)
    start = int(rng.integers(first, last - length + 1))
    return start, start + length


def _flow(
    found: Faults, plan: Plan, serials: list[str], meter: int, span: Span, size: float, kind: str, by: str
) -> None:
    found.flows.append((meter, *span, size))
    found.labels.append(_label(plan, kind, "meter", serials[meter], span, size, "L/h", by))


def _label(
    plan: Plan, kind: str, subject_kind: str, subject: str, span: Span, size: float, unit: str, by: str
) -> Label:
    start, end = (plan.start.astimezone(UTC) + timedelta(seconds=at * BIN_S) for at in span)
    return Label("", kind, subject_kind, subject, start, end, size, unit, by)


def _low_pressure(rng: np.random.Generator, plan: Plan, town: Town, found: Faults) -> None:
    for dma in rng.permutation(len(town.dmas))[: max(1, round(len(town.dmas) * 0.7))]:
        span = _span(rng, plan, (1.5, 6))
        depth = round(float(rng.uniform(20, 70)), 1)
        found.drops.append((int(dma), *span, depth))
        found.labels.append(
            _label(plan, "low_pressure", "dma", town.dmas[dma].dma, span, depth, "kPa", "low_pressure")
        )


def _off_shift(
    rng: np.random.Generator, plan: Plan, town: Town, calendar: NDArray[np.bool_], found: Faults
) -> None:
    """Let a third of the sites that close run through a closed night or weekend."""
    closing = np.flatnonzero(~calendar.all(axis=1))
    homes = len(town.persons)
    for site in rng.permutation(closing)[: round(len(closing) * 0.4)]:
        rest = _rests(calendar[site], plan)
        if not rest:
            continue
        start, end = rest[rng.integers(len(rest))]
        start += int(rng.integers(6, 24))  # half an hour to two hours after closing
        end = min(end - 6, start + int(rng.uniform(4, 12) * 3600) // BIN_S)
        size = float(round(town.sites[site].shift_lph * rng.uniform(0.35, 0.8)))
        _flow(found, plan, town.serials, homes + int(site), (start, end), size, "off_shift", "off_shift")


def _rests(calendar: NDArray[np.bool_], plan: Plan) -> list[Span]:
    """Return the closed spells of 8 hours or more between the learning period and the last day."""
    edge = np.flatnonzero(np.diff(calendar.astype(np.int8)))
    first, last = plan.learn_days * DAY_S // BIN_S, plan.bins - DAY_S // BIN_S
    spells = [(int(a) + 1, int(b) + 1) for a, b in pairwise(edge) if not calendar[a + 1]]
    return [(a, b) for a, b in spells if a >= first and b <= last and (b - a) * BIN_S >= 8 * 3600]


def pressure_floor(faults: Faults, dma: int, bins: int) -> Floats:
    """Return the kPa that faults hold the pressure of a DMA down to; infinite where there is none."""
    level = np.full(bins, np.inf)
    for number, start, end, depth in faults.drops:
        if number == dma:
            level[start:end] = MIN_PRESSURE_KPA - depth
    return level
