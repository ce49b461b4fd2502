"""What every detector consists of, and what it is given and gives back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from core.words import Severity
from detection.episode import Episode
from detection.reads import Page
from detection.roster import Roster
from detection.timetable import Timetable
from detection.window import Series
from detection.zones import Zones

Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]
Index = NDArray[np.intp]
Ints = NDArray[np.int64]

#: Which part of the window a detector looks at: hourly volumes, volumes or pressures a reporting interval, or
#: the hourly inflow of whole DMAs.
Plane = Literal["hourly", "native", "pressure", "zone", "signs", "battery", "skew", "motion", "receipts"]
Group = Literal["leak", "network", "pressure", "industrial", "plan", "device", "welfare", "profile"]

#: Classes of site with defaults of their own: sectors, and homes with several dwellings behind one meter.
CLASSES = ("residential", "multi_family", "commercial", "industrial", "institutional")


@dataclass(frozen=True)
class Param:
    """One parameter: its default, its unit, where the figure comes from and what is allowed."""

    name: str
    default: float
    unit: str
    meaning: str
    source: str
    by_class: Mapping[str, float] = field(default_factory=dict)
    low: float = 0.0
    high: float = float("inf")


class Mask(Protocol):
    """Says which slots of some rows lie inside events that were known before the day began."""

    def __call__(self, index: Index, lo: int, hi: int) -> Bools:
        """Return (len(index), hi - lo); `index` points into the chunk's rows."""
        ...

    def judged(self, index: Index, lo: int, hi: int) -> Bools:
        """Return the same for events that people have judged."""
        ...

    def rows(self, index: Index) -> Index:
        """Return the positions in `index` of the rows of which any slot does."""
        ...


Learned = tuple[NDArray[Any], ...]
Learn = Callable[[Index], Learned]


def _forgetful(_name: str, index: Index, learn: Learn, _shared: bool) -> Learned:
    return learn(index)


def _alone(_name: str, index: Index) -> Bools:
    return np.zeros(len(index), bool)


