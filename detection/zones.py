"""Hours of whole DMAs: what flows in, what customers use of it and what the pressure sensors say.

The inflow of a DMA is what enters less what leaves less the rise of its storage. It stands in a window of its
own, longer than that of the meters, because leakage is judged against months.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.words import MeterKind, Quality
from detection import hydraulic
from detection.roster import DMA, Roster
from detection.window import Ring, Series, slot_seconds

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Index = NDArray[np.intp]

#: Hours kept: a year and a month, so that a month can be held against the same month a year ago.
DAYS = 400
#: As far back as the balance may look, and the day that has begun.
_BALANCE_DAYS = 113
_HOUR = 3600
_MISSING = -1
#: A sensor's hour needs this share of its slots.
_HALF = 0.5
#: Use that customers report within this many hours is in time; what comes later has a DMA judged again.
_IN_TIME = 26
_BOUNDARY = (MeterKind.DMA_INLET, MeterKind.DMA_OUTLET, MeterKind.STORAGE)
#: Rows of `used` and `heard`: one a DMA and reporting interval, each has its own share of the customers.
_STRIDE = 100_000


@dataclass(frozen=True)
class Links:
    """Which meters bound which DMA and with which sign: (links,) meters, DMA ids, +1 in or -1 out."""

    meter_id: Ints
    dma_id: Ints
    sign: NDArray[np.float64]

    @classmethod
    def of(cls, roster: Roster) -> "Links":
        """Read the links off the roster; a meter between two DMAs feeds one and takes from the other."""
        bounds = np.isin(roster.kind, _BOUNDARY)
        into = bounds & (roster.dma_id >= 0)
        between = bounds & (roster.from_dma_id >= 0)
        enters = (roster.kind == MeterKind.DMA_INLET) | (roster.from_dma_id >= 0)
        return cls(
            np.concatenate([roster.meter_id[into], roster.meter_id[between]]),
            np.concatenate([roster.dma_id[into], roster.from_dma_id[between]]),
            np.concatenate([np.where(enters[into], 1.0, -1.0), np.full(int(between.sum()), -1.0)]),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Links) and all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in ("meter_id", "dma_id", "sign")
        )

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Changed:
    """Hours of DMAs that are to be judged anew, flat: rows of the inflow's ring, hours, seconds known at."""

    rows: Index
    hours: Ints
    known_s: Ints


