"""What the API says about meters and their series."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.fields import When
from api.page import Cursor
from api.series.schemas import Format, QualityName
from core.words import MeterKind

FlagName = Literal[
    "leak",
    "burst",
    "backflow",
    "tamper",
    "low_battery",
    "dry",
    "freeze",
    "sensor_fault",
    "magnetic",
    "removed",
]


class Span(BaseModel):
    """A period of a series."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    from_: When | None = Field(
        None,
        alias="from",
        description="Beginning: an instant, or a day of the utility. Default: 7 days before `to`.",
    )
    to: When | None = Field(
        None,
        description="End; of a day, its beginning. Default: now. At most 400 days; by day or month 3,700.",
    )
    format: Format | None = Field(None, description="Overrides the header Accept.")


class ReadingSpan(Span):
    """A period of raw readings: after `from`, up to and with `to`."""

    limit: int = Field(
        1_000, ge=1, le=10_000, description="Most readings on a JSON page; other forms come whole."
    )
    cursor: Cursor = None


class UsageSpan(Span):
    """A period of interval volumes: slots that begin at or after `from` and before `to`."""

    interval: Literal["hourly", "daily", "monthly"] = Field(
        "hourly", description="Days and months are the utility's own, and whole."
    )


class Reading(BaseModel):
    """What the meter said at `ts`."""

    ts: datetime
    register_l: float | None = Field(description="Cumulative volume, litres.")
    flow_lph: float | None = Field(description="Mean flow since the reading before, litres an hour.")
    pressure_kpa: float | None
    temperature_c: float | None
    battery_v: float | None
    flags: list[FlagName]
    received_at: datetime


class Readings(BaseModel):
    """Raw readings of one meter, oldest first."""

    meter: str
    items: list[Reading]
    next: str | None = Field(
        description="Address of the next page, also in the header Link; null on the last."
    )


class Hour(BaseModel):
    """Volume of the hour that begins at `slot`."""

    slot: datetime
    volume_l: float
    quality: QualityName


class UsageDay(BaseModel):
    """Volume of one day of the utility."""

    day: date
    volume_l: float
    hours: int = Field(description="How many of its hours have a volume.")
    hours_expected: int = Field(description="24, or 23 or 25 where the clocks change.")
    hours_not_measured: int = Field(description="How many of `hours` were interpolated, estimated or edited.")


class UsageMonth(BaseModel):
    """Volume of one month of the utility; `month` is its first day."""

    month: date
    volume_l: float
    hours: int = Field(description="How many of its hours have a volume.")
    hours_expected: int
    hours_not_measured: int = Field(description="How many of `hours` were interpolated, estimated or edited.")


class Usage(BaseModel):
    """Interval volumes of one meter, oldest first."""

    meter: str
    interval: Literal["hourly", "daily", "monthly"]
    timezone: str = Field(description="The utility's zone, whose days are meant.")
    from_: datetime = Field(
        alias="from", description="The period that is covered; for days, widened to whole ones."
    )
    to: datetime
    items: list[Hour] | list[UsageDay] | list[UsageMonth]


class Installation(BaseModel):
    """Where the meter was, from when to when."""

    service_point: str
    account_no: str | None
    installed_at: datetime | None
    removed_at: datetime | None


class MeterDetail(BaseModel):
    """A meter, where it is, and its last reading."""

    serial: str
    kind: MeterKind
    dma: str | None
    from_dma: str | None = Field(description="For a transfer meter, the DMA that the water leaves.")
    interval_s: int = Field(description="Reporting interval, seconds.")
    q3_lph: float | None = Field(description="Permanent flow Q3, litres an hour.")
    resolution_l: float | None
    register_modulus_l: float | None
    node: str | None
    x: float | None
    y: float | None
    elevation_m: float | None
    active: bool
    clock_skew_s: float | None = Field(description="Time of receipt less the meter's time, estimated.")
    installations: list[Installation] = Field(description="The latest first.")
    last_reading: Reading | None


READING: dict[str, Any] = {
    "ts": "2026-11-21T08:00:00Z",
    "register_l": 123456.7,
    "flow_lph": 12.3,
    "pressure_kpa": 310.2,
    "temperature_c": 11.5,
    "battery_v": 3.6,
    "flags": ["leak"],
    "received_at": "2026-11-21T08:00:04Z",
}
READINGS: dict[str, Any] = {"meter": "JC-00417", "items": [READING], "next": None}
USAGE: dict[str, Any] = {
    "meter": "JC-00417",
    "interval": "hourly",
    "timezone": "Asia/Shanghai",
    "from": "2026-11-21T07:00:00Z",
    "to": "2026-11-21T08:00:00Z",
    "items": [{"slot": "2026-11-21T07:00:00Z", "volume_l": 212.5, "quality": "measured"}],
}
METER: dict[str, Any] = {
    "serial": "JC-00417",
    "kind": "customer",
    "dma": "DMA-04",
    "from_dma": None,
    "interval_s": 900,
    "q3_lph": 4000.0,
    "resolution_l": 0.1,
    "register_modulus_l": 99999999.0,
    "node": "J-1207",
    "x": 114.31,
    "y": 30.59,
    "elevation_m": 23.0,
    "active": True,
    "clock_skew_s": 1.4,
    "installations": [
        {
            "service_point": "SP-20117",
            "account_no": "10023417",
            "installed_at": "2024-03-01T00:00:00Z",
            "removed_at": None,
        }
    ],
    "last_reading": READING,
}
