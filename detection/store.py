"""The detectors' side of the database: arrivals and readings in, usage and events out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray
from psycopg.types.json import Jsonb

from core.batch import ReadingBatch
from core.errors import BadDataError
from core.words import Severity
from detection import metrics
from detection.catalogue import DETECTORS
from detection.diary import Diary
from detection.episode import Episode
from detection.health import Days
from detection.lifecycle import Change, Event, Subject
from detection.masks import Judged, Span
from detection.network import Network
from detection.outages import Outage
from detection.policy import Policy, check
from detection.roster import Roster, district
from detection.usage import Usage
from detection.zones import Zones
from sql.columns import EPOCH_US, array, read, stream, write
from sql.pool import Connection
from sql.query import Queries

Q = Queries("detect")
CONSUMER = "detect"
_DAY_US = 86_400_000_000
_AT_ONCE = 1_000_000
log = structlog.get_logger(__name__)

Ints = NDArray[np.int64]
_READING = {
    "meter_id": ">i4",
    "ts": ">i8",
    "register_l": ">f8",
    "flow_lph": ">f4",
    "pressure_kpa": ">f4",
    "battery_v": ">f4",
    "flags": ">i4",
    "received_at": ">i8",
}
_ARRIVED = {"meter_id": ">i4", "lo": ">i8", "hi": ">i8"}
_MEAN = {"meter_id": ">i4", "slot": ">i8", "kpa": ">f8", "n": ">i4"}
_USED = {"seat": ">i8", "slot": ">i8", "used_l": ">f8", "heard": ">i4"}
_HOUR_US = 3_600_000_000
_USAGE = {"meter_id": ">i4", "slot": ">i8", "volume_l": ">f8", "quality": ">i2"}
_DAYS = {"meter_id": ">i4", "day": ">i8", "battery_v": ">f4", "skew_s": ">f4", "motion": ">i2"}


@dataclass(frozen=True)
class Arrived:
    """Meters with new readings, in order, and each one's first and last new instant, us since 1970."""

    meter_id: Ints
    lo_us: Ints
    hi_us: Ints

    def __len__(self) -> int:
        return len(self.meter_id)


def roster(conn: Connection, before: Roster | None = None) -> Roster:
    """Read who the meters are; a network that hasn't changed is taken from the roster `before`."""
    row = conn.execute(Q["utility"]).fetchone()
    timezone, country, price = row if row else ("UTC", "", 0.0)
    rows = conn.execute(Q["sites"], {"price_m3": price}).fetchall()
    of_dma = ("min_pressure_kpa", "night_start_min", "night_end_min", "connections", "mains_km")
    districts = [
        district(row[0], row[1], price_m3=price, **dict(zip(of_dma, row[2:], strict=True)))
        for row in conn.execute(Q["districts"]).fetchall()
    ]
    network = _network(conn, before.network if before else None)
    plans = {(account, month): plan for account, month, plan in conn.execute(Q["plans"]).fetchall()}
    return Roster.of([*rows, *districts], str(timezone), str(country), network, plans)


def _network(conn: Connection, before: Network | None) -> Network | None:
    row = conn.execute(Q["network_revision"]).fetchone()
    if row is None or (before is not None and before.revision == row[0]):
        return before if row else None
    nodes, pipes = conn.execute(Q["nodes"]).fetchall(), conn.execute(Q["pipes"]).fetchall()
    ((inp,),) = conn.execute(Q["network_model"]).fetchall()
    return Network.of(nodes, pipes, str(inp), int(row[0]))


def policies(conn: Connection) -> list[Policy]:
    """Read the policies; one that can't be understood is reported and left out."""
    good, refused = [], 0
    for row in conn.execute(Q["policies"]).fetchall():
        blank = Policy(0, "")
        given = dict(zip(Policy.__dataclass_fields__, row, strict=True))
        given["valid_from_s"] = blank.valid_from_s if row[6] is None else row[6]
        given["valid_until_s"] = blank.valid_until_s if row[7] is None else row[7]
        policy = Policy(**given)
        try:
            check(policy, DETECTORS)
        except BadDataError as problem:
            log.error("policy refused", problem=str(problem))
            refused += 1
        else:
            good.append(policy)
    metrics.REFUSED_POLICIES.set(refused)
    return good