class Zones:
    """The hourly windows of whole DMAs, fed from the native windows.

    `inflow` has a row a DMA (ids as `roster.district` makes them), `meters` a row a boundary meter,
    `pressure` a row a meter of kind pressure. `used` is what the DMA's customers used, as far as known
    (litres), `heard` the number of customers of which the hour is known and not estimated.
    """

    def __init__(self, roster: Roster) -> None:
        self.inflow, self.meters, self.pressure, self.used, self.heard = (
            Ring(_HOUR, DAYS * 24) for _ in range(5)
        )
        self._news: list[tuple[Ints, Ints, Ints]] = []
        self._links = Links.of(roster)
        self.know(roster)

    def know(self, roster: Roster) -> None:
        """Take over who bounds and belongs to which DMA; where that has changed, inflows are summed anew."""
        links = Links.of(roster)
        self._roster = roster
        self._dmas = roster.dma_id[roster.kind == DMA]
        self._sensors = np.flatnonzero(
            (roster.kind == MeterKind.PRESSURE) & np.isin(roster.dma_id, self._dmas)
        )
        customer = (roster.kind == MeterKind.CUSTOMER) & np.isin(roster.dma_id, links.dma_id)
        self._customers = np.where(customer, roster.dma_id, -1)
        moved, self._links = self._links != links, links
        if moved and self.meters.end is not None:
            hours = np.arange(self.meters.start, self.meters.end)
            for dma_id in np.unique(links.dma_id):
                self._sum(int(dma_id), hours)

    @property
    def nbytes(self) -> int:
        """Memory of the windows, bytes."""
        return sum(r.nbytes for r in (self.inflow, self.meters, self.pressure, self.used, self.heard))

    def customers_of(self, dma_id: int) -> int:
        """Return how many metered customers the DMA has."""
        return int((self._customers == dma_id).sum())

    def take_volumes(self, ring: Ring, rows: Index, slots: Ints, known_s: Ints) -> None:
        """Take over the hours that news in a native ring complete or change."""
        if _HOUR % ring.slot_s or len(rows) == 0 or len(self._dmas) == 0:
            return
        links = self._links
        bounds = np.isin(ring.meter_id[rows], links.meter_id)
        factor = _HOUR // ring.slot_s
        if bounds.any():
            row, hour, known = _distinct(rows[bounds], slots[bounds] // factor, known_s[bounds])
            volume, quality = _hours(ring, row, hour)
            whole = ~np.isnan(volume)
            ids = ring.meter_id[row[whole]]
            news = self.meters.put(
                self.meters.rows(ids, add=True), hour[whole], volume[whole], quality[whole]
            )
            self._affect(ids[news], hour[whole][news], known[whole][news])
        site = self._roster.find(ring.meter_id)
        dma = np.where(site >= 0, self._customers[site], -1)
        if (dma[rows] >= 0).any():
            use = dma[rows] >= 0
            self._take_use(ring, dma, rows[use], slots[use] // factor)

    def restore(self, meter_id: Ints, hours: Ints, volume_l: NDArray[np.float64], quality: Ints) -> None:
        """Take over hours of boundary meters that were worked out before; nothing is judged for them."""
        rows = self.meters.rows(meter_id, add=True)
        self.meters.put(rows, hours, volume_l.astype(np.float32), quality.astype(np.int8))
        for dma_id in np.unique(self._links.dma_id[np.isin(self._links.meter_id, meter_id)]):
            mine = np.isin(meter_id, self._links.meter_id[self._links.dma_id == dma_id])
            self._sum(int(dma_id), np.unique(hours[mine]))

    def restore_pressures(self, meter_id: Ints, hours: Ints, kpa: NDArray[np.float64]) -> None:
        """Take over hourly means of pressure sensors."""
        measured = np.full(len(hours), Quality.MEASURED, np.int8)
        self.pressure.put(self.pressure.rows(meter_id, add=True), hours, kpa.astype(np.float32), measured)

    def restore_use(self, seats: Ints, hours: Ints, used_l: NDArray[np.float64], heard: Ints) -> None:
        """Take over what customers used, summed by `customer_seats`, and how many were heard from."""
        measured = np.zeros(len(hours), np.int8)
        for ring, values in ((self.used, used_l), (self.heard, heard)):
            ring.put(ring.rows(seats, add=True), hours, values.astype(np.float32), measured)

    @property
    def customer_seats(self) -> tuple[Ints, Ints]:
        """The customers' meters of which hours are known, and each one's row id of `used` and `heard`."""
        site = np.flatnonzero(self._customers >= 0)
        intervals, at = np.unique(self._roster.interval_s[site], return_inverse=True)
        slot_s = np.array([slot_seconds(int(s)) for s in intervals], np.int64)[at]
        fits = _HOUR % slot_s == 0 if len(site) else np.empty(0, bool)
        return self._roster.meter_id[site[fits]], _row_ids(self._customers[site[fits]], slot_s[fits])

    @property
    def use_days(self) -> int:
        """How far back detectors look at use: on a map, `main_burst` learns from the first weeks known."""
        network = self._roster.network
        return DAYS if network is not None and hydraulic.model(network).usable else _BALANCE_DAYS

    @property
    def boundary_ids(self) -> Ints:
        """The meters around the DMAs."""
        return np.unique(self._links.meter_id)

    @property
    def sensor_ids(self) -> Ints:
        """The pressure sensors of the DMAs."""
        return self._roster.meter_id[self._sensors]

    def interval_s(self, meter_id: Ints) -> Ints:
        """Return the reporting intervals of known meters, seconds."""
        return self._roster.interval_s[self._roster.find(meter_id)]

    def take_all(self, ring: Ring) -> None:
        """Take over every hour that a native ring of one-hour slots holds."""
        links = self._links
        if ring.end is None or len(ring.meter_id) == 0 or len(self._dmas) == 0 or links is None:
            return
        site = self._roster.find(ring.meter_id)
        dma = np.where(site >= 0, self._customers[site], -1)
        bounds = np.flatnonzero(np.isin(ring.meter_id, links.meter_id))
        # One customer of a DMA stands for all: their use is summed anew.
        rows = np.union1d(bounds, np.unique(dma, return_index=True)[1])
        for lo in range(ring.start, ring.end, 24):
            hours = np.arange(lo, min(lo + 24, ring.end))
            at, slots = np.repeat(rows, len(hours)), np.tile(hours, len(rows))
            self.take_volumes(ring, at, slots, np.zeros(len(at), np.int64))

    def _take_use(self, ring: Ring, dma: Ints, rows: Index, hours: Ints) -> None:
        for hour in np.unique(hours):
            touched = np.unique(dma[rows[hours == hour]])
            mine = np.flatnonzero(np.isin(dma, touched))
            volume, quality = _hours(ring, mine, np.full(len(mine), hour))
            at = np.searchsorted(touched, dma[mine])
            known = (quality != _MISSING) & (quality != Quality.ESTIMATED)
            total = np.bincount(at, weights=np.nan_to_num(volume), minlength=len(touched))
            count = np.bincount(at, weights=known, minlength=len(touched))
            ids, at_hour = _row_ids(touched, ring.slot_s), np.full(len(touched), hour, np.int64)
            measured = np.zeros(len(touched), np.int8)
            for into, values in ((self.used, total), (self.heard, count)):
                news = into.put(into.rows(ids, add=True), at_hour, values.astype(np.float32), measured)
            late = touched[news & (hour < (self.inflow.end or 0) - _IN_TIME)]
            if len(late):
                self._news.append((late, np.full(len(late), hour), np.zeros(len(late), np.int64)))

    def take_pressures(self, ring: Ring, rows: Index, slots: Ints, known_s: Ints, seen: Ints) -> None:
        """Take over the hourly means of the sensors with news; `seen` (ring rows) was the newest before."""
        if _HOUR % ring.slot_s or len(rows) == 0:
            return
        mine = np.isin(ring.meter_id[rows], self._roster.meter_id[self._sensors])
        factor = _HOUR // ring.slot_s
        rows, slots, known_s = rows[mine], slots[mine], known_s[mine]
        # The hour that was the newest before may lack its last slots, and now be over.
        which, first = np.unique(rows, return_index=True)
        before = np.where(seen[which] > 0, (seen[which] - 1) // factor, slots[first] // factor)
        row, hour, known = _distinct(
            np.concatenate([rows, which]),
            np.concatenate([slots // factor, np.minimum(before, slots[first] // factor)]),
            np.concatenate([known_s, known_s[first]]),
        )
        if len(row) == 0:
            return
        kpa, n = _means(ring, row, hour)
        whole = (n >= _HALF * factor) & (ring.newest[row] >= (hour + 1) * factor)
        ids = ring.meter_id[row[whole]]
        measured = np.full(len(ids), Quality.MEASURED, np.int8)
        news = self.pressure.put(self.pressure.rows(ids, add=True), hour[whole], kpa[whole], measured)
        dma = self._roster.dma_id[self._roster.find(ids[news])]
        self._news.append((dma, hour[whole][news], known[whole][news]))

    def _affect(self, meter_id: Ints, hours: Ints, known_s: Ints) -> None:
        links = self._links
        for meter, dma in zip(links.meter_id, links.dma_id, strict=True):
            mine = meter_id == meter
            if mine.any():
                self._news.append((np.full(int(mine.sum()), dma), hours[mine], known_s[mine]))

    def settle(self) -> Changed | None:
        """Sum the inflows that have changed; return which hours of which DMAs are to be judged anew."""
        parts, self._news = self._news, []
        if not parts:
            return None
        dma, hour, known = (np.concatenate(c) for c in zip(*parts, strict=True))
        use = np.isin(dma, self._dmas)
        dma, hour, known = _distinct(dma[use].astype(np.intp), hour[use], known[use])
        for one in np.unique(dma):
            self._sum(int(one), hour[dma == one])
        inside = hour >= self.inflow.start
        rows = self.inflow.rows(-1 - dma.astype(np.int64), add=True)
        return Changed(rows[inside], hour[inside], known[inside])

    def _sum(self, dma_id: int, hours: Ints) -> None:
        links = self._links
        mine = links.dma_id == dma_id
        rows = self.meters.rows(links.meter_id[mine])
        total, quality = np.zeros(len(hours)), np.zeros(len(hours), np.int8)
        if not mine.any() or (rows < 0).any():
            total[:], quality[:] = np.nan, _MISSING
        else:
            for row, sign in zip(rows, links.sign[mine], strict=True):
                volume, how = self.meters.at(np.full(len(hours), row), hours)
                total += sign * volume
                quality = np.maximum(quality, how)
            quality[np.isnan(total)] = _MISSING
        seats = self.inflow.rows(np.full(len(hours), -1 - dma_id, np.int64), add=True)
        self.inflow.put(seats, hours, total.astype(np.float32), quality)

    def inflow_of(self, dma_id: int, lo: int, hi: int) -> tuple[Floats, Bools]:
        """Return a DMA's inflow (hours,), litres, and its coverage over the hours [lo, hi)."""
        values, covered = _read(self.inflow, np.array([-1 - dma_id]), lo, hi)
        return values[0], covered[0]

    def use_of(self, dma_id: int, lo: int, hi: int) -> tuple[Floats, Floats]:
        """Return what a DMA's customers used (hours,), litres, and the number heard from, over [lo, hi)."""
        sums = []
        for ring in (self.used, self.heard):
            rows = np.flatnonzero(-1 - (ring.meter_id // _STRIDE) == dma_id)
            values, _ = ring.read(rows, lo, hi)
            sums.append(np.nan_to_num(values).sum(axis=0))
        return sums[0], sums[1]

    def sensors_of(self, dma_id: int, lo: int, hi: int) -> tuple[Index, Floats, Bools]:
        """Return the sensors: positions in the roster, mean pressures (sensors, hours), kPa, coverage."""
        site = self._sensors[self._roster.dma_id[self._sensors] == dma_id]
        return site, *_read(self.pressure, self._roster.meter_id[site], lo, hi)

    def boundary_of(self, dma_id: int, lo: int, hi: int) -> tuple[Index, Floats, Bools]:
        """Return positions in the roster, volumes (meters, hours), litres, and coverage of the meters around.

        Volumes are those of the meters themselves: what leaves is positive too, and a tank's is its rise.
        """
        links = self._links
        ids = links.meter_id[links.dma_id == dma_id]
        return self._roster.find(ids), *_read(self.meters, ids, lo, hi)


def _row_ids(dma_ids: Ints, slot_s: int) -> Ints:
    return np.asarray((-1 - dma_ids) * _STRIDE + slot_s, np.int64)


def _distinct(rows: Index, hours: Ints, known_s: Ints) -> tuple[Index, Ints, Ints]:
    """Return each (row, hour) once, with the latest instant it became known."""
    order = np.lexsort((known_s, hours, rows))
    rows, hours, known_s = rows[order], hours[order], known_s[order]
    last = np.ones(len(rows), bool)
    last[:-1] = (rows[1:] != rows[:-1]) | (hours[1:] != hours[:-1])
    return rows[last], hours[last], known_s[last]


def _hours(ring: Ring, rows: Index, hours: Ints) -> tuple[Floats, NDArray[np.int8]]:
    """Return hourly volumes and the worst quality of their slots; NaN and -1 where a slot is unknown."""
    factor = _HOUR // ring.slot_s
    parts = [ring.at(rows, hours * factor + k) for k in range(factor)]
    volume = np.stack([v for v, _ in parts]).sum(axis=0, dtype=np.float64).astype(np.float32)
    worst = np.stack([q for _, q in parts]).max(axis=0)
    return volume, np.where(np.isnan(volume), _MISSING, worst).astype(np.int8)


def _means(ring: Ring, rows: Index, hours: Ints) -> tuple[Floats, Ints]:
    """Return the hourly means of what is known, and of how many slots they are."""
    factor = _HOUR // ring.slot_s
    values = np.stack([ring.at(rows, hours * factor + k)[0] for k in range(factor)])
    n = (~np.isnan(values)).sum(axis=0)
    return (np.nansum(values, axis=0) / np.maximum(n, 1)).astype(np.float32), n


def _read(ring: Ring, ids: Ints, lo: int, hi: int) -> tuple[Floats, Bools]:
    """Return values and coverage of a ring's ids; nothing is known of an id without a row."""
    rows = ring.rows(ids)
    values, covered = np.full((len(ids), hi - lo), np.nan, np.float32), np.zeros((len(ids), hi - lo), bool)
    has = rows >= 0
    values[has], covered[has] = Series(ring).read(rows[has], lo, hi)
    return values, covered