@dataclass(frozen=True)
class Chunk:
    """What a detector is to look at: some meters over slots [lo, hi) of one local day.

    `rows` are the meters' rows in the series' ring and `site` their positions in the roster; `params` holds
    one value a row. Nothing past `hi` may be read, and what is usual is learned from before `day_lo`, so
    that a day looked at in pieces or at once comes out the same. `asked` (rows, slots) says which slots are
    to be decided; what was decided on others stands. `open` says which rows' last alarm went on when the
    chunk began, and `enabled(name, index)` for which rows another detector is at work too.
    """

    series: Series
    rows: Index
    site: Index
    roster: Roster
    params: Mapping[str, Floats]
    timetable: Timetable
    lo: int
    hi: int
    day_lo: int
    masked: Mask
    asked: Bools
    open: Bools
    zones: Zones | None = None
    page: Page | None = None
    within: Index | None = None
    recall: Callable[[str, Index, Learn, bool], Learned] = _forgetful
    enabled: Callable[[str, Index], Bools] = _alone
    leaves_out: frozenset[str] = frozenset()

    def values(self, lookback: int = 0) -> tuple[Floats, Bools]:
        """Return values and coverage of every row over [lo - lookback, hi); not to be written to."""
        if self.page is None or (lookback > self.page.lookback and 2 * len(self.rows) < len(self.page.rows)):
            return self.series.read(self.rows, self.lo - lookback, self.hi)
        values, covered = self.page.recent(lookback)
        return (values, covered) if self.within is None else (values[self.within], covered[self.within])

    def history(self, index: Index, days: int) -> tuple[Floats, Bools]:
        """Return values and coverage of the `days` before the day, without what lies inside events.

        Where events cover more than half of it, they have become what is usual, and nothing is left out but
        what people have judged. The values are not to be written to.
        """
        slots = days * 86_400 // self.series.slot_s
        lo = self.day_lo - slots
        if self.page is not None and 2 * len(index) > len(self.page.rows):
            values, covered = self.page.past(slots)
            if len(index) < len(self.page.rows):
                at = index if self.within is None else self.within[index]
                values, covered = values[at], covered[at]
            covered = covered.copy()
        else:
            values, covered = self.series.read(self.rows[index], lo, self.day_lo)
        some = self.masked.rows(index)
        if len(some):
            known = covered[some] & ~self.masked.judged(index[some], lo, self.day_lo)
            outside = known & ~self.masked(index[some], lo, self.day_lo)
            usual = outside.sum(axis=1) * 2 < known.sum(axis=1)
            covered[some] = np.where(usual[:, None], known, outside)
        return values, covered

    def may_know(self, days: float | Floats) -> Bools:
        """Return for which rows so many days before the day may be known: quick, never wrong in a no."""
        passed = self.day_lo - self.series.oldest(self.rows)
        return np.asarray(passed >= days * (86_400 // self.series.slot_s))

    def learn(self, name: str, index: Index, function: Learn, *, shared: bool = False) -> Learned:
        """Return what `function` learns of the rows `index`, one value or row of values each.

        It may depend on what lies before the day, on events known by then, on the roster and on parameters.
        So it is remembered until the day or any of that changes, and asked only about rows not yet known:
        `function(index)` gets chunk rows and returns a tuple of arrays of len(index) rows.

        What is `shared` is learned once for all detectors that leave out the same events; it may not depend
        on parameters.
        """
        return self.recall(name, index, function, shared)

    def once(self, name: str, index: Index, function: Callable[[], Learned]) -> Learned:
        """Return what `function` says; asked once for all detectors that leave out the same events.

        It may not depend on parameters, and is forgotten with the day: for what is large.
        """
        if self.page is None:
            return function()
        return self.page.once((name, self.leaves_out), self.rows[index], function)

    def sensors(self, i: int, lo: int, hi: int) -> tuple[Index, Floats, Bools]:
        """Return the i-th DMA's pressure sensors: roster positions, (sensors, hours) kPa, coverage."""
        return self._zones.sensors_of(self._dma(i), lo, min(hi, self.hi))

    def inflow_of(self, dma_id: int, lo: int, hi: int) -> tuple[Floats, Bools]:
        """Return another DMA's inflow (hours,), litres, and its coverage."""
        return self._zones.inflow_of(dma_id, lo, min(hi, self.hi))

    def boundary(self, i: int, lo: int, hi: int) -> tuple[Index, Floats, Bools]:
        """Return the i-th DMA's inlets, outlets, storage: roster positions, (meters, hours) l, coverage."""
        return self._zones.boundary_of(self._dma(i), lo, min(hi, self.hi))

    def use(self, i: int, lo: int, hi: int) -> tuple[Floats, Floats]:
        """Return what the i-th DMA's customers used (hours,), litres, and how many were heard from."""
        return self._zones.use_of(self._dma(i), lo, min(hi, self.hi))

    def customers(self, i: int) -> int:
        """Return how many metered customers the i-th DMA has."""
        return self._zones.customers_of(self._dma(i))

    def _dma(self, i: int) -> int:
        return int(self.roster.dma_id[self.site[i]])

    @property
    def _zones(self) -> Zones:
        if self.zones is None:
            raise TypeError("only a detector of plane zone has DMAs to look at")
        return self.zones

    def whole(self, index: Index) -> tuple[Floats, Bools, int]:
        """Return values, coverage and first slot of everything the window holds up to `hi`."""
        lo = min(self.series.start, self.lo)
        values, covered = self.series.read(self.rows[index], lo, self.hi)
        return values, covered, lo


@dataclass(frozen=True)
class Marks:
    """For each row and slot of a chunk: does it raise, does it clear. Neither: it leaves things as they are.

    `back` is how many slots before the clearing one, itself included, the end of the cause is dated.
    """

    raises: Bools
    clears: Bools
    back: NDArray[np.int64]


@dataclass(frozen=True)
class Spans:
    """Alarms to be measured, one a position: chunk index, slots of onset (-1: to be found), raise and end.

    `end` is exclusive: one past the last slot in alarm that is known.
    """

    index: Index
    onset: NDArray[np.int64]
    raised: NDArray[np.int64]
    end: NDArray[np.int64]


@dataclass(frozen=True)
class Measured:
    """What a detector says of each span: slot of onset, magnitude in its unit, litres lost, evidence."""

    onset: NDArray[np.int64]
    magnitude: NDArray[np.float64]
    loss_l: NDArray[np.float64]
    evidence: list[dict[str, Any]]


def _traced(*_: Any) -> Any:
    raise TypeError("a detector with a trace is asked for that alone")


@dataclass(frozen=True)
class Detector:
    """One detector of the catalogue.

    `kinds` and `sectors` (empty: all) say which meters it is for, `leaves_out` which detectors' events are
    left out of what it takes as usual. `mark` decides, `measure` gives onset, size and evidence: at most one
    alarm of a meter is open at a time. A detector that keeps several open, one on top of the other, has a
    `trace` instead: given each row's alarms so far, in order of raising, it returns those that are new or
    have changed; a new one carries the slot that raised it and that slot's end as `detected_s`.

    `screen` is a quick test that any row has to pass which `mark` could let raise: only rows that pass it,
    and those with an open alarm, are marked.
    """

    name: str
    group: Group
    finds: str
    plane: Plane
    unit: str
    kinds: frozenset[str]
    params: tuple[Param, ...]
    severity: Callable[[Episode], Severity]
    mark: Callable[[Chunk], Marks] = _traced
    measure: Callable[[Chunk, Spans], Measured] = _traced
    screen: Callable[[Chunk], Bools] | None = None
    trace: Callable[[Chunk, Sequence[list[Episode]]], list[list[Episode]]] | None = None
    sectors: frozenset[str] = frozenset()
    leaves_out: frozenset[str] = frozenset()
    by_dma: bool = False
    explained_by_outage: bool = False
    join: Callable[[list[Episode], Mapping[int, str]], dict[str, Any]] | None = None

    def applies(self, roster: Roster) -> Bools:
        """Return which meters of the roster the detector is for."""
        for_kind = np.isin(roster.kind, sorted(self.kinds))
        return for_kind & np.isin(roster.sector, sorted(self.sectors)) if self.sectors else for_kind


def by_size(magnitude: float, medium: float, high: float, critical: float) -> Severity:
    """Return the severity whose threshold `magnitude` has reached."""
    if magnitude >= critical:
        return Severity.CRITICAL
    if magnitude >= high:
        return Severity.HIGH
    return Severity.MEDIUM if magnitude >= medium else Severity.LOW