def outages(conn: Connection, since_s: int) -> list[Outage]:
    """Read the outages that ended after `since_s` or go on."""
    rows = conn.execute(Q["outages"], {"since_s": since_s}).fetchall()
    return [Outage(r[0], r[1], frozenset(r[2]), frozenset(r[3]), *r[4:]) for r in rows]


def arrived(conn: Connection, seen: str) -> Arrived:
    """Return what was committed since the snapshot `seen`."""
    rows = read(conn, Q["arrived"], {"seen": seen}, _ARRIVED)
    rows = rows[np.argsort(rows["meter_id"])]
    meter_id, lo, hi = (rows[name].astype(np.int64) for name in _ARRIVED)
    return Arrived(meter_id, lo + EPOCH_US, hi + EPOCH_US)


def newest_reading_s(conn: Connection) -> int | None:
    """Return the instant of the newest reading, seconds."""
    row = conn.execute(Q["newest_reading"]).fetchone()
    return None if row is None else int(row[0])


def newest_usage_s(conn: Connection, meter_ids: Ints, since_s: int) -> int | None:
    """Return the end of the newest hour from an instant on of which a meter's usage is known, seconds."""
    (newest,) = conn.execute(
        Q["newest_usage"], {"meter_ids": array(meter_ids), "since_s": since_s}
    ).fetchall()
    return None if newest[0] is None else int(newest[0]) + 3600


def readings_between(conn: Connection, meter_ids: Ints, lo_s: Ints, hi_s: Ints) -> ReadingBatch:
    """Return the readings with lo <= ts < hi of each meter, in order of meter, then time."""
    params = {
        "meter_ids": array(meter_ids),
        "lo_s": array(lo_s),
        "hi_s": array(hi_s),
        "from_s": int(lo_s.min()),
        "until_s": int(hi_s.max()),
    }
    return _batch(read(conn, Q["readings_between"], params, _READING))


def readings_before(conn: Connection, meter_ids: Ints, at_s: Ints, from_s: int, most: int) -> ReadingBatch:
    """Return the last `most` readings of each meter before `at_s`, none older than `from_s`."""
    params = {"meter_ids": array(meter_ids), "at_s": array(at_s), "from_s": from_s, "most": most}
    return _batch(read(conn, Q["readings_before"], params, _READING))


def readings_after(conn: Connection, meter_ids: Ints, at_s: Ints, most: int) -> ReadingBatch:
    """Return the first `most` readings of each meter from `at_s` on."""
    params = {"meter_ids": array(meter_ids), "at_s": array(at_s), "most": most}
    return _batch(read(conn, Q["readings_after"], params, _READING))


def _batch(rows: NDArray[np.void]) -> ReadingBatch:
    metrics.READINGS.inc(len(rows))
    meter_id, ts = rows["meter_id"].astype(np.int32), rows["ts"].astype(np.int64) + EPOCH_US
    made = ReadingBatch(
        meter_id=meter_id,
        ts=ts,
        register_l=rows["register_l"].astype(np.float64),
        flow_lph=rows["flow_lph"].astype(np.float64),
        pressure_kpa=rows["pressure_kpa"].astype(np.float64),
        temperature_c=np.full(len(rows), np.nan),
        battery_v=rows["battery_v"].astype(np.float64),
        flags=rows["flags"].astype(np.int32),
        received_at=rows["received_at"].astype(np.int64) + EPOCH_US,
    )
    return made.take(np.lexsort((ts, meter_id)))


def usage_since(conn: Connection, since_s: int) -> Iterator[Usage]:
    """Yield all hourly usage from an instant on, in any order, a million hours at a time."""
    waiting: list[NDArray[np.void]] = []
    for part in stream(conn, Q["usage_since"], {"since_s": since_s}, _USAGE):
        waiting.append(part)
        if sum(map(len, waiting)) >= _AT_ONCE:
            yield _usage(waiting)
            waiting = []
    if waiting:
        yield _usage(waiting)


