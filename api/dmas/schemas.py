"""What the API says about DMAs: how they stand, and their months and nights."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.fields import Name
from api.page import Filter


class Since(BaseModel):
    """Which months."""

    model_config = ConfigDict(extra="forbid")

    since: date | None = Field(None, description="First month: a day of it. Default: eleven months ago.")


class SensorMonth(BaseModel):
    """The pressure at one sensor over a month."""

    meter: str
    minutes_known: int
    minutes_below: int | None = Field(description="Below the DMA's service minimum; null without one.")
    service_min_kpa: float | None
    mean_kpa: float
    lowest_kpa: float
    peak_valley_kpa: float = Field(description="Mean over the days of highest less lowest hourly mean.")


class DmaFigures(BaseModel):
    """A DMA's month: balance, losses and pressure; null where too little is known."""

    month: date
    hours: int = Field(description="Hours of the month so far.")
    inflow_hours: int = Field(description="Hours in which every meter around the DMA is known.")
    use_hours: int = Field(description="Of these, hours in which nine tenths of its customers' meters are.")
    inflow_m3: float | None
    used_m3: float | None
    lost_m3: float | None = Field(
        description="Inflow less metered use: non-revenue water if all are metered."
    )
    lost_share: float | None
    night_lph: float | None = Field(description="Median inflow in the DMA's night window.")
    customers: int = Field(description="Metered customers.")
    mean_kpa: float | None
    minutes_below: int | None = Field(description="Of the sensor that was below the minimum longest.")
    peak_valley_kpa: float | None
    uarl_l_day: float | None = Field(description="Unavoidable real losses (IWA).")
    ili: float | None = Field(description="Infrastructure leakage index, all that is lost taken for leakage.")
    loss_rate: float | None = Field(description="lost_share corrected by CJJ 92-2016 5.2.3.")
    grade: Literal["1", "2", "above"] | None = Field(description="CJJ 92-2016: 1 up to 10 %, 2 up to 12 %.")
    made_at: datetime


class DmaMonth(DmaFigures):
    """A DMA's month, with its sensors."""

    dma: str
    sensors: list[SensorMonth]


class DmaFilter(Filter):
    """Which DMAs, and of which month."""

    month: date | None = Field(
        None, description="Figures of this month: a day of it. Default: the latest of each."
    )
    region: Name | None = Field(None, description="Code of the region.")


class Dma(BaseModel):
    """A district metered area and how it stands."""

    code: str
    name: str
    region: str | None
    connections: int | None
    mains_km: float | None
    service_min_kpa: float | None = Field(description="The pressure that customers are promised.")
    seen_customers: int = Field(description="Customers there, as far as the key sees them.")
    network_events: int = Field(description="Open ones: leaks and bursts of mains.")
    pressure_events: int = Field(description="Open ones.")
    usual_night_lph: float | None = Field(
        description="Median of night_lph over the twelve months before the month of the figures."
    )
    figures: DmaFigures | None = Field(description="Null: there are none of the month.")


class NightFilter(BaseModel):
    """Which nights."""

    model_config = ConfigDict(extra="forbid")

    since: date | None = Field(None, description="First night. Default: 90 days ago; at most 400 days.")


class Night(BaseModel):
    """The minimum night flow of a DMA."""

    night: date = Field(description="The day in whose night window it lies.")
    lph: float = Field(description="Least hourly inflow in the night window.")
    usual_low_lph: float | None = Field(
        description="Tenth percentile of the 28 days before; null with fewer than seven nights known."
    )
    usual_high_lph: float | None = Field(description="Ninetieth percentile of the same.")


class Nights(BaseModel):
    """Nights of one DMA, oldest first; those without every meter around it are left out."""

    items: list[Night]


class Months(BaseModel):
    """The months of one DMA, newest first."""

    items: list[DmaMonth]


SENSOR: dict[str, Any] = {
    "meter": "P-118",
    "minutes_known": 44640,
    "minutes_below": 35,
    "service_min_kpa": 140.0,
    "mean_kpa": 312.4,
    "lowest_kpa": 121.0,
    "peak_valley_kpa": 46.2,
}
MONTH: dict[str, Any] = {
    "dma": "JC-BJ3",
    "month": "2026-10-01",
    "hours": 744,
    "inflow_hours": 741,
    "use_hours": 736,
    "inflow_m3": 38120.5,
    "used_m3": 33410.0,
    "lost_m3": 4455.2,
    "lost_share": 0.1177,
    "night_lph": 17250.0,
    "customers": 1480,
    "mean_kpa": 312.4,
    "minutes_below": 35,
    "peak_valley_kpa": 46.2,
    "uarl_l_day": 61200.0,
    "ili": 2.37,
    "loss_rate": 0.0795,
    "grade": "1",
    "made_at": "2026-11-07T04:37:00Z",
    "sensors": [SENSOR],
}
MONTHS: dict[str, Any] = {"items": [MONTH]}
DMA: dict[str, Any] = {
    "code": "JC-BJ3",
    "name": "滨江三区",
    "region": "north",
    "connections": 1502,
    "mains_km": 21.4,
    "service_min_kpa": 140.0,
    "seen_customers": 1496,
    "network_events": 1,
    "pressure_events": 0,
    "usual_night_lph": 15100.0,
    "figures": {name: value for name, value in MONTH.items() if name not in ("dma", "sensors")},
}
NIGHTS: dict[str, Any] = {
    "items": [{"night": "2026-11-20", "lph": 16980.0, "usual_low_lph": 14200.0, "usual_high_lph": 15900.0}]
}
