"""What is asked for: which meters, which period, which columns; and what the answer is made by."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain, islice
from zoneinfo import ZoneInfo

import pyarrow as pa

from api.auth import Caller
from api.fields import LONGEST, midnight
from api.problem import refused_value
from api.series.columns import SHAPES, Decoder, Interval, Kind, decoder, next_day, next_month
from api.series.parts import Stretch, batches, parted
from api.series.stream import Streams
from core.errors import BadDataError
from sql.pool import Connection
from sql.query import Queries

Q = Queries("series")
LONGEST_SUMMED = timedelta(days=3_700)
WHOLE_ROWS = 10_000
"""Up to so many rows are an answer in one piece, with its length and an entity tag."""
NAMED = 5

Meter = tuple[int, str, int]
"""Id, serial, reporting interval in seconds."""


@dataclass(frozen=True)
class Asked:
    """A series that is asked for, its period widened to whole hours, days or months where it is summed up."""

    kind: Kind
    interval: Interval
    since: datetime
    until: datetime
    decode: Decoder
    stretches: list[Stretch]

    @property
    def schema(self) -> pa.Schema:
        """Return the schema of the series, with what its rows don't say."""
        about = {"kind": self.kind, "interval": self.interval, "timezone": self.decode.zone.key}
        period = {"from": self.since.isoformat(), "to": self.until.isoformat()}
        return self.decode.schema.with_metadata(about | period)

    def batches(self, caller: Caller, streams: Streams) -> tuple[Iterator[pa.RecordBatch], bool]:
        """Return the series, of which the first part has been read, and whether that is all of it.

        So what fails at once, as when the database is away, is still an answer with a status of its own.
        """
        found = batches(caller, self.decode, self.stretches, streams.turn)
        first = next(found, None)
        if first is None:
            return iter(()), True
        planned = list(islice(parted(self.decode.shape, self.stretches), 2))
        whole = len(planned) == 1 and first.num_rows <= WHOLE_ROWS
        return chain((first,), found), whole


def longest(kind: Kind, interval: Interval) -> timedelta:
    """Return the longest period that may be asked for."""
    return LONGEST_SUMMED if kind == "usage" and interval in {"day", "month"} else LONGEST


def asked(
    kind: Kind,
    interval: Interval,
    found: Sequence[Meter] | Sequence[tuple[int, str, int, datetime, datetime]],
    period: tuple[datetime, datetime],
    zone: ZoneInfo,
    fields: str | None = None,
) -> Asked:
    """Return what is asked for of these meters, of which some may come with a period of their own."""
    shape = SHAPES[kind, interval]
    since, until = whole(kind, interval, *period, zone)
    stretches = []
    for meter_id, _, interval_s, *own in found:
        start, end = own or (since, until)
        stretches.append(Stretch(meter_id, interval_s, max(start, since), min(end, until)))
    ids, serials = [row[0] for row in found], [row[1] for row in found]
    columns = _chosen(fields, shape.columns)
    return Asked(kind, interval, since, until, decoder(shape, ids, serials, zone, columns), stretches)


def _chosen(fields: str | None, known: tuple[str, ...]) -> tuple[str, ...]:
    if fields is None:
        return known
    names = [name.strip() for name in fields.split(",")]
    for name in names:
        if name not in known:
            raise refused_value(
                "query", "fields", f"There is no {name!r} here. There are: {', '.join(known)}."
            )
    return tuple(dict.fromkeys(names))


def whole(
    kind: Kind, interval: Interval, since: datetime, until: datetime, zone: ZoneInfo
) -> tuple[datetime, datetime]:
    """Return the period widened to what is summed up: hours, or days or months of `zone`."""
    match kind, interval:
        case _, "day":
            return _widened(since, until, zone, lambda day: day, next_day)
        case _, "month":
            return _widened(since, until, zone, lambda day: day.replace(day=1), next_month)
        case "reading", "hour":
            hour = timedelta(hours=1)
            start = since.replace(minute=0, second=0, microsecond=0)
            end = until.replace(minute=0, second=0, microsecond=0)
            return start, end if end == until and end > start else end + hour
    return since, until


def _widened(
    since: datetime,
    until: datetime,
    zone: ZoneInfo,
    first_of: Callable[[date], date],
    after: Callable[[date], date],
) -> tuple[datetime, datetime]:
    start = midnight(first_of(since.astimezone(zone).date()), zone)
    last = first_of(until.astimezone(zone).date())
    end = midnight(last, zone)
    return start, end if end >= until and end > start else midnight(after(last), zone)


def by_serial(conn: Connection, serials: Sequence[str]) -> list[Meter]:
    """Return the meters with these serials; BadDataError names those that aren't there or aren't seen."""
    found = conn.execute(Q["meters_by_serial"], {"serials": list(serials)}).fetchall()
    missing = sorted(set(serials) - {row[1] for row in found})
    if missing:
        more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
        raise BadDataError(f"No meter {', '.join(missing[:NAMED])}{more}.")
    return found


def of_dma(conn: Connection, dma: str) -> list[Meter]:
    """Return the meters of a DMA, as far as the caller sees them."""
    if conn.execute(Q["dma_known"], {"dma": dma}).fetchone() is None:
        raise BadDataError(f"No DMA {dma}.")
    return conn.execute(Q["meters_of_dma"], {"dma": dma}).fetchall()


def of_customer(
    conn: Connection, account_no: str, since: datetime, until: datetime
) -> list[tuple[int, str, int, datetime, datetime]]:
    """Return the meters that a customer had in the period, each with the time for which it was theirs."""
    if conn.execute(Q["customer_known"], {"account_no": account_no}).fetchone() is None:
        raise BadDataError(f"No customer {account_no}.")
    values = {"account_no": account_no, "since": since, "until": until}
    return conn.execute(Q["meters_of_customer"], values).fetchall()