def _usage(parts: list[NDArray[np.void]]) -> Usage:
    rows = np.concatenate(parts)
    return Usage(
        rows["meter_id"].astype(np.int64),
        (rows["slot"].astype(np.int64) + EPOCH_US) // 1_000_000,
        rows["volume_l"].astype(np.float64),
        rows["quality"].astype(np.int16),
    )


def write_usage(conn: Connection, usage: Usage) -> None:
    """Write hourly usage; what a person edited stands."""
    if len(usage) == 0:
        return
    conn.execute(Q["stage_usage"])
    columns: dict[str, NDArray[Any]] = {
        "meter_id": usage.meter_id,
        "slot": usage.slot_s * 1_000_000 - EPOCH_US,
        "volume_l": usage.volume_l,
        "quality": usage.quality,
    }
    write(conn, Q["copy_usage"], columns, _USAGE)
    conn.execute(Q["merge_usage"])


def heard(conn: Connection) -> tuple[Ints, Ints]:
    """Return the meters that were ever heard, and when last, seconds."""
    rows = read(conn, Q["heard"], {}, {"meter_id": ">i4", "received_at": ">i8"})
    return rows["meter_id"].astype(np.int64), (rows["received_at"].astype(np.int64) + EPOCH_US) // 1_000_000


def days_since(conn: Connection, since_s: int) -> Days:
    """Return the facts of all days from the one that holds an instant on."""
    rows = read(conn, Q["days_since"], {"since_s": since_s}, _DAYS)
    return Days(
        rows["meter_id"].astype(np.int64),
        (rows["day"].astype(np.int64) + EPOCH_US) // _DAY_US,
        rows["battery_v"].astype(np.float32),
        rows["skew_s"].astype(np.float32),
        rows["motion"].astype(np.int16),
    )


def write_days(conn: Connection, days: Days) -> None:
    """Join facts of days to what is known of them."""
    if len(days) == 0:
        return
    conn.execute(Q["stage_days"])
    columns: dict[str, NDArray[Any]] = {
        "meter_id": days.meter_id,
        "day": days.day * _DAY_US - EPOCH_US,
        "battery_v": days.battery_v,
        "skew_s": days.skew_s,
        "motion": days.motion,
    }
    write(conn, Q["copy_days"], columns, _DAYS)
    conn.execute(Q["merge_days"])


def restore_zones(conn: Connection, zones: Zones, from_s: int, meter_ids: Ints, before_s: Ints) -> None:
    """Fill the long windows of whole DMAs: hours of the meters around them, hourly means of their sensors.

    Of each of `meter_ids` (ascending) what lies before `before_s` has been evaluated.
    """
    until_s = int(before_s.max(initial=from_s))
    span = {"from_s": from_s, "until_s": until_s}
    hours = read(conn, Q["hourly_before"], {"meter_ids": array(zones.boundary_ids), **span}, _USAGE)
    zones.restore(
        hours["meter_id"].astype(np.int64),
        (hours["slot"].astype(np.int64) + EPOCH_US) // _HOUR_US,
        hours["volume_l"].astype(np.float64),
        hours["quality"].astype(np.int64),
    )
    sensors = zones.sensor_ids
    upto_s = before_s[np.searchsorted(meter_ids, sensors)]
    asked = {"meter_ids": array(sensors), "until_s": array(upto_s), "from_s": from_s}
    means = read(conn, Q["pressures_before"], asked, _MEAN)
    meter_id = means["meter_id"].astype(np.int64)
    most = 3600 // np.maximum(zones.interval_s(meter_id), 300)
    half = means["n"].astype(np.int64) * 2 >= most
    slot = (means["slot"].astype(np.int64) + EPOCH_US) // _HOUR_US
    zones.restore_pressures(meter_id[half], slot[half], means["kpa"].astype(np.float64)[half])


def restore_use(conn: Connection, zones: Zones, from_s: int, until_s: int) -> None:
    """Fill the long windows of what customers used: by DMA and hour, over [from, until)."""
    meter_ids, seats = zones.customer_seats
    if len(meter_ids) == 0:
        return
    asked = {"meter_ids": array(meter_ids), "seats": array(seats), "from_s": from_s, "until_s": until_s}
    sums = read(conn, Q["use_before"], asked, _USED)
    zones.restore_use(
        sums["seat"].astype(np.int64),
        (sums["slot"].astype(np.int64) + EPOCH_US) // _HOUR_US,
        sums["used_l"].astype(np.float64),
        sums["heard"].astype(np.int64),
    )


