"""One dataclass a file of the folder: its fields are the columns; one without a default is needed."""

from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Literal

from core.errors import BadDataError
from core.words import MeterKind, Sector, Segment


class DatasetError(BadDataError):
    """A folder that can't be taken as it is; the message names file, line and column, and the cure."""

    code = "dataset"

    def __init__(self, file: Path, what: str, cure: str, *, line: int = 0, column: str = "") -> None:
        # A Parquet file has rows, counted from 1; a CSV file has lines, the header being line 1.
        counted = "row" if file.suffix == ".parquet" else "line"
        place = [str(file)]
        if line:
            place.append(f"{counted} {line}")
        if column:
            place.append(f"column {column}")
        super().__init__(f"{', '.join(place)}: {what}.", cure=cure)


def _number(default: Any = None, *, above: float | None = None, least: float | None = None) -> Any:
    return field(default=default, metadata={"above": above, "least": least})


@dataclass(frozen=True)
class UtilityRow:
    """The utility; one row."""

    name: str
    timezone: str = "UTC"
    country: str = ""
    currency: str = "CNY"
    price_m3: float = _number(0.0, least=0)


@dataclass(frozen=True)
class StaffRow:
    """A member of staff, named by `login` in other files; `roles` are separated by `;`."""

    login: str
    name: str
    email: str | None = None
    phone: str | None = None
    language: Literal["zh", "en"] = "zh"
    roles: str = "manager"
    region: str | None = None
    superior: str | None = None
    deputy: str | None = None
    duty_desk: bool = False


@dataclass(frozen=True)
class DmaRow:
    """A district metered area; `night_start` and `night_end` are local times."""

    dma: str
    name: str | None = None
    region: str | None = None
    night_start: time = time(2)
    night_end: time = time(4)
    min_pressure_kpa: float | None = _number(above=0)
    connections: int | None = _number(least=0)
    mains_km: float | None = _number(least=0)


@dataclass(frozen=True)
class CustomerRow:
    """A customer; `manager` is a login, `shifts` reads `mo-fr 06:00-22:00; sa 06:00-14:00`.

    `category` says what kind of place it is (hospital, school, ...), `needs` what makes somebody vulnerable,
    separated by `;` (elderly, medical, ...).
    """

    customer: str
    name: str | None = None
    sector: Sector = Sector.RESIDENTIAL
    segment: Segment = Segment.GENERAL
    dma: str | None = None
    manager: str | None = None
    language: Literal["zh", "en"] = "zh"
    phone: str | None = None
    email: str | None = None
    household_size: int | None = _number(least=0)
    lives_alone: bool = False
    shifts: str | None = None
    plan_m3_month: float | None = _number(least=0)
    category: str | None = None
    needs: str | None = None


@dataclass(frozen=True)
class BalanceRow:
    """What billing says of a customer on a day; negative where the customer owes it."""

    customer: str
    balance: float = field(metadata={"least": -1e10, "most": 1e10})
    as_of: date


@dataclass(frozen=True)
class MeterRow:
    """A meter and where it is installed."""

    meter: str
    kind: MeterKind = MeterKind.CUSTOMER
    customer: str | None = None
    dma: str | None = None
    from_dma: str | None = None
    q3_lph: float | None = _number(above=0)
    resolution_l: float | None = _number(above=0)
    register_modulus_l: float | None = _number(above=0)
    interval_s: int = _number(3600, least=1)
    x: float | None = None
    y: float | None = None
    elevation_m: float | None = None
    node: str | None = None
    installed_at: datetime | None = None
    removed_at: datetime | None = None


@dataclass(frozen=True)
class OutageRow:
    """A planned or unplanned interruption of a DMA."""

    outage: str
    kind: Literal["planned", "unplanned"]
    dma: str
    reason: str
    start: datetime
    expected_end: datetime
    end: datetime | None = None


@dataclass(frozen=True)
class WeatherRow:
    """The weather of the hour that ends at `ts`."""

    ts: datetime
    rain_mm: float | None = None
    air_c: float | None = None
    humidity_pct: float | None = None
    wind_kmh: float | None = None


@dataclass(frozen=True)
class NodeRow:
    """A node of the network's map."""

    node: str
    elevation_m: float | None = None
    x: float | None = None
    y: float | None = None


@dataclass(frozen=True)
class PipeRow:
    """A pipe of the network's map."""

    pipe: str
    node1: str
    node2: str
    length_m: float | None = _number(least=0)
    diameter_mm: float | None = _number(least=0)


TABLES: dict[str, type[Any]] = {
    "utility": UtilityRow,
    "staff": StaffRow,
    "dmas": DmaRow,
    "customers": CustomerRow,
    "balances": BalanceRow,
    "meters": MeterRow,
    "outages": OutageRow,
    "weather": WeatherRow,
    "nodes": NodeRow,
    "pipes": PipeRow,
}
