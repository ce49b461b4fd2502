"""GET /v1/meters/{serial}, its readings and its usage."""

from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Header, Path, Query, Request, Response

from api import page
from api.answers import answers
from api.auth import Caller, needs
from api.fields import Name, span
from api.meters import formats, series
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
from api.rows import Row, first, rows
from core.errors import NotFoundError
from service.utility import utility
from sql.pool import Connection

router = APIRouter(prefix="/v1/meters", tags=["meters"])
Reader = Annotated[Caller, needs("readings:read")]
Serial = Annotated[Name, Path(description="Serial number of the meter.")]
Accept = Annotated[str | None, Header(include_in_schema=False)]
MOST = 200
RECENT = timedelta(days=35)
COLUMNS = {
    "hourly": ("slot", "volume_l", "quality"),
    "daily": ("day", "volume_l", "hours", "hours_expected", "hours_not_measured"),
}


def _with_csv(responses: dict[int | str, dict[str, Any]], example: str) -> dict[int | str, dict[str, Any]]:
    responses[200]["content"]["text/csv"] = {"schema": {"type": "string"}, "example": example}
    return responses


def _meter(conn: Connection, serial: str) -> Row:
    found = first(conn, "meter", serial=serial)
    if found is None:
        raise NotFoundError(f"No meter {serial}.")
    return found


def _json(content: object, headers: dict[str, str]) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json", headers=headers)


@router.get(
    "/{serial:path}/readings",
    operation_id="getReadings",
    response_model=Readings,
    responses=_with_csv(
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
    """Return raw readings, oldest first: JSON in pages, or the whole period streamed as CSV."""
    form = formats.wanted(given.format, accept)
    with caller.transaction() as conn:
        meter = _meter(conn, serial)
        after, until = span(given.from_, given.to, caller.now(), lambda: utility(conn).zone)
        after = max(after, *page.decode("readings", tuple[datetime], given.cursor, (after,)))
        if form == "json":
            found = series.readings(conn, meter, after, until, given.limit + 1)
    if form == "csv":
        parts = series.stream(caller, meter, after, until)
        return formats.csv_response(f"{serial}-readings", formats.readings_csv(serial, parts))
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
    responses=_with_csv(
        answers(USAGE, 404, 406),
        "meter,slot,volume_l,quality\r\nJC-00417,2026-11-21T07:00:00Z,212.5,measured\r\n",
    ),
)
def get_usage(
    caller: Reader, serial: Serial, given: Annotated[UsageSpan, Query()], accept: Accept = None
) -> Response:
    """Return interval volumes, by hour or by whole days of the utility's time zone."""
    form = formats.wanted(given.format, accept)
    with caller.transaction() as conn:
        meter = _meter(conn, serial)
        zone = utility(conn).zone
        since, until = span(given.from_, given.to, caller.now(), lambda: zone)
        if given.interval == "hourly":
            items = series.hourly(conn, meter, since, until)
        else:
            since, until = series.whole_days(since, until, zone)
            items = series.daily(conn, meter, since, until, zone)
    if form == "csv":
        table = formats.table_csv(serial, COLUMNS[given.interval], items)
        return formats.csv_response(f"{serial}-{given.interval}", table)
    return _json(
        {
            "meter": serial,
            "interval": given.interval,
            "timezone": zone.key,
            "from": since,
            "to": until,
            "items": items,
        },
        {"Vary": "Accept"},
    )


@router.get("/{serial:path}", operation_id="getMeter", responses=answers(METER, 404))
def get_meter(caller: Reader, serial: Serial) -> MeterDetail:
    """Return one meter: the device, where it was installed, and its last reading."""
    with caller.transaction() as conn:
        meter = _meter(conn, serial)
        since = meter["high_water"] or caller.now() - RECENT
        last = first(conn, "last_reading", meter_id=meter["id"], since=since)
        installations = rows(conn, "meter_installations", meter_id=meter["id"], limit=MOST)
    if last is not None:
        last["flags"] = series.flag_names(last["flags"])
    return MeterDetail.model_validate(
        {**meter, "clock_skew_s": meter["skew_s"], "installations": installations, "last_reading": last}
    )
