"""What the API says about series of many meters."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from api.fields import Name, Text, When
from api.series.columns import Interval, Kind

Format = Literal["json", "csv", "arrow", "parquet"]
QualityName = Literal["measured", "interpolated", "estimated", "edited"]
MOST_METERS = 1_000
MOST_METERS_POSTED = 10_000


class SeriesQuery(BaseModel):
    """Which series: of some meters, of a DMA's or of a customer's."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    kind: Kind = Field("usage", description="`reading`: what meters said; `usage`: volumes made of it.")
    interval: Interval | None = Field(
        None,
        description="`raw` is of readings alone; days and months are the utility's own, and whole."
        " Default: raw readings, use by the hour.",
    )
    meters: list[Name] = Field(
        [], max_length=MOST_METERS, description="Serial numbers; more than these many by POST."
    )
    dma: Name | None = Field(None, description="In place of meters: all of this DMA that you may see.")
    account_no: Name | None = Field(
        None, description="In place of meters: this customer's, each for as long as it was theirs."
    )
    from_: When | None = Field(
        None,
        alias="from",
        description="Beginning: an instant, or a day of the utility. Default: 7 days before `to`.",
    )
    to: When | None = Field(
        None,
        description="End; of a day, its beginning. Default: now."
        " At most 400 days; of use by day or month 3,700.",
    )
    fields: Annotated[Text, Field(max_length=400)] | None = Field(
        None,
        description="The columns that are wanted, in their order, with commas between. Default: all.",
        examples=["meter,slot,volume_l"],
    )
    format: Format | None = Field(None, description="Overrides the header Accept.")


class SeriesBody(SeriesQuery):
    """The same, for lists too long for an address."""

    meters: list[Name] = Field([], max_length=MOST_METERS_POSTED, description="Serial numbers.")


class SeriesRow(TypedDict, total=False):
    """One row; which columns it has follows from kind, interval and fields. Null is what wasn't told."""

    meter: str
    ts: datetime
    slot: datetime
    day: date
    month: date
    readings: int
    register_l: float | None
    flow_lph: float | None
    pressure_kpa: float | None
    pressure_min_kpa: float | None
    pressure_max_kpa: float | None
    temperature_c: float | None
    battery_v: float | None
    flags: list[str]
    received_at: datetime
    volume_l: float
    quality: QualityName
    hours: int
    hours_expected: int
    hours_not_measured: int


class Series(BaseModel):
    """Rows by meter, each meter's the oldest first."""

    kind: Kind
    interval: Interval
    timezone: str = Field(description="The utility's zone, whose days and months are meant.")
    from_: datetime = Field(
        alias="from", description="The period that is covered, widened to whole hours, days or months."
    )
    to: datetime
    items: list[SeriesRow]


SERIES: dict[str, Any] = {
    "kind": "usage",
    "interval": "hour",
    "timezone": "Asia/Shanghai",
    "from": "2026-11-21T07:00:00Z",
    "to": "2026-11-21T08:00:00Z",
    "items": [
        {"meter": "JC-00417", "slot": "2026-11-21T07:00:00Z", "volume_l": 212.5, "quality": "measured"},
        {"meter": "JC-00418", "slot": "2026-11-21T07:00:00Z", "volume_l": 9.0, "quality": "estimated"},
    ],
}
CSV = (
    "meter,slot,volume_l,quality\r\n"
    "JC-00417,2026-11-21T07:00:00Z,212.5,measured\r\n"
    "JC-00418,2026-11-21T07:00:00Z,9,estimated\r\n"
)
