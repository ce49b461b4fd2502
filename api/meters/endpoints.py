"""GET /v1/meters/{serial}, its readings and its usage."""

from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from fastapi import APIRouter, Header, Path, Query, Request, Response

from api import page
from api.answers import answers
from api.auth import Caller, needs
from api.fields import Name, span
from api.meters import series
from api.meters.formats import wanted
from api.meters.schemas import (
    METER,
    READINGS,
    USAGE,
    MeterDetail,
    Readings,
    ReadingSpan,
    Usage,
    UsageSpan,
)
from api.rows import first, rows
from api.series.answer import FORMS, answer
from api.series.asked import Meter, Q, asked, longest
from api.series.columns import SHAPES, Interval, flag_names
from api.series.endpoints import in_all_forms
from core.errors import NotFoundError
from service.utility import utility
from sql.pool import Connection

router = APIRouter(prefix="/v1/meters", tags=["meters"])
Reader = Annotated[Caller, needs("readings:read")]
Serial = Annotated[Name, Path(description="Serial number of the meter.")]
Accept = Annotated[str | None, Header(include_in_schema=False)]
MOST = 200
RECENT = timedelta(days=35)
INTERVALS: dict[str, Interval] = {"hourly": "hour", "daily": "day", "monthly": "month"}


def _meter(conn: Connection, serial: str) -> Meter:
    found: Meter | None = conn.execute(Q["meters_by_serial"], {"serials": [serial]}).fetchone()
    if found is None:
        raise NotFoundError(f"No meter {serial}.")
    return found


def _json(content: object, headers: dict[str, str]) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json", headers=headers)


@router.get(
    "/{serial:path}/readings",
    operation_id="getReadings",
    response_model=Readings,
    responses=in_all_forms(
        answers(READINGS, 404, 406, paged=True),
        "meter,ts,register_l,flow_lph,pressure_kpa,temperature_c,battery_v,flags,received_at\r\n"
        "JC-00417,2026-11-21T08:00:00Z,123456.7,12.3,310.2,11.5,3.6,leak,2026-11-21T08:00:04Z\r\n",
    ),
)
def get_readings(
    caller: Reader,
    serial: Serial,
    given: Annotated[ReadingSpan, Query()],
    request: Request,
    accept: Accept = None,
) -> Response:
    """Return raw readings, oldest first: JSON in pages, or the whole period as CSV, Arrow or Parquet."""
    form = wanted(given.format, accept, FORMS)
    with caller.transaction() as conn:
        meter = _meter(conn, serial)
        after, until = span(given.from_, given.to, caller.now(), lambda: utility(conn).zone)
        if form != "json":
            period, zone = (after, until), utility(conn).zone
        after = max(after, *page.decode("readings", tuple[datetime], given.cursor, (after,)))
        if form == "json":
            found = series.readings(conn, meter, after, until, given.limit + 1)
    if form != "json":
        whole = asked("reading", "raw", [meter], period, zone)
        return answer(request, caller, whole, form, f"{serial}-readings", {})
    headers, following = {"Vary": "Accept"}, None
    if len(found) > given.limit:
        found = found[: given.limit]
        following, headers["Link"] = page.link(
            request, page.encode("readings", (found[-1][0],)), {"from": after, "to": until}
        )
    return _json({"meter": serial, "items": series.named(found), "next": following}, headers)


@router.get(
    "/{serial:path}/usage",
    operation_id="getUsage",
    response_model=Usage,
    responses=in_all_forms(
        answers(USAGE, 404, 406),
        "meter,slot,volume_l,quality\r\nJC-00417,2026-11-21T07:00:00Z,212.5,measured\r\n",
    ),
)
def get_usage(
    caller: Reader,
    serial: Serial,
    given: Annotated[UsageSpan, Query()],
    request: Request,
    accept: Accept = None,
) -> Response:
    """Return interval volumes, by hour or by whole days or months of the utility's time zone."""
    form = wanted(given.format, accept, FORMS)
    interval = INTERVALS[given.interval]
    with caller.transaction() as conn:
        meter = _meter(conn, serial)
        zone = utility(conn).zone
        period = span(given.from_, given.to, caller.now(), lambda: zone, longest("usage", interval))
    columns = ",".join(SHAPES["usage", interval].columns[1:]) if form == "json" else None
    found = asked("usage", interval, [meter], period, zone, columns)
    head = {
        "meter": serial,
        "interval": given.interval,
        "timezone": zone.key,
        "from": found.since,
        "to": found.until,
    }
    return answer(request, caller, found, form, f"{serial}-{given.interval}", head)


@router.get("/{serial:path}", operation_id="getMeter", responses=answers(METER, 404))
def get_meter(caller: Reader, serial: Serial) -> MeterDetail:
    """Return one meter: the device, where it was installed, and its last reading."""
    with caller.transaction() as conn:
        meter = first(conn, "meter", serial=serial)
        if meter is None:
            raise NotFoundError(f"No meter {serial}.")
        since = meter["high_water"] or caller.now() - RECENT
        last = first(conn, "last_reading", meter_id=meter["id"], since=since)
        installations = rows(conn, "meter_installations", meter_id=meter["id"], limit=MOST)
    if last is not None:
        last["flags"] = flag_names(last["flags"])
    return MeterDetail.model_validate(
        {**meter, "clock_skew_s": meter["skew_s"], "installations": installations, "last_reading": last}
    )
