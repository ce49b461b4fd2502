"""VEE written down one reading and one slot at a time: what the fast one is compared with."""

from collections.abc import Sequence
from itertools import combinations, pairwise
from math import ceil, floor, inf, isnan, nan

from core.words import Quality

HOUR = 3600.0
Slots = dict[int, tuple[float, int]]


class Register:
    """The readings of one meter: seconds and litres."""

    def __init__(
        self, ts: Sequence[float], index: Sequence[float], interval: float, modulus: float, q3: float
    ) -> None:
        self.ts, self.index = list(ts), list(index)
        self.interval, self.modulus, self.q3 = interval, modulus, q3

    def hours(self, p: int, q: int) -> float:
        return max(self.ts[q] - self.ts[p], self.interval) / HOUR

    def most(self, p: int, q: int) -> float:
        return inf if isnan(self.q3) else 2 * self.q3 * self.hours(p, q)

    def rolled(self, p: int, q: int) -> bool:
        if isnan(self.modulus) or self.index[q] >= self.index[p]:
            return False
        around = self.index[q] + self.modulus - self.index[p]
        return 0 <= around <= min(self.most(p, q), (0.1 if isnan(self.q3) else 0.5) * self.modulus)

    def rise(self, p: int, q: int) -> float:
        return self.index[q] - self.index[p] + (self.modulus if self.rolled(p, q) else 0)

    def agree(self, p: int, q: int) -> bool:
        return 0 <= self.rise(p, q) <= self.most(p, q)

    def crept_back(self, p: int, q: int) -> bool:
        fall = self.index[p] - self.index[q]
        slow = (250 if isnan(self.q3) else 0.1 * self.q3) * self.hours(p, q)
        return 0 < fall <= min(slow, 0.5 * self.index[p])

    def chain(self, among: Sequence[int], through: int | None = None) -> int:
        """Return the length of the longest chain of readings each of which agrees with the one before."""
        for n in range(len(among), 0, -1):
            for chosen in combinations(among, n):
                linked = all(self.agree(p, q) for p, q in pairwise(chosen))
                if linked and (through is None or through in chosen):
                    return n
        return 0

    def dropped(self, i: int) -> bool:
        around = [j for j in range(i - 3, i + 3) if 0 <= j < len(self.ts)]
        through, without = self.chain(around, i), self.chain([j for j in around if j != i])
        for p, q in ((i - 1, i + 1), (i - 1, i + 2), (i - 2, i + 1)):
            if p not in around or q not in around or not self.agree(p, q):
                continue
            for other, fits in ((p, self.agree(p, i)), (q, self.agree(i, q))):
                lower = through == without and self.index[i] < self.index[other]
                if not fits and (through < without or lower):
                    return True
        return False


def slots(r: Register, slot_s: float, spacing: float) -> Slots:
    """Return litres (NaN: unknown) and quality by slot."""
    kept = [i for i in range(len(r.ts)) if not r.dropped(i)]
    total, missing, gaps, long = [0.0], [False], [False], [False]
    for p, q in pairwise(kept):
        bears = q + 2 < len(r.ts)
        rise, bad = r.rise(p, q), not r.agree(p, q)
        if bad:
            bad, rise = not (bears and r.crept_back(p, q)), 0.0
        total.append(total[-1] + rise)
        missing.append(bad)
        wait = (r.ts[q] - r.ts[p]) / r.interval
        gaps.append(wait > 1.5)
        long.append(wait > 3.5 and rise != 0)
    at = [r.ts[i] for i in kept]
    edges = range(ceil((at[0] - slot_s) / slot_s), floor((at[-1] + slot_s) / slot_s) + 1)
    found: dict[int, tuple[float, int, int]] = {}
    for edge in edges:
        a, b, share = _edge(edge * slot_s, at, spacing)
        if a >= 0:
            found[edge] = (total[a] + share * (total[b] - total[a]), a, b)
    made: Slots = {}
    for edge in edges:
        if edge in found and edge + 1 in found:
            (start, a, _), (end, _, b) = found[edge], found[edge + 1]
            inside = range(a + 1, b + 1)
            unknown = any(missing[k] for k in inside)
            estimated = unknown or any(long[k] for k in inside)
            short = any(gaps[k] for k in inside)
            quality = Quality.ESTIMATED if estimated else Quality.INTERPOLATED if short else Quality.MEASURED
            made[edge] = (nan if unknown else max(end - start, 0.0), int(quality))
    return made


def _edge(at_s: float, readings: Sequence[float], spacing: float) -> tuple[int, int, float]:
    """Return the readings around an edge (-1: unknown), twice the one that stands for it, and its share."""
    left = max((k for k, t in enumerate(readings) if t <= at_s), default=-1)
    right = left + 1 if left + 1 < len(readings) else -1
    to_left = at_s - readings[left] if left >= 0 else inf
    to_right = readings[right] - at_s if right >= 0 else inf
    chosen = -1
    if to_left <= (0.5 if right >= 0 else 0.1) * spacing and to_left <= to_right:
        chosen = left
    elif to_right < 0.5 * spacing:
        chosen = right
    if chosen >= 0:
        return chosen, chosen, 0.0
    if left >= 0 and right >= 0:
        return left, right, to_left / max(to_left + to_right, 1e-9)
    return -1, -1, 0.0
