"""What of a folder's readings an ingester would refuse, named by file, line and column, with the cure."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.batch import ReadingBatch
from core.words import Reason
from ingest.limits import LIMITS, MAX_AHEAD_S
from jobs.dataset.readings import NUMBERS, instant

Bools = NDArray[np.bool_]

_CURES = {
    Reason.BAD_VALUE: "Check the sensor and its scaling, and correct or empty the value.",
    Reason.FUTURE_TIMESTAMP: "Correct ts or received_at, and the meter's clock.",
    Reason.MALFORMED: "Give it a value or a flag, or leave it out.",
    Reason.CONFLICTING_DUPLICATE: "Find out which is right; the one that is there stands.",
}


@dataclass(frozen=True)
class Refused:
    """One reading that was not taken: where it stands, why, and what to do."""

    file: str
    line: int
    column: str
    reason: str
    what: str
    cure: str

    def __str__(self) -> str:
        place = f"{self.file}, {'row' if self.file.endswith('.parquet') else 'line'} {self.line}"
        return f"{place}, column {self.column}: {self.what}. {self.cure}"


@dataclass
class Report:
    """Counts what was refused, by reason and column, and keeps the first ones as examples."""

    file: Path
    keep: int = 20
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: list[Refused] = field(default_factory=list)

    @property
    def first_line(self) -> int:
        """Line of the first reading: a CSV file has a header, the rows of a Parquet file count from 1."""
        return 1 if self.file.suffix == ".parquet" else 2

    def add(
        self, batch: ReadingBatch, lines: NDArray[np.int64], where: Bools, column: str, why: Reason
    ) -> None:
        """Note the readings of `batch` at `where`; `lines` says where each stands in the file."""
        n = int(where.sum())
        if n:
            self.counts[str(why), column] += n
            for row in np.flatnonzero(where)[: max(self.keep - len(self.examples), 0)]:
                what = _what(batch, int(row), column, why)
                self.examples.append(
                    Refused(self.file.name, int(lines[row]), column, str(why), what, _CURES[why])
                )


def refusals(batch: ReadingBatch) -> Iterator[tuple[str, Reason, Bools]]:
    """Yield (column, reason, which readings) for each rule of ingest that some readings break.

    Not asked is how old a reading is: a folder is history.
    """
    taken = np.zeros(len(batch), bool)
    said = batch.flags != 0
    for name in NUMBERS:
        said |= ~np.isnan(getattr(batch, name))
    ahead = batch.ts > batch.received_at + int(MAX_AHEAD_S * 1e6)
    rules = [("ts", Reason.MALFORMED, ~said), ("ts", Reason.FUTURE_TIMESTAMP, ahead)]
    for name in NUMBERS:
        column = getattr(batch, name)
        rules.append((name, Reason.BAD_VALUE, (column < LIMITS[name].low) | (column > LIMITS[name].high)))
    for column_name, reason, breaks in rules:
        where = breaks & ~taken
        if where.any():
            taken |= where
            yield column_name, reason, where


def good(batch: ReadingBatch) -> Bools:
    """Return which readings an ingester would take."""
    taken = np.ones(len(batch), bool)
    for _, _, where in refusals(batch):
        taken &= ~where
    return taken


def _what(batch: ReadingBatch, row: int, column: str, why: Reason) -> str:
    at = instant(int(batch.ts[row])).isoformat().replace("+00:00", "Z")
    match why:
        case Reason.BAD_VALUE:
            limit, value = LIMITS[column], float(getattr(batch, column)[row])
            return f"{value:g} {limit.unit} is not between {limit.low:g} and {limit.high:g} {limit.unit}"
        case Reason.FUTURE_TIMESTAMP:
            return f"{at} is more than {MAX_AHEAD_S / 60:g} min after received_at"
        case Reason.CONFLICTING_DUPLICATE:
            return f"the meter has another reading at {at}"
        case _:
            return f"the reading at {at} has neither a value nor a flag"