def events(conn: Connection, since_s: int, network_since_s: int) -> tuple[list[Event], dict[Subject, int]]:
    """Return the events that may still change, and the highest epoch of every subject and group."""
    since = {"since_s": since_s, "network_since_s": network_since_s}
    rows = conn.execute(Q["remembered_events"], since).fetchall()
    epochs = {(r[0], r[1], r[2]): int(r[3]) for r in conn.execute(Q["epochs"]).fetchall()}
    return [_event(row) for row in rows], epochs


def judged(conn: Connection, since_s: int) -> Judged:
    """Return the periods of the events that people have judged, by meter."""
    found: dict[int, list[Span]] = {}
    for (stored,) in conn.execute(Q["judged_events"], {"since_s": since_s}).fetchall():
        for episode in map(Episode.from_json, stored):
            found.setdefault(episode.meter_id, []).append((episode.onset_s, episode.cleared_s))
    return {meter: sorted(spans, key=str) for meter, spans in found.items()}


def _event(row: Sequence[Any]) -> Event:
    return Event(
        id=row[0],
        subject_kind=row[1],
        subject=row[2],
        grp=row[3],
        epoch=row[4],
        detectors=tuple(row[5]),
        meter_id=row[6],
        account_no=row[7],
        dma_id=row[8],
        onset_s=row[9],
        detected_s=row[10],
        last_s=row[11],
        cleared_s=row[12],
        severity=Severity(row[13]),
        magnitude=row[14],
        unit=row[15],
        loss_m3=row[16],
        money=row[17],
        evidence=row[18],
        episodes=tuple(Episode.from_json(e) for e in row[19]),
        announced=row[20],
        suppressed_by=row[21],
        retracted_s=row[22],
    )


def write_changes(conn: Connection, changes: Iterable[Change], diary: Diary) -> int:
    """Write changed events and their entries, and wake the notifier; return the number of entries.

    The identity of an event is the database's constraint: UniqueViolation means that another process wrote
    the same event, and that this one must look again.
    """
    changes = list(changes)
    new = [c for c in changes if c.event.id is None]
    old = [c for c in changes if c.event.id is not None]
    ids = [c.event.id for c in old]
    with conn.cursor() as cursor:
        if old:
            cursor.executemany(Q["update_event"], [_row(c.event) for c in old])
        if new:
            cursor.executemany(Q["insert_event"], [_row(c.event) for c in new], returning=True)
            for change, result in zip(new, cursor.results(), strict=True):
                ids.append(int(result.fetchall()[0][0]))
                diary.stored(change.event, ids[-1] or 0)
        entries = [
            {"event_id": event_id, "kind": e.kind, "why": e.why, "detail": Jsonb(dict(e.detail))}
            for event_id, change in zip(ids, [*old, *new], strict=True)
            for e in change.entries
        ]
        if entries:
            cursor.executemany(Q["enter"], entries)
            cursor.execute(Q["wake_notifier"])
    return len(entries)


def _row(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "subject_kind": event.subject_kind,
        "subject": event.subject,
        "grp": event.grp,
        "epoch": event.epoch,
        "detectors": list(event.detectors),
        "meter_id": event.meter_id,
        "account_no": event.account_no,
        "dma_id": event.dma_id,
        "onset": _instant(event.onset_s),
        "detected_at": _instant(event.detected_s),
        "last_seen": _instant(event.last_s),
        "cleared_at": _instant(event.cleared_s),
        "severity": str(event.severity),
        "magnitude": event.magnitude,
        "unit": event.unit,
        "loss_m3": event.loss_m3,
        "money": event.money,
        "evidence": Jsonb(dict(event.evidence)),
        "episodes": Jsonb([e.to_json() for e in event.episodes]),
        "announced": event.announced,
        "suppressed_by": event.suppressed_by,
        "retracted_at": _instant(event.retracted_s),
    }


def _instant(ts_s: int | None) -> datetime | None:
    return None if ts_s is None else datetime.fromtimestamp(ts_s, UTC)
