"""What meters are told after a commit: what is stored, and what is missing."""

from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest import timestamps
from ingest.clocks import NEVER, MeterClocks
from ingest.intake import Gathering, Intake, Spans
from ingest.meters import Meters
from ingest.store import Stored

Notice = tuple[str, bytes]
MAX_GAPS = 50
"""Most gaps in one request; a meter with more of them has another interval than is registered."""


class Span(msgspec.Struct, rename={"first": "from", "last": "to"}):
    """The readings of one stored message."""

    first: str
    last: str
    n: int


class Kept(msgspec.Struct):
    """What a message has in quarantine; `n` is null where the payload couldn't be understood."""

    reason: str
    n: int | None


class Receipt(msgspec.Struct):
    """Body of `meters/{meter}/receipts`: the newest reading ever stored, and a commit's messages."""

    high_water: str | None
    stored: list[Span] = []
    quarantined: list[Kept] = []


class Gap(msgspec.Struct, rename={"first": "from", "last": "to"}):
    """A time from which readings are missing, both ends included."""

    first: str
    last: str


class Request(msgspec.Struct):
    """Body of `meters/{meter}/requests`."""

    gaps: list[Gap] = []


_encode = msgspec.json.Encoder().encode


class Receipts:
    """Makes the notices of a commit."""

    def __init__(self, meters: Meters, clocks: MeterClocks) -> None:
        self._meters = meters
        self._clocks = clocks

    def notices(
        self, gathering: Gathering, intake: Intake, stored: Stored, before: NDArray[np.int64]
    ) -> Iterator[Notice]:
        """Yield every notice; `before` is the high water, until now, of each reading's meter."""
        receipts: dict[str, Receipt] = {}

        def receipt(message: int) -> Receipt:
            serial = gathering.meters[message]
            if serial not in receipts:
                receipts[serial] = Receipt(self._high_water(serial))
            return receipts[serial]

        for message, first, last, n in _rows(intake.spans):
            receipt(message).stored.append(Span(timestamps.text(first), timestamps.text(last), n))
        for refusal in stored.refusals:
            if gathering.meters[refusal.message]:
                receipt(refusal.message).quarantined.append(Kept(refusal.reason.value, refusal.n))
        for serial, body in receipts.items():
            yield f"meters/{serial}/receipts", _encode(body)
        yield from self._requests(gathering, intake, before)

    def _high_water(self, serial: str) -> str | None:
        meter_id = int(self._meters.ids([serial])[0])
        at = NEVER if meter_id < 0 else self._clocks.high_water(meter_id)
        return None if at == NEVER else timestamps.text(at)

    def _requests(self, gathering: Gathering, intake: Intake, before: NDArray[np.int64]) -> Iterator[Notice]:
        """Yield a request to each meter whose interval tells that readings are missing."""
        batch = intake.batch
        if not len(batch):
            return
        same = np.append(False, batch.meter_id[1:] == batch.meter_id[:-1])
        previous = np.maximum(np.where(same, np.append(NEVER, batch.ts[:-1]), NEVER), before)
        starts = np.flatnonzero(~same)
        intervals = [self._meters.intervals_s.get(int(i), 0) for i in batch.meter_id[starts]]
        counts = np.diff(np.append(starts, len(batch)))
        interval = np.repeat(np.array(intervals, np.int64) * 1_000_000, counts)
        known = previous != NEVER
        away = np.where(known, batch.ts - np.where(known, previous, 0), 0)
        requests: dict[int, Request] = {}
        for i in np.flatnonzero((interval > 0) & (away > interval * 3 // 2)).tolist():
            gaps = requests.setdefault(int(intake.message[i]), Request()).gaps
            if len(gaps) < MAX_GAPS:
                first, last = int(previous[i] + interval[i]), int(batch.ts[i] - interval[i])
                gaps.append(Gap(timestamps.text(first), timestamps.text(max(first, last))))
        for message, body in requests.items():
            yield f"meters/{gathering.meters[message]}/requests", _encode(body)


def _rows(spans: Spans) -> Iterator[tuple[int, int, int, int]]:
    columns = (spans.message, spans.first, spans.last, spans.n)
    return zip(*(column.tolist() for column in columns), strict=True)
