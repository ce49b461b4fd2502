"""What a measurement is, and how two things are compared within one run."""

import json
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Result:
    """One line: `value` the median of `n`; `ratio` to `against` in the same run; `bar` what is asked."""

    bench: str
    value: float
    unit: str
    ratio: float | None
    against: str | None
    n: int
    bar: float
    ok: bool

    def line(self) -> str:
        """Return the result as one line of JSON."""
        return json.dumps(asdict(self))


def compare(
    bench: str,
    unit: str,
    amount: float,
    ours: Callable[[], float],
    against: str,
    theirs: Callable[[], float],
    *,
    bar: float,
    n: int = 5,
) -> Result:
    """Time two ways of doing the same `n` times each, in alternating order, after one round to warm up.

    `ours` and `theirs` return seconds for `amount`; the ratio is that of the medians' speeds.
    """
    ours_s: list[float] = []
    theirs_s: list[float] = []
    for turn in range(n + 1):
        pair = [(ours, ours_s), (theirs, theirs_s)]
        for way, times in pair if turn % 2 else reversed(pair):
            took = way()
            if turn:
                times.append(took)
    mine, other = statistics.median(ours_s), statistics.median(theirs_s)
    ratio = other / mine
    return Result(bench, round(amount / mine), unit, round(ratio, 3), against, n, bar, ratio >= bar)
