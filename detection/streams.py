"""Which readings of a register to believe, where some contradict each other.

A register never falls, and rises no faster than the meter can pass. Where readings break that, there is one
bad index, or two index streams arrive under one meter and clash; or the register truly went on elsewhere, as
after an exchange. Told apart by the few readings around, so that feeding in pieces comes out like feeding at
once.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

#: A meter passes at most its overload flow Q4 = 1.25 Q3 (ISO 4064-1), and bursts pass more for a while.
MOST_OF_Q3 = 2.0
#: What flows back through a meter is slow against Q3; of a meter of unknown size so many litres an hour.
BACK_OF_Q3, BACK_LPH = 0.1, 250.0
#: A reading is judged by so many before and after it.
BEFORE, AFTER = 3, 2
_HOUR_MS = 3_600_000

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Index = NDArray[np.intp]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Registers:
    """Readings in order of row, then time (ms), and of each its meter's modulus, Q3 and interval (ms).

    NaN: unknown. `tank`: the register is what a tank holds, and may fall.
    """

    row: Index
    ts: Ints
    register_l: Floats
    modulus_l: Floats
    q3_lph: Floats
    nominal: Ints
    tank: Bools

    def __len__(self) -> int:
        return len(self.row)

    def take(self, index: Index | Bools) -> "Registers":
        """Return the readings at `index`."""
        return Registers(
            self.row[index],
            self.ts[index],
            self.register_l[index],
            self.modulus_l[index],
            self.q3_lph[index],
            self.nominal[index],
            self.tank[index],
        )

    def hours(self, p: Index, q: Index) -> Floats:
        """Return the time from readings `p` to later ones `q`, at least an interval, hours."""
        return np.asarray(np.maximum(self.ts[q] - self.ts[p], self.nominal[q]) / _HOUR_MS)

    def rise(self, p: Index, q: Index) -> tuple[Floats, Bools]:
        """Return the litres from readings `p` to later ones `q`, and where they go around the modulus.

        Nothing goes around if that is more than the meter can pass, or more than half of the modulus; of a
        meter of unknown size, more than a tenth.
        """
        plain = self.register_l[q] - self.register_l[p]
        around = plain + self.modulus_l[q]
        most = MOST_OF_Q3 * self.q3_lph[q] * self.hours(p, q)
        most = np.where(np.isnan(most), 0.1, np.minimum(most / self.modulus_l[q], 0.5)) * self.modulus_l[q]
        wraps = ~self.tank[q] & (plain < 0) & (around >= 0) & (around <= most)
        return np.where(wraps, around, plain), wraps

    def broken(self, p: Index, q: Index) -> Bools:
        """Return where no meter can have gone from readings `p` to later ones `q`; not so if unknown."""
        litres, _ = self.rise(p, q)
        most = MOST_OF_Q3 * self.q3_lph[q] * self.hours(p, q)
        return np.asarray(((litres < 0) & ~self.tank[q]) | (np.abs(litres) > most))

    def creeps_back(self, p: Index, q: Index) -> Bools:
        """Return where the fall from readings `p` to later ones `q` is as slow as a flow back.

        A fall below half of what was on the register is none.
        """
        fall = self.register_l[p] - self.register_l[q]
        most = np.where(np.isnan(self.q3_lph[q]), BACK_LPH, BACK_OF_Q3 * self.q3_lph[q]) * self.hours(p, q)
        return np.asarray(~self.tank[q] & (fall > 0) & (fall <= np.minimum(most, 0.5 * self.register_l[p])))


def believed(readings: Registers) -> Bools:
    """Return which readings to believe.

    A reading is an excursion if one of the three before it goes on in one of the two after it (at most two
    excursions between them) and one of these contradicts it. It is dropped if the longest chain of readings
    that agree, of those three, itself and those two, leaves it out; of chains of one length the one through
    the higher index stands: what is late or repeated is low.

    >>> nan, row = np.full(7, np.nan), np.zeros(7, int)
    >>> index = np.array([100.0, 60, 104, 62, 108, 64, 112])
    >>> at = np.arange(7) * 3_600_000
    >>> r = Registers(row, at, index, nan, nan, np.full(7, 3_600_000), np.zeros(7, bool))
    >>> index[believed(r)].tolist()
    [100.0, 104.0, 108.0, 112.0]
    """
    n = len(readings)
    good = np.ones(n, bool)
    if n < 2:
        return good
    step = np.arange(1, n)
    clash = (readings.row[1:] == readings.row[:-1]) & readings.broken(step - 1, step)
    if not clash.any():
        return good
    rows = np.unique(readings.row[1:][clash])
    at = np.flatnonzero(np.isin(readings.row, rows))
    good[at] = ~_dropped(readings.take(at))
    return good


def _dropped(readings: Registers) -> Bools:
    n, wide = len(readings), BEFORE + 1 + AFTER
    window = np.arange(n)[:, None] + np.arange(-BEFORE, AFTER + 1)
    inside = (window >= 0) & (window < n)
    window = np.clip(window, 0, n - 1)
    inside &= readings.row[window] == readings.row[:, None]
    agree = np.zeros((n, wide, wide), bool)
    for p in range(wide):
        for q in range(p + 1, wide):
            fits = inside[:, p] & inside[:, q] & ~readings.broken(window[:, p], window[:, q])
            agree[:, p, q] = agree[:, q, p] = fits
    own = BEFORE
    behind, ahead = _chains(agree, inside, range(wide)), _chains(agree, inside, range(wide - 1, -1, -1))
    through = behind[:, own] + ahead[:, own] - 1
    without = _chains(agree, inside, [c for c in range(wide) if c != own]).max(axis=1)
    index = readings.register_l[window]
    dropped = np.zeros(n, bool)
    for p, q in ((own - 1, own + 1), (own - 1, own + 2), (own - 2, own + 1)):
        for other in (p, q):
            against = agree[:, p, q] & ~agree[:, own, other]
            loses = (through < without) | ((through == without) & (index[:, own] < index[:, other]))
            dropped |= against & loses
    return dropped


def _chains(agree: NDArray[np.bool_], inside: Bools, order: "range | list[int]") -> Ints:
    """Return the length of the longest chain that ends in each column, taken in `order`."""
    longest = np.zeros(inside.shape, np.int64)
    done: list[int] = []
    for column in order:
        best = np.zeros(len(inside), np.int64)
        for other in done:
            best = np.maximum(best, np.where(agree[:, other, column], longest[:, other], 0))
        longest[:, column] = np.where(inside[:, column], best + 1, 0)
        done.append(column)
    return longest


Kind = Literal["rollover", "backflow", "misread", "exchange"]
#: What a step of a register can be, as bits.
ROLLOVER, BACK, MISREAD, EXCHANGE = 1, 2, 4, 8
KINDS: dict[int, Kind] = {
    EXCHANGE: "exchange",
    BACK: "backflow",
    ROLLOVER: "rollover",
    MISREAD: "misread",
}


@dataclass(frozen=True)
class Oddities:
    """Steps of registers that are no plain rise, flat: row, seconds, bit, litres before and after.

    `known_s` is when the readings that judge it had come.
    """

    row: Index
    ts_s: Ints
    bit: NDArray[np.int64]
    before_l: Floats
    after_l: Floats
    known_s: Ints

    def take(self, index: Index | Bools) -> "Oddities":
        """Return the steps at `index`."""
        return Oddities(
            self.row[index],
            self.ts_s[index],
            self.bit[index],
            self.before_l[index],
            self.after_l[index],
            self.known_s[index],
        )


_NONE = np.empty(0, np.int64)
NOTHING = Oddities(_NONE, _NONE, _NONE, np.empty(0), np.empty(0), _NONE)


def judge(readings: Registers, good: Bools) -> tuple[Bools, Bools, Oddities]:
    """Tell the steps apart: which believed readings begin anew, which crept back, and what is odd.

    Returns (begins, back, oddities); the first two hold of each believed reading that the step to it has no
    volume, or none but what flowed back. Judged are readings with `AFTER` more of their row behind them: the
    last ones may still turn out otherwise, and until then a fall is nobody's volume.
    """
    n = len(readings)
    at = np.flatnonzero(good)
    first = np.ones(len(at), bool)
    first[1:] = readings.row[at[1:]] != readings.row[at[:-1]]
    before = np.where(first, at, np.roll(at, 1))
    settled = np.zeros(n, bool)
    if n > AFTER:
        settled[:-AFTER] = readings.row[AFTER:] == readings.row[:-AFTER]
    broken = ~first & readings.broken(before, at)
    back = broken & readings.creeps_back(before, at) & settled[at]
    wraps = ~first & readings.rise(before, at)[1]
    begins = broken & ~back
    bad = np.flatnonzero(~good)
    last = np.maximum.accumulate(np.where(good, np.arange(n), 0)) if n else at
    parts = [
        (before[wraps], at[wraps], ROLLOVER),
        (before[back], at[back], BACK),
        (last[bad], bad, MISREAD),
        (before[begins], at[begins], EXCHANGE),
    ]
    p, q = (np.concatenate([part[k] for part in parts]).astype(np.intp) for k in (0, 1))
    bit = np.concatenate([np.full(len(part[1]), part[2]) for part in parts])
    keep = settled[q] & ~np.isnan(readings.register_l[q])
    p, q, bit = p[keep], q[keep], bit[keep]
    return (
        begins,
        back,
        Oddities(
            readings.row[q],
            readings.ts[q] // 1000,
            _refined(readings, p, q, bit),
            readings.register_l[p],
            readings.register_l[q],
            readings.ts[q + AFTER] // 1000,
        ),
    )


def _refined(readings: Registers, p: Index, q: Index, bit: NDArray[np.int64]) -> NDArray[np.int64]:
    """Look twice: a lone fall that is slow and in its time crept back; a fall from a full count rolled over.

    Of a register whose modulus nobody knows a power of ten from 100 m3 on is taken for one.
    """
    after_it = np.minimum(q + 1, len(readings) - 1)
    crept = np.zeros(len(q), bool)
    for start, end in ((p, q), (q, after_it)):
        in_time = readings.ts[end] - readings.ts[start] >= readings.nominal[end] // 2
        crept |= (bit == MISREAD) & in_time & readings.creeps_back(start, end)
    before, after = readings.register_l[p], readings.register_l[q]
    top = 10.0 ** np.ceil(np.log10(np.maximum(before, 1.0) + 1e-9))
    most = MOST_OF_Q3 * readings.q3_lph[q] * readings.hours(p, q)
    most = np.where(np.isnan(most), 0.001 * top, np.minimum(most, 0.1 * top))
    full = (
        (bit == EXCHANGE)
        & np.isnan(readings.modulus_l[q])
        & (top >= 1e5)
        & (after < before)
        & (top - before + after <= most)
    )
    return np.asarray(np.where(crept, BACK, np.where(full, ROLLOVER, bit)))
